//! Public keys of every supported kind except OpenPGP, read strictly and refused if they are weak.

use ed25519_dalek as ed25519;
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::traits::PublicKeyParts as _;
use spki::der::Decode as _;
use spki::{DecodePublicKey as _, EncodePublicKey as _, SubjectPublicKeyInfoRef};

use super::protocol::{Hash, Scheme};

/// The smallest accepted RSA modulus (NIST SP 800-131A disallows fewer than 2048 bits).
const RSA_BITS_MIN: u64 = 2048;
/// The largest accepted RSA modulus; larger moduli only cost time.
const RSA_BITS_MAX: u64 = 8192;
/// The smallest accepted RSA public exponent (FIPS 186-5, A.1.1: odd and above 65,536).
const RSA_EXPONENT_MIN: u64 = 65_537;
/// id-Ed25519 (RFC 8410, 3).
const ED25519: spki::ObjectIdentifier = spki::ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key that is strong enough to be trusted: RSA of 2048 to 8192 bits with an odd exponent of at least 65,537, EC on P-256 or P-384, or
/// Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifyingKey(pub(super) Material);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Material {
    Rsa(Box<rsa::PublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    Ed25519(Box<ed25519::VerifyingKey>),
}

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Kind {
    /// The kind's name in reports.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::P256 => "ecdsa-p256",
            Self::P384 => "ecdsa-p384",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The scheme to use if only the key determines it: with SHA-256 for RSA and ECDSA, and in DER for ECDSA.
    pub(crate) fn usual_scheme(self) -> Scheme {
        match self {
            Self::Rsa => Scheme::RsaPkcs1(Hash::Sha256),
            Self::P256 | Self::P384 => Scheme::EcdsaDer(Hash::Sha256),
            Self::Ed25519 => Scheme::Ed25519,
        }
    }
}

impl VerifyingKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
    ///
    /// # Errors
    /// A description of the fault.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, String> {
        let info =
            SubjectPublicKeyInfoRef::try_from(der).map_err(|error| format!("not a SubjectPublicKeyInfo: {error}"))?;
        match info.algorithm.oid {
            rsa::pkcs1::ALGORITHM_OID => {
                // These rules are checked before the crate's own rules, so that the error names the rule.
                let parts = rsa_parts(info.subject_public_key.raw_bytes())?;
                check_rsa(parts.modulus.as_bytes(), parts.public_exponent.as_bytes())?;
                let key = rsa::PublicKey::from_public_key_der(der);
                Ok(Self::of_rsa(key.map_err(|error| format!("not a usable RSA public key: {error}"))?))
            }
            p256::elliptic_curve::ALGORITHM_OID => {
                if let Ok(key) = p256::PublicKey::from_public_key_der(der) {
                    return Ok(p256::ecdsa::VerifyingKey::from(key).into());
                }
                let key = p384::PublicKey::from_public_key_der(der)
                    .map_err(|_| "not a valid EC key on P-256 or P-384".to_owned())?;
                Ok(Self(Material::P384(Box::new(key.into()))))
            }
            ED25519 => Self::from_ed25519(
                info.subject_public_key.as_bytes().ok_or("an Ed25519 key that is not a whole number of bytes")?,
            ),
            other => Err(format!("keys of the kind {other} are not supported")),
        }
    }

    /// Reads an RSA public key in PKCS#1 form (RFC 8017, A.1.1).
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "only sigstore has keys in this form"))]
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, String> {
        let parts = rsa_parts(der)?;
        Self::from_rsa_parts(parts.modulus.as_bytes(), parts.public_exponent.as_bytes())
    }

    /// Reads a big-endian modulus and exponent.
    pub(crate) fn from_rsa_parts(modulus: &[u8], exponent: &[u8]) -> Result<Self, String> {
        check_rsa(modulus, exponent)?;
        let number = rsa::BoxedUint::from_be_slice_vartime;
        let key = rsa::PublicKey::new(number(modulus), number(exponent));
        key.map(Self::of_rsa).map_err(|_| "not a usable RSA public key".to_owned())
    }

    /// Reads a point on P-256 (SEC 1, 2.3.4).
    pub(crate) fn from_p256_point(point: &[u8]) -> Result<Self, String> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point);
        key.map(Self::from).map_err(|_| "not a point on P-256".to_owned())
    }

    /// Reads a point on P-384.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "only sigstore has keys in this form"))]
    pub(crate) fn from_p384_point(point: &[u8]) -> Result<Self, String> {
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point);
        key.map(|key| Self(Material::P384(Box::new(key)))).map_err(|_| "not a point on P-384".to_owned())
    }

    /// Reads the 32 bytes of an Ed25519 key.
    pub(crate) fn from_ed25519(raw: &[u8]) -> Result<Self, String> {
        let bytes = raw.try_into().map_err(|_| format!("an Ed25519 key has 32 bytes, found {}", raw.len()))?;
        let key = ed25519::VerifyingKey::from_bytes(bytes).map_err(|_| "not a valid Ed25519 key".to_owned())?;
        Ok(key.into())
    }

    fn of_rsa(key: rsa::PublicKey) -> Self {
        Self(Material::Rsa(Box::new(key)))
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.0 {
            Material::Rsa(_) => Kind::Rsa,
            Material::P256(_) => Kind::P256,
            Material::P384(_) => Kind::P384,
            Material::Ed25519(_) => Kind::Ed25519,
        }
    }

    /// The number of bits in the modulus, or the curve's nominal size (256 for Ed25519).
    pub(crate) fn bits(&self) -> u32 {
        match &self.0 {
            Material::Rsa(key) => key.n().bit_width(),
            Material::P256(_) | Material::Ed25519(_) => 256,
            Material::P384(_) => 384,
        }
    }

    /// The number of bytes in the modulus, which is also the length of each signature; for RSA keys only.
    pub(crate) fn modulus_size(&self) -> Option<usize> {
        match &self.0 {
            Material::Rsa(key) => Some(key.size()),
            _ => None,
        }
    }

    /// The SubjectPublicKeyInfo in DER, in the usual encoding: an EC point is uncompressed.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, String> {
        let spki = match &self.0 {
            Material::Rsa(key) => key.to_public_key_der(),
            Material::P256(key) => key.to_public_key_der(),
            Material::P384(key) => key.to_public_key_der(),
            Material::Ed25519(key) => key.to_public_key_der(),
        };
        spki.map(|spki| spki.as_bytes().to_vec()).map_err(|error| error.to_string())
    }
}

impl From<p256::ecdsa::VerifyingKey> for VerifyingKey {
    fn from(key: p256::ecdsa::VerifyingKey) -> Self {
        Self(Material::P256(Box::new(key)))
    }
}

impl From<ed25519::VerifyingKey> for VerifyingKey {
    fn from(key: ed25519::VerifyingKey) -> Self {
        Self(Material::Ed25519(Box::new(key)))
    }
}

fn rsa_parts(pkcs1: &[u8]) -> Result<RsaPublicKeyRef<'_>, String> {
    RsaPublicKeyRef::from_der(pkcs1).map_err(|error| format!("not an RSA public key: {error}"))
}

/// Checks that the modulus and exponent of an RSA public key are strong enough and not too large.
fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), String> {
    let bits = bit_width(modulus);
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(format!("an RSA modulus of {bits} bits; {RSA_BITS_MIN} to {RSA_BITS_MAX} are accepted"));
    }
    if is_even(modulus) {
        return Err("an even RSA modulus".into());
    }
    // The crate accepts exponents of up to 33 bits; larger exponents are not used in practice and only cost time.
    if bit_width(exponent) > 33 {
        return Err("an RSA exponent of more than 33 bits".into());
    }
    let value = exponent.iter().fold(0, |number: u64, &byte| number << 8 | u64::from(byte));
    if value < RSA_EXPONENT_MIN || is_even(exponent) {
        return Err(format!("an RSA exponent of {value}; odd exponents of at least {RSA_EXPONENT_MIN} are accepted"));
    }
    Ok(())
}

/// The bit length of a big-endian number.
fn bit_width(number: &[u8]) -> u64 {
    let mut digits = number.iter().skip_while(|&&byte| byte == 0);
    let first = digits.next().map_or(0, |byte| 8 - byte.leading_zeros());
    u64::from(first) + 8 * digits.count() as u64
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|byte| byte.is_multiple_of(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_rsa_keys_are_exact() {
        let check = |modulus: &[u8], exponent: u64| check_rsa(modulus, &exponent.to_be_bytes()).is_ok();
        let modulus = |first: u8, bytes: usize| [&[first], vec![0xff; bytes - 1].as_slice()].concat();
        let good = modulus(0x80, 256);
        for (exponent, taken) in [
            (3, false),
            (65_535, false),
            (65_537, true),
            (65_538, false),
            (0xffff_ffff, true),
            // The maximum length is 33 bits.
            (0x1_0000_0001, true),
            (0x1_ffff_ffff, true),
            (0x2_0000_0001, false),
        ] {
            assert_eq!(check(&good, exponent), taken, "{exponent}");
        }
        for (modulus, taken) in [
            (modulus(0x7f, 256), false),
            (modulus(0xff, 1024), true),
            (modulus(0x01, 1025), false),
            ([&good[..255], &[0xfe]].concat(), false),
        ] {
            assert_eq!(check(&modulus, 65_537), taken, "{} bytes", modulus.len());
        }
    }
}
