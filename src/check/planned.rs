//! Checks that the contract names and this build does not have yet. Each answers `not-run: not-built-in`, so that no report is
//! silent about it. A check that is written moves from here into a file of its own.

use super::{Check, Run};
use crate::finding::{Group, Level, MissingEvidence};

const fn planned(
    name: &'static str,
    group: Group,
    level: Level,
    says: &'static str,
    missing_evidence: MissingEvidence,
) -> Check {
    Check {
        name,
        group,
        level,
        says,
        explanation: "This build of the program does not have the check.",
        missing_evidence,
        run: Run::NotBuiltIn,
    }
}

macro_rules! planned {
    ($($constant:ident: $name:literal, $group:ident, $level:ident, $missing:ident, $says:literal;)*) => {
        $(pub(super) static $constant: Check =
            planned($name, Group::$group, Level::$level, $says, MissingEvidence::$missing);)*
    };
}

planned! {
    BUILDER_RECORD: "builder-record", Builder, Require, RejectsWithGroup, "the build server's attestation record is signed by IBM's chain";
    BUILDER_WORKLOAD: "builder-workload", Builder, Require, RejectsWithGroup, "the server booted the workload that IBM published";
    BUILDER_IMAGE: "builder-image", Builder, Warn, RejectsWithGroup, "the server booted the image that IBM published";
    BUILDER_KEY_BINDING: "builder-key-binding", Builder, Warn, RejectsWithGroup, "the manifest's key is bound to the attested server";
    WORKLOAD_IMAGE: "workload-image", Workload, Require, RejectsWithGroup, "every image to be deployed has an accepted manifest";
    WORKLOAD_PINNED: "workload-pinned", Workload, Require, RejectsWithGroup, "every image to be deployed is named by digest";
    WORKLOAD_KEY: "workload-key", Workload, Require, RejectsByName, "the keys in the contract are the build's";
    CONTRACT_SIGNATURE: "contract-signature", Workload, Require, RejectsByName, "the contract is signed by the key that it names";
    ATTESTATION_RECORD: "attestation-record", Workload, Require, RejectsByName, "an instance booted at least once with this workload";
}
