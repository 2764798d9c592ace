//! Lists, in one place, the schemes that each protocol accepts. The lists differ on purpose: each protocol accepts the schemes that its signers use.

use std::fmt;

use sha2::Digest as _;
use spki::ObjectIdentifier;

use super::public_key::Kind;

/// The protocol to which a signature belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A build server's signature on a manifest.
    Manifest,
    /// A person's signature on a key record, a statement or a sign-off.
    Person,
    /// SSH signatures on commits and tags, including those made with hardware tokens.
    Ssh,
    /// Notary v1 (content trust).
    Notary,
    /// cosign with a key pair.
    Cosign,
    /// IBM's contracts and attestation records.
    Machine,
    /// Certificates and revocation lists of IBM's chain.
    Certificate,
    /// Time-stamps, and the certificates of their authorities.
    TimeStamp,
    /// Signatures that sigstore's verifier checks.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "used by sigstore only"))]
    Sigstore,
}

/// A signature algorithm and its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017, 8.2).
    RsaPkcs1(Hash),
    /// RSASSA-PSS (RFC 8017, 8.1) with the same hash for message and mask, and this many bytes of salt.
    RsaPss(Hash, usize),
    /// ECDSA (FIPS 186-5) as a DER `ECDSA-Sig-Value` (RFC 3279, 2.2.3).
    EcdsaDer(Hash),
    /// ECDSA as `r` followed by `s`, each with the field's length (IEEE P1363).
    EcdsaFixed(Hash),
    /// Ed25519 (RFC 8032), verified strictly: without the cofactor, and not with a key of small order.
    Ed25519,
}

/// A hash function used in signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Protocol {
    /// Whether a key of this kind may sign with this scheme.
    pub(super) fn accepts(self, kind: Kind, scheme: Scheme) -> bool {
        use Hash::{Sha256, Sha384, Sha512};
        use Kind::{P256, P384, Rsa};
        use Scheme::{EcdsaDer, EcdsaFixed, RsaPkcs1, RsaPss};
        const ED25519: (Kind, Scheme) = (Kind::Ed25519, Scheme::Ed25519);
        match self {
            Self::Manifest => matches!((kind, scheme), (Rsa, RsaPkcs1(Sha256)) | (P256, EcdsaDer(Sha256))),
            Self::Person => matches!((kind, scheme), (P256, EcdsaDer(Sha256)) | ED25519),
            Self::Ssh => {
                matches!((kind, scheme), (Rsa, RsaPkcs1(Sha256 | Sha512)) | (P256, EcdsaFixed(Sha256)) | ED25519)
            }
            Self::Notary => matches!(
                (kind, scheme),
                (Rsa, RsaPkcs1(Sha256) | RsaPss(Sha256, 32)) | (P256 | P384, EcdsaFixed(Sha256)) | ED25519
            ),
            Self::Cosign => {
                matches!((kind, scheme), (Rsa, RsaPkcs1(Sha256)) | (P256 | P384, EcdsaDer(Sha256)) | ED25519)
            }
            Self::Machine => (kind, scheme) == (Rsa, RsaPkcs1(Sha256)),
            Self::Certificate => matches!((kind, scheme), (Rsa, RsaPkcs1(_))),
            // The salt length is taken from the parameters.
            Self::TimeStamp => {
                matches!((kind, scheme), (Rsa, RsaPkcs1(_) | RsaPss(..)) | (P256 | P384, EcdsaDer(_)))
            }
            Self::Sigstore => match (kind, scheme) {
                (Rsa, RsaPss(hash, salt)) => salt == hash.size(),
                other => {
                    matches!(other, (Rsa, RsaPkcs1(_)) | (P256 | P384, EcdsaDer(Sha256 | Sha384)) | ED25519)
                }
            },
        }
    }
}

/// Certificate signature algorithms whose identifiers include the hash (RFC 4055, RFC 5758).
const SIGNATURES: [(ObjectIdentifier, Scheme); 6] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Scheme::RsaPkcs1(Hash::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), Scheme::RsaPkcs1(Hash::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), Scheme::RsaPkcs1(Hash::Sha512)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Scheme::EcdsaDer(Hash::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), Scheme::EcdsaDer(Hash::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), Scheme::EcdsaDer(Hash::Sha512)),
];

/// The scheme, including its hash, for a certificate's algorithm identifier.
pub(crate) fn signature_scheme(algorithm: ObjectIdentifier) -> Option<Scheme> {
    SIGNATURES.iter().find(|(oid, _)| *oid == algorithm).map(|(_, scheme)| *scheme)
}

impl Scheme {
    /// The hash function applied to the message before signing; `None` for Ed25519, which signs the message itself.
    pub(crate) fn hash(self) -> Option<Hash> {
        match self {
            Self::RsaPkcs1(hash) | Self::RsaPss(hash, _) | Self::EcdsaDer(hash) | Self::EcdsaFixed(hash) => Some(hash),
            Self::Ed25519 => None,
        }
    }
}

impl Hash {
    /// The length of a digest, in bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub(crate) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}
