//! Verifies sigstore signatures offline, with a trusted root from the policy: keyless signatures, and log entries for
//! managed keys.
//!
//! A keyless signature is made with a short-lived key. A certificate authority certifies the key for a few minutes, for someone who signed in with an
//! identity provider. The signature can still be verified years later, because a transparency log or a timestamp authority has attested that it
//! existed while the certificate was valid. The crate `sigstore-verify` checks, in this order: the time; the certificate's chain at that time, its
//! usage, and its entry in a certificate log (SCT); identity and issuer, which must be those in the policy; the log entry with its inclusion proof,
//! checkpoint and promise; the signature; and whether the log entry is for this signature.
//!
//! Not checked: whether a certificate was revoked, a log was forked or an identity was taken over. The crate compares the times in a bundle with the
//! computer's clock. This module also compares them with the audit's time. If the computer's clock is set correctly, the answer therefore depends
//! only on the audit's time.
//!
//! Sources: sigstore client specification, sections 3 and 4; sigstore/protobuf-specs; RFC 5280, 6962, 3161.

#[cfg(test)]
mod bundles_tests;
#[cfg(test)]
mod conformance_tests;
mod crypto;
mod root;
mod signatures;
#[cfg(test)]
mod wycheproof_tests;

pub(crate) use self::root::SigstoreRoot;
pub(super) use self::signatures::bundle_of_layer;

use sigstore_verify::crypto::{CertificateInfo, KeyAlgorithm, parse_certificate_info};
use sigstore_verify::types::{Artifact, Bundle, DerPublicKey, Sha256Hash};
use sigstore_verify::{Error, Policy, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult, Verifier};

use super::public_key::ImageKey;
use super::{AcceptedSigner, Answer, ImageSigner, ImageSignerKey, SigstoreIdentity, TrustPolicy};
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// A verified signature, and details for the report.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) signer: AcceptedSigner,
    pub(super) details: Vec<String>,
}

/// The policy's identities, with verifiers for their trusted roots.
pub(super) struct Identities<'a> {
    signers: Vec<(&'a ImageSigner, &'a SigstoreIdentity, Result<Verifier, String>)>,
    now: Timestamp,
    limits: &'a Limits,
}

impl<'a> Identities<'a> {
    pub(super) fn of(policy: &'a TrustPolicy, now: Timestamp, limits: &'a Limits) -> Self {
        let identity = |signer: &'a ImageSigner| match &signer.key {
            ImageSignerKey::Sigstore(identity) => Some((signer, identity, identity.root.verifier())),
            _ => None,
        };
        Self { signers: policy.signers.iter().filter_map(identity).collect(), now, limits }
    }

    /// Finds the identity in the policy that made this keyless signature on `digest`.
    ///
    /// # Errors
    /// The reason why the signature is not accepted for any identity.
    pub(super) fn find_signer(&self, bundle: &[u8], digest: &Sha256) -> Result<Signed, Answer> {
        let bundle = read(bundle, self.limits)?;
        let certificate = certificate(&bundle)?;
        let says = described(&certificate);
        let mut fault = None;
        for (signer, wanted, verifier) in &self.signers {
            let verifier = match verifier {
                Ok(verifier) => verifier,
                Err(message) => {
                    fault =
                        fault.or_else(|| Some(Answer::Undecided(format!("the root of {:?}: {message}", signer.name))));
                    continue;
                }
            };
            let policy = VerificationPolicy::new(wanted.identity.as_str(), wanted.issuer.as_str());
            match verify(verifier, &bundle, digest, &policy) {
                Ok(result) => {
                    let complete = result.certificate_verified()
                        && result.sct_verified()
                        && result.tlog_verified()
                        && result.identity_policy_checked();
                    if !complete {
                        return Err(refused("some of the evidence was not verified"));
                    }
                    let mut details = vec![format!("signed by {says}")];
                    details.extend(times(&result, self.now)?);
                    let signer =
                        AcceptedSigner { key: wanted.to_string(), name: Some(signer.name.clone()), below: None };
                    return Ok(Signed { signer, details });
                }
                // Everything before this step was verified with this root, so this fault is more informative than one with a different root.
                Err(Error::IdentityMismatch { .. } | Error::IssuerMismatch { .. }) => {
                    fault = Some(refused(&format!(
                        "the policy's [trust] does not list the identity in its certificate, {says}; the signature was not verified"
                    )));
                }
                Err(error) => fault = fault.or(Some(answer(&error))),
            }
        }
        let nobody = || {
            Answer::Undecided(format!("no sigstore identity is in a policy's [trust]; the certificate states: {says}"))
        };
        Err(fault.unwrap_or_else(nobody))
    }
}

/// Verifies that the log entries of a bundle with a managed key are in the logs of `root` and are for this signature.
///
/// # Errors
/// The reason why a log entry is not accepted.
pub(super) fn verify_log(
    root: &SigstoreRoot,
    key: &ImageKey,
    bundle: &[u8],
    digest: &Sha256,
    now: Timestamp,
    limits: &Limits,
) -> Result<Vec<String>, Answer> {
    let bundle = read(bundle, limits)?;
    let verifier = root.verifier().map_err(|message| refused(&message))?;
    let key = key.spki().map_err(|message| refused(&message))?;
    let result = verify(&verifier, &bundle, digest, &PublicKeyVerificationPolicy::new(DerPublicKey::new(key)));
    let result = result.map_err(|error| answer(&error))?;
    if !result.tlog_verified() {
        return Err(refused("its transparency log entry was not verified"));
    }
    let mut details = vec!["its transparency log entry is verified".to_owned()];
    details.extend(times(&result, now)?);
    Ok(details)
}

fn verify(
    verifier: &Verifier,
    bundle: &Bundle,
    digest: &Sha256,
    policy: &impl Policy,
) -> Result<VerificationResult, Error> {
    crypto::install();
    verifier.verify(Artifact::from_digest(Sha256Hash::new(*digest.as_bytes())), bundle, policy)
}

/// Reads a bundle that is already known to be JSON without duplicate members.
fn read(bundle: &[u8], limits: &Limits) -> Result<Bundle, Answer> {
    let text = std::str::from_utf8(bundle).map_err(|_| refused("the bundle is not UTF-8"))?;
    let bundle = Bundle::from_json(text).map_err(|error| refused(&format!("the bundle: {error}")))?;
    let material = &bundle.verification_material;
    let evidence = material.tlog_entries.len() + material.timestamp_verification_data.rfc3161_timestamps.len();
    if evidence as u64 > limits.trust_signatures {
        let most = limits.trust_signatures;
        return Err(refused(&format!("the bundle has {evidence} log entries and timestamps, more than {most}")));
    }
    Ok(bundle)
}

fn certificate(bundle: &Bundle) -> Result<CertificateInfo, Answer> {
    let certificate = bundle.signing_certificate().ok_or_else(|| refused("the bundle has no certificate"))?;
    let certificate =
        parse_certificate_info(certificate).map_err(|error| refused(&format!("its certificate: {error}")))?;
    use KeyAlgorithm as Algorithm;
    match certificate.key_algorithm {
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 | Algorithm::Rsa | Algorithm::Ed25519 => Ok(certificate),
        other => Err(Answer::Undecided(format!("unsupported: a certificate for a key of type {other:?}"))),
    }
}

fn described(certificate: &CertificateInfo) -> String {
    let identity = certificate.identity.as_ref().map_or("no identity".to_owned(), ToString::to_string);
    format!("{identity} ({})", certificate.issuer.as_deref().unwrap_or("no issuer"))
}

/// The signature's times, as details. A time later than the audit is refused.
fn times(result: &VerificationResult, now: Timestamp) -> Result<Vec<String>, Answer> {
    let logged = result.integrated_time().map(|time| ("logged at", "its transparency log entry", time.as_second()));
    // The entry's own time is also in this list.
    let mut repeated = logged.map(|(.., seconds)| seconds);
    let verified = result
        .verified_timestamps()
        .iter()
        .map(|time| ("existed by", "a timestamp authority or a log", time.as_second()));
    let verified = verified.filter(|(.., seconds)| repeated.take_if(|logged| logged == seconds).is_none());
    let mut details = Vec::new();
    for (what, source, seconds) in logged.into_iter().chain(verified) {
        let time = Timestamp::from_unix_seconds(seconds).ok_or_else(|| refused("a time is out of range"))?;
        if time.is_clearly_after(now) {
            return Err(refused(&format!("it was logged or time-stamped at {time}, in the future")));
        }
        details.push(format!("{what} {time}, according to {source}"));
    }
    Ok(details)
}

fn answer(error: &Error) -> Answer {
    match error {
        Error::UnsupportedBundle(_) | Error::UnsupportedArtifact(_) => {
            Answer::Undecided(format!("unsupported: {error}"))
        }
        _ => refused(&error.to_string()),
    }
}

fn refused(message: &str) -> Answer {
    Answer::Refused(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_bundles_are_undecided() {
        assert!(matches!(answer(&Error::UnsupportedBundle("x".into())), Answer::Undecided(_)));
        assert!(matches!(answer(&Error::InvalidBundle("x".into())), Answer::Refused(_)));
    }

    #[test]
    fn log_entries_and_timestamps_count_together() {
        let bundle = include_bytes!("../../../fixtures/inputs/trust/sigstore/timestamped.json");
        for (most, taken) in [(1, false), (2, true), (3, true)] {
            let mut limits = Limits::default();
            limits.set("trust_signatures", most).unwrap();
            assert_eq!(read(bundle, &limits).is_ok(), taken, "one of each, {most} allowed");
        }
    }
}
