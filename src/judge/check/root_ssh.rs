//! `root-ssh`: the record states that root could not log in to the build server.

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::base::words::counted;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "root-ssh",
    group: Group::Manifest,
    level: Level::Require,
    says: "root_ssh_enabled is false and root_ssh/ is empty",
    explanation: "Examines two places in the signed archive; no server is contacted. On-premises servers record root_ssh_enabled in build.json and \
store the public keys of users who may log in as root below root_ssh/. Anyone who logs in as root can change a build and use its signing key. Servers \
on VPC record neither: the check then has no evidence, and rejects the bundle for this only if the policy's [levels] lists the check.",
    known: Known::Signed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    const EXPECTED: &str = "root_ssh_enabled false, root_ssh/ empty";
    let record = &evidence.manifest.record;
    let keys = evidence.manifest.root_ssh.as_deref().unwrap_or_default();
    if !keys.is_empty() {
        let mut outcome = Outcome::fail("the archive contains keys for root logins in root_ssh/")
            .sides(EXPECTED, format!("{} in root_ssh/", counted(keys.len(), "entry")));
        outcome.details = keys.to_vec();
        return outcome;
    }
    match (record.has("root_ssh_enabled"), record.root_ssh_enabled()) {
        (_, Some(false)) => {
            Outcome::pass("the record states that root could not log in").sides(EXPECTED, "root_ssh_enabled false")
        }
        (_, Some(true)) => {
            Outcome::fail("the record states that root could log in").sides(EXPECTED, "root_ssh_enabled true")
        }
        (true, None) => Outcome::unknown("root_ssh_enabled is neither true nor false").sides(EXPECTED, "another value"),
        // `null` means the same as a missing field.
        (false, None) => Outcome::not_run(Reason::NoEvidence, "the record does not state whether root could log in"),
    }
}
