//! Keys that a contract lists for images: `images.dct`, `images.rhs`, and the cosign keys of confidential containers.

use serde_json::Value;

use super::kind_of;
use crate::base::image_name::ImageName;

/// A key that a contract lists for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageKeyEntry {
    pub(crate) kind: KeyKind,
    /// The image name as written in the contract.
    pub(crate) name: String,
    /// The image's full repository name.
    pub(crate) repository: String,
    /// The key as written in the contract, without white space.
    pub(crate) public_key: String,
}

/// The type of signature that a key verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Docker Content Trust: `keyval.public` of the repository's root key.
    ContentTrust,
    /// Red Hat simple signing: base64 of an armoured OpenPGP key.
    SimpleSigning,
    /// cosign: base64 of a PEM public key.
    Cosign,
}

impl KeyKind {
    /// The name of this type of key in contracts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ContentTrust => "dct",
            Self::SimpleSigning => "rhs",
            Self::Cosign => "cosign",
        }
    }

    /// Where a workload section has the table of these keys.
    fn place(self) -> &'static str {
        match self {
            Self::ContentTrust => "images.dct",
            Self::SimpleSigning => "images.rhs",
            Self::Cosign => "confidential-containers.config.cosign",
        }
    }
}

/// The keys of a workload section, and messages about faults in the table.
pub(super) fn read(workload: &Value) -> (Vec<ImageKeyEntry>, Vec<String>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    match workload.get("images") {
        None | Some(Value::Null) => {}
        Some(Value::Object(kinds)) => {
            for (word, table) in kinds {
                match word.as_str() {
                    "dct" => self::table(KeyKind::ContentTrust, table, &mut entries, &mut faults),
                    "rhs" => self::table(KeyKind::SimpleSigning, table, &mut entries, &mut faults),
                    other => faults.push(format!("images: expected dct or rhs, found {other:?}")),
                }
            }
        }
        Some(other) => faults.push(format!("images: expected a mapping, found {}", kind_of(other))),
    }
    if let Some(table) = workload.pointer("/confidential-containers/config/cosign") {
        self::table(KeyKind::Cosign, table, &mut entries, &mut faults);
    }
    (entries, faults)
}

fn table(kind: KeyKind, table: &Value, entries: &mut Vec<ImageKeyEntry>, faults: &mut Vec<String>) {
    let Value::Object(table) = table else {
        faults.push(format!("{}: expected a mapping, found {}", kind.place(), kind_of(table)));
        return;
    };
    for (name, fields) in table {
        let place = format!("{}.{name}", kind.place());
        let text = |field: &str| fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(public_key) = text("publicKey") else {
            faults.push(format!("{place}: missing publicKey"));
            continue;
        };
        if kind == KeyKind::ContentTrust {
            if text("notary").is_none() {
                faults.push(format!("{place}: missing notary"));
            }
            // The contract's public schema requires host/namespace/name without a tag.
            if name.split('/').count() != 3
                || name.contains('@')
                || name.rsplit('/').next().is_some_and(|last| last.contains(':'))
            {
                faults.push(format!("{place}: expected host/namespace/name without a tag"));
            }
        }
        let repository = match ImageName::parse(name) {
            Ok(name) => name.repository(),
            Err(why) => {
                faults.push(format!("{place}: malformed image name: {why}"));
                continue;
            }
        };
        let public_key = public_key.split_ascii_whitespace().collect();
        entries.push(ImageKeyEntry { kind, name: name.clone(), repository, public_key });
    }
}
