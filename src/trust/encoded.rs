//! Decodes base64 and JSON in the same way as the Go programs that sign images.

use base64ct::{Base64, Encoding as _};
use serde_json::{Map, Value};

/// Decodes base64, ignoring carriage returns and line feeds (Go's encoding/base64). Everything else is strict.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(&one_line(text)).ok()
}

fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect()
}

/// A sigstore bundle in the form that Go's protojson reads: `null` members are removed, and line breaks are removed
/// from every string except a checkpoint (`envelope`).
pub(super) fn plain_bundle(members: &Map<String, Value>) -> Map<String, Value> {
    const TEXT: &str = "envelope";
    let present = members.iter().filter(|(_, value)| !value.is_null());
    present.map(|(name, value)| (name.clone(), if name == TEXT { value.clone() } else { plain(value) })).collect()
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(plain_bundle(members)),
        Value::Array(values) => Value::Array(values.iter().map(plain).collect()),
        Value::String(text) => Value::String(one_line(text)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_may_contain_line_breaks_but_is_strict_otherwise() {
        for text in ["aGVsbG8=", "aGVs\nbG8=", "aGVs\r\nbG8=\r\n", "\naGVsbG8="] {
            assert_eq!(decode_base64(text).as_deref(), Some(&b"hello"[..]), "{text:?}");
        }
        for text in ["aGVs bG8=", "aGVs\tbG8=", "aGVsbG8", "aGVsbG9=", "aGVs-G8="] {
            assert_eq!(decode_base64(text), None, "{text:?}");
        }
    }

    #[test]
    fn null_is_absent_and_a_checkpoint_keeps_its_lines() {
        let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let bundle =
            read(r#"{"a": null, "b": {"c": null, "envelope": "x\ny\n"}, "d": ["e\r\nf"], "g": {"envelope": null}}"#);
        assert_eq!(plain_bundle(&bundle), read(r#"{"b": {"envelope": "x\ny\n"}, "d": ["ef"], "g": {}}"#));
    }
}
