//! Content-trust metadata that the tests sign themselves, because no client writes unusual thresholds or keys with wrong properties. The root key is recorded by
//! `fixtures/inputs/trust/record-root-key.py`; signatures are deterministic (RFC 6979).

use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use serde_json::{Value, json};

use super::super::case::Case;
use super::super::encoding::{base64, hex};
use super::super::inputs::{IMAGE_DIGEST, log_key_id, log_public_key};
use super::super::signing::sha256;
use super::trust::file;

/// A key with its entry in a root.
struct Key {
    signing: p256::ecdsa::SigningKey,
    id: String,
    listed: Value,
}

impl Key {
    fn new(signing: p256::ecdsa::SigningKey, kind: &str, public: &[u8]) -> Self {
        let listed = json!({ "keytype": kind, "keyval": { "private": null, "public": base64(public) } });
        Self { signing, id: hex(&sha256(listed.to_string().as_bytes())), listed }
    }

    /// The recorded root key, with its certificate.
    fn root() -> Self {
        let key = String::from_utf8(file("root-key/key.pem")).unwrap();
        let signing = p256::ecdsa::SigningKey::from_pkcs8_pem(&key).unwrap();
        Self::new(signing, "ecdsa-x509", &file("root-key/certificate.pem"))
    }

    fn of(seed: u8) -> Self {
        let signing = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let public = signing.verifying_key().to_public_key_der().unwrap().into_vec();
        Self::new(signing, "ecdsa", &public)
    }

    /// The same key under a different id: its point is compressed.
    fn compressed(&self) -> Self {
        let head =
            b"\x30\x39\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x22\x00";
        let point = self.signing.verifying_key().to_sec1_point(true);
        Self::new(self.signing.clone(), "ecdsa", &[head.as_slice(), point.as_bytes()].concat())
    }
}

/// Which key signs which file, and how many signatures are required.
struct Repository {
    root: Vec<Key>,
    root_threshold: u64,
    root_signers: Vec<usize>,
    timestamp: Vec<Key>,
    timestamp_threshold: u64,
    timestamp_signers: Vec<usize>,
    /// Whether `targets.json` is signed by the timestamp's first key.
    targets_by_timestamp_key: bool,
}

impl Repository {
    fn good() -> Self {
        Self {
            root: vec![Key::root()],
            root_threshold: 1,
            root_signers: vec![0],
            timestamp: vec![Key::of(1), Key::of(2)],
            timestamp_threshold: 2,
            timestamp_signers: vec![0, 1],
            targets_by_timestamp_key: false,
        }
    }

    /// The files by name.
    fn files(&self) -> Vec<(&'static str, String)> {
        let (snapshot_key, targets_key) = (Key::of(3), Key::of(4));
        let keys = self.root.iter().chain(&self.timestamp).chain([&snapshot_key, &targets_key]);
        let keys: serde_json::Map<String, Value> = keys.map(|key| (key.id.clone(), key.listed.clone())).collect();
        let role = |keys: &[&Key], threshold: u64| {
            let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
            json!({ "keyids": ids, "threshold": threshold })
        };
        let roles = json!({
            "root": role(&self.root.iter().collect::<Vec<_>>(), self.root_threshold),
            "timestamp": role(&self.timestamp.iter().collect::<Vec<_>>(), self.timestamp_threshold),
            "snapshot": role(&[&snapshot_key], 1),
            "targets": role(&[&targets_key], 1),
        });
        let chosen = |keys: &'_ [Key], places: &[usize]| {
            places.iter().map(|at| (keys[*at].signing.clone(), keys[*at].id.clone())).collect()
        };
        let one = |key: &Key| vec![(key.signing.clone(), key.id.clone())];
        let root = signed(
            json!({ "_type": "Root", "consistent_snapshot": false, "keys": keys, "roles": roles }),
            chosen(&self.root, &self.root_signers),
        );
        let digest = super::super::encoding::base64(&unhex(&IMAGE_DIGEST[7..]));
        let target = json!({ "hashes": { "sha256": digest }, "length": 1157 });
        let targets = json!({
            "_type": "Targets", "delegations": { "keys": {}, "roles": [] }, "targets": { "v1-b0398d3": target },
        });
        let by = if self.targets_by_timestamp_key { &self.timestamp[0] } else { &targets_key };
        let targets = signed(targets, one(by));
        let snapshot = signed(
            json!({ "_type": "Snapshot", "meta": { "root": described(&root), "targets": described(&targets) } }),
            one(&snapshot_key),
        );
        let timestamp = signed(
            json!({ "_type": "Timestamp", "meta": { "snapshot": described(&snapshot) } }),
            chosen(&self.timestamp, &self.timestamp_signers),
        );
        vec![("root", root), ("targets", targets), ("snapshot", snapshot), ("timestamp", timestamp)]
    }
}

/// A file whose canonical form is the output of `serde_json` with sorted members, because no string here needs an escape.
fn signed(mut body: Value, keys: Vec<(p256::ecdsa::SigningKey, String)>) -> String {
    body["expires"] = "2036-01-01T00:00:00Z".into();
    body["version"] = 1.into();
    let body = sorted(&body);
    let signatures: Vec<Value> = keys
        .into_iter()
        .map(|(key, id)| {
            let signature: p256::ecdsa::Signature = key.sign(body.to_string().as_bytes());
            json!({ "keyid": id, "method": "ecdsa", "sig": base64(&signature.to_bytes()) })
        })
        .collect();
    json!({ "signed": body, "signatures": signatures }).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_bytes());
            members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn described(file: &str) -> Value {
    json!({ "hashes": { "sha256": base64(&sha256(file.as_bytes())) }, "length": file.len() })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A build whose log records the recorded root key, with this repository's metadata.
fn with(case: Case, repository: &Repository) -> Case {
    let pinned = Key::root();
    let public = pinned.listed["keyval"]["public"].as_str().unwrap().to_owned();
    let case = case.log(move |text| text.replace(&log_key_id(), &pinned.id).replace(&log_public_key(), &public));
    let files = repository.files().into_iter();
    files.fold(case, |case, (role, file)| case.file(format!("trust/notary/{role}.json"), file))
}

pub fn cases() -> Vec<Case> {
    let good = Repository::good;
    let fails = |name: &str, about, repository: Repository| {
        with(Case::fails(&format!("trust-notary-{name}"), "image-signature", about), &repository)
    };
    let mut mistaken = Key::of(9);
    mistaken.id = Key::root().id;
    vec![
        with(Case::good("good-trust-notary-threshold", "timestamp.json needs two keys, and two signed it."), &good())
            .expect("image-signature", "pass")
            .expect("image-key", "pass"),
        fails(
            "one-key-twice",
            "timestamp.json needs two keys; one signed it twice.",
            Repository { timestamp_signers: vec![0, 0], ..good() },
        ),
        fails(
            "one-key-two-ids",
            "timestamp.json needs two keys; one signed it under two ids.",
            Repository { timestamp: vec![Key::of(1), Key::of(1).compressed()], ..good() },
        ),
        fails(
            "too-few-roots",
            "The root requires two root keys; only the pinned one signed it.",
            Repository { root: vec![Key::root(), Key::of(9)], root_threshold: 2, ..good() },
        ),
        fails(
            "another-roles-key",
            "targets.json is signed by the key for timestamp.json.",
            Repository { targets_by_timestamp_key: true, ..good() },
        ),
        fails(
            "borrowed-id",
            "The root lists a different key under the pinned key's id.",
            Repository { root: vec![mistaken], ..good() },
        ),
        fails(
            "root-beside",
            "The root lists the pinned key, but is signed only by another listed key.",
            Repository { root: vec![Key::root(), Key::of(9)], root_signers: vec![1], ..good() },
        ),
    ]
}
