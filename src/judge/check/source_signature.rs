//! `source-signature`: one of the policy's signers signed the commit, or a tag that points to it.

use super::outcome::Outcome;
use super::{Check, Expected, Run, source_objects};
use crate::base::budget::Work;
use crate::git::SignedObject;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::judge::signer::{Answer, Signers};

pub(super) static CHECK: Check = Check {
    name: "source-signature",
    group: Group::Source,
    level: Level::Warn,
    says: "a key that the policy lists for a signer signed HEAD's commit or an annotated tag that points to it, and no signature on them was found to be bad",
    explanation: "Verifies the signatures on HEAD's commit and on annotated tags that point to it with the keys of [[signers]]: SSH signatures \
(namespace git; Ed25519, ECDSA P-256, RSA, and Ed25519 and P-256 on hardware tokens) and, in builds with the feature openpgp, OpenPGP signatures. A \
key inside a signature is only compared with those keys. An OpenPGP key must have been valid at the time that the signature states, and the \
signature must not have expired at --now. A signature by a revoked key counts only if the key was replaced or retired after the signature was \
made.\n\nAn SSH signature has no time, so signatures made with a signer's key after it was stolen cannot be distinguished from earlier ones. A \
signed commit vouches for its own tree and, by hash, for its history; it does not show that its signer approved the build (source-approved).\n\nWhen \
it fails: a key that belongs to none of the signers may belong to a hosting service, which signs merges made on its website. Add it to [[signers]] \
only if you mean to trust that service.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let proof = match evidence.source() {
        Ok(proof) => proof,
        Err(fault) => return Outcome::caused_by(&source_objects::CHECK, fault),
    };
    if proof.commit.is_none() {
        return Outcome::caused_by(
            &source_objects::CHECK,
            "HEAD's commit is not proved, so no signature can be verified",
        );
    }
    let signers = Signers::of(policy);
    if proof.signed.is_empty() {
        let message = "neither HEAD's commit nor a tag that points to it is signed";
        let reason = if signers.is_empty() { Reason::NoExpectation } else { Reason::NoEvidence };
        return Outcome::not_run(reason, message);
    }
    let signer_count = signers.names().len() as u64 + 1;
    let within = |object: &&SignedObject| {
        let bytes = Work::Bytes((object.payload.len() as u64).saturating_mul(signer_count));
        let works = [Work::Signatures(signer_count), bytes];
        works.into_iter().all(|work| evidence.budget.spend(work, "the signatures of commits and tags").is_ok())
    };
    let answers: Vec<(String, Answer)> = proof
        .signed
        .iter()
        .take_while(within)
        .map(|object| (object.subject.to_string(), signers.verify(&object.payload, &object.signature, evidence.now)))
        .collect();
    let lines: Vec<String> = answers.iter().map(|(subject, answer)| format!("{subject}: {answer}")).collect();
    if signers.is_empty() {
        let outcome = Outcome::not_run(Reason::NoExpectation, "the policy lists no signers of commits");
        return lines.into_iter().fold(outcome, Outcome::detail);
    }
    let first = |wanted: fn(&Answer) -> bool| answers.iter().find(|(_, answer)| wanted(answer));
    let is_bad = |answer: &Answer| matches!(answer, Answer::Bad(_));
    let is_good = |answer: &Answer| matches!(answer, Answer::Good { .. });
    let is_other = |answer: &Answer| matches!(answer, Answer::OtherKey(_));
    let outcome = match (first(is_bad), first(is_good), first(is_other)) {
        (Some((subject, answer)), ..) => Outcome::fail(format!("{subject}: {answer}")),
        (None, Some((subject, answer)), _) => Outcome::pass(format!("{subject}: {answer}")),
        (None, None, Some((subject, answer))) => {
            let expected = signers.names().join(" or ");
            Outcome::fail(format!("{subject} has a signature, but none that names a key of the policy's signers"))
                .sides(expected, answer)
        }
        (None, None, None) => {
            let first = answers.first().map(|(subject, answer)| format!("{subject}: {answer}")).unwrap_or_default();
            match answers.iter().all(|(_, answer)| matches!(answer, Answer::NotBuiltIn(_))) {
                true if !answers.is_empty() => Outcome::not_run(Reason::NotBuiltIn, first),
                _ => Outcome::unknown(first),
            }
        }
    };
    lines.into_iter().fold(outcome, Outcome::detail)
}
