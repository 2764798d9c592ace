//! What a check says, and the one rule that turns findings into a verdict.

pub(crate) mod version_1;

use crate::base::time::Timestamp;
use crate::base::words::words;
use crate::judge::evidence::Known;

/// The check that is always at `require`, and that nobody can waive.
pub(crate) const MANIFEST_SIGNATURE: &str = "manifest-signature";

/// What a check is about. A group is in play when evidence for it is given or when it is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Group {
    /// The signed archive and its key. Always in play.
    Manifest,
    /// The source snapshot in it. Always in play.
    Source,
    /// The container image.
    Image,
    /// The image's own signatures.
    Trust,
    /// The build server's attestation.
    Builder,
    /// What is to be deployed.
    Workload,
}

impl Group {
    /// The groups of a bundle: an audit has findings of these. `workload` is asked about by `admit` and `serve` alone.
    pub const OF_BUNDLES: [Self; 5] = [Self::Manifest, Self::Source, Self::Image, Self::Trust, Self::Builder];
}

words! {
    /// The contract's word.
    pub Group {
        Manifest = "manifest",
        Source = "source",
        Image = "image",
        Trust = "trust",
        Builder = "builder",
        Workload = "workload",
    }
}

/// What a check's answer does to the verdict. The strongest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It decides.
    Require,
    /// It is shown.
    Warn,
    /// It is not run, and listed.
    Off,
}

words! {
    /// The contract's word.
    pub Level { Require = "require", Warn = "warn", Off = "off" }
}

/// A check's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It was looked at and could not be decided.
    Unknown,
    /// It was not looked at.
    NotRun(Reason),
}

/// Why a check was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Another check failed, and this one could not be looked at: see `caused_by`. Or there is no verdict.
    Refused,
    /// There is nothing to look at.
    NoEvidence,
    /// Nobody said what is expected.
    NoExpectation,
    /// The policy or the command switched it off.
    Off,
    /// This build of the program does not have it.
    NotBuiltIn,
}

impl Status {
    /// Was nothing looked at?
    pub fn is_not_run(self) -> bool {
        matches!(self, Self::NotRun(_))
    }

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::NotRun(_) => "not-run",
        }
    }

    /// Why it was not run, in the contract's word.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::NotRun(reason) => Some(reason.word()),
            Self::Pass | Self::Fail | Self::Unknown => None,
        }
    }

    /// Every status, each reason one of its own.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Pass, Self::Fail, Self::Unknown].into_iter().chain(Reason::ALL.map(Self::NotRun))
    }

    /// Reads the contract's words.
    pub fn from_words(word: &str, reason: Option<&str>) -> Option<Self> {
        Self::all().find(|status| status.word() == word && status.reason() == reason)
    }
}

words! {
    /// The contract's word.
    pub Reason {
        Refused = "refused",
        NoEvidence = "no-evidence",
        NoExpectation = "no-expectation",
        Off = "off",
        NotBuiltIn = "not-built-in",
    }
}

/// Who asked for a check's answer, which decides whether a missing answer rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Nobody: it runs because its group is in play.
    None,
    /// Its group was required, or evidence for it was handed over.
    Group,
    /// The check itself was named, by `[levels]` or by its own field of `[expect]`.
    Check,
}

/// What happens to a required check that finds no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingEvidence {
    /// It rejects when its group was asked for.
    RejectsWithGroup,
    /// Good builds exist without it: it rejects only when the check itself was named.
    RejectsByName,
}

/// The policy's word that an answer is known and shall not reject this one bundle. It changes no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when it counts.
    pub expires: Timestamp,
    /// Whether it counts at the moment of the audit.
    pub standing: WaiverStanding,
}

/// Whether a waiver counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaiverStanding {
    /// It counts.
    Active,
    /// Its time is over: it is as if it were not there, and is shown.
    Expired,
}

words! {
    /// The report's word.
    pub WaiverStanding { Active = "active", Expired = "expired" }
}

impl Waiver {
    /// The waiver in one line.
    pub fn words(&self) -> String {
        let Self { owner, reason, expires, .. } = self;
        match self.standing {
            WaiverStanding::Active => format!("waived by {owner} until {expires}: {reason}"),
            WaiverStanding::Expired => {
                format!("the waiver of {owner} expired at {expires} and counts as none: {reason}")
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
    /// Its group.
    pub group: Group,
    /// What its answer does.
    pub level: Level,
    /// The answer.
    pub status: Status,
    /// The check that failed and kept this one from being looked at: then this answer is a consequence and says nothing by itself.
    pub caused_by: Option<&'static str>,
    /// The answer in words.
    pub message: String,
    /// What should have been there, where that can be said.
    pub expected: Option<String>,
    /// What was there.
    pub found: Option<String>,
    /// More, a line each.
    pub details: Vec<String>,
    /// What a pass says, each statement with how it is known; `message` has them all. Empty for other answers.
    pub says: Vec<Said>,
    /// Who asked.
    pub demand: Demand,
    /// What a lack of evidence does.
    pub missing_evidence: MissingEvidence,
    /// What the policy says of this answer on this bundle, where it would reject.
    pub waiver: Option<Waiver>,
    /// What it does to the verdict. `settle` decides it from all findings together.
    pub effect: Effect,
}

/// One statement of a check that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is said.
    pub text: String,
    /// How it is known.
    pub known: Known,
}

/// What a finding does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// It rejects the bundle.
    Rejects,
    /// It would reject, and an active waiver keeps it from that. The verdict is an acceptance in part at best.
    Waived,
    /// Nothing by itself: the check that it was caused by rejects.
    Follows,
}

/// The answer to the whole question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every group that the policy requires was checked, and nothing objects.
    Accept,
    /// Nothing objects, and something that an acceptance needs is missing.
    AcceptInPart,
    /// A required check objects.
    Reject,
    /// No verdict could be reached.
    None,
}

words! {
    /// The contract's word.
    pub Verdict { Accept = "accept", AcceptInPart = "accept-in-part", Reject = "reject", None = "none" }
}

impl Verdict {
    /// The verdict that settled findings give. `required` are the groups that a policy requires, `None` without a policy.
    ///
    /// An acceptance needs a policy, and an answer at `require` in every group that it requires. One waived answer, or one check at
    /// `require` that this build does not have, makes it an acceptance in part.
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

/// Did a check of this group answer that decides? A policy may have switched all of them off: then the group was not checked, whatever
/// evidence there is.
pub(crate) fn is_answered(findings: &[Finding], group: Group) -> bool {
    let mut own = findings.iter().filter(|finding| finding.group == group);
    own.any(|finding| finding.level == Level::Require && finding.is_answer())
}

/// Decides what each finding does to the verdict: the one rule of rejection (docs/policy.md). `waiver` gives the policy's waiver of a check's
/// answer on this bundle; it is asked only where the answer would reject.
///
/// A consequence does nothing while its cause rejects: the cause is what there is to mend. Where the cause does not reject (because it is
/// waived, at `warn`, or `off`), nothing else would say that the check was never looked at, so its consequences at `require` reject, and each
/// needs a waiver of its own.
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

/// One fault of the evidence may be all that several checks can answer. The first one that it rejects keeps it; the others with the same words
/// were not looked at for that reason.
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

/// Follows each `caused_by` to the check that is not itself a consequence. In a circle there is none: its members answer for themselves.
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
    /// Does this answer reject the bundle?
    pub fn rejects(&self) -> bool {
        self.effect == Effect::Rejects
    }

    /// Would it reject, and does an active waiver alone keep it from that? Such an answer is never a pass: the verdict is an acceptance in
    /// part at best.
    pub fn is_waived(&self) -> bool {
        self.effect == Effect::Waived
    }

    /// Was it not looked at because a check that rejects failed? The cause is listed, and this is only counted.
    pub fn is_consequence(&self) -> bool {
        self.effect == Effect::Follows
    }

    /// Was it looked at?
    pub(crate) fn is_answer(&self) -> bool {
        !self.status.is_not_run() && self.caused_by.is_none()
    }

    /// Is it required, and does this build not have it?
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

    /// Would it reject if there were no waivers, and if it were nobody's consequence?
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
