//! The definition of a check: everything about a check that other modules need.

use super::outcome::Outcome;
use crate::judge::deployment::Deployment;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Finding, Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

/// A check: its description, and the function that computes its answer.
pub struct Check {
    /// The check's name in policies and reports.
    pub name: &'static str,
    /// The check's group.
    pub group: Group,
    /// The check's level if the policy does not set one.
    pub level: Level,
    /// What a pass means, in one sentence.
    pub says: &'static str,
    /// What the check examines, what it does not examine, and what to do if it fails.
    pub explanation: &'static str,
    /// How the statement of a pass is known: the weakest witness decides.
    pub known: Known,
    /// The fields of `[expect]` that request the check, and what they change.
    pub expected: Expected,
    /// Controls that a pass supports, by their ids in the program's own table (`src/report/controls.toml`).
    pub controls: &'static [&'static str],
    /// The links of the chain that hold only if the check passes.
    pub(crate) links: &'static [ChainLink],
    pub(crate) missing_evidence: MissingEvidence,
    pub(crate) run: Run,
}

/// The fields of `[expect]` that request a check, and what setting one of them changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No field requests the check.
    Nothing,
    /// The check also answers if none of these fields is set.
    Optional(&'static [&'static str]),
    /// The check does not answer unless one of these fields is set.
    Needed(&'static [&'static str]),
    /// Setting one of these fields sets the check's level to `require`.
    Requires(&'static [&'static str]),
}

/// A link of the chain from the key to the deployed image. The report shows the two ends of each link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainLink {
    /// The link from the key's holder to the trusted key.
    KeyHolder,
    /// The link from the build server to the trusted key.
    ServerKey,
    /// The link from the trusted key to the signed archive.
    Archive,
    /// The link from the signed archive to the build's record and log.
    Record,
    /// The link from the server's saved responses to the record and log.
    ServerAnswers,
    /// The link from the signed archive to the commit.
    Commit,
    /// The link from the commit to the work tree.
    WorkTree,
    /// The link from the commit to its approval.
    Approval,
    /// The link from the commit to what specifies it: the tag and the policy.
    Specified,
    /// The link from the signed archive to the pushed image.
    PushedImage,
    /// The link from the pushed image to the supplied image.
    ImageAtHand,
    /// The link from the pushed image to its signer.
    ImageSigner,
    /// The link from the supplied image to the workload.
    Deployed,
    /// The link from the pushed image to the workload, by the digest that the workload pins.
    DeployedByDigest,
    /// The link from the image's key to the contract.
    ContractKey,
    /// The link from the contract to its signer.
    ContractSigner,
    /// The link from the contract to the instance that booted it.
    Instance,
}

/// A function that examines a build.
pub(crate) type RunOnBuild = fn(&Evidence<'_>, &Policy) -> Outcome;

/// A check's function.
pub(crate) enum Run {
    /// The function examines a build.
    Function(RunOnBuild),
    /// The function examines an image to be deployed.
    Workload(fn(&Deployment<'_>, &Policy) -> Outcome),
}

impl Expected {
    /// The names of the fields.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Optional(fields) | Self::Needed(fields) | Self::Requires(fields) => fields,
        }
    }
}

impl Check {
    /// Whether a field of `[expect]` requests the check. `is_set` returns whether the field with this name is set.
    pub(crate) fn is_expected(&self, is_set: impl Fn(&str) -> bool) -> bool {
        self.expected.fields().iter().any(|field| is_set(field))
    }

    /// The check's level if `[levels]` does not list the check.
    pub(crate) fn own_level(&self, is_set: impl Fn(&str) -> bool) -> Level {
        match self.expected {
            Expected::Requires(_) if self.is_expected(is_set) => Level::Require,
            _ => self.level,
        }
    }

    /// Whether the check may lack an answer: because good builds may lack its evidence, or because the policy does not set what the check expects.
    pub(crate) fn may_say_nothing(&self, is_set: impl Fn(&str) -> bool) -> bool {
        let lacks_expectation = matches!(self.expected, Expected::Needed(_)) && !self.is_expected(is_set);
        self.missing_evidence == MissingEvidence::RejectsByName || lacks_expectation
    }

    /// The check's finding among `findings`.
    pub(crate) fn answer_in<'f>(&self, findings: impl IntoIterator<Item = &'f Finding>) -> Option<&'f Finding> {
        findings.into_iter().find(|finding| finding.check == self.name)
    }
}
