//! The signed payload of simple signing, which cosign also uses: in the payload, the key's holder assigns an image name to a manifest digest.
//!
//! Source: containers-signature(5), "The signature payload". Duplicate members are refused, and so are unrecognised members if the format does not
//! allow them.

use serde_json::{Map, Value};

use crate::base::digest::Sha256;
use crate::base::strict_json;

/// The type that simple signing writes.
#[cfg_attr(not(feature = "openpgp"), allow(dead_code, reason = "read with OpenPGP only"))]
pub(super) const SIMPLE_SIGNING: &str = "atomic container signature";
/// The type that cosign writes.
pub(super) const COSIGN: &str = "cosign container image signature";

/// The content of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The digest of the image's manifest.
    pub(super) digest: Sha256,
    /// The name that the signer gives the image.
    pub(super) reference: String,
    /// The program that wrote the payload, as stated in the payload.
    pub(super) creator: Option<String>,
}

impl Payload {
    /// Reads a payload of the type `type_name`. The signature on `bytes` must be verified first.
    pub(super) fn read(bytes: &[u8], type_name: &str) -> Result<Self, String> {
        let document = strict_json::parse(bytes).map_err(|error| format!("the payload: {error}"))?;
        let document = document.as_object().ok_or("the payload is not a JSON object")?;
        closed(document, &["critical", "optional"], "the payload")?;
        let critical = member(document, "critical")?;
        closed(critical, &["type", "image", "identity"], "critical")?;
        let found = text(critical, "type")?;
        if found != type_name {
            return Err(format!("expected the type {type_name:?}, found {found:?}"));
        }
        let image = member(critical, "image")?;
        closed(image, &["docker-manifest-digest"], "critical.image")?;
        let identity = member(critical, "identity")?;
        closed(identity, &["docker-reference"], "critical.identity")?;
        let digest = text(image, "docker-manifest-digest")?;
        let digest = Sha256::from_prefixed(digest)
            .ok_or_else(|| format!("expected sha256: and 64 lower-case hexadecimal digits, found {digest:?}"))?;
        let creator = match document.get("optional") {
            Some(Value::Object(optional)) => read_optional(optional)?,
            Some(Value::Null) if type_name == COSIGN => None,
            _ => return Err("optional is not an object".into()),
        };
        Ok(Self { digest, reference: text(identity, "docker-reference")?.to_owned(), creator })
    }
}

fn read_optional(optional: &Map<String, Value>) -> Result<Option<String>, String> {
    if optional.get("timestamp").is_some_and(|time| !time.is_i64() && !time.is_u64()) {
        return Err("optional.timestamp is not an integer".into());
    }
    match optional.get("creator") {
        None => Ok(None),
        Some(Value::String(creator)) => Ok(Some(creator.clone())),
        Some(_) => Err("optional.creator is not a string".into()),
    }
}

/// Checks that the object has exactly these members.
fn closed(object: &Map<String, Value>, names: &[&str], what: &str) -> Result<(), String> {
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("{what} has the unrecognised member {name:?}")),
        None if object.len() != names.len() => Err(format!("{what} needs {}", names.join(", "))),
        None => Ok(()),
    }
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Map<String, Value>, String> {
    object.get(name).and_then(Value::as_object).ok_or_else(|| format!("{name} is not an object"))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    object.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is not a string"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";

    fn with(critical: &str, rest: &str) -> Result<Payload, String> {
        Payload::read(format!("{{\"critical\":{{{critical}}}{rest}}}").as_bytes(), SIMPLE_SIGNING)
    }

    #[test]
    fn unrecognised_members_are_refused_if_the_format_does_not_allow_them() {
        let image = format!("\"image\":{{\"docker-manifest-digest\":\"{DIGEST}\"}}");
        let identity = "\"identity\":{\"docker-reference\":\"docker.io/acme/wallet:v1\"}";
        let kind = "\"type\":\"atomic container signature\"";
        let good = format!("{kind},{image},{identity}");
        let rest = ",\"optional\":{\"creator\":\"x\",\"timestamp\":1,\"more\":[1.5]}";
        assert_eq!(with(&good, rest).unwrap().creator.as_deref(), Some("x"));
        for moment in ["-1", "9223372036854775808"] {
            assert!(
                with(&good, &format!(",\"optional\":{{\"timestamp\":{moment}}}")).is_ok(),
                "{moment} is an integer"
            );
        }
        for (critical, rest) in [
            (good.clone(), ""),
            (good.clone(), ",\"optional\":null"),
            (good.clone(), ",\"optional\":{},\"extra\":1"),
            (good.clone(), ",\"optional\":{\"creator\":1}"),
            (good.clone(), ",\"optional\":{\"timestamp\":1.5}"),
            (good.clone(), ",\"optional\":{\"timestamp\":1,\"timestamp\":1}"),
            (format!("{good},\"x\":1"), ",\"optional\":{}"),
            (format!("{kind},{image}"), ",\"optional\":{}"),
            (good.replace("atomic", "cosign"), ",\"optional\":{}"),
            (good.replace("sha256:d8", "sha256:D8"), ",\"optional\":{}"),
            (good.replace("\"docker-reference\":", "\"x\":1,\"docker-reference\":"), ",\"optional\":{}"),
        ] {
            assert!(with(&critical, rest).is_err(), "{critical} {rest}");
        }
    }
}
