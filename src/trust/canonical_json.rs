//! The canonical form of JSON that Notary v1 signs.
//!
//! Notary parses the value of `signed` and re-encodes it: members sorted by the bytes of their names, no whitespace,
//! and only `"` and `\` escaped in strings (docker/go, canonical/json). The file may be formatted differently, so the
//! signature does not cover the file's own bytes. Callers must read facts from the value that was encoded here.

use serde_json::Value;

/// Notary's conversion to a double changes no integer up to this number.
const INTEGER_MAX: u64 = 1 << 53;

/// The bytes that are signed.
///
/// # Errors
/// A message about a number that Notary would change or refuse: a fraction, an exponent, or an integer beyond 2^53.
pub(super) fn encode(value: &Value) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_none_or(|size| size > INTEGER_MAX) {
                return Err(format!("the number {number} has no canonical form: expected an integer of at most 2^53"));
            }
            out.extend(number.to_string().into_bytes());
        }
        Value::String(text) => write_text(text, out),
        Value::Array(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(value, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_bytes());
            out.push(b'{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write(value, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::strict_json;

    fn canonical(text: &str) -> Result<String, String> {
        let value = strict_json::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        encode(&value).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// The expected values were produced with the docker/go/canonical/json package that Notary vendors.
    #[test]
    fn encoding_matches_known_answers() {
        let text = "{ \"b\" : [1, -2, true, null], \"a\\u0001\" : \"\\u003c&\\n\\\"\\\\/é\", \"Z\": {} }";
        assert_eq!(canonical(text).unwrap(), "{\"Z\":{},\"a\u{1}\":\"<&\n\\\"\\\\/é\",\"b\":[1,-2,true,null]}");
        assert_eq!(canonical("9007199254740992").unwrap(), "9007199254740992");
    }

    #[test]
    fn values_that_notary_would_change_are_refused() {
        for bad in
            ["1.5", "1e3", "1.0", "-0", "9007199254740993", "-9007199254740993", "{\"a\":1,\"a\":1}", "\"\\ud800\""]
        {
            assert!(canonical(bad).is_err(), "{bad}");
        }
    }
}
