//! One metadata file of Notary v1: the signed content, its signers and its expiry.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::super::canonical_json;
use super::super::encoded::decode_base64;
use super::super::public_key::Message;
use super::Fault;
use super::key::NotaryKey;
use crate::base::budget::Budget;
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::time::Timestamp;

/// A parsed metadata file. Nothing in the file may be trusted before [`Envelope::signers`] succeeds. Facts are read from `signed`, the value whose
/// canonical form was signed.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) role: String,
    pub(super) signed: Map<String, Value>,
    pub(super) version: u64,
    pub(super) expires: Timestamp,
    canonical: Vec<u8>,
    pub(super) digest: Sha256,
    signatures: Vec<KeySignature>,
}

#[derive(Debug)]
struct KeySignature {
    key_id: String,
    method: String,
    bytes: Vec<u8>,
}

/// The keys and the threshold of a role.
#[derive(Debug, Clone)]
pub(super) struct Role {
    /// The keys by id, or an error for a key that cannot be read.
    pub(super) keys: BTreeMap<String, Rc<Result<NotaryKey, String>>>,
    pub(super) threshold: u64,
}

impl Envelope {
    /// Reads a file of the type `type_name` (`Root`, `Targets`, `Snapshot`, `Timestamp`).
    pub(super) fn read(role: &str, type_name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let refuse = |message: &str| Fault::refused(format!("{role}.json: {message}"));
        if bytes.len() as u64 > limits.trust_file_bytes {
            return Err(refuse(&format!("larger than {} bytes", limits.trust_file_bytes)));
        }
        let document = strict_json::parse(bytes).map_err(|error| refuse(&error.to_string()))?;
        let Value::Object(mut document) = document else {
            return Err(refuse("not a JSON object"));
        };
        let signed = document.get("signed").ok_or_else(|| refuse("the field `signed` is missing"))?;
        let canonical = canonical_json::encode(signed).map_err(|message| refuse(&message))?;
        let Some(Value::Object(signed)) = document.remove("signed") else {
            return Err(refuse("`signed` is not an object"));
        };
        let signatures = document.get("signatures").and_then(Value::as_array).ok_or_else(|| refuse("no signatures"))?;
        if signatures.len() as u64 > limits.trust_signatures {
            return Err(refuse(&format!("more than {} signatures", limits.trust_signatures)));
        }
        let signatures = signatures.iter().filter_map(read_signature).collect();
        let found = text(&signed, "_type").unwrap_or_default();
        if found != type_name {
            return Err(refuse(&format!("expected the type {type_name}, found {found:?}")));
        }
        let version = signed.get("version").and_then(Value::as_u64).filter(|version| *version >= 1);
        let version = version.ok_or_else(|| refuse("the version is not a positive integer"))?;
        let expires = text(&signed, "expires").and_then(Timestamp::from_rfc3339);
        let expires = expires.ok_or_else(|| refuse("the expiry time cannot be read"))?;
        let digest = Sha256::of(&canonical);
        Ok(Self { role: role.into(), signed, version, expires, canonical, digest, signatures })
    }

    /// The ids of the role's keys that signed this file. The call fails if fewer distinct keys signed than the role's threshold requires. Several ids
    /// or certificates of one key count once; signatures by other keys are ignored.
    pub(super) fn signers(&self, role: &Role, budget: &Budget) -> Result<Vec<String>, Fault> {
        let message = Message::with_digest(&self.canonical, self.digest);
        let mut counted: Vec<Sha256> = Vec::new();
        let mut ids: Vec<String> = Vec::new();
        for signature in &self.signatures {
            let key = match role.keys.get(&signature.key_id).map(|key| key.as_ref()) {
                None => continue,
                Some(Err(message)) => {
                    return Err(Fault::refused(format!("{}.json: key {}: {message}", self.role, signature.key_id)));
                }
                Some(Ok(key)) => key,
            };
            if ids.contains(&key.id) {
                continue;
            }
            for work in message.cost(&key.key) {
                budget.spend(work, "content-trust signatures").map_err(|error| Fault::refused(error.to_string()))?;
            }
            if !key.accepts(&signature.method, &message, &signature.bytes) {
                continue;
            }
            ids.push(key.id.clone());
            if !counted.contains(&key.key.identity()) {
                counted.push(key.key.identity());
            }
        }
        if role.threshold == 0 || (counted.len() as u64) < role.threshold {
            return Err(Fault::refused(format!(
                "{}.json: too few distinct keys of its role signed it: expected {}, found {}",
                self.role,
                role.threshold.max(1),
                counted.len()
            )));
        }
        Ok(ids)
    }
}

/// A signature that cannot be read is ignored.
fn read_signature(value: &Value) -> Option<KeySignature> {
    let value = value.as_object()?;
    Some(KeySignature {
        key_id: text(value, "keyid")?.to_owned(),
        method: text(value, "method")?.to_owned(),
        bytes: decode_base64(text(value, "sig")?)?,
    })
}

impl Role {
    /// Reads `keyids` and `threshold` of a role and finds the role's keys in `keys`.
    pub(super) fn read(name: &str, role: &Map<String, Value>, keys: &Keys<'_>) -> Result<Self, Fault> {
        let refuse = |message: &str| Fault::refused(format!("the role {name}: {message}"));
        let threshold = role.get("threshold").and_then(Value::as_u64).filter(|threshold| *threshold >= 1);
        let threshold = threshold.ok_or_else(|| refuse("its threshold is not a positive integer"))?;
        let ids = role.get("keyids").and_then(Value::as_array).ok_or_else(|| refuse("it has no key ids"))?;
        let mut read = BTreeMap::new();
        for id in ids {
            let id = id.as_str().ok_or_else(|| refuse("a key id is not a string"))?;
            read.insert(id.to_owned(), keys.read(id));
        }
        Ok(Self { keys: read, threshold })
    }
}

/// The keys that a file lists. Each key is read only once, however many roles refer to it.
pub(super) struct Keys<'a> {
    listed: &'a Map<String, Value>,
    read: RefCell<BTreeMap<String, Rc<Result<NotaryKey, String>>>>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(listed: &'a Map<String, Value>) -> Self {
        Self { listed, read: RefCell::default() }
    }

    fn read(&self, id: &str) -> Rc<Result<NotaryKey, String>> {
        if let Some(known) = self.read.borrow().get(id) {
            return Rc::clone(known);
        }
        let key = Rc::new(read_key(id, self.listed));
        self.read.borrow_mut().insert(id.to_owned(), Rc::clone(&key));
        key
    }
}

fn read_key(id: &str, keys: &Map<String, Value>) -> Result<NotaryKey, String> {
    let key = keys.get(id).and_then(Value::as_object).ok_or("it is not listed")?;
    let value = key.get("keyval").and_then(Value::as_object).ok_or("it has no value")?;
    if value.get("private").is_some_and(|private| !private.is_null()) {
        return Err("a private key is listed".into());
    }
    NotaryKey::read(id, text(key, "keytype").unwrap_or_default(), text(value, "public").unwrap_or_default())
}

/// The value of a string member.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// The value of an object member.
pub(super) fn object<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    object.get(name)?.as_object()
}
