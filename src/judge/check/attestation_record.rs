//! `attestation-record`: a signed record states that an instance booted with this workload.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::base::digest::Sha256;
use crate::given::attestation::Standing;
use crate::judge::deployment::Deployment;
use crate::judge::evidence::Known;
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::workload::Content;

pub(super) static CHECK: Check = Check {
    name: "attestation-record",
    group: Group::Workload,
    level: Level::Require,
    says: "the record states that an instance booted at least once with this workload",
    explanation: "The certificates of the record's signature must lead to IBM (see builder-record). The record's workload digest must be the digest of \
the contract's exact workload text. If the section is encrypted, that text is the encrypted one, and the images in it are known only if \
--workload-password decrypts it. A pass means that the record states that an instance booted at least once with this workload. It does not mean that \
the instance is running, and does not show how many instances there are.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[ChainLink::Instance],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Workload(run),
};

fn run(deployment: &Deployment<'_>, policy: &Policy) -> Outcome {
    let Some(attestation) = deployment.attestation else {
        let mut outcome = Outcome::not_run(Reason::NoEvidence, "no attestation record was supplied");
        outcome.details.extend(machine(deployment));
        return outcome;
    };
    let section = deployment.workload.contract.as_ref().and_then(|contract| contract.workload.as_ref());
    let Some(section) = section else {
        return Outcome::not_run(
            Reason::NoEvidence,
            "a record covers a contract's workload section, and this file has no such section",
        );
    };
    let path = match attestation.standing(&policy.builder, deployment.now) {
        Standing::Signed(path) => path,
        Standing::Refused(why) => return Outcome::fail(format!("the record is not accepted: {why}")),
        Standing::Undecided(why) => return Outcome::unknown(format!("the record cannot be evaluated: {why}")),
    };
    let recorded = match attestation.record.as_ref().map(|record| record.digest("workload")) {
        Ok(Ok(recorded)) => recorded,
        Ok(Err(why)) => return Outcome::fail(why),
        Err(why) => return Outcome::fail(why.clone()),
    };
    let Some(text) = &section.text else {
        return Outcome::unknown(
            "the workload section is a mapping, but a record covers exact text: supply the user-data exactly as deployed",
        );
    };
    let found = Sha256::of(text.as_bytes());
    let Some(recorded) = recorded else {
        return Outcome::unknown("the record contains no workload digest");
    };
    if recorded != found {
        return Outcome::fail("the record is for a different workload").sides(recorded, found);
    }
    let mut outcome = Outcome::pass("the record states that an instance booted at least once with this workload")
        .sides(recorded, found);
    outcome.details = match section.content {
        Content::Plain(_) => vec!["the section is in plain text".into()],
        Content::Opened(_) => {
            vec!["the images were read from the encrypted text whose digest the record contains".into()]
        }
        Content::Closed(_) => vec!["the section is encrypted: the images in it are not known".into()],
    };
    outcome.details.extend(path);
    outcome.details.extend(machine(deployment));
    outcome
}

/// The image that the machine boots, if a resource of IBM's operator specifies it. No manifest covers that image.
fn machine(deployment: &Deployment<'_>) -> Option<String> {
    let name = deployment.workload.machine.as_ref()?;
    Some(format!("the machine boots {name}: only an attestation record can show what that is"))
}
