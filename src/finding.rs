//! What a check says, and the one rule that turns findings into a verdict.

use crate::time::Timestamp;

/// The check that is always at `require`, and that nobody can waive.
pub(crate) const MANIFEST_SIGNATURE: &str = "manifest-signature";

/// What a check is about. A group is in play when evidence for it is given or when it is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Every group, in the order of reports.
    pub const ALL: [Self; 6] = [Self::Manifest, Self::Source, Self::Image, Self::Trust, Self::Builder, Self::Workload];

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Source => "source",
            Self::Image => "image",
            Self::Trust => "trust",
            Self::Builder => "builder",
            Self::Workload => "workload",
        }
    }

    /// Reads the contract's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.word() == word)
    }
}

/// What a check's answer does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It decides.
    Require,
    /// It is shown.
    Warn,
    /// It is not run, and listed.
    Off,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Require, Self::Warn, Self::Off];

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }

    /// Reads the contract's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }
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
pub enum Reason {
    /// The gate refused the bundle.
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
}

impl Reason {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NoEvidence => "no-evidence",
            Self::NoExpectation => "no-expectation",
            Self::Off => "off",
            Self::NotBuiltIn => "not-built-in",
        }
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

impl WaiverStanding {
    /// Every standing.
    pub const ALL: [Self; 2] = [Self::Active, Self::Expired];

    /// The report's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }

    /// Reads the report's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.word() == word)
    }
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
pub struct Finding {
    /// The check's name.
    pub check: &'static str,
    /// Its group.
    pub group: Group,
    /// What its answer does.
    pub level: Level,
    /// The answer.
    pub status: Status,
    /// The answer in words.
    pub message: String,
    /// What should have been there, where that can be said.
    pub expected: Option<String>,
    /// What was there.
    pub found: Option<String>,
    /// More, a line each.
    pub details: Vec<String>,
    /// Who asked.
    pub demand: Demand,
    /// What a lack of evidence does.
    pub missing_evidence: MissingEvidence,
    /// What the policy says of this answer on this bundle, where it would reject.
    pub waiver: Option<Waiver>,
}

/// The answer to the whole question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every group was in play and no required check objects.
    Accept,
    /// No required check objects, and something was not looked at.
    AcceptInPart,
    /// A required check objects.
    Reject,
    /// No verdict could be reached.
    None,
}

impl Verdict {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AcceptInPart => "accept-in-part",
            Self::Reject => "reject",
            Self::None => "none",
        }
    }

    /// The verdict that `findings` give, with these groups in play.
    pub fn of(findings: &[Finding], in_play: &[Group]) -> Self {
        let mut played = findings.iter().filter(|finding| in_play.contains(&finding.group));
        if played.clone().any(Finding::rejects) {
            return Self::Reject;
        }
        let partial = played.any(|finding| finding.is_not_built_in() || finding.is_waived());
        let partial = partial || in_play.iter().any(|group| is_undecided(findings, *group));
        if partial || Group::ALL.iter().any(|group| !in_play.contains(group)) {
            return Self::AcceptInPart;
        }
        Self::Accept
    }
}

/// Has this group checks, and did none of them that decides answer? Then it was not looked at, whatever evidence lies there: a policy may have
/// switched its checks off.
pub(crate) fn is_undecided(findings: &[Finding], group: Group) -> bool {
    let mut own = findings.iter().filter(|finding| finding.group == group).peekable();
    own.peek().is_some() && !own.any(|finding| finding.level == Level::Require && finding.is_answer())
}

impl Finding {
    /// Does this answer reject the bundle, its group being in play? `warn` and `off` never do, and what is waived does not.
    pub fn rejects(&self) -> bool {
        self.objects() && !self.has_active_waiver()
    }

    /// Would it reject, and does an active waiver alone keep it from that? Such an answer is never a pass: the verdict is an acceptance in
    /// part at best.
    pub fn is_waived(&self) -> bool {
        self.objects() && self.has_active_waiver()
    }

    /// Was it looked at?
    pub(crate) fn is_answer(&self) -> bool {
        !matches!(self.status, Status::NotRun(_))
    }

    /// Is it required, and does this build not have it?
    pub(crate) fn is_not_built_in(&self) -> bool {
        self.level == Level::Require && self.status == Status::NotRun(Reason::NotBuiltIn)
    }

    fn has_active_waiver(&self) -> bool {
        let active = self.waiver.as_ref().is_some_and(|waiver| waiver.standing == WaiverStanding::Active);
        active && self.check != MANIFEST_SIGNATURE
    }

    /// Would it reject if there were no waivers?
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
mod tests {
    use super::*;

    const STATUSES: [Status; 8] = [
        Status::Pass,
        Status::Fail,
        Status::Unknown,
        Status::NotRun(Reason::Refused),
        Status::NotRun(Reason::NoEvidence),
        Status::NotRun(Reason::NoExpectation),
        Status::NotRun(Reason::Off),
        Status::NotRun(Reason::NotBuiltIn),
    ];

    fn finding(level: Level, status: Status, demand: Demand, missing_evidence: MissingEvidence) -> Finding {
        Finding {
            check: "test",
            group: Group::Manifest,
            level,
            status,
            message: String::new(),
            expected: None,
            found: None,
            details: Vec::new(),
            demand,
            missing_evidence,
            waiver: None,
        }
    }

    fn waiver(standing: WaiverStanding) -> Option<Waiver> {
        Some(Waiver { owner: "Ada".into(), reason: "known".into(), expires: Timestamp::epoch(), standing })
    }

    /// The whole table, written by hand from the contract's sentence: a letter for each status in the order above,
    /// `R` where it rejects.
    #[test]
    fn the_truth_table_of_rejection() {
        let table = [
            (Level::Require, Demand::None, MissingEvidence::RejectsWithGroup, ".RR....."),
            (Level::Require, Demand::Group, MissingEvidence::RejectsWithGroup, ".RRRR..R"),
            (Level::Require, Demand::Check, MissingEvidence::RejectsWithGroup, ".RRRR..R"),
            (Level::Require, Demand::None, MissingEvidence::RejectsByName, ".RR....."),
            (Level::Require, Demand::Group, MissingEvidence::RejectsByName, ".RRR...R"),
            (Level::Require, Demand::Check, MissingEvidence::RejectsByName, ".RRRR..R"),
        ];
        for (level, demand, missing, row) in table {
            for (status, letter) in STATUSES.into_iter().zip(row.chars()) {
                let finding = finding(level, status, demand, missing);
                assert_eq!(finding.rejects(), letter == 'R', "{finding:?}");
                let verdict = Verdict::of(std::slice::from_ref(&finding), &Group::ALL);
                assert_eq!(verdict == Verdict::Reject, letter == 'R');

                // Waived, it does not reject, and is no pass: in part at best. What does not reject is as it was.
                let waived = Finding { waiver: waiver(WaiverStanding::Active), ..finding.clone() };
                assert!(!waived.rejects() && waived.is_waived() == (letter == 'R') && waived.status == status);
                let rejected_before = if letter == 'R' { Verdict::AcceptInPart } else { verdict };
                assert_eq!(Verdict::of(&[waived], &Group::ALL), rejected_before);
                // Expired, it is as if it were not there.
                let expired = Finding { waiver: waiver(WaiverStanding::Expired), ..finding.clone() };
                assert!(expired.rejects() == (letter == 'R') && !expired.is_waived());
                assert_eq!(Verdict::of(&[expired], &Group::ALL), verdict);
                // The signature cannot be waived, whatever the policy's reader let through.
                let signature =
                    Finding { check: MANIFEST_SIGNATURE, waiver: waiver(WaiverStanding::Active), ..finding };
                assert!(signature.rejects() == (letter == 'R') && !signature.is_waived());
                assert_eq!(Verdict::of(&[signature], &Group::ALL), verdict);
            }
        }
        for level in [Level::Warn, Level::Off] {
            for demand in [Demand::None, Demand::Group, Demand::Check] {
                for status in STATUSES {
                    let mut finding = finding(level, status, demand, MissingEvidence::RejectsWithGroup);
                    assert!(!finding.rejects());
                    finding.waiver = waiver(WaiverStanding::Active);
                    assert!(!finding.rejects() && !finding.is_waived());
                }
            }
        }
    }

    #[test]
    fn in_part_when_a_group_is_out_of_play_or_a_required_check_is_missing() {
        let of = |status, groups: &[Group]| {
            Verdict::of(&[finding(Level::Require, status, Demand::None, MissingEvidence::RejectsWithGroup)], groups)
        };
        assert_eq!(of(Status::Pass, &Group::ALL), Verdict::Accept);
        assert_eq!(of(Status::Pass, &Group::ALL[..5]), Verdict::AcceptInPart);
        assert_eq!(of(Status::NotRun(Reason::NotBuiltIn), &Group::ALL), Verdict::AcceptInPart);
        // A group in which nothing that decides has answered is not accepted.
        assert_eq!(of(Status::NotRun(Reason::Off), &Group::ALL), Verdict::AcceptInPart);
        assert_eq!(of(Status::NotRun(Reason::NoEvidence), &Group::ALL), Verdict::AcceptInPart);
        for level in [Level::Warn, Level::Off] {
            let shown = finding(level, Status::Pass, Demand::None, MissingEvidence::RejectsWithGroup);
            assert_eq!(Verdict::of(&[shown], &Group::ALL), Verdict::AcceptInPart);
        }
        // A finding of a group that is not in play does not reject.
        assert_eq!(of(Status::Fail, &[Group::Source]), Verdict::AcceptInPart);
    }

    #[test]
    fn a_group_is_decided_by_its_own_answers() {
        let of = |group, level, status| Finding {
            group,
            ..finding(level, status, Demand::None, MissingEvidence::RejectsWithGroup)
        };
        let decided = of(Group::Manifest, Level::Require, Status::Pass);
        let off = of(Group::Source, Level::Off, Status::NotRun(Reason::Off));
        let findings = [decided.clone(), off];
        assert!(!is_undecided(&findings, Group::Manifest) && is_undecided(&findings, Group::Source));
        // No check at all is no check that was switched off.
        assert!(!is_undecided(&findings, Group::Image));
        let verdict = |status, level| Verdict::of(&[decided.clone(), of(Group::Manifest, level, status)], &Group::ALL);
        let not_built_in = Status::NotRun(Reason::NotBuiltIn);
        assert_eq!(verdict(not_built_in, Level::Require), Verdict::AcceptInPart);
        assert_eq!(verdict(not_built_in, Level::Warn), Verdict::Accept);
        assert_eq!(verdict(Status::NotRun(Reason::NoEvidence), Level::Require), Verdict::Accept);
    }

    #[test]
    fn a_waiver_says_whose_it_is_and_until_when() {
        for standing in WaiverStanding::ALL {
            assert_eq!(WaiverStanding::from_word(standing.word()), Some(standing));
        }
        assert_eq!(WaiverStanding::from_word("other"), None);
        let words = |standing| waiver(standing).unwrap().words();
        assert_eq!(words(WaiverStanding::Active), "waived by Ada until 1970-01-01T00:00:00Z: known");
        let expired = "the waiver of Ada expired at 1970-01-01T00:00:00Z and counts as none: known";
        assert_eq!(words(WaiverStanding::Expired), expired);
    }
}
