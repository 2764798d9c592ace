//! Certificates and revocation lists under the rules of IBM's chain (RFC 5280), on which attestation records and contracts rely.

use spki::der::{Decode as _, Encode as _, pem};
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;

use super::certificate::{self, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_USAGE, Signed, first_element, moment};
use super::{Protocol, VerifyingKey, signature_scheme};
use crate::base::digest::Sha256;
use crate::base::time::Timestamp;

/// The organization name (X.520).
const ORGANIZATION: &str = "2.5.4.10";

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// SHA-256 of the whole certificate.
    pub(crate) fingerprint: Sha256,
    /// The subject, as text.
    pub(crate) subject: String,
    /// The organization in the subject, if there is exactly one.
    pub(crate) organization: Option<String>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key: VerifyingKey,
    /// Whether the certificate may sign certificates.
    pub(crate) authority: Authority,
    read: certificate::Certificate,
}

/// Whether basic constraints, key usage and critical extensions allow a certificate to sign other certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authority {
    /// The certificate may sign certificates; a number limits the CAs below it.
    Yes(Option<u8>),
    /// The certificate may not sign certificates.
    No,
    /// The certificate has a critical extension that is not evaluated here.
    Unknown(String),
}

/// A certificate revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevocationList {
    pub(crate) issuer: String,
    pub(crate) next_update: Option<Timestamp>,
    revoked: Vec<Vec<u8>>,
    /// The parsed list without its entries.
    read: CertificateList<Rfc5280>,
    der: Vec<u8>,
}

impl Certificate {
    /// Reads one PEM block with the label `CERTIFICATE`.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let (label, der) = pem::decode_vec(text).map_err(|error| format!("not exactly one PEM block: {error}"))?;
        if label != "CERTIFICATE" {
            return Err(format!("expected a CERTIFICATE, found {label}"));
        }
        Self::from_der(&der)
    }

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, String> {
        let read = certificate::Certificate::from_der(der).map_err(|error| format!("not a certificate: {error}"))?;
        if !read.names_one_algorithm() {
            return Err("its signature algorithms inside and outside the signed part differ".into());
        }
        read.signed().ok_or("its signature is not a whole number of bytes")?;
        let tbs = read.tbs();
        let spki = tbs.subject_public_key_info().to_der().map_err(|error| error.to_string())?;
        let (not_before, not_after) = certificate::dates(tbs.validity()).ok_or("its validity period cannot be read")?;
        Ok(Self {
            fingerprint: Sha256::of(der),
            subject: read.subject(),
            organization: organization(tbs.subject()),
            not_before,
            not_after,
            key: VerifyingKey::from_spki(&spki)?,
            authority: authority(&read)?,
            read,
        })
    }

    /// Whether `issuer` signed the certificate, according to both name and key.
    pub(crate) fn is_signed_by(&self, issuer: &Self) -> bool {
        self.read.tbs().issuer() == issuer.read.tbs().subject()
            && self.read.signed().is_some_and(|signed| is_by(&signed, &issuer.key))
    }

    /// The number of bytes that the signature covers.
    pub(crate) fn size(&self) -> usize {
        self.read.signed().map_or(0, |signed| signed.bytes.len())
    }

    /// Checks that the certificate is valid at `now`; otherwise, the error states the reason.
    pub(crate) fn valid_at(&self, now: Timestamp) -> Result<(), String> {
        if now < self.not_before {
            return Err(format!("{} is not valid before {}", self.subject, self.not_before));
        }
        if now > self.not_after {
            return Err(format!("{} expired at {}", self.subject, self.not_after));
        }
        Ok(())
    }
}

impl RevocationList {
    /// Reads a list in DER.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, String> {
        let mut read =
            CertificateList::<Rfc5280>::from_der(der).map_err(|error| format!("not a revocation list: {error}"))?;
        let list = &mut read.tbs_cert_list;
        if list.signature != read.signature_algorithm {
            return Err("its signature algorithms inside and outside the signed part differ".into());
        }
        // A list that covers only some certificates, or contains only the changes to another list, has a critical extension that states this (RFC
        // 5280, 5.2).
        if list.crl_extensions.iter().flatten().any(|extension| extension.critical) {
            return Err("it has a critical extension: a partial revocation list is not supported".into());
        }
        read.signature.as_bytes().ok_or("its signature is not a whole number of bytes")?;
        let next_update =
            list.next_update.map(|time| moment(time).ok_or("its nextUpdate cannot be read")).transpose()?;
        let revoked = list.revoked_certificates.take().into_iter().flatten();
        let revoked = revoked.map(|entry| entry.serial_number.as_bytes().to_vec()).collect();
        Ok(Self { issuer: list.issuer.to_string(), next_update, revoked, read, der: der.to_vec() })
    }

    fn signed(&self) -> Option<Signed<'_>> {
        let (bytes, signature) = (first_element(&self.der)?, self.read.signature.as_bytes()?);
        Some(Signed { bytes, algorithm: &self.read.signature_algorithm, signature })
    }

    /// The number of bytes that the signature covers.
    pub(crate) fn size(&self) -> usize {
        self.signed().map_or(0, |signed| signed.bytes.len())
    }

    /// Whether `issuer` signed the list, according to both name and key.
    pub(crate) fn is_of(&self, issuer: &Certificate) -> bool {
        self.read.tbs_cert_list.issuer == *issuer.read.tbs().subject()
            && self.signed().is_some_and(|signed| is_by(&signed, &issuer.key))
    }

    /// Whether the list contains the certificate.
    pub(crate) fn revokes(&self, certificate: &Certificate) -> bool {
        let serial = certificate.read.tbs().serial_number().as_bytes();
        self.revoked.iter().any(|revoked| revoked == serial)
    }
}

fn is_by(signed: &Signed<'_>, key: &VerifyingKey) -> bool {
    let scheme = signature_scheme(signed.algorithm.oid);
    scheme.is_some_and(|scheme| key.verify(Protocol::Certificate, scheme, signed.bytes, signed.signature).is_ok())
}

fn organization(name: &Name) -> Option<String> {
    let parts = name.iter_rdn().flat_map(|rdn| rdn.as_ref().iter()).filter(|part| part.oid.to_string() == ORGANIZATION);
    let mut texts = parts.map(|part| std::str::from_utf8(part.value.value()).ok().map(str::to_owned));
    texts.next().flatten().filter(|_| texts.next().is_none())
}

fn authority(certificate: &certificate::Certificate) -> Result<Authority, String> {
    let (mut basic, mut usage) = (None, None);
    for extension in certificate.tbs().extensions().into_iter().flatten() {
        let bytes = extension.extn_value.as_bytes();
        match extension.extn_id.to_string().as_str() {
            BASIC_CONSTRAINTS => basic = Some(BasicConstraints::from_der(bytes).map_err(|error| error.to_string())?),
            KEY_USAGE => usage = Some(KeyUsage::from_der(bytes).map_err(|error| error.to_string())?),
            EXTENDED_KEY_USAGE => {}
            other if extension.critical => return Ok(Authority::Unknown(other.to_owned())),
            _ => {}
        }
    }
    Ok(match (basic, usage) {
        (Some(basic), usage) if basic.ca && usage.is_none_or(|usage| usage.key_cert_sign()) => {
            Authority::Yes(basic.path_len_constraint)
        }
        _ => Authority::No,
    })
}
