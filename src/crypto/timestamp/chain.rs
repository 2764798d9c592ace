//! Builds a chain from an authority's certificate to a CA specified by the user (RFC 5280, 6.1, without policies and revocation).

use spki::der::pem;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::algorithm;
use super::wire::TIME_STAMPING;
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::crypto::certificate::{BASIC_CONSTRAINTS, Certificate, EXTENDED_KEY_USAGE, KEY_USAGE, dates};

/// The maximum number of CAs between a certificate and the user's CA.
const INTERMEDIATES_MAX: usize = 4;
/// Certificate policies can be ignored, because this program does not require any policy (RFC 5280, 6.1.1, with any-policy).
const CERTIFICATE_POLICIES: &str = "2.5.29.32";

/// The certificates specified by the user: trusted CAs, and certificates of authorities. The certificates of authorities must lead to a trusted CA,
/// like the certificates in a token.
#[derive(Debug, Clone, Default)]
pub struct Authorities {
    cas: Vec<Certificate>,
    for_time_stamping: Vec<Certificate>,
    files: Vec<(String, Sha256)>,
}

impl Authorities {
    /// Adds the certificates from the PEM file with this name; each CA in it is trusted. Text around the blocks is ignored, as in openssl. The file may also contain a
    /// time-stamping certificate, because authorities publish their whole chain; that certificate is not trusted.
    ///
    /// # Errors
    /// A description of the fault if the file contains anything but certificates or does not contain a CA.
    pub fn add_pem(&mut self, file: &str, text: &[u8], limits: &Limits) -> Result<(), String> {
        self.files.push((file.to_owned(), Sha256::of(text)));
        let text = String::from_utf8_lossy(text);
        let blocks = blocks(&text)?;
        if blocks.is_empty() || blocks.len() as u64 > limits.timestamp_certificates {
            return Err(format!(
                "expected 1 to {} certificates, found {}",
                limits.timestamp_certificates,
                blocks.len()
            ));
        }
        let before = self.cas.len();
        let mut fault = None;
        for block in blocks {
            let (label, der) =
                pem::decode_vec(block.as_bytes()).map_err(|error| format!("not certificates in PEM: {error}"))?;
            let certificate = match label {
                "CERTIFICATE" => Certificate::from_der(&der).map_err(|error| format!("not a certificate: {error}"))?,
                other => return Err(format!("expected a CERTIFICATE, found {other}")),
            };
            match must_be_ca(&certificate, 0).map_err(|fault| format!("{}: {fault}", name(&certificate))) {
                Ok(()) => self.cas.push(certificate),
                Err(message) if must_be_for_time_stamping(&certificate).is_ok() => {
                    fault = fault.or(Some(message));
                    self.for_time_stamping.push(certificate);
                }
                Err(message) => return Err(message),
            }
        }
        if self.cas.len() == before { Err(fault.unwrap_or_default()) } else { Ok(()) }
    }

    /// The names and digests of the files that were added.
    pub(crate) fn files(&self) -> &[(String, Sha256)] {
        &self.files
    }

    /// Whether no CA was specified.
    pub fn is_empty(&self) -> bool {
        self.cas.is_empty()
    }

    /// Authorities' certificates, for tokens that do not contain one.
    pub(super) fn for_time_stamping(&self) -> &[Certificate] {
        &self.for_time_stamping
    }
}

/// The PEM blocks of a text, each from its BEGIN line to the end of its END line.
fn blocks(text: &str) -> Result<Vec<String>, String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.find("-----BEGIN ").and_then(|start| rest.split_at_checked(start)) {
        let end = block.find("-----END ").and_then(|end| Some((end + 9, block.get(end + 9..)?.find("-----")?)));
        let end = end.map(|(end, label)| end + label + 5);
        let (whole, behind) = end.and_then(|end| block.split_at_checked(end)).ok_or("a PEM block has no END line")?;
        blocks.push(wrapped(whole));
        rest = behind;
    }
    Ok(blocks)
}

/// The block rewrapped to lines of 64 characters: openssl accepts other lengths, but the strict PEM parser does not.
fn wrapped(block: &str) -> String {
    let mut lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
    let begin = lines.next().unwrap_or_default();
    let (body, ends): (Vec<&str>, Vec<&str>) = lines.partition(|line| !line.starts_with('-'));
    let body: Vec<char> = body.concat().chars().collect();
    let body: Vec<String> = body.chunks(64).map(|line| line.iter().collect()).collect();
    format!("{begin}\n{}\n{}", body.join("\n"), ends.concat())
}

/// Checks that time-stamping is the only extended key usage, in a critical extension (RFC 3161, 2.3), and that the key may sign.
pub(super) fn must_be_for_time_stamping(certificate: &Certificate) -> Result<(), String> {
    let usage: Option<(bool, ExtendedKeyUsage)> = extension(certificate)?;
    match usage {
        Some((true, usage)) if usage.0 == [TIME_STAMPING] => {}
        Some((false, _)) => {
            return Err("the certificate that signed it has an extended key usage that is not critical".into());
        }
        _ => return Err("the certificate that signed it is not exclusively for time-stamping".into()),
    }
    let usage: Option<(bool, KeyUsage)> = extension(certificate)?;
    match usage {
        Some((_, usage)) if !usage.digital_signature() && !usage.non_repudiation() => {
            Err("the certificate that signed it is not for signatures".into())
        }
        _ => Ok(()),
    }
}

/// Checks that a chain leads from the certificate to one of the user's CAs, and that every certificate in the chain is valid at `at`.
pub(super) fn must_lead_to(
    certificate: &Certificate,
    others: &[&Certificate],
    authorities: &Authorities,
    at: Timestamp,
) -> Result<(), String> {
    let mut current = certificate;
    check(current, at)?;
    for below in 0..=INTERMEDIATES_MAX {
        if let Some(authority) = issuer_among(current, authorities.cas.iter())? {
            check(authority, at)?;
            return must_be_ca(authority, below);
        }
        // The next certificate may come from the token, but the chain must still end at one of the user's CAs.
        let next = issuer_among(current, others.iter().copied())?.filter(|next| !next.says_what_says(current));
        let Some(next) = next else {
            return Err(format!("none of the specified CAs signed {}", name(current)));
        };
        check(next, at)?;
        must_be_ca(next, below).map_err(|fault| format!("{}: {fault}", name(next)))?;
        current = next;
    }
    Err(format!("there are more than {INTERMEDIATES_MAX} certificates between it and a specified CA"))
}

/// Finds the candidate whose subject is this certificate's issuer and whose key signed this certificate.
fn issuer_among<'c>(
    certificate: &Certificate,
    candidates: impl Iterator<Item = &'c Certificate>,
) -> Result<Option<&'c Certificate>, String> {
    let Some(signed) = certificate.signed() else { return Ok(None) };
    let mut fault = None;
    for candidate in candidates {
        let issuer = candidate.tbs();
        if issuer.subject() != certificate.tbs().issuer() || !certificate.names_one_algorithm() {
            continue;
        }
        let key = issuer.subject_public_key_info();
        match algorithm::verify(key, signed.algorithm, None, signed.bytes, signed.signature) {
            Ok(true) => return Ok(Some(candidate)),
            Ok(false) => {}
            Err(message) => fault = Some(format!("the signature on {}: {message}", name(certificate))),
        }
    }
    fault.map_or(Ok(None), Err)
}

/// Checks dates and critical extensions.
fn check(certificate: &Certificate, at: Timestamp) -> Result<(), String> {
    let (from, to) = validity(certificate)?;
    if at < from || at > to {
        return Err(format!("{} is valid from {from} to {to}, but the token's time is {at}", name(certificate)));
    }
    let known = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, CERTIFICATE_POLICIES];
    match certificate.unknown_critical(&known) {
        Some(unknown) => Err(format!("{} has the unrecognised critical extension {unknown}", name(certificate))),
        None => Ok(()),
    }
}

/// Checks that the certificate is a CA that may have this many CAs below it.
fn must_be_ca(certificate: &Certificate, below: usize) -> Result<(), String> {
    let constraints: Option<(bool, BasicConstraints)> = extension(certificate)?;
    let Some((_, BasicConstraints { ca: true, path_len_constraint })) = constraints else {
        return Err("it is not a CA certificate".into());
    };
    if path_len_constraint.is_some_and(|most| below > usize::from(most)) {
        return Err("there are more CAs below it than its path length allows".into());
    }
    let usage: Option<(bool, KeyUsage)> = extension(certificate)?;
    match usage {
        Some((_, usage)) if !usage.key_cert_sign() => Err("its key is not for signing certificates".into()),
        _ => Ok(()),
    }
}

/// The certificate's validity dates.
pub(super) fn validity(certificate: &Certificate) -> Result<(Timestamp, Timestamp), String> {
    dates(certificate.tbs().validity()).ok_or_else(|| "a certificate's date is out of range".to_owned())
}

fn extension<'c, T: der::Decode<'c> + der::oid::AssociatedOid>(
    certificate: &'c Certificate,
) -> Result<Option<(bool, T)>, String> {
    certificate
        .tbs()
        .get_extension::<T>()
        .map_err(|_| format!("{} has a malformed or duplicate extension", name(certificate)))
}

fn name(certificate: &Certificate) -> String {
    format!("the certificate of {:?}", certificate.subject())
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::signature::Signer as _;
    use p256::pkcs8::EncodePublicKey as _;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = match u8::try_from(content.len()) {
            Ok(length @ 0..0x80) => vec![length],
            Ok(length) => vec![0x81, length],
            Err(_) => [&[0x82][..], &u16::try_from(content.len()).unwrap().to_be_bytes()].concat(),
        };
        [&[tag][..], &length, content].concat()
    }

    /// A self-signed certificate that contains an explicit FALSE for a field whose default is FALSE. DER requires the value to be omitted, but some
    /// authorities write it.
    fn certificate(key: &p256::ecdsa::SigningKey) -> Vec<u8> {
        let algorithm = element(0x30, &element(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));
        let name =
            element(0x30, &element(0x31, &element(0x30, &[element(6, &[0x55, 4, 3]), element(12, b"A")].concat())));
        let validity = element(0x30, &[element(23, b"200101000000Z"), element(23, b"400101000000Z")].concat());
        let extension =
            element(0x30, &[element(6, &[0x55, 0x1d, 14]), element(1, &[0]), element(4, &element(4, b"key"))].concat());
        let spki = key.verifying_key().to_public_key_der().unwrap().into_vec();
        let parts = [
            element(0xa0, &element(2, &[2])),
            element(2, &[1]),
            algorithm.clone(),
            name.clone(),
            validity,
            name,
            spki,
            element(0xa3, &element(0x30, &extension)),
        ];
        let signed = element(0x30, &parts.concat());
        let signature: p256::ecdsa::DerSignature = key.sign(&signed);
        element(0x30, &[signed, algorithm, element(3, &[&[0], signature.as_bytes()].concat())].concat())
    }

    #[test]
    fn a_certificate_is_verified_over_its_original_bytes() {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let der = certificate(&key);
        let read = Certificate::from_der(&der).unwrap();
        assert!(issuer_among(&read, [&read].into_iter()).unwrap().is_some());
        let mut other = der.clone();
        let at = other.windows(3).position(|part| part == b"key").unwrap();
        other[at] ^= 1;
        let other = Certificate::from_der(&other).unwrap();
        assert!(issuer_among(&other, [&read].into_iter()).unwrap().is_none());
    }
}
