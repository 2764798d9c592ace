//! `image-signature`: a trusted signer signed the image.

use super::outcome::Outcome;
use super::trust_reports::signature_reports;
use super::{ChainLink, Check, Expected, Run};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;
use crate::trust::{Answer, SignatureReport};

pub(super) static CHECK: Check = Check {
    name: "image-signature",
    group: Group::Trust,
    level: Level::Require,
    says: "a signature by one of the policy's keys or identities, or under the root key that the signed log records, covers the digest in the log",
    explanation: "Verifies every signature that was supplied with --trust or is in the folder trust/ next to the bundle (if it is the only bundle there), except files that fetch set aside (NAME.differs-N): content trust (Notary v1), \
simple signing (OpenPGP), and cosign with a key or keyless. The image is the one in the signed log. Content trust is compared with that image's \
repository, tag, digest and size, and must not have expired at the build's time; it may have been signed later. Simple signing is compared with its \
name and digest, and the key must be valid at the time that the signature states. cosign is compared with the digest alone: a keyless certificate must \
be valid at the time of its log entry or time-stamp, which may be long after the build; the validity of a key is not checked. One accepted signature \
is enough, unless the policy's [trust] \
requires several different signers. A content-trust root is trusted by the key id that the signed log records, or by the policy. Every other key, \
and an identity with its trusted root, is trusted by the policy alone. The check does not examine the image or show who holds a key. What cannot be \
evaluated (keys and identities that were not listed, attestations, unsupported formats) is unknown, never a pass. docs/trust.md has the rules.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[ChainLink::ImageSigner],
    controls: &["CM-14", "PS.2.1"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let reports = match signature_reports(evidence, policy) {
        Ok(reports) => reports,
        Err(outcome) => return outcome,
    };
    judge(reports, policy).details(reports.iter().flat_map(lines))
}

fn judge(reports: &[SignatureReport], policy: &Policy) -> Outcome {
    let accepted = reports.iter().filter_map(|report| match &report.answer {
        Answer::Accepted(signer) => Some((report, signer)),
        _ => None,
    });
    let refused = reports.iter().find_map(|report| match &report.answer {
        Answer::Refused(message) => Some(format!("{}: {message}", report.kind.words())),
        _ => None,
    });
    let undecided = reports.iter().find_map(|report| match &report.answer {
        Answer::Undecided(message) | Answer::NotBuiltIn(message) => Some(format!("{}: {message}", report.kind.words())),
        _ => None,
    });
    if let Some(minimum) = policy.trust.minimum {
        let mut signers: Vec<&str> = accepted.filter_map(|(_, signer)| signer.name.as_deref()).collect();
        signers.sort_unstable();
        signers.dedup();
        let enough = signers.len() as u64 >= minimum;
        let message = format!(
            "the digest in the log has accepted signatures by, or under, keys of {} of the policy's signers; the policy requires {minimum}",
            signers.len()
        );
        let sides = (format!("{minimum} of {} signers", policy.trust.signers.len()), signers.join(", "));
        return match (enough, undecided.is_some() && refused.is_none()) {
            (true, _) => Outcome::pass(message).sides(sides.0, sides.1),
            (false, true) => Outcome::unknown(message).sides(sides.0, sides.1),
            (false, false) => Outcome::fail(message).sides(sides.0, sides.1),
        };
    }
    let first = accepted.into_iter().next();
    match (first, refused, undecided) {
        (Some((report, signer)), ..) => Outcome::pass(format!("{} by {}", report.kind.words(), signer.words())),
        (None, Some(message), _) => Outcome::fail(message),
        (None, None, message) => Outcome::unknown(message.unwrap_or_default()),
    }
}

fn lines(report: &SignatureReport) -> Vec<String> {
    let says = match &report.answer {
        Answer::Accepted(signer) => format!("accepted, by {}", signer.words()),
        Answer::Refused(message) => format!("refused: {message}"),
        Answer::Undecided(message) => format!("undecided: {message}"),
        Answer::NotBuiltIn(message) => format!("not examined: {message}"),
    };
    let mut lines = vec![format!("{} {}: {says}", report.kind.words(), report.file)];
    lines.extend(report.details.iter().map(|line| format!("  {line}")));
    lines
}
