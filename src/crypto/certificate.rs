//! X.509 certificates (RFC 5280), parsed once and kept with their original bytes. Signatures are verified over those bytes: if an authority did not
//! write strict DER, re-encoding the parsed certificate could change the bytes.
//!
//! The caller decides what a certificate may be used for, because IBM's chain ([`super::ibm`]), time-stamps and content trust have different rules.

use der::Decode as _;
use der::asn1::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;
use x509_cert::TbsCertificate;
use x509_cert::time::{Time, Validity};

use crate::base::time::Timestamp;

pub(crate) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub(crate) const KEY_USAGE: &str = "2.5.29.15";
pub(crate) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

/// A parsed certificate, which has not been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    read: x509_cert::Certificate,
    der: Vec<u8>,
}

/// A signature and the original bytes that it covers.
pub(crate) struct Signed<'c> {
    pub(crate) bytes: &'c [u8],
    pub(crate) algorithm: &'c AlgorithmIdentifierOwned,
    pub(crate) signature: &'c [u8],
}

impl Certificate {
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, der::Error> {
        Ok(Self { read: x509_cert::Certificate::from_der(der)?, der: der.to_vec() })
    }

    /// The bytes from which the certificate was parsed.
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The parsed content that is signed.
    pub(crate) fn tbs(&self) -> &TbsCertificate {
        self.read.tbs_certificate()
    }

    /// Whether the content equals that of `other`, even if the encoding differs.
    pub(crate) fn says_what_says(&self, other: &Self) -> bool {
        self.read == other.read
    }

    /// Whether the signature algorithms inside and outside the signed part are identical (RFC 5280, 4.1.1.2).
    pub(crate) fn names_one_algorithm(&self) -> bool {
        self.tbs().signature() == self.read.signature_algorithm()
    }

    /// The certificate's signature; `None` if the signature is not a whole number of bytes.
    pub(crate) fn signed(&self) -> Option<Signed<'_>> {
        let (bytes, signature) = (first_element(&self.der)?, self.read.signature().as_bytes()?);
        Some(Signed { bytes, algorithm: self.read.signature_algorithm(), signature })
    }

    /// The certificate's subject, as text.
    pub(crate) fn subject(&self) -> String {
        self.tbs().subject().to_string()
    }

    /// The object identifier of the first critical extension that is not in `known`.
    pub(crate) fn unknown_critical(&self, known: &[&str]) -> Option<ObjectIdentifier> {
        let critical = self.tbs().extensions().into_iter().flatten().filter(|extension| extension.critical);
        critical.map(|extension| extension.extn_id).find(|id| !known.contains(&id.to_string().as_str()))
    }
}

/// Both validity dates, if the calendar can represent them.
pub(crate) fn dates(validity: &Validity) -> Option<(Timestamp, Timestamp)> {
    Some((moment(validity.not_before)?, moment(validity.not_after)?))
}

pub(crate) fn moment(time: Time) -> Option<Timestamp> {
    i64::try_from(time.to_unix_duration().as_secs()).ok().and_then(Timestamp::from_unix_seconds)
}

/// The first element of the outermost sequence, byte for byte: the section that the signature of a certificate or revocation list covers. The caller
/// has parsed the DER.
pub(crate) fn first_element(der: &[u8]) -> Option<&[u8]> {
    let (header, _) = lengths(der)?;
    let inner = der.get(header..)?;
    let (header, content) = lengths(inner)?;
    inner.get(..header.checked_add(content)?)
}

/// The lengths of the first element's header and content (X.690, 8.1).
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
