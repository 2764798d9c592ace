//! The answers of checks, and the rule that turns them into a verdict.

pub(crate) mod version_1;

use crate::base::time::Timestamp;
use crate::base::words::words;
use crate::judge::evidence::Known;

/// The check that is always at level `require` and cannot be waived.
pub(crate) const MANIFEST_SIGNATURE: &str = "manifest-signature";

/// A group of checks. A group is in play if evidence for the group is supplied or if the group is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Group {
    /// The signed archive and its key. Always in play.
    Manifest,
    /// The source snapshot in the signed archive. Always in play.
    Source,
    /// The container image.
    Image,
    /// The image's own signatures.
    Trust,
    /// The build server's attestation.
    Builder,
    /// The workload to be deployed.
    Workload,
}

impl Group {
    /// The groups of a bundle, for which an audit has findings. Only `admit` and `serve` run the checks of `workload`.
    pub const OF_BUNDLES: [Self; 5] = [Self::Manifest, Self::Source, Self::Image, Self::Trust, Self::Builder];
}

words! {
    /// The group's name in policies and reports.
    pub Group {
        Manifest = "manifest",
        Source = "source",
        Image = "image",
        Trust = "trust",
        Builder = "builder",
        Workload = "workload",
    }
}

/// How a check's answer affects the verdict, strongest level first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The answer affects the verdict.
    Require,
    /// The answer is only shown.
    Warn,
    /// The check is listed, but not run.
    Off,
}

words! {
    /// The level's name in policies and reports.
    pub Level { Require = "require", Warn = "warn", Off = "off" }
}

/// A check's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The check's requirement is met.
    Pass,
    /// The check's requirement is not met.
    Fail,
    /// The check examined the evidence, but could not decide.
    Unknown,
    /// The check did not examine anything.
    NotRun(Reason),
}

/// Why a check was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The check could not run because a different check did not pass (see `caused_by`), or because there is no verdict.
    Refused,
    /// There is no evidence to examine.
    NoEvidence,
    /// The policy does not define what is expected.
    NoExpectation,
    /// The policy or the command switched the check off.
    Off,
    /// This build of the program does not include the check.
    NotBuiltIn,
}

impl Status {
    /// Whether the check was not run.
    pub fn is_not_run(self) -> bool {
        matches!(self, Self::NotRun(_))
    }

    /// The status as it is written in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::NotRun(_) => "not-run",
        }
    }

    /// The reason why the check was not run, as it is written in reports.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::NotRun(reason) => Some(reason.word()),
            Self::Pass | Self::Fail | Self::Unknown => None,
        }
    }

    /// All statuses, with one `not-run` for each reason.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Pass, Self::Fail, Self::Unknown].into_iter().chain(Reason::ALL.map(Self::NotRun))
    }

    /// Parses a status as it is written in reports.
    pub fn from_words(word: &str, reason: Option<&str>) -> Option<Self> {
        Self::all().find(|status| status.word() == word && status.reason() == reason)
    }
}

words! {
    /// The reason's name in reports.
    pub Reason {
        Refused = "refused",
        NoEvidence = "no-evidence",
        NoExpectation = "no-expectation",
        Off = "off",
        NotBuiltIn = "not-built-in",
    }
}

/// What requested a check's answer. This determines whether a missing answer rejects the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Nothing requested the answer: the check runs because its group is in play.
    None,
    /// The check's group was required, or evidence for the group was supplied.
    Group,
    /// The check itself was requested, by `[levels]` or by its field of `[expect]`.
    Check,
}

/// The effect of a required check that finds no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingEvidence {
    /// The check rejects the bundle if its group was requested.
    RejectsWithGroup,
    /// The check rejects the bundle only if the check itself was requested, because good builds may lack the evidence.
    RejectsByName,
}

/// The policy's statement that an answer is known and does not reject this one bundle. The waiver does not change the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The name of the person or team that is responsible for the waiver.
    pub owner: String,
    /// The reason.
    pub reason: String,
    /// The time when the waiver ends.
    pub expires: Timestamp,
    /// Whether the waiver is in effect at the time of the audit.
    pub standing: WaiverStanding,
}

/// Whether a waiver is in effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaiverStanding {
    /// The waiver is in effect.
    Active,
    /// The waiver has expired: it has no effect, but is shown.
    Expired,
}

words! {
    /// The waiver's state as it is written in reports.
    pub WaiverStanding { Active = "active", Expired = "expired" }
}

impl Waiver {
    /// The waiver in one line.
    pub fn words(&self) -> String {
        let Self { owner, reason, expires, .. } = self;
        match self.standing {
            WaiverStanding::Active => format!("waived by {owner} until {expires}: {reason}"),
            WaiverStanding::Expired => {
                format!("{owner}'s waiver expired at {expires} and has no effect: {reason}")
            }
        }
    }
}

/// One check's answer on one bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The check's name.
    pub check: &'static str,
    /// The check's group.
    pub group: Group,
    /// The check's level.
    pub level: Level,
    /// The answer.
    pub status: Status,
    /// The check that prevented this check from deciding. If there is such a check, this answer is only a consequence.
    pub caused_by: Option<&'static str>,
    /// The answer as a message.
    pub message: String,
    /// The expected value, if it can be stated.
    pub expected: Option<String>,
    /// What was found.
    pub found: Option<String>,
    /// Details, one line each.
    pub details: Vec<String>,
    /// The statements of a pass, each with how it is known. `message` contains all of these statements. The list is
    /// empty for other answers.
    pub says: Vec<Said>,
    /// What requested the answer.
    pub demand: Demand,
    /// The effect of missing evidence.
    pub missing_evidence: MissingEvidence,
    /// The policy's waiver of this answer on this bundle, if the answer would reject the bundle.
    pub waiver: Option<Waiver>,
    /// The finding's effect on the verdict. `settle` determines the effect from all findings together.
    pub effect: Effect,
}

/// One statement of a check that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The statement.
    pub text: String,
    /// How the statement is known.
    pub known: Known,
}

/// A finding's effect on the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// No effect.
    None,
    /// The finding rejects the bundle.
    Rejects,
    /// The finding would reject the bundle, but an active waiver prevents that. The best possible verdict is an
    /// acceptance in part.
    Waived,
    /// The finding has no effect by itself, because the check that caused this answer rejects the bundle.
    Follows,
}

/// The result of an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every group that the policy requires was checked, and no check rejects the bundle.
    Accept,
    /// No check rejects the bundle, but something that an acceptance needs is missing.
    AcceptInPart,
    /// A required check rejects the bundle.
    Reject,
    /// No verdict could be reached.
    None,
}

words! {
    /// The verdict's name in reports.
    pub Verdict { Accept = "accept", AcceptInPart = "accept-in-part", Reject = "reject", None = "none" }
}

impl Verdict {
    /// The verdict that follows from findings whose effects have been determined. `required` lists the groups that the policy requires; it is `None`
    /// if there is no policy.
    ///
    /// An acceptance needs a policy, and an answer at `require` in every group that the policy requires. One waived answer, or one check at
    /// `require` that this build does not include, makes the verdict an acceptance in part.
    pub(crate) fn of(findings: &[Finding], in_play: &[Group], required: Option<&[Group]>) -> Self {
        if findings.iter().any(Finding::rejects) {
            return Self::Reject;
        }
        let missing = |finding: &Finding| in_play.contains(&finding.group) && finding.is_not_built_in();
        let is_complete = !findings.iter().any(|finding| finding.is_waived() || missing(finding));
        match required {
            Some([]) | None => Self::AcceptInPart,
            Some(groups) if is_complete && groups.iter().all(|group| is_answered(findings, *group)) => Self::Accept,
            Some(_) => Self::AcceptInPart,
        }
    }
}

/// Whether a check of this group at level `require` has an answer. If a policy sets all of the group's checks to `warn` or `off`, the group counts as
/// not checked, regardless of the evidence.
pub(crate) fn is_answered(findings: &[Finding], group: Group) -> bool {
    let mut own = findings.iter().filter(|finding| finding.group == group);
    own.any(|finding| finding.level == Level::Require && finding.is_answer())
}

/// Decides each finding's effect on the verdict, by the rule of rejection in docs/policy.md. `waiver` returns the policy's waiver of a
/// check's answer on this bundle. `waiver` is called only if the answer would reject.
///
/// A consequence has no effect while its cause rejects: the cause is what must be fixed. If the cause does not reject (because it is waived, at
/// `warn`, or `off`), nothing else would show that the dependent checks never ran. Therefore, the cause's consequences at `require` reject, and each
/// of them needs a separate waiver.
pub(crate) fn settle(findings: &mut [Finding], in_play: &[Group], waiver: impl Fn(&str) -> Option<Waiver>) {
    share_causes(findings, in_play);
    name_roots(findings);
    let decide = |finding: &mut Finding, objects: bool| {
        finding.waiver = if objects { waiver(finding.check) } else { None };
        finding.effect = match (objects, finding.has_active_waiver()) {
            (false, _) => Effect::None,
            (true, true) => Effect::Waived,
            (true, false) => Effect::Rejects,
        };
    };
    for finding in findings.iter_mut().filter(|finding| finding.caused_by.is_none()) {
        let objects = in_play.contains(&finding.group) && finding.objects();
        decide(finding, objects);
    }
    let rejecting: Vec<&'static str> =
        findings.iter().filter(|finding| finding.rejects()).map(|finding| finding.check).collect();
    for finding in findings.iter_mut() {
        let Some(cause) = finding.caused_by else { continue };
        let is_in_play = in_play.contains(&finding.group);
        if is_in_play && finding.level != Level::Off && rejecting.contains(&cause) {
            (finding.waiver, finding.effect) = (None, Effect::Follows);
        } else {
            decide(finding, is_in_play && finding.level == Level::Require);
        }
    }
}

/// Several checks may report the same fault in the evidence with the same message. The first check that rejects for this fault keeps its answer; the
/// other checks count as not run because of that check.
fn share_causes(findings: &mut [Finding], in_play: &[Group]) {
    let is_own = |one: &&Finding| one.caused_by.is_none() && in_play.contains(&one.group);
    let is_no = |one: &&Finding| {
        one.objects() || (one.level == Level::Warn && matches!(one.status, Status::Fail | Status::Unknown))
    };
    let cause_of = |one: &Finding| {
        let one = Some(one).filter(is_own).filter(is_no)?;
        let mut roots = findings.iter().filter(is_own).filter(|root| root.objects());
        roots.find(|root| root.says_the_same(one)).map(|root| root.check).filter(|check| *check != one.check)
    };
    let causes: Vec<Option<&'static str>> = findings.iter().map(cause_of).collect();
    for (finding, cause) in findings.iter_mut().zip(causes) {
        if cause.is_some() {
            (finding.status, finding.caused_by) = (Status::NotRun(Reason::Refused), cause);
        }
    }
}

/// Follows each `caused_by` until it reaches a check that is not itself a consequence. A chain that ends in a cycle has no such check, so
/// `caused_by` is cleared for all checks in the chain.
fn name_roots(findings: &mut [Finding]) {
    let causes: Vec<(&'static str, Option<&'static str>)> =
        findings.iter().map(|finding| (finding.check, finding.caused_by)).collect();
    let cause_of = |check: &str| causes.iter().find(|(name, _)| *name == check).and_then(|(_, cause)| *cause);
    for finding in findings {
        let mut root = finding.caused_by;
        for _ in 0..causes.len() {
            match root.and_then(cause_of) {
                Some(next) => root = Some(next),
                None => break,
            }
        }
        let is_circle = root.and_then(cause_of).is_some();
        finding.caused_by = root.filter(|_| !is_circle);
    }
}

impl Finding {
    /// Whether this answer rejects the bundle.
    pub fn rejects(&self) -> bool {
        self.effect == Effect::Rejects
    }

    /// Whether only an active waiver prevents this answer from rejecting the bundle. Such an answer is not a pass: the best possible verdict
    /// is an acceptance in part.
    pub fn is_waived(&self) -> bool {
        self.effect == Effect::Waived
    }

    /// Whether a rejecting check prevented this check from deciding. The reasons for a rejection name the cause and only count its
    /// consequences.
    pub fn is_consequence(&self) -> bool {
        self.effect == Effect::Follows
    }

    /// Whether the check examined its evidence.
    pub(crate) fn is_answer(&self) -> bool {
        !self.status.is_not_run() && self.caused_by.is_none()
    }

    /// Whether the answer does not reject, but the reader must see it: failed or undecided at `warn`, or waived.
    pub(crate) fn is_doubt(&self) -> bool {
        let is_no = matches!(self.status, Status::Fail | Status::Unknown);
        self.is_waived() || (self.level == Level::Warn && is_no && !self.rejects() && !self.is_consequence())
    }

    /// Whether the check is required, but this build does not include it.
    pub(crate) fn is_not_built_in(&self) -> bool {
        self.level == Level::Require && self.status == Status::NotRun(Reason::NotBuiltIn)
    }

    fn says_the_same(&self, other: &Self) -> bool {
        (&self.message, &self.expected, &self.found) == (&other.message, &other.expected, &other.found)
    }

    fn has_active_waiver(&self) -> bool {
        let active = self.waiver.as_ref().is_some_and(|waiver| waiver.standing == WaiverStanding::Active);
        active && self.check != MANIFEST_SIGNATURE
    }

    /// Whether the finding would reject if there were no waivers and if it were not a consequence.
    pub(crate) fn objects(&self) -> bool {
        if self.level != Level::Require {
            return false;
        }
        match self.status {
            Status::Pass => false,
            Status::Fail | Status::Unknown => true,
            Status::NotRun(Reason::NoExpectation | Reason::Off) => false,
            Status::NotRun(Reason::NoEvidence) => match self.missing_evidence {
                MissingEvidence::RejectsWithGroup => self.demand >= Demand::Group,
                MissingEvidence::RejectsByName => self.demand == Demand::Check,
            },
            Status::NotRun(Reason::Refused | Reason::NotBuiltIn) => self.demand >= Demand::Group,
        }
    }
}

#[cfg(test)]
mod tests;
