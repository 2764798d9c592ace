//! IBM's certificate chain, which is unusual: record ← attestation certificate ← IBM's signing certificate ← DigiCert's
//! code-signing authority ← DigiCert's root.
//!
//! IBM's signing certificate is not a CA certificate, so ordinary verifiers reject its signature on the attestation
//! certificate. IBM's documentation (certificate_validate.md) says to check the names, signature, dates and revocation
//! of that step separately, which is done here; the steps above it are checked as usual.

use spki::der::pem;

use super::{BuilderPolicy, DIGICERT_TRUSTED_ROOT_G4, IBM, Standing};
use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::crypto::ibm::{Authority, Certificate, RevocationList};

/// The maximum number of certificates in a chain.
pub(super) const STEPS: usize = 8;

/// The DER content of every readable PEM block in a text; empty if there is none.
pub(super) fn pem_blocks(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("-----BEGIN ") {
        let tail = rest.get(at..).unwrap_or_default();
        let Some(end) = tail.find("-----END ") else { break };
        let after = tail.get(end..).and_then(|tail| tail.find('\n')).map_or(tail.len(), |line| end + line);
        if let Some(Ok((_, der))) = tail.get(..after).map(|block| pem::decode_vec(block.trim_end().as_bytes())) {
            blocks.push(der);
        }
        rest = tail.get(after..).unwrap_or_default();
    }
    blocks
}

/// Follows the chain from the certificate that signed a record.
pub(super) fn follow(
    leaf: &Certificate,
    certificates: &[Certificate],
    lists: &[RevocationList],
    policy: &BuilderPolicy,
    moment: Timestamp,
) -> Standing {
    let digicert = Sha256::from_hex(DIGICERT_TRUSTED_ROOT_G4);
    let roots: Vec<Sha256> =
        if policy.roots.is_empty() { digicert.into_iter().collect() } else { policy.roots.clone() };
    let mut chain = vec![leaf];
    while let Some(last) = chain.last().copied().filter(|last| !roots.contains(&last.fingerprint)) {
        let issuer = certificates.iter().find(|issuer| !chain.contains(issuer) && last.is_signed_by(issuer));
        match issuer {
            Some(issuer) if chain.len() < STEPS => chain.push(issuer),
            Some(_) => return Standing::Refused("the chain of certificates is too long".into()),
            None if chain.len() == 1 => {
                return Standing::Refused(format!(
                    "the record is signed with the key of a certificate for {}, which none of the supplied certificates certifies",
                    last.subject
                ));
            }
            None => {
                return Standing::Undecided(format!(
                    "the chain ends at {}: none of the supplied certificates leads from there to a trusted root",
                    last.subject
                ));
            }
        }
    }
    match judge(&chain, lists, moment) {
        Err(standing) => standing,
        Ok(()) => {
            Standing::Signed(chain.iter().map(|step| format!("{} ({})", step.subject, step.fingerprint)).collect())
        }
    }
}

/// Checks a chain, from the leaf (first) to the root (last).
fn judge(chain: &[&Certificate], lists: &[RevocationList], moment: Timestamp) -> Result<(), Standing> {
    let refuse = |message: String| Err(Standing::Refused(message));
    let [_, signer, above @ ..] = chain else {
        return refuse("the record is signed directly by a root".into());
    };
    if signer.organization.as_deref() != Some(IBM) {
        let found = signer.organization.as_deref().unwrap_or("none");
        return refuse(format!(
            "the attestation certificate is signed by {}: expected the organization {IBM}, found {found}",
            signer.subject
        ));
    }
    for (below, step) in above.iter().enumerate() {
        match &step.authority {
            Authority::Yes(Some(most)) if usize::from(*most) < below => {
                return refuse(format!(
                    "{} allows at most {most} CA certificates below it (path length constraint), found {below}",
                    step.subject
                ));
            }
            Authority::Yes(_) => {}
            Authority::No => {
                return refuse(format!("{} is not a CA certificate, but signed a certificate", step.subject));
            }
            Authority::Unknown(oid) => {
                return refuse(format!(
                    "{} has the critical extension {oid}, which is not evaluated here",
                    step.subject
                ));
            }
        }
    }
    if let Some(why) = chain.iter().find_map(|step| step.valid_at(moment).err()) {
        return refuse(format!("{why} (checked as of {moment})"));
    }
    for (step, issuer) in chain.iter().zip(chain.iter().skip(1)) {
        let mut of_issuer = lists.iter().filter(|list| list.is_of(issuer)).peekable();
        if of_issuer.peek().is_none() {
            return Err(Standing::Undecided(format!("no revocation list of {} was supplied", issuer.subject)));
        }
        let of_issuer: Vec<&RevocationList> = of_issuer.collect();
        if of_issuer.iter().any(|list| list.revokes(step)) {
            return refuse(format!("{} is revoked by {}", step.subject, issuer.subject));
        }
        // A list without an end date is never valid.
        if !of_issuer.iter().any(|list| list.next_update.is_some_and(|end| moment <= end)) {
            return Err(Standing::Undecided(format!(
                "no supplied revocation list of {} is valid at {moment}",
                issuer.subject
            )));
        }
    }
    Ok(())
}
