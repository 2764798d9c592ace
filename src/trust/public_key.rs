//! Public keys that sign images: more kinds than build servers have. A key is known by its SubjectPublicKeyInfo.

use ed25519_dalek as ed25519;
use rsa::signature::Verifier as _;
use rsa::signature::hazmat::PrehashVerifier as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{pkcs1v15, pss};
use spki::der::pem;
use spki::{DecodePublicKey as _, EncodePublicKey as _, SubjectPublicKeyInfoRef};

use crate::budget::Work;
use crate::digest::Sha256;
use crate::key;

/// id-Ed25519 (RFC 8410, 3).
const ED25519: spki::ObjectIdentifier = spki::ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key that may sign an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageKey {
    material: Material,
    identity: Sha256,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa(Box<rsa::PublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    Ed25519(Box<ed25519::VerifyingKey>),
}

impl Material {
    fn spki(&self) -> Result<Vec<u8>, String> {
        let spki = match self {
            Self::Rsa(key) => key.to_public_key_der(),
            Self::P256(key) => key.to_public_key_der(),
            Self::P384(key) => key.to_public_key_der(),
            Self::Ed25519(key) => key.to_public_key_der(),
        };
        spki.map(|spki| spki.as_bytes().to_vec()).map_err(|error| error.to_string())
    }
}

/// What was signed, hashed once however many signatures of it are tried.
pub(crate) struct Message<'m> {
    /// `None`: only the digest is known.
    bytes: Option<&'m [u8]>,
    digest: Sha256,
}

impl<'m> Message<'m> {
    /// Hashes `bytes`.
    pub(crate) fn new(bytes: &'m [u8]) -> Self {
        Self { bytes: Some(bytes), digest: Sha256::of(bytes) }
    }

    /// As [`Self::new`], of bytes whose SHA-256 was computed before.
    pub(super) fn with_digest(bytes: &'m [u8], digest: Sha256) -> Self {
        Self { bytes: Some(bytes), digest }
    }

    /// A message of which only the SHA-256 is known. Ed25519 accepts no signature of it.
    pub(super) fn of_digest(digest: Sha256) -> Self {
        Self { bytes: None, digest }
    }

    /// What trying one signature by `key` costs. Ed25519 hashes the message for each.
    pub(super) fn cost(&self, key: &ImageKey) -> [Work; 2] {
        let hashed = self.bytes.filter(|_| matches!(key.material, Material::Ed25519(_)));
        [Work::Signatures(1), Work::Bytes(hashed.map_or(0, |bytes| bytes.len() as u64))]
    }
}

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// ECDSA over SHA-256, `r` and `s` of the field's length behind each other (notary's `ecdsa`).
    EcdsaRaw,
    /// RSASSA-PSS with SHA-256 and 32 bytes of salt (notary's `rsapss`).
    RsaPss,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (notary's `rsapkcs1v15`).
    RsaPkcs1,
    /// RSASSA-PKCS1-v1_5 with SHA-384: certificates.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512: certificates.
    RsaPkcs1Sha512,
    /// Ed25519 (notary's `eddsa`).
    Ed25519,
    /// What cosign uses for this kind of key: ECDSA in DER or PKCS#1 v1.5 over SHA-256, Ed25519 over the message.
    Cosign,
}

impl ImageKey {
    /// Reads a SubjectPublicKeyInfo: RSA (2048 to 8192 bits, as for build servers), EC P-256 or P-384, Ed25519.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, String> {
        let info =
            SubjectPublicKeyInfoRef::try_from(der).map_err(|error| format!("not a SubjectPublicKeyInfo: {error}"))?;
        let material = match info.algorithm.oid {
            rsa::pkcs1::ALGORITHM_OID => Material::Rsa(Box::new(key::read_rsa(&info, der)?)),
            p256::elliptic_curve::ALGORITHM_OID => {
                if let Ok(key) = p256::PublicKey::from_public_key_der(der) {
                    Material::P256(Box::new(key.into()))
                } else {
                    let key = p384::PublicKey::from_public_key_der(der)
                        .map_err(|_| "an EC key of another curve than P-256 and P-384".to_owned())?;
                    Material::P384(Box::new(key.into()))
                }
            }
            ED25519 => {
                let raw = info.subject_public_key.as_bytes().ok_or("an Ed25519 key of a broken number of bytes")?;
                return Self::from_ed25519(raw);
            }
            other => return Err(format!("keys of the kind {other} are not supported")),
        };
        // Encoded again, so that a compressed point is the same key.
        let identity = Sha256::of(&material.spki()?);
        Ok(Self { material, identity })
    }

    /// Reads the 32 bytes of an Ed25519 key.
    pub(crate) fn from_ed25519(raw: &[u8]) -> Result<Self, String> {
        let bytes = raw.try_into().map_err(|_| format!("an Ed25519 key has 32 bytes, found {}", raw.len()))?;
        let key = ed25519::VerifyingKey::from_bytes(bytes).map_err(|_| "not a point of Ed25519".to_owned())?;
        Ok(Self { material: Material::Ed25519(Box::new(key)), identity: Sha256::of(raw) })
    }

    /// Reads one PEM block `PUBLIC KEY`.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let (label, der) = pem::decode_vec(text.trim_ascii()).map_err(|error| format!("not one PEM block: {error}"))?;
        if label != "PUBLIC KEY" {
            return Err(format!("expected a PUBLIC KEY, found {label}"));
        }
        Self::from_spki(&der)
    }

    /// The key as SubjectPublicKeyInfo.
    #[cfg(feature = "sigstore")]
    pub(super) fn spki(&self) -> Result<Vec<u8>, String> {
        self.material.spki()
    }

    /// What makes this key one and the same: two names or certificates of one key are equal here.
    pub(crate) fn identity(&self) -> Sha256 {
        self.identity
    }

    /// The algorithm's family in notary's words: `rsa`, `ecdsa` or `ed25519`.
    pub(crate) fn family(&self) -> &'static str {
        match self.material {
            Material::Rsa(_) => "rsa",
            Material::P256(_) | Material::P384(_) => "ecdsa",
            Material::Ed25519(_) => "ed25519",
        }
    }

    /// Did the holder of this key sign `message`? A scheme that does not go with the key is a no.
    pub(crate) fn accepts(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        self.accepts_message(scheme, &Message::new(message), signature)
    }

    /// As [`Self::accepts`], of a message that was hashed before.
    pub(crate) fn accepts_message(&self, scheme: Scheme, message: &Message<'_>, signature: &[u8]) -> bool {
        let Message { bytes, digest } = message;
        let Some(message) = *bytes else { return scheme == Scheme::Cosign && self.accepts_digest(digest, signature) };
        let prehash = digest.as_bytes();
        match (&self.material, scheme) {
            (Material::P256(key), Scheme::EcdsaRaw) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(prehash, &signature).is_ok()),
            (Material::P384(key), Scheme::EcdsaRaw) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(prehash, &signature).is_ok()),
            (Material::Rsa(key), Scheme::RsaPss) => {
                let verifier = pss::VerifyingKey::<sha2::Sha256>::new((**key).clone());
                signature.len() == key.size()
                    && pss::Signature::try_from(signature)
                        .is_ok_and(|signature| verifier.verify_prehash(prehash, &signature).is_ok())
            }
            (Material::Ed25519(key), Scheme::Ed25519 | Scheme::Cosign) => ed25519::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            (Material::Rsa(key), Scheme::RsaPkcs1Sha384) => {
                let verifier = pkcs1v15::VerifyingKey::<sha2::Sha384>::new((**key).clone());
                signature.len() == key.size()
                    && pkcs1v15::Signature::try_from(signature)
                        .is_ok_and(|signature| verifier.verify(message, &signature).is_ok())
            }
            (Material::Rsa(key), Scheme::RsaPkcs1Sha512) => {
                let verifier = pkcs1v15::VerifyingKey::<sha2::Sha512>::new((**key).clone());
                signature.len() == key.size()
                    && pkcs1v15::Signature::try_from(signature)
                        .is_ok_and(|signature| verifier.verify(message, &signature).is_ok())
            }
            (Material::Rsa(_), Scheme::RsaPkcs1) | (_, Scheme::Cosign) => self.accepts_digest(digest, signature),
            _ => false,
        }
    }

    /// The same for a message of which only the SHA-256 is known, in cosign's schemes. Ed25519 cannot do it.
    pub(crate) fn accepts_digest(&self, digest: &Sha256, signature: &[u8]) -> bool {
        let prehash = digest.as_bytes();
        match &self.material {
            Material::Rsa(key) => {
                let verifier = pkcs1v15::VerifyingKey::<sha2::Sha256>::new((**key).clone());
                signature.len() == key.size()
                    && pkcs1v15::Signature::try_from(signature)
                        .is_ok_and(|signature| verifier.verify_prehash(prehash, &signature).is_ok())
            }
            Material::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(prehash, &signature).is_ok()),
            Material::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(prehash, &signature).is_ok()),
            Material::Ed25519(_) => false,
        }
    }
}
