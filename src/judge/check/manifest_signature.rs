//! `manifest-signature`: the archive has not changed since a trusted key signed it.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::gate::key::Fingerprint;
use crate::gate::verify::Refusal;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: super::MANIFEST_SIGNATURE,
    group: Group::Manifest,
    level: Level::Require,
    says: "the archive is unaltered since a trusted key signed it",
    explanation: "Verifies the bundle's signature over the SHA-256 digest of the signed archive, only with the keys that --key or else the policy \
specifies. The key determines the algorithm: RSA PKCS#1 v1.5 or ECDSA P-256, each with SHA-256. The check does not show who holds the key, whether the \
key is in an enclave, when the build ran, or whether the log is true. If the check fails, the archive or the signature was altered, or a different \
key signed the archive. If the answer is unknown, a key was pinned by its fingerprint, and no file next to the bundle contains it.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[ChainLink::Archive],
    controls: &["SI-7"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

/// The maximum number of unrecognised members that a report lists. All unrecognised members are counted.
const OTHER_MEMBERS_SHOWN: usize = 100;

/// This function always returns a pass, because evidence exists only if the signature was verified.
fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let mut outcome = Outcome::pass("a trusted key signed exactly the bytes of the archive in the bundle")
        .detail(format!("key {}", evidence.archive.key().fingerprint));
    let other = &evidence.manifest.other;
    if !other.is_empty() {
        outcome.message.push_str(&format!("; members that are not part of a manifest: {}", other.len()));
        outcome.details.extend(other.iter().take(OTHER_MEMBERS_SHOWN).map(|name| format!("other member: {name}")));
    }
    outcome
}

pub(super) fn accepted_alone() -> Outcome {
    Outcome::pass("a trusted key signed exactly the bytes of the archive in the bundle; nothing in them was examined")
}

/// The beginning of a line about a trusted key that was tried.
pub(crate) const TRIED: &str = "trusted (";

/// The beginning of the text about a trusted key under which the signature does not verify. Saved reports may continue it with other words.
pub(crate) fn refused_key(key: &Fingerprint) -> String {
    format!("{key} does not verify ")
}

/// The beginning of the line about an untrusted key under which the signature verifies.
pub(crate) const UNTRUSTED: &str = "not trusted: ";

/// `beside` is a key next to the bundle under which the signature verifies.
pub(super) fn refused(refusal: &Refusal, beside: Option<(&str, Fingerprint)>) -> Outcome {
    let mut outcome = match (refusal.tried.as_slice(), refusal.missing.as_slice(), beside) {
        ([], _, _) => {
            Outcome::unknown("no file next to the bundle contains the pinned key, so the signature was not verified")
        }
        (_, [], Some(_)) => Outcome::fail(
            "no trusted key verifies the signature; the key next to the bundle does, but anyone can put a key there",
        ),
        (_, [], None) => Outcome::fail(
            "no trusted key verifies the signature: the bundle was changed, or a different key signed it; these two cases cannot be distinguished",
        ),
        _ => Outcome::unknown(
            "none of the trusted keys that were found verifies the signature, and a pinned key was not found next to the bundle",
        ),
    };
    if let Some((name, fingerprint)) = beside {
        outcome = outcome
            .detail(format!("{UNTRUSTED}the key in {name} next to the bundle, {fingerprint}, verifies the signature"));
    }
    for key in &refusal.tried {
        let refused = refused_key(&key.fingerprint);
        outcome = outcome.detail(format!("{TRIED}{}): {refused}the signature: {}", key.source, key.fault));
    }
    for fingerprint in &refusal.missing {
        outcome = outcome.detail(format!("trusted: {fingerprint} was not found next to the bundle"));
    }
    let expected = "a signature by a trusted key over the archive";
    let found = match (refusal.tried.as_slice(), refusal.missing.as_slice()) {
        ([], _) => "not verified, because no file with a trusted key was found",
        (_, []) => "none by a trusted key",
        _ => "none by the trusted keys whose files were found",
    };
    outcome.sides(expected, format!("{found}; the archive's digest is {}", refusal.digest))
}
