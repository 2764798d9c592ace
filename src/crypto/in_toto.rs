//! Parses in-toto statements (in-toto/attestation, spec/v1/statement.md). Their signatures are verified elsewhere.

use serde_json::Value;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::strict_json;

/// The only supported version.
pub(crate) const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// A statement: its subjects, its type and its predicate.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The subjects of the statement.
    pub subjects: Vec<Subject>,
    /// The predicate type.
    pub predicate_type: String,
    /// The predicate.
    pub predicate: Value,
}

/// One subject of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// `None` if the subject has only digests with other algorithms.
    pub sha256: Option<Sha256>,
}

impl Statement {
    /// Reads a statement. Fields that the specification does not define are ignored, as the specification requires.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything but a version 1 statement with a predicate type and subjects that all have a digest.
    pub fn from_json(what: &str, bytes: &[u8]) -> Result<Self, Error> {
        let fail = |message: String| Error::malformed(what, message);
        let statement = strict_json::parse(bytes).map_err(|error| fail(error.to_string()))?;
        let text = |name: &str| statement.get(name).and_then(Value::as_str);
        if text("_type") != Some(STATEMENT) {
            return Err(fail(format!("the payload is not an in-toto statement: expected the _type {STATEMENT}")));
        }
        let predicate_type = text("predicateType").filter(|kind| !kind.is_empty());
        let predicate_type = predicate_type.ok_or_else(|| fail("it has no predicateType".into()))?.to_owned();
        let subjects = statement.get("subject").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let subjects: Vec<Subject> = subjects.iter().map(subject).collect::<Result<_, _>>().map_err(&fail)?;
        if subjects.is_empty() {
            return Err(fail("it has no subject".into()));
        }
        let predicate = statement.get("predicate").cloned().unwrap_or_default();
        Ok(Self { subjects, predicate_type, predicate })
    }

    /// Whether the content with this digest is one of the statement's subjects.
    pub fn is_about(&self, digest: Sha256) -> bool {
        self.subjects.iter().any(|subject| subject.sha256 == Some(digest))
    }
}

fn subject(value: &Value) -> Result<Subject, String> {
    let digests = value.get("digest").and_then(Value::as_object).filter(|digests| !digests.is_empty());
    let digests = digests.ok_or("a subject has no digest")?;
    let sha256 = match digests.get("sha256") {
        None => None,
        Some(hex) => Some(hex.as_str().and_then(Sha256::from_hex).ok_or("a subject's sha256 is not a digest")?),
    };
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Subject { name, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_statements_are_refused() {
        let digest = "0".repeat(64);
        let good = format!(
            r#"{{"_type":"{STATEMENT}","subject":[{{"name":"a","digest":{{"sha256":"{digest}"}}}}],"predicateType":"p","predicate":{{}}}}"#
        );
        let read = |text: &str| Statement::from_json("x", text.as_bytes());
        let statement = read(&good).unwrap();
        assert!(statement.is_about(Sha256::from_hex(&digest).unwrap()) && !statement.is_about(Sha256::of(b"")));
        for (from, to) in [
            ("/v1", "/v0.1"),
            (r#""predicateType":"p","#, ""),
            ("0000", "000g"),
            (r#""sha256":"#, r#""sha256":1,"sha256":"#),
            ("[{", "[1,{"),
        ] {
            assert!(read(&good.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
        assert!(read(&good.replace(&digest, "")).is_err());
        assert!(read("{}").is_err() && read("[]").is_err() && read("").is_err());
    }
}
