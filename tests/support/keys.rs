//! The recorded test keys, and public keys built from their parts.

use num_bigint::BigUint;
use p256::pkcs8::DecodePrivateKey as _;
use rsa::pkcs8::PrivateKeyInfoRef;
use rsa::pkcs8::der::Decode as _;

use super::encoding::{der, der_integer, from_pem, pem};

/// A recorded RSA key as numbers, with no check of its strength.
pub struct RsaKey {
    pub n: BigUint,
    pub e: BigUint,
    d: BigUint,
}

/// A recorded key for signing.
pub enum Key {
    Rsa(RsaKey),
    P256(p256::ecdsa::SigningKey),
}

/// The recorded keys.
#[derive(Clone, Copy, PartialEq)]
pub enum Named {
    Server,
    Other,
    Server4096,
    ServerP256,
    Weak1024,
    WeakE3,
}

impl Named {
    /// The private key's PEM, as recorded.
    pub fn private_pem(self) -> &'static str {
        match self {
            Self::Server => include_str!("../../fixtures/inputs/keys/server-rsa-2048.pem"),
            Self::Other => include_str!("../../fixtures/inputs/keys/other-rsa-2048.pem"),
            Self::Server4096 => include_str!("../../fixtures/inputs/keys/server-rsa-4096.pem"),
            Self::ServerP256 => include_str!("../../fixtures/inputs/keys/server-p256.pem"),
            Self::Weak1024 => include_str!("../../fixtures/inputs/keys/weak-rsa-1024.pem"),
            Self::WeakE3 => include_str!("../../fixtures/inputs/keys/weak-rsa-2048-e3.pem"),
        }
    }

    pub fn key(self) -> Key {
        let text = self.private_pem();
        if self == Self::ServerP256 {
            return Key::P256(p256::ecdsa::SigningKey::from_pkcs8_pem(text).unwrap());
        }
        let document = from_pem(text);
        let info = PrivateKeyInfoRef::from_der(&document).unwrap();
        let parts = rsa::pkcs1::RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).unwrap();
        let number = |part: rsa::pkcs1::UintRef<'_>| BigUint::from_bytes_be(part.as_bytes());
        Key::Rsa(RsaKey {
            n: number(parts.modulus),
            e: number(parts.public_exponent),
            d: number(parts.private_exponent),
        })
    }

    pub fn rsa(self) -> RsaKey {
        match self.key() {
            Key::Rsa(key) => key,
            Key::P256(_) => panic!("not an RSA key"),
        }
    }

    /// The SubjectPublicKeyInfo as PEM.
    pub fn public_pem(self) -> String {
        match self.key() {
            Key::Rsa(key) => rsa_public_pem(&key.n, &key.e),
            Key::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                // id-ecPublicKey and prime256v1 (RFC 5480, 2.1.1).
                let algorithm =
                    der(0x30, b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
                pem("PUBLIC KEY", &der(0x30, &[algorithm, der(3, &[&[0], point.as_bytes()].concat())].concat()))
            }
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo, as pinned by `--key sha256:HEX`.
    pub fn fingerprint(self) -> String {
        hpsb_audit::Sha256::of(&from_pem(&self.public_pem())).to_string()
    }
}

impl RsaKey {
    pub fn bytes(&self) -> usize {
        self.n.bits().div_ceil(8) as usize
    }

    /// RSASP1 (RFC 8017, 5.2.1) applied to any block.
    pub fn sign_block(&self, block: &[u8]) -> Vec<u8> {
        self.fixed(&BigUint::from_bytes_be(block).modpow(&self.d, &self.n))
    }

    /// The number, padded to the modulus's length in bytes.
    pub fn fixed(&self, number: &BigUint) -> Vec<u8> {
        let digits = number.to_bytes_be();
        [vec![0; self.bytes() - digits.len()], digits].concat()
    }
}

/// PKCS#1 `RSAPublicKey` in DER.
pub fn rsa_pkcs1_der(n: &BigUint, e: &BigUint) -> Vec<u8> {
    der(0x30, &[der_integer(&n.to_bytes_be()), der_integer(&e.to_bytes_be())].concat())
}

/// A SubjectPublicKeyInfo with any modulus and exponent, as PEM.
pub fn rsa_public_pem(n: &BigUint, e: &BigUint) -> String {
    // rsaEncryption with NULL parameters (RFC 3279, 2.3.1).
    let algorithm = der(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
    let key = der(3, &[&[0], rsa_pkcs1_der(n, e).as_slice()].concat());
    pem("PUBLIC KEY", &der(0x30, &[algorithm, key].concat()))
}
