//! X.509 certificates and revocation lists, as far as attestation and contracts need them (RFC 5280). A signature is always judged over the
//! bytes that stand in the file.

use spki::der::{Decode as _, Encode as _, pem};
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;

use crate::crypto::{Protocol, VerifyingKey, signature_scheme};
use crate::digest::Sha256;
use crate::time::Timestamp;

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const KEY_USAGE: &str = "2.5.29.15";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
/// X.520.
const ORGANIZATION: &str = "2.5.4.10";

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// SHA-256 of the whole.
    pub(crate) fingerprint: Sha256,
    /// In words.
    pub(crate) subject: String,
    /// The organization in its subject, where there is exactly one.
    pub(crate) organization: Option<String>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key: VerifyingKey,
    /// May it sign certificates?
    pub(crate) authority: Authority,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    serial: Vec<u8>,
    signed: Signed,
}

/// What basic constraints, key usage and critical extensions make of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authority {
    /// It may sign certificates; with so many authorities below it at most.
    Yes(Option<u8>),
    /// It may not.
    No,
    /// It has a critical extension that is not judged here.
    Unknown(String),
}

/// A certificate revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevocationList {
    pub(crate) issuer: String,
    pub(crate) next_update: Option<Timestamp>,
    issuer_der: Vec<u8>,
    revoked: Vec<Vec<u8>>,
    signed: Signed,
}

/// Bytes that are signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signed {
    bytes: Vec<u8>,
    algorithm: spki::ObjectIdentifier,
    signature: Vec<u8>,
}

impl Certificate {
    /// Reads one PEM block `CERTIFICATE`.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let (label, der) = pem::decode_vec(text).map_err(|error| format!("not one PEM block: {error}"))?;
        if label != "CERTIFICATE" {
            return Err(format!("expected a CERTIFICATE, found {label}"));
        }
        Self::from_der(&der)
    }

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, String> {
        let read = x509_cert::Certificate::from_der(der).map_err(|error| format!("not a certificate: {error}"))?;
        let tbs = read.tbs_certificate();
        if tbs.signature() != read.signature_algorithm() {
            return Err("it names two algorithms for its signature".into());
        }
        let bits = read.signature().as_bytes().ok_or("its signature is no whole number of bytes")?;
        let der_of = |name: &Name| name.to_der().map_err(|error| error.to_string());
        let spki = tbs.subject_public_key_info().to_der().map_err(|error| error.to_string())?;
        Ok(Self {
            fingerprint: Sha256::of(der),
            subject: tbs.subject().to_string(),
            organization: organization(tbs.subject()),
            not_before: moment(tbs.validity().not_before)?,
            not_after: moment(tbs.validity().not_after)?,
            key: VerifyingKey::from_spki(&spki)?,
            authority: authority(&read)?,
            subject_der: der_of(tbs.subject())?,
            issuer_der: der_of(tbs.issuer())?,
            serial: tbs.serial_number().as_bytes().to_vec(),
            signed: Signed::new(der, &read.signature_algorithm().oid, bits)?,
        })
    }

    /// Did `issuer` sign it: by name and by key?
    pub(crate) fn is_signed_by(&self, issuer: &Self) -> bool {
        self.issuer_der == issuer.subject_der && self.signed.is_by(&issuer.key)
    }

    /// Bytes that its signature is over.
    pub(crate) fn size(&self) -> usize {
        self.signed.bytes.len()
    }

    /// Is it valid at `now`, or in words why not?
    pub(crate) fn valid_at(&self, now: Timestamp) -> Result<(), String> {
        if now < self.not_before {
            return Err(format!("{} begins at {}", self.subject, self.not_before));
        }
        if now > self.not_after {
            return Err(format!("{} ended at {}", self.subject, self.not_after));
        }
        Ok(())
    }
}

impl RevocationList {
    /// Reads a list in PEM or DER.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, String> {
        let read =
            CertificateList::<Rfc5280>::from_der(der).map_err(|error| format!("not a revocation list: {error}"))?;
        let list = &read.tbs_cert_list;
        if list.signature != read.signature_algorithm {
            return Err("it names two algorithms for its signature".into());
        }
        // A list for some certificates only, or of changes only, says so in a critical extension (RFC 5280, 5.2).
        if list.crl_extensions.iter().flatten().any(|extension| extension.critical) {
            return Err("it has a critical extension: a list of some certificates only is not supported".into());
        }
        let bits = read.signature.as_bytes().ok_or("its signature is no whole number of bytes")?;
        let revoked = list.revoked_certificates.iter().flatten();
        Ok(Self {
            issuer: list.issuer.to_string(),
            next_update: list.next_update.map(moment).transpose()?,
            issuer_der: list.issuer.to_der().map_err(|error| error.to_string())?,
            revoked: revoked.map(|entry| entry.serial_number.as_bytes().to_vec()).collect(),
            signed: Signed::new(der, &read.signature_algorithm.oid, bits)?,
        })
    }

    /// Bytes that its signature is over.
    pub(crate) fn size(&self) -> usize {
        self.signed.bytes.len()
    }

    /// Is it the list of `issuer`: by name and by key?
    pub(crate) fn is_of(&self, issuer: &Certificate) -> bool {
        self.issuer_der == issuer.subject_der && self.signed.is_by(&issuer.key)
    }

    /// Does it name the certificate?
    pub(crate) fn revokes(&self, certificate: &Certificate) -> bool {
        self.revoked.contains(&certificate.serial)
    }
}

impl Signed {
    fn new(der: &[u8], oid: &spki::ObjectIdentifier, signature: &[u8]) -> Result<Self, String> {
        let bytes = first_element(der).ok_or("its outer sequence is malformed")?.to_vec();
        Ok(Self { bytes, algorithm: *oid, signature: signature.to_vec() })
    }

    fn is_by(&self, key: &VerifyingKey) -> bool {
        let scheme = signature_scheme(self.algorithm);
        scheme.is_some_and(|scheme| key.verify(Protocol::Certificate, scheme, &self.bytes, &self.signature).is_ok())
    }
}

/// The first element of the outermost sequence, as it stands: what a certificate's or a list's signature is over. The DER was read before.
pub(crate) fn first_element(der: &[u8]) -> Option<&[u8]> {
    let (header, _) = lengths(der)?;
    let inner = der.get(header..)?;
    let (header, content) = lengths(inner)?;
    inner.get(..header.checked_add(content)?)
}

/// Bytes of the header and of the content of the element at the beginning (X.690, 8.1).
fn lengths(der: &[u8]) -> Option<(usize, usize)> {
    let first = *der.get(1)?;
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    let digits = der.get(2..count.checked_add(2)?).filter(|_| (1..=4).contains(&count))?;
    let length = digits.iter().try_fold(0usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
    Some((count + 2, length))
}

fn moment(time: x509_cert::time::Time) -> Result<Timestamp, String> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
    seconds.and_then(Timestamp::from_unix_seconds).ok_or_else(|| "it has no readable dates".to_owned())
}

fn organization(name: &Name) -> Option<String> {
    let parts = name.iter_rdn().flat_map(|rdn| rdn.as_ref().iter()).filter(|part| part.oid.to_string() == ORGANIZATION);
    let mut texts = parts.map(|part| std::str::from_utf8(part.value.value()).ok().map(str::to_owned));
    texts.next().flatten().filter(|_| texts.next().is_none())
}

fn authority(certificate: &x509_cert::Certificate) -> Result<Authority, String> {
    let (mut basic, mut usage) = (None, None);
    for extension in certificate.tbs_certificate().extensions().into_iter().flatten() {
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
