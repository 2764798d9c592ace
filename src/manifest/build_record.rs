//! `data/build.json`: the build server's status record.

use serde_json::{Map, Value};

use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::strict_json;

/// The build server's record of the build. IBM does not document the record; the fields below were seen in responses to `GET /image`. Only `status`
/// is required; unrecognised fields are kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BuildRecord {
    fields: Map<String, Value>,
}

/// Fields that must be strings if present. `null` counts as absent.
const TEXT_FIELDS: [&str; 6] =
    ["status", "build_name", "image_tag", "build_image_tag", "manifest_key_gen", "manifest_public_key"];

/// Fields that other code reads by name. After [`BuildRecord::shelve`], a record has only these fields.
const ASKED: [&str; 5] = ["status", "build_name", "image_tag", "build_image_tag", "root_ssh_enabled"];

impl BuildRecord {
    /// Reads a record: one JSON object without duplicate keys.
    ///
    /// # Errors
    /// [`Error::Malformed`], which refers to the record as `what`; [`Error::OverLimit`] beyond `build_record_bytes`.
    pub fn from_json(what: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        limits.build_record_bytes().check(bytes.len() as u64, what)?;
        let fields = match strict_json::parse(bytes) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(Error::malformed(what, "expected a JSON object")),
            Err(error) => return Err(Error::malformed(what, error.to_string())),
        };
        for name in TEXT_FIELDS {
            if !matches!(fields.get(name), None | Some(Value::Null | Value::String(_))) {
                return Err(Error::malformed(what, format!("field {name:?}: expected a string")));
            }
        }
        let record = Self { fields };
        if record.field("status").is_none() {
            return Err(Error::malformed(what, "missing field \"status\""));
        }
        Ok(record)
    }

    /// The status, for example `image pushed` or `success`.
    pub fn status(&self) -> &str {
        self.field("status").unwrap_or_default()
    }

    /// Whether the status reports that the image was pushed. IBM does not document which of the two values a manifest contains.
    pub fn says_pushed(&self) -> bool {
        matches!(self.status(), "image pushed" | "success")
    }

    /// The build's name, if recorded and not empty.
    pub fn build_name(&self) -> Option<&str> {
        self.text("build_name")
    }

    /// The image's tag, if recorded and not empty.
    pub fn image_tag(&self) -> Option<&str> {
        self.text("image_tag")
    }

    /// The build server's own version, for example `1.3.0.16`.
    pub fn server_version(&self) -> Option<&str> {
        self.text("build_image_tag")
    }

    /// The record's `root_ssh_enabled`: whether root can log in to the build server. `None` if the field is missing or not a boolean.
    pub fn root_ssh_enabled(&self) -> Option<bool> {
        self.get("root_ssh_enabled")?.as_bool()
    }

    /// Whether the record has a field of this name that is not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_null())
    }

    /// The fields, in the record's order: strings unchanged, other values as JSON.
    pub fn fields(&self) -> impl Iterator<Item = (&str, String)> {
        self.fields.iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), text)
        })
    }

    /// The value of a string field, if present and not empty.
    fn text(&self, name: &str) -> Option<&str> {
        self.field(name).filter(|text| !text.is_empty())
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(ASKED.contains(&name), "{name} is not in ASKED, so `shelve` drops it");
        self.fields.get(name)
    }

    /// Drops fields that no code reads by name.
    pub(crate) fn shelve(&mut self) {
        self.fields.retain(|name, _| ASKED.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BuildRecord, Error> {
        BuildRecord::from_json("build.json", text.as_bytes(), &Limits::default())
    }

    #[test]
    fn only_status_is_required_and_unrecognised_fields_are_kept() {
        let record = read(r#"{"status": "", "new_field": {"a": 1}}"#).unwrap();
        assert!(!record.says_pushed());
        assert_eq!(record.fields().last(), Some(("new_field", r#"{"a":1}"#.to_owned())));
        assert_eq!(record.root_ssh_enabled(), None);
    }

    #[test]
    fn an_empty_or_null_field_is_absent() {
        let record = read(r#"{"status": "success", "build_name": "", "image_tag": null}"#).unwrap();
        assert_eq!((record.build_name(), record.image_tag(), record.says_pushed()), (None, None, true));
        assert!(record.has("build_name") && !record.has("image_tag") && !record.has("root_ssh_enabled"));
    }

    #[test]
    fn storing_a_record_keeps_every_field_that_is_read_by_name() {
        let text = r#"{"status": "success", "build_name": "a", "image_tag": "b", "build_image_tag": "c", "root_ssh_enabled": false, "d": 1}"#;
        let (record, mut shelved) = (read(text).unwrap(), read(text).unwrap());
        shelved.shelve();
        let answers = |record: &BuildRecord| {
            let texts =
                [record.build_name(), record.image_tag(), record.server_version()].map(|text| text.map(str::to_owned));
            (record.status().to_owned(), texts, record.root_ssh_enabled(), record.has("root_ssh_enabled"))
        };
        assert_eq!(answers(&record), answers(&shelved));
        assert_eq!((record.fields().count(), shelved.fields().count()), (6, 5));
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"status": 1}"#,
            r#"{"status":"a","status":"b"}"#,
            r#"{"status":"a","build_name":[]}"#,
            "{\"status\":\"a\"} x",
        ] {
            assert!(matches!(read(bad), Err(Error::Malformed { .. })), "{bad}");
        }
    }
}
