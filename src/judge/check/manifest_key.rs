//! `manifest-key`: under the policy, the key was valid when the build was made.

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::base::time::Timestamp;
use crate::gate::verify::{RevocationReason, TrustedKey};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::{Policy, window_text};

pub(super) static CHECK: Check = Check {
    name: "manifest-key",
    group: Group::Manifest,
    level: Level::Require,
    says: "the key is strong enough and, at the stated build time, was within its validity window and not superseded or revoked",
    explanation: "Strength: RSA of 2048 to 8192 bits with an odd exponent of at least 65537, or EC P-256; weaker keys are refused when they are \
read. Validity window: the policy's not-before and not-after are compared with the build time in the signed archive. Revocation: if a key is revoked \
as compromised, every build is rejected, including older builds, because the signer states the time of a build; a build passes only if a verified \
time-stamp shows that the bundle existed before the revocation. A policy with such a key cannot weaken or waive this check. If a key is superseded, builds after the revocation fail. For an old bundle, \
it is normal that the window has ended by now. The check does not consult a server or a revocation list.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let key = evidence.archive.key();
    if let Some(revoked) = key.revoked
        && revoked.reason == RevocationReason::Compromised
        && evidence.existed_by.is_none_or(|moment| moment >= revoked.at)
    {
        let found = format!("revoked as compromised at {}", revoked.at);
        let seen = evidence.existed_by.map(|moment| format!("the time-stamp is not earlier: {moment}"));
        return Outcome::fail("the policy revokes the key as compromised: anyone with it can backdate a build")
            .sides("a key that is not revoked", found)
            .details(seen);
    }
    if key.revoked.is_none() && key.not_before.is_none() && key.not_after.is_none() {
        return Outcome::pass("the key is strong enough; no validity window is set for it").detail(strength(key));
    }
    let Some(built) = evidence.build_time() else {
        return Outcome::unknown("the signed archive contains no time for the build")
            .sides(window_text(key), "no signed time");
    };
    let outcome = judge(key, built);
    let compromised = key.revoked.filter(|revoked| revoked.reason == RevocationReason::Compromised);
    match evidence.existed_by.zip(compromised) {
        Some((moment, revoked)) => outcome.also(
            format!(
                "the policy revokes the key as compromised at {}; the bundle existed by {moment}, before that",
                revoked.at
            ),
            Known::Timestamped,
        ),
        None => outcome,
    }
}

fn judge(key: &TrustedKey, built: Timestamp) -> Outcome {
    if let Some(revoked) = key.revoked
        && revoked.reason == RevocationReason::Superseded
        && built > revoked.at
    {
        return Outcome::fail("at the build's stated time, the key was already superseded")
            .sides(format!("a build no later than {}", revoked.at), built);
    }
    if key.not_before.is_some_and(|from| built < from) || key.not_after.is_some_and(|to| built > to) {
        return Outcome::fail("the build's stated time is outside the key's validity window")
            .sides(window_text(key), built);
    }
    let mut outcome = Outcome::pass("the key is strong enough").detail(strength(key));
    // The build server itself states the time of the build.
    if key.not_before.is_some() || key.not_after.is_some() {
        outcome = outcome
            .sides(window_text(key), built)
            .also("the build's stated time is within the policy's validity window for the key", Known::Signed);
    }
    if is_revoked_as(key, RevocationReason::Superseded) {
        outcome = outcome.also("at the build's stated time, the key was not yet superseded", Known::Signed);
    }
    outcome
}

fn is_revoked_as(key: &TrustedKey, reason: RevocationReason) -> bool {
    key.revoked.is_some_and(|revoked| revoked.reason == reason)
}

fn strength(key: &TrustedKey) -> String {
    key.key.as_ref().map_or_else(String::new, |key| format!("{}, {} bits", key.kind(), key.bits()))
}
