//! IBM's certificate chain, which is unusual: record ← attestation certificate ← IBM's signing certificate ← DigiCert's
//! code-signing authority ← DigiCert's root.
//!
//! IBM's signing certificate is not a CA certificate, so ordinary verifiers reject its signature on the attestation
//! certificate. IBM's documentation (certificate_validate.md) says to check the names, signature, dates and revocation
//! of that step separately, which is done here; the steps above it are checked as usual.

use std::collections::BTreeMap;

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

/// How one chain ends.
enum End {
    /// One of its certificates is revoked.
    Revoked(String),
    Other(Standing),
}

/// The maximum number of beginnings of chains that are examined. Several certificates can have one key, and any of them may be in a chain.
pub(super) const BEGINNINGS: usize = 32;

/// The revocation lists, found by the certificate whose key signed them.
struct Lists<'a> {
    all: &'a [RevocationList],
    known: BTreeMap<Sha256, Vec<&'a RevocationList>>,
}

impl<'a> Lists<'a> {
    fn of(&mut self, issuer: &Certificate) -> &[&'a RevocationList] {
        let all = self.all;
        self.known.entry(issuer.fingerprint).or_insert_with(|| all.iter().filter(|list| list.is_of(issuer)).collect())
    }

    /// The first certificate of a chain that its issuer revoked.
    fn revoke(&mut self, chain: &[&Certificate]) -> Option<String> {
        chain.iter().zip(chain.iter().skip(1)).find_map(|(step, issuer)| {
            let is_revoked = self.of(issuer).iter().any(|list| list.revokes(step));
            is_revoked.then(|| format!("{} is revoked by {}", step.subject, issuer.subject))
        })
    }
}

/// Follows every chain from the certificates with the key that signed a record. If one of them has a revoked certificate, the key is not trusted under
/// another certificate either; otherwise, one good chain is enough.
pub(super) fn follow(
    leaves: &[&Certificate],
    certificates: &[Certificate],
    lists: &[RevocationList],
    policy: &BuilderPolicy,
    moment: Timestamp,
) -> Standing {
    let digicert = Sha256::from_hex(DIGICERT_TRUSTED_ROOT_G4);
    let roots: Vec<Sha256> =
        if policy.roots.is_empty() { digicert.into_iter().collect() } else { policy.roots.clone() };
    let mut open: Vec<Vec<&Certificate>> = leaves.iter().rev().map(|leaf| vec![*leaf]).collect();
    let mut lists = Lists { all: lists, known: BTreeMap::new() };
    let (mut good, mut bad, mut examined) = (None, None, 0);
    while let Some(chain) = open.pop() {
        let Some(last) = chain.last().copied() else { continue };
        examined += 1;
        if examined > BEGINNINGS {
            return Standing::Undecided("too many of the supplied certificates have the same keys".into());
        }
        let end = if roots.contains(&last.fingerprint) {
            judge(&chain, &mut lists, moment)
        } else {
            let is_issuer = |issuer: &&Certificate| !chain.contains(issuer) && last.is_signed_by(issuer);
            let issuers: Vec<&Certificate> = certificates.iter().filter(is_issuer).collect();
            if !issuers.is_empty() && chain.len() < STEPS {
                open.extend(issuers.into_iter().rev().map(|issuer| [&chain[..], &[issuer]].concat()));
                continue;
            }
            match lists.revoke(&chain) {
                Some(why) => End::Revoked(why),
                None => End::Other(dead_end(&chain, last, issuers.is_empty())),
            }
        };
        match end {
            End::Revoked(why) => return Standing::Refused(why),
            End::Other(standing @ Standing::Signed(_)) => good = good.or(Some(standing)),
            End::Other(standing) => bad = bad.or(Some(standing)),
        }
    }
    good.or(bad).unwrap_or_else(|| Standing::Undecided("there is no chain of certificates".into()))
}

/// Why a chain does not reach a root.
fn dead_end(chain: &[&Certificate], last: &Certificate, lacks_issuer: bool) -> Standing {
    match (lacks_issuer, chain.len()) {
        (false, _) => Standing::Refused("the chain of certificates is too long".into()),
        (true, 1) => Standing::Refused(format!(
            "the record is signed with the key of a certificate for {}, which none of the supplied certificates certifies",
            last.subject
        )),
        (true, _) => Standing::Undecided(format!(
            "the chain ends at {}: none of the supplied certificates leads from there to a trusted root",
            last.subject
        )),
    }
}

/// Checks a chain, from the leaf (first) to the root (last).
fn judge(chain: &[&Certificate], lists: &mut Lists<'_>, moment: Timestamp) -> End {
    if let Some(why) = lists.revoke(chain) {
        return End::Revoked(why);
    }
    End::Other(match validate(chain, lists, moment) {
        Err(standing) => standing,
        Ok(()) => {
            Standing::Signed(chain.iter().map(|step| format!("{} ({})", step.subject, step.fingerprint)).collect())
        }
    })
}

/// Names, rights, dates, and a valid revocation list for each step.
fn validate(chain: &[&Certificate], lists: &mut Lists<'_>, moment: Timestamp) -> Result<(), Standing> {
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
    for issuer in chain.iter().skip(1) {
        let of_issuer = lists.of(issuer);
        if of_issuer.is_empty() {
            return Err(Standing::Undecided(format!("no revocation list of {} was supplied", issuer.subject)));
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
