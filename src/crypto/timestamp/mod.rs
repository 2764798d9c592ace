//! RFC 3161 time-stamps: creates a request for a digest and verifies the authority's response offline.
//!
//! A token states that the authority saw a digest by a certain time. The token does not state what the digest belongs to. A token is trusted only if
//! its certificate leads to a CA that the user specifies; certificates inside a token may be part of that chain but are not trusted themselves.
//!
//! NOT checked: whether the authority's certificate was revoked (this would require contacting the authority's servers), the text of the authority's
//! policy, and whether the nonce equals the nonce in the request (the digest ties a token to its case; the nonce would only show that the response is
//! fresh).

mod algorithm;
mod chain;
mod wire;

use der::asn1::{Any, Int, Null, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode as _, Encode as _, ErrorKind, Tag, TagNumber, Tagged as _};
use spki::AlgorithmIdentifierOwned;
use x509_cert::name::Name;

use self::algorithm::hash_of;
pub use self::chain::Authorities;
use self::wire::{
    Accuracy, CONTENT_TYPE, CertificateId, ContentInfo, MESSAGE_DIGEST, MessageImprint, Request, Response, SIGNED_DATA,
    SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2, SignedData, SignerInfo, SigningCertificate, TST_INFO, TstInfo,
};
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::crypto::Hash;
use crate::crypto::certificate::Certificate;

type Answer<T> = Result<T, String>;

/// The tag of GeneralName's choice `directoryName` (RFC 5280, 4.2.1.6).
const DIRECTORY_NAME: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(4) };

/// A time-stamp request for a SHA-256 digest, in DER (RFC 3161, 2.4.1). The request also asks for certificates. The nonce is derived from the digest,
/// so that the same case always results in the same request.
pub(crate) fn request(digest: &Sha256) -> Answer<Vec<u8>> {
    let text = |error: der::Error| error.to_string();
    let mut nonce = Sha256::of(&[b"hpsb-audit nonce ", digest.as_bytes().as_slice()].concat()).as_bytes().to_vec();
    nonce.truncate(8);
    // The nonce must be positive and in its shortest encoding.
    if let Some(first) = nonce.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    let message_imprint = MessageImprint {
        hash_algorithm: AlgorithmIdentifierOwned { oid: algorithm::SHA_256, parameters: Some(Any::from(Null)) },
        hashed_message: OctetString::new(digest.as_bytes().as_slice()).map_err(text)?,
    };
    let nonce = Int::new(&nonce).map_err(text)?;
    Request { version: 1, message_imprint, nonce, cert_req: true }.to_der().map_err(text)
}

/// A parsed token, which has not been verified.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The DER of TSTInfo, which is signed.
    content: Vec<u8>,
    info: TstInfo,
    signer: SignerInfo,
    certificates: Vec<Certificate>,
    at: Timestamp,
}

/// The content of a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The latest time that is consistent with the token: the token's time plus its accuracy.
    pub(crate) at: Timestamp,
    /// The subject of the certificate that signed the token.
    pub(crate) authority: String,
    /// The time at which the signing certificate expires.
    pub(crate) ends: Timestamp,
    /// Whether SHA-1 is the only hash by which the token identifies the signing certificate.
    pub(crate) named_by_sha1: bool,
}

impl Token {
    /// Reads a response that grants the request (RFC 3161, 2.4.2), or a bare token, in DER.
    ///
    /// # Errors
    /// A description of the fault.
    pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Answer<Self> {
        if bytes.len() as u64 > limits.timestamp_bytes {
            return Err(format!("over the limit {}", limits.timestamp_bytes()));
        }
        let content = match Response::from_der(bytes) {
            Ok(Response { status, token: Some(token) }) if status.status <= 1 => token,
            Ok(Response { status, .. }) => {
                let said = status.text.unwrap_or_default().join(", ");
                return Err(format!("the authority did not grant the request: status {}, {said:?}", status.status));
            }
            Err(error) if is_ber(error) => return Err(BER.into()),
            Err(_) => ContentInfo::from_der(bytes).map_err(|error| match is_ber(error) {
                true => BER.to_owned(),
                false => format!("neither a time-stamp response nor a token in DER (RFC 3161): {error}"),
            })?,
        };
        if content.content_type != SIGNED_DATA {
            return Err(format!("expected signed data, found content of the type {}", content.content_type));
        }
        let malformed = |error: der::Error| match is_ber(error) {
            true => BER.to_owned(),
            false => format!("its signed data is malformed: {error}"),
        };
        let data: SignedData = content.content.decode_as().map_err(malformed)?;
        if data.content.content_type != TST_INFO {
            return Err(format!("expected a TSTInfo, found content of the type {}", data.content.content_type));
        }
        let content = data.content.content.ok_or("it has no content")?.as_bytes().to_vec();
        let info = TstInfo::from_der(&content).map_err(|error| format!("its TSTInfo is malformed: {error}"))?;
        let signer = match data.signers.as_slice() {
            [one] => one.clone(),
            several => return Err(format!("expected one signer, found {}", several.len())),
        };
        let certificates = data.certificates.map(SetOfVec::into_vec).unwrap_or_default();
        if certificates.len() as u64 > limits.timestamp_certificates {
            return Err(format!("over the limit {}", limits.timestamp_certificates()));
        }
        let read = |any: Any| {
            let der = any.to_der().map_err(malformed)?;
            Certificate::from_der(&der).map_err(|error| format!("a certificate in it is malformed: {error}"))
        };
        // Other kinds of certificates (RFC 5652, 10.2.2), such as attribute certificates in Microsoft's tokens, are not used here.
        let certificates = certificates.into_iter().filter(|choice| choice.tag() == Tag::Sequence);
        let certificates = certificates.map(read).collect::<Answer<_>>()?;
        let at = moment(&info.time)?.plus_seconds(allowance(info.accuracy.as_ref())?);
        Ok(Self { content, info, signer, certificates, at })
    }

    /// The latest time that is consistent with the token, if the token is genuine.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// Checks that the token states this digest.
    ///
    /// # Errors
    /// A description of the fault if the token does not state this digest.
    pub(crate) fn must_be_over(&self, digest: &Sha256) -> Answer<()> {
        let imprint = &self.info.message_imprint;
        match hash_of(&imprint.hash_algorithm)? {
            Hash::Sha256 => {}
            other => {
                return Err(format!("its imprint uses {other}, but this program's requests use SHA-256"));
            }
        }
        match imprint.hashed_message.as_bytes() == digest.as_bytes() {
            true => Ok(()),
            false => Err(format!(
                "it covers a different digest: expected {digest}, found sha256:{}",
                crate::base::digest::encode_hex(imprint.hashed_message.as_bytes())
            )),
        }
    }

    /// Verifies the token for a digest: content and attributes (RFC 5652, 5.4 and 11), the certificate that the signed attributes identify (RFC 5035,
    /// RFC 5816), its purpose (RFC 3161, 2.3), and its chain to a CA specified by the user, as of the token's own time.
    ///
    /// # Errors
    /// A description of the first fault.
    pub(crate) fn verify(&self, digest: &Sha256, authorities: &Authorities) -> Answer<Verified> {
        self.must_be_over(digest)?;
        self.verify_as_it_is(authorities)
    }

    /// Like [`Token::verify`], for any digest.
    fn verify_as_it_is(&self, authorities: &Authorities) -> Answer<Verified> {
        if self.info.version != 1 {
            return Err(format!("expected a version 1 TSTInfo, found {}", self.info.version));
        }
        if self.info.extensions.iter().flatten().any(|extension| extension.critical) {
            return Err("its TSTInfo has an unrecognised critical extension".into());
        }
        let attributes = self.signer.signed_attributes.as_ref().ok_or("it has no signed attributes")?;
        let hash = hash_of(&self.signer.digest_algorithm)?;
        if ObjectIdentifier::from_der(&self.required_attribute(CONTENT_TYPE)?) != Ok(TST_INFO) {
            return Err("its signed content type is not TSTInfo".into());
        }
        let message_digest = OctetString::from_der(&self.required_attribute(MESSAGE_DIGEST)?);
        let message_digest = message_digest.map_err(|error| format!("its message digest is malformed: {error}"))?;
        if message_digest.as_bytes() != hash.digest(&self.content) {
            return Err("its signed message digest is not the digest of its content".into());
        }
        let certificate = self.signing_certificate(authorities.for_time_stamping())?;
        let signed = attributes.to_der().map_err(|error| error.to_string())?;
        let is_its = algorithm::verify(
            certificate.tbs().subject_public_key_info(),
            &self.signer.signature_algorithm,
            Some(hash),
            &signed,
            self.signer.signature.as_bytes(),
        )
        .map_err(|fault| format!("its signature: {fault}"))?;
        if !is_its {
            return Err("its signature does not verify under the key of its certificate".into());
        }
        chain::must_be_for_time_stamping(certificate)?;
        let others = self.certificates.iter().filter(|other| other.der() != certificate.der());
        chain::must_lead_to(certificate, &others.collect::<Vec<_>>(), authorities, moment(&self.info.time)?)?;
        let (_, ends) = chain::validity(certificate)?;
        let named_by_sha1 = self.attribute(SIGNING_CERTIFICATE_V2)?.is_none();
        let authority = certificate.subject();
        Ok(Verified { at: self.at, authority, ends, named_by_sha1 })
    }

    /// The only value of the only attribute of this type, as DER; `None` if there is no such attribute.
    fn attribute(&self, oid: ObjectIdentifier) -> Answer<Option<Vec<u8>>> {
        let attributes = self.signer.signed_attributes.iter().flat_map(|attributes| attributes.iter());
        let mut fitting = attributes.filter(|attribute| attribute.oid == oid);
        let attribute = match (fitting.next(), fitting.next()) {
            (None, _) => return Ok(None),
            (Some(one), None) => one,
            _ => return Err(format!("it has several signed attributes {oid}")),
        };
        match attribute.values.as_slice() {
            [one] => one.to_der().map(Some).map_err(|error| error.to_string()),
            _ => Err(format!("expected one value of the signed attribute {oid}")),
        }
    }

    fn required_attribute(&self, oid: ObjectIdentifier) -> Answer<Vec<u8>> {
        self.attribute(oid)?.ok_or_else(|| format!("it has no signed attribute {oid}"))
    }

    /// Finds the certificate that both the signer information and the signed attributes identify, among the token's certificates and `given`. An
    /// attribute with SHA-256 or a longer hash (RFC 5035), an attribute with SHA-1 (RFC 2634), or both may be present, and each one present must
    /// match. Many authorities still write only the older attribute.
    fn signing_certificate<'c>(&'c self, given: &'c [Certificate]) -> Answer<&'c Certificate> {
        let newer = self.signing_certificate_id(SIGNING_CERTIFICATE_V2)?;
        let older = self.signing_certificate_id(SIGNING_CERTIFICATE)?;
        if newer.is_none() && older.is_none() {
            return Err(format!(
                "it has neither of the signed attributes {SIGNING_CERTIFICATE_V2} and {SIGNING_CERTIFICATE}, which identify its certificate"
            ));
        }
        let hash = newer.as_ref().and_then(|id| id.hash_algorithm.as_ref()).map_or(Ok(Hash::Sha256), hash_of)?;
        for certificate in self.certificates.iter().chain(given) {
            let (tbs, der) = (certificate.tbs(), certificate.der());
            let is_signers = *tbs.issuer() == self.signer.signer.issuer
                && tbs.serial_number().as_bytes() == self.signer.signer.serial_number.as_bytes();
            if !is_signers {
                continue;
            }
            let fits_newer =
                newer.as_ref().is_none_or(|id| hash.digest(der) == id.hash.as_bytes() && id.is_of(certificate));
            let fits_older = match &older {
                Some(id) => {
                    id.hash_algorithm.is_none() && algorithm::sha1(der)? == id.hash.as_bytes() && id.is_of(certificate)
                }
                None => true,
            };
            if fits_newer && fits_older {
                return Ok(certificate);
            }
        }
        Err("it does not contain the certificate that its signed attributes identify; request certificates from the authority (certReq)".into())
    }

    fn signing_certificate_id(&self, oid: ObjectIdentifier) -> Answer<Option<CertificateId>> {
        let Some(value) = self.attribute(oid)? else { return Ok(None) };
        let named = SigningCertificate::from_der(&value);
        let named = named.map_err(|error| format!("its signed attribute {oid} is malformed: {error}"))?;
        let first = named.certificates.into_iter().next();
        first.map(Some).ok_or_else(|| format!("its signed attribute {oid} does not identify a certificate"))
    }
}

const BER: &str = "it is in BER, which is not supported: expected DER";

/// Whether the fault is an indefinite length (X.690, 8.1.3.6). Some programs write tokens with such lengths, and openssl accepts them.
fn is_ber(error: der::Error) -> bool {
    error.kind() == ErrorKind::IndefiniteLength
}

impl CertificateId {
    /// Whether the issuer and serial number, if present, match those of the certificate.
    fn is_of(&self, certificate: &Certificate) -> bool {
        let Some(named) = &self.issuer_serial else { return true };
        let tbs = certificate.tbs();
        let is_issuer = |name: &Any| Name::from_der(name.value()).is_ok_and(|name| name == *tbs.issuer());
        named.serial_number.as_bytes() == tbs.serial_number().as_bytes()
            && matches!(named.issuer.as_slice(), [one] if one.tag() == DIRECTORY_NAME && is_issuer(one))
    }
}

/// GeneralizedTime in TSTInfo: `YYYYMMDDhhmmss[.f…]Z`, without trailing zeros (RFC 3161, 2.4.2). Fractions are rounded up to whole seconds, because
/// the digest existed by that time.
fn moment(time: &Any) -> Answer<Timestamp> {
    let bad = || "its time is not a GeneralizedTime in UTC as RFC 3161 requires".to_owned();
    if time.tag() != Tag::GeneralizedTime {
        return Err(bad());
    }
    let text = std::str::from_utf8(time.value()).ok().and_then(|text| text.strip_suffix('Z')).ok_or_else(bad)?;
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    if whole.len() != 14 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let sound = |fraction: &str| {
        !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()) && !fraction.ends_with('0')
    };
    if fraction.is_some_and(|fraction| !sound(fraction)) {
        return Err(bad());
    }
    let part = |from: usize, to: usize| whole.get(from..to).unwrap_or_default();
    let text =
        format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14));
    let moment = Timestamp::from_rfc3339(&text).ok_or_else(bad)?;
    Ok(if fraction.is_some() { moment.plus_seconds(1) } else { moment })
}

/// The accuracy in whole seconds, rounded up.
fn allowance(accuracy: Option<&Accuracy>) -> Answer<i64> {
    let Some(accuracy) = accuracy else { return Ok(0) };
    if accuracy.millis.is_some_and(|millis| millis > 999) || accuracy.micros.is_some_and(|micros| micros > 999) {
        return Err("its accuracy has more than 999 millis or micros".into());
    }
    let part = i64::from(accuracy.millis.is_some() || accuracy.micros.is_some());
    Ok(i64::from(accuracy.seconds.unwrap_or(0)) + part)
}

#[cfg(all(test, unix))]
mod public_tests;
#[cfg(test)]
mod wycheproof_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_form_of_rfc_3161() {
        let read = |text: &str| Any::new(Tag::GeneralizedTime, text.as_bytes()).ok().and_then(|any| moment(&any).ok());
        let whole = Timestamp::from_rfc3339("2001-07-20T12:35:19Z");
        assert_eq!(read("20010720123519Z"), whole);
        assert_eq!(read("20010720123519.34352Z"), whole.map(|moment| moment.plus_seconds(1)));
        for bad in [
            "",
            "20010720123519",
            "200107201235Z",
            "20010720123519.Z",
            "20010720123519.50Z",
            "20010720123519,5Z",
            "20010720123519+0100",
            "20011320123519Z",
            "2001072012351 Z",
            "20010720123519.5ZZ",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(moment(&Any::new(Tag::UtcTime, &b"010720123519Z"[..]).unwrap()).is_err());
        let accuracy = |seconds, millis, micros| allowance(Some(&Accuracy { seconds, millis, micros }));
        assert_eq!((accuracy(Some(1), Some(500), None), accuracy(None, None, Some(1))), (Ok(2), Ok(1)));
        assert!(accuracy(None, Some(1000), None).is_err());
    }
}
