//! Keys in Notary v1: their ids, kinds and certificates.

use spki::der::{Decode as _, Encode as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::BasicConstraints;

use super::super::encoded::decode_base64;
use super::super::public_key::{ImageKey, Message};
use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::crypto::certificate::{BASIC_CONSTRAINTS, dates};
use crate::crypto::{Hash, Protocol, Scheme};

/// The common name of a certificate's subject (X.520).
const COMMON_NAME: spki::ObjectIdentifier = spki::ObjectIdentifier::new_unwrap("2.5.4.3");
/// RSA and ECDSA signatures with SHA-1 or MD5 (RFC 3279, 2.2).
const WEAK_SIGNATURES: [&str; 3] = ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

/// A key listed in a root or delegation.
#[derive(Debug, Clone)]
pub(crate) struct NotaryKey {
    pub(super) id: String,
    kind: String,
    pub(super) key: ImageKey,
    /// The first certificate, for kinds of keys that have a certificate.
    pub(super) certificate: Option<Leaf>,
}

/// The relevant fields of a key's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// `None` unless the subject has exactly one common name in UTF-8.
    pub(crate) common_name: Option<String>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(super) fault: Option<&'static str>,
}

/// The id of a key: SHA-256 of its canonical JSON, in lower-case hexadecimal (notary, tuf/data/keys.go). Base64 needs
/// no escaping in JSON. Any other text is refused, so that it cannot inject anything into the hashed object.
pub(crate) fn key_id(kind: &str, public: &str) -> Option<String> {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let known = ["ecdsa", "ecdsa-x509", "rsa", "rsa-x509", "ed25519"].contains(&kind);
    if !known || public.is_empty() || !public.bytes().all(base64) {
        return None;
    }
    let json = format!(r#"{{"keytype":"{kind}","keyval":{{"private":null,"public":"{public}"}}}}"#);
    Some(Sha256::of(json.as_bytes()).hex())
}

impl NotaryKey {
    /// Reads a key listed under `id`, which must be the key's id.
    pub(super) fn read(id: &str, kind: &str, public: &str) -> Result<Self, String> {
        let computed = key_id(kind, public)
            .ok_or_else(|| format!("its kind ({kind:?}) is not supported, or its public part is not base64"))?;
        if computed != id {
            return Err(format!("listed as {id}, but its id is {computed}"));
        }
        let bytes = decode_base64(public).ok_or("its public part is not base64")?;
        let (key, certificate) = match kind {
            "ed25519" => (ImageKey::from_ed25519(&bytes)?, None),
            "ecdsa" | "rsa" => (ImageKey::from_spki(&bytes)?, None),
            _ => {
                let (key, leaf) = leaf(&bytes)?;
                (key, Some(leaf))
            }
        };
        if kind.trim_end_matches("-x509") != key.family() {
            return Err(format!("its kind is {kind}, but its key is {}", key.family()));
        }
        Ok(Self { id: id.to_owned(), kind: kind.to_owned(), key, certificate })
    }

    /// Whether a signature made with `method` verifies under this key. A method that does not match the key's kind is
    /// refused, and so is `pycrypto-pkcs#1 pss`, which is no longer in use.
    pub(super) fn accepts(&self, method: &str, message: &Message<'_>, signature: &[u8]) -> bool {
        let scheme = match (method.to_ascii_lowercase().as_str(), self.kind.trim_end_matches("-x509")) {
            ("ecdsa", "ecdsa") => Scheme::EcdsaFixed(Hash::Sha256),
            ("rsapss", "rsa") => Scheme::RsaPss(Hash::Sha256, 32),
            ("rsapkcs1v15", "rsa") => Scheme::RsaPkcs1(Hash::Sha256),
            ("eddsa", "ed25519") => Scheme::Ed25519,
            _ => return false,
        };
        self.key.accepts(Protocol::Notary, scheme, message, signature)
    }
}

/// The leaf certificate in a PEM bundle: the first certificate, which must be the only one that is not a CA
/// certificate.
fn leaf(pem: &[u8]) -> Result<(ImageKey, Leaf), String> {
    let text = std::str::from_utf8(pem).map_err(|_| "its certificate is not PEM text".to_owned())?;
    let chain = Certificate::load_pem_chain(text.as_bytes()).map_err(|error| format!("its certificate: {error}"))?;
    let [first, rest @ ..] = chain.as_slice() else {
        return Err("it has no certificate".into());
    };
    let tbs = first.tbs_certificate();
    let mut names = tbs
        .subject()
        .iter_rdn()
        .flat_map(|rdn| rdn.as_ref().iter())
        .filter(|part| part.oid == COMMON_NAME)
        .filter_map(|part| std::str::from_utf8(part.value.value()).ok().map(str::to_owned));
    let common_name = names.next().filter(|_| names.next().is_none());
    let signature = tbs.signature().oid.to_string();
    let fault = if is_authority(first) {
        Some("its first certificate is a CA certificate")
    } else if !rest.iter().all(is_authority) {
        Some("it has more than one certificate that is not a CA certificate")
    } else if WEAK_SIGNATURES.contains(&signature.as_str()) {
        Some("its certificate is signed with SHA-1 or MD5")
    } else {
        None
    };
    let (not_before, not_after) = dates(tbs.validity()).ok_or("its certificate's validity period cannot be read")?;
    let leaf = Leaf { common_name, not_before, not_after, fault };
    let spki = tbs.subject_public_key_info().to_der().map_err(|error| error.to_string())?;
    Ok((ImageKey::from_spki(&spki)?, leaf))
}

fn is_authority(certificate: &Certificate) -> bool {
    let extensions = certificate.tbs_certificate().extensions();
    extensions.into_iter().flatten().any(|extension| {
        extension.extn_id.to_string() == BASIC_CONSTRAINTS
            && BasicConstraints::from_der(extension.extn_value.as_bytes()).is_ok_and(|basic| basic.ca)
    })
}

/// Whether `common_name` matches the repository: the common name must equal the repository's name or be a prefix of that name followed by `*`. Notary
/// also accepts several `*`.
pub(super) fn names_repository(common_name: &str, repository: &str) -> bool {
    match common_name.strip_suffix('*') {
        Some(prefix) => repository.starts_with(prefix),
        None => common_name == repository,
    }
}
