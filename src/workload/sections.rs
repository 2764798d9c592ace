//! The sections of a contract, as in the machine's user-data: each of `workload` and `env` is either a string, which is plain YAML or encrypted, or a
//! mapping, which some tools convert to a string when they generate user-data.

use serde_json::Value;

use super::{Password, kind_of, token};
use crate::base::limits::Limits;
use crate::base::strict_yaml;

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The exact text, which attestation records and signatures cover. `None` for a mapping, whose text is unknown.
    pub(crate) text: Option<String>,
    /// The content of the section.
    pub(crate) content: Content,
}

/// The content of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Not encrypted.
    Plain(Value),
    /// The section is encrypted, and was decrypted with the supplied password.
    Opened(Value),
    /// The section is not readable; the message states why.
    Closed(String),
}

impl Content {
    /// The section's fields.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Plain(value) | Self::Opened(value) => Some(value),
            Self::Closed(_) => None,
        }
    }
}

/// Whether the document is a single section.
pub(super) fn is_section(document: &Value) -> bool {
    document.get("type").is_some_and(|kind| kind == "workload" || kind == "env")
}

/// The section `name`. `bytes` is the file, which may consist of that section only.
pub(super) fn section(
    document: &Value,
    name: &str,
    bytes: &[u8],
    passwords: &[Password],
    limits: &Limits,
) -> Result<Option<Section>, String> {
    let text = match document {
        // An encrypted string alone does not show which section it is. It is read as the workload section, the only one that is useful alone.
        Value::String(text) if name == "workload" => text.clone(),
        Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == name) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        // A file that consists of a single section contains no other section; its key `env` contains variables.
        Value::Object(_) if is_section(document) => return Ok(None),
        Value::Object(fields) => match fields.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(value @ Value::Object(_)) => {
                return Ok(Some(Section { text: None, content: Content::Plain(value.clone()) }));
            }
            Some(other) => return Err(format!("{name}: expected a string or a mapping, found {}", kind_of(other))),
        },
        _ => return Ok(None),
    };
    let content = if token::is_token(&text) {
        match token::open(&text, passwords, |opened| fields_of(opened, limits).ok()) {
            Ok(value) => Content::Opened(value),
            Err(why) => Content::Closed(why),
        }
    } else {
        match fields_of(text.as_bytes(), limits) {
            Ok(value) => Content::Plain(value),
            Err(why) => return Err(format!("{name}: {why}")),
        }
    };
    Ok(Some(Section { text: Some(text), content }))
}

fn fields_of(text: &[u8], limits: &Limits) -> Result<Value, String> {
    match strict_yaml::documents(text, limits)?.as_slice() {
        [one @ Value::Object(_)] => Ok(one.clone()),
        _ => Err("expected a single mapping".into()),
    }
}
