//! The controls that a passed check supports: a table that users can replace.

use serde::Deserialize;

use super::{BundleReport, summary};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::judge::check;
use crate::judge::finding::Status;

const OWN: &str = include_str!("controls.toml");

/// Controls and the checks that support them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Controls {
    pub(super) list: Vec<Control>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Control {
    pub(super) framework: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) checks: Vec<String>,
    /// IDs of assessment objectives, for OSCAL.
    #[serde(default)]
    pub(super) objectives: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    control: Vec<Control>,
}

impl Controls {
    /// The built-in table: NIST SP 800-53 and SSDF.
    ///
    /// # Errors
    /// This error never occurs in practice, because a test reads the built-in table.
    pub fn own() -> Result<Self, Error> {
        Self::from_toml("the built-in controls", OWN.as_bytes(), &Limits::default())
    }

    /// Reads a user's table.
    ///
    /// # Errors
    /// [`Error::Policy`] for unrecognised fields or checks, [`Error::OverLimit`] for a file that is too large.
    pub fn from_toml(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        limits.policy_bytes().check(bytes.len() as u64, name)?;
        let fail = |message: String| Error::Policy { path: name.into(), message };
        let text = std::str::from_utf8(bytes).map_err(|error| fail(error.to_string()))?;
        let file: File = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
        if file.version != 1 {
            return Err(fail(format!("version: expected 1, found {}", file.version)));
        }
        let unknown = file.control.iter().flat_map(|control| &control.checks).find(|name| check::find(name).is_none());
        match unknown {
            Some(name) => Err(fail(format!("unknown check {name:?}{}", check::near(name)))),
            None => Ok(Self { list: file.control }),
        }
    }

    /// The controls that the bundle's passed checks support, each with those checks. A bundle that is not accepted supports no
    /// controls.
    pub(super) fn supported<'a>(&'a self, bundle: &'a BundleReport) -> Vec<(&'a Control, Vec<&'a str>)> {
        if bundle.exit_code() != 0 {
            return Vec::new();
        }
        // The check `log-image` can pass although the log names no image.
        let is_empty = |name: &str| name == check::LOG_IMAGE.name && !summary::log_names_image(bundle);
        let passed = bundle.played().filter(|f| f.status == Status::Pass && !is_empty(f.check));
        let passed: Vec<&str> = passed.map(|finding| finding.check).collect();
        let supporting = |control: &'a Control| -> Vec<&'a str> {
            control.checks.iter().map(String::as_str).filter(|name| passed.contains(name)).collect()
        };
        self.list
            .iter()
            .map(|control| (control, supporting(control)))
            .filter(|(_, checks)| !checks.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_of_controls_can_be_read() {
        assert_eq!(Controls::own().unwrap().list.len(), 6);
    }

    /// The controls listed in a check match those in the table that users copy.
    #[test]
    fn the_built_in_table_of_controls_matches_the_checks() {
        let own = Controls::own().unwrap();
        for check in check::CHECKS {
            let of_table = own.list.iter().filter(|control| control.checks.iter().any(|name| name == check.name));
            let of_table: Vec<&str> = of_table.map(|control| control.id.as_str()).collect();
            assert_eq!(of_table, check.controls, "{}: controls.toml differs from the check's `controls`", check.name);
        }
    }

    #[test]
    fn a_table_with_an_unrecognised_check_or_field_is_refused() {
        let read = |text: &str| Controls::from_toml("c", text.as_bytes(), &Limits::default());
        let row = "[[control]]\nframework = \"F\"\nid = \"1\"\ntitle = \"T\"\nchecks = [\"build-age\"]\n";
        assert!(read(&format!("version = 1\n{row}")).is_ok());
        assert!(read(&format!("version = 2\n{row}")).is_err());
        assert!(read(&format!("version = 1\n{row}more = 1\n")).is_err());
        assert!(read(&format!("version = 1\n{}", row.replace("build-age", "build-ages"))).is_err());
    }
}
