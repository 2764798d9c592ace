//! `builder-record`, `builder-workload`, `builder-image`, `builder-key-binding`: what the build server itself booted.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::base::digest::Sha256;
use crate::given::attestation::{Attestation, Record, Standing};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static RECORD: Check = Check {
    name: "builder-record",
    group: Group::Builder,
    level: Level::Require,
    says: "an attestation record is signed under a certificate in IBM's name that chains to the pinned root",
    explanation: "se-checksums.txt must be signed (se-signature.bin: RSA PKCS#1 v1.5 with SHA-256 over its exact bytes) by an attestation certificate \
that IBM's signing certificate issued. The signing certificate must lead to the pinned root: DigiCert Trusted Root G4, or the policy's [builder] \
roots. Names, signatures, validity at the time of the build and a revocation list from each issuer are checked; without a list, or without a build time in the signed archive, the answer is unknown. \
IBM's signing certificate is not a CA certificate, so that step is checked as IBM describes it. A record contains no time. A pass does not mean that \
this server made the build.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(record),
};

pub(super) static WORKLOAD: Check = Check {
    name: "builder-workload",
    group: Group::Builder,
    level: Level::Require,
    says: "a server booted a workload that the policy lists",
    explanation: "The record's workload digest must be one of the policy's [builder] workloads: the SHA-256 of the encrypted workload text that IBM \
publishes for build servers, exactly as in user-data, without a line ending. Only the policy states that the digests come from IBM, and the record does not \
state which server booted the workload. If user-data was saved next to the record, and the record has its digest, the two must match. The workload section in the saved user-data is not \
compared. A record that is not accepted proves nothing here.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(workload),
};

pub(super) static IMAGE: Check = Check {
    name: "builder-image",
    group: Group::Builder,
    level: Level::Warn,
    says: "a server booted a baseimage and a root.tar.gz that the policy lists; if the policy lists only one of the two, the other was not compared",
    explanation: "The record's digests of baseimage and root.tar.gz must be among the policy's [builder] base-images and root-archives, which are \
meant for the digests that IBM publishes for each version of its image. If the policy has only one of these lists, the other digest is not compared. \
Only the policy states that the listed digests come from IBM, and the record does not state which server booted the image. A record that is not \
accepted proves nothing here.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(image),
};

pub(super) static KEY_BINDING: Check = Check {
    name: "builder-key-binding",
    group: Group::Builder,
    level: Level::Warn,
    says: "nothing, because the check never passes: no public record binds the manifest's key to the attested server",
    explanation: "No public record binds the key that signs manifests to the attested server. The record identifies what was booted; the key is \
created later, and can be exported with the server's state and restored elsewhere. This check never passes: the answer is unknown until IBM publishes \
such a record. Only a procedure that people follow supports the link: see key-record.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[ChainLink::ServerKey],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(|evidence, _| match attestation_of(evidence) {
        Err(outcome) => outcome,
        Ok(_) => Outcome::unknown("no public record binds the key that signs manifests to the attested server"),
    }),
};

fn attestation_of<'e>(evidence: &'e Evidence<'_>) -> Result<&'e Attestation, Outcome> {
    evidence
        .builder
        .ok_or_else(|| Outcome::not_run(Reason::NoEvidence, "no attestation record of the build server was read"))
}

fn standing(evidence: &Evidence<'_>, attestation: &Attestation, policy: &Policy) -> Standing {
    for work in attestation.cost() {
        if let Err(error) = evidence.budget.spend(work, "the build server's certificates") {
            return Standing::Undecided(error.to_string());
        }
    }
    match evidence.build_time() {
        Some(built) => attestation.standing(&policy.builder, built),
        // The time of the audit is no substitute: the signer of an archive without a time would gain from leaving it out.
        None => Standing::Undecided(
            "the signed archive states no time for the build, as of which dates could be checked".into(),
        ),
    }
}

fn record(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let attestation = match attestation_of(evidence) {
        Ok(attestation) => attestation,
        Err(outcome) => return outcome,
    };
    match standing(evidence, attestation, policy) {
        Standing::Refused(why) => Outcome::fail(why),
        Standing::Undecided(why) => Outcome::unknown(why),
        Standing::Signed(path) => {
            let mut outcome =
                Outcome::pass("the record is signed under a certificate in IBM's name that chains to a trusted root");
            outcome.details = path;
            outcome.details.extend(attestation.record.iter().flat_map(|record| record.head.iter().cloned()));
            outcome
        }
    }
}

/// The record, if its signature is valid.
fn accepted<'e>(evidence: &'e Evidence<'_>, policy: &Policy) -> Result<(&'e Attestation, &'e Record), Outcome> {
    let attestation = attestation_of(evidence)?;
    match (standing(evidence, attestation, policy), &attestation.record) {
        (Standing::Signed(_), Ok(record)) => Ok((attestation, record)),
        _ => Err(Outcome::caused_by(&RECORD, "the record is not accepted")),
    }
}

fn workload(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let (attestation, record) = match accepted(evidence, policy) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let found = match record.digest("workload") {
        Ok(Some(found)) => found,
        Ok(None) => return Outcome::unknown("the record contains no workload digest"),
        Err(why) => return Outcome::fail(why),
    };
    let (mut details, mut not_compared) = (Vec::new(), "");
    if let Some(user_data) = &attestation.user_data {
        let digest = Sha256::of(user_data);
        match record.digest("cidata/user-data") {
            Ok(Some(recorded)) if recorded == digest => {
                details.push("the saved user-data matches the digest in the record".to_owned());
            }
            Ok(Some(recorded)) => {
                return Outcome::fail("the saved user-data does not match the digest in the record")
                    .sides(recorded, digest);
            }
            Ok(None) => not_compared = "; the saved user-data was not compared, because the record has no digest of it",
            Err(why) => return Outcome::fail(why),
        }
    }
    let expected = &policy.builder.workloads;
    if expected.is_empty() {
        let mut outcome = Outcome::not_run(Reason::NoExpectation, "the policy's [builder] lists no workloads");
        outcome.found = Some(found.to_string().into());
        return outcome;
    }
    let mut outcome = one_of(
        expected,
        found,
        "a server booted a workload that the policy lists",
        "a server booted a workload that the policy does not list",
    );
    outcome.details.extend(details);
    outcome.message.push_str(not_compared);
    outcome
}

fn image(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let (_, record) = match accepted(evidence, policy) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let expected = [("baseimage", &policy.builder.base_images), ("root.tar.gz", &policy.builder.root_archives)];
    if expected.iter().all(|(_, digests)| digests.is_empty()) {
        return Outcome::not_run(Reason::NoExpectation, "the policy's [builder] lists no image digests");
    }
    let of = |is_listed: bool| {
        let items = expected.iter().filter(move |(_, digests)| digests.is_empty() != is_listed).map(|(item, _)| *item);
        items.collect::<Vec<_>>()
    };
    let not_compared = match of(false).first() {
        Some(item) => format!("; {item} was not compared, because the policy does not list any"),
        None => String::new(),
    };
    let listed = of(true).join(" and a ");
    let mut outcome = Outcome::pass(format!("a server booted a {listed} that the policy lists{not_compared}"));
    for (item, digests) in expected.into_iter().filter(|(_, digests)| !digests.is_empty()) {
        match record.digest(item) {
            Ok(Some(found)) if digests.contains(&found) => outcome = outcome.detail(format!("{item} {found}")),
            Ok(Some(found)) => {
                return one_of(
                    digests,
                    found,
                    "",
                    &format!("a server booted an image that the policy does not list: {item}"),
                );
            }
            Ok(None) => return Outcome::unknown(format!("the record contains no digest of {item}")),
            Err(why) => return Outcome::fail(why),
        }
    }
    outcome
}

fn one_of(expected: &[Sha256], found: Sha256, pass: &str, fail: &str) -> Outcome {
    let words = expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match expected.contains(&found) {
        true => Outcome::pass(pass).sides(found, found),
        false => Outcome::fail(fail).sides(words, found),
    }
}
