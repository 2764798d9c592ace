//! What is said of a whole estate: what runs, what was built and what was approved, set against each other.

mod csv;
mod html;
mod json;
mod text;

use std::fmt;
use std::io::{self, Write};

use super::{Format, Tool};
use crate::base::digest::Sha256;
use crate::base::time::{DAY_SECONDS, Timestamp};
use crate::base::words::{counted_as, words};
use crate::gate::key::Fingerprint;
use crate::judge::policy::PolicySource;

/// The answer: one row for each place that runs an image, and one for each build, commit or approval that has no partner.
#[derive(Debug, Clone)]
pub struct Reconciliation {
    /// The program that made it.
    pub tool: Tool,
    /// The moment that it is for.
    pub now: Timestamp,
    /// The auditor's own file number or name for it.
    pub reference: Option<String>,
    /// What the command line gave: flag (without its hyphens) and value, as they were typed. It is in no JSON.
    pub given: Vec<(String, String)>,
    /// What it is about.
    pub period: Period,
    /// The policy by which the bundles were audited.
    pub policy: Option<PolicySource>,
    /// Everything that was read, by its bytes.
    pub inputs: Vec<Read>,
    /// Number of approvals whose time is in the period.
    pub approvals_in_period: usize,
    /// Number of verified builds of the period, those without a known time among them.
    pub builds_in_period: usize,
    /// Matched places and exceptions: by kind, then in the order of the inputs.
    pub rows: Vec<Row>,
    /// The keys that the policy names and those that verified a bundle.
    pub keys: Vec<KeyUse>,
    /// Builds to look at by hand, where that was asked for.
    pub sample: Option<Sample>,
}

/// A stretch of time: from the first moment on, before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment in it.
    pub from: Timestamp,
    /// The first moment after it.
    pub before: Timestamp,
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// `policy`, `approvals`, `inventory`, `bundle`, or what lies beside a bundle.
    pub kind: &'static str,
    /// As it was named, or where it lies.
    pub path: String,
    /// SHA-256 of its bytes; `None` where it could not be read to its end.
    pub sha256: Option<Sha256>,
    /// Number of its bytes, where it is known.
    pub size: Option<u64>,
    /// How many approvals, images or builds it holds, where that can be counted.
    pub entries: Option<usize>,
    /// What it is: an inventory's form, a bundle's verdict.
    pub what: String,
}

/// What can be said of a place, a build, a commit or an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A place runs an image of an accepted build, which was approved if it is of the period.
    Matched,
    /// A place runs an image that no accepted build is known for.
    RunningWithoutAcceptedBuild,
    /// A build of the period has no approval that counts.
    BuiltWithoutApproval,
    /// An approval of the period has no accepted build, or nothing runs that was built from it.
    ApprovedNotSeen,
    /// One commit, several digests.
    SeveralDigests,
    /// A bundle of the evidence that is no evidence: rejected, or without a verdict.
    BundleNotAccepted,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is said.
    pub kind: Kind,
    /// Where it runs: file and place in it.
    pub place: Option<String>,
    /// The image as the inventory has it.
    pub image: Option<String>,
    /// The digest that it is about.
    pub digest: Option<Sha256>,
    /// Path of the bundle.
    pub bundle: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// Why, in words.
    pub message: String,
    /// More, a line each.
    pub details: Vec<String>,
}

/// A key and the builds that it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fingerprint: Fingerprint,
    /// The policy's word for it.
    pub name: Option<String>,
    /// Bundles of the whole evidence that it verifies.
    pub builds: usize,
    /// Those of the period.
    pub builds_in_period: usize,
    /// When the first of them all was built, by the build server's own clock.
    pub first: Option<Timestamp>,
    /// When the last was.
    pub last: Option<Timestamp>,
}

/// Builds that were drawn from all verified builds of the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The seed.
    pub seed: String,
    /// How many builds there were to draw from.
    pub population: usize,
    /// Those that were drawn, in the order of drawing.
    pub builds: Vec<SampledBuild>,
}

/// A build that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledBuild {
    /// SHA-256 of the seed, a line feed and the bundle's digest in hexadecimal: the lowest are drawn.
    pub rank: Sha256,
    /// Path of its bundle.
    pub bundle: String,
    /// SHA-256 of the bundle.
    pub sha256: Sha256,
    /// The commit.
    pub commit: Option<String>,
    /// What the check `source-approved` says.
    pub approval: String,
    /// Places that run it.
    pub places: usize,
}

words! {
    /// The report's word.
    pub Kind {
        Matched = "matched",
        RunningWithoutAcceptedBuild = "running-without-accepted-build",
        BuiltWithoutApproval = "built-without-approval",
        ApprovedNotSeen = "approved-not-seen",
        SeveralDigests = "several-digests-of-one-commit",
        BundleNotAccepted = "bundle-not-accepted",
    }
}

impl Kind {
    fn says(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::RunningWithoutAcceptedBuild => "listed as running, without an accepted build",
            Self::BuiltWithoutApproval => "built without approval",
            Self::ApprovedNotSeen => "approved, but not seen",
            Self::SeveralDigests => "several digests of one commit",
            Self::BundleNotAccepted => "bundles that are not accepted",
        }
    }

    /// So many of it, in words.
    fn counted(self, count: usize) -> String {
        match self {
            Self::SeveralDigests => counted_as(count, "commit with several digests", "commits with several digests"),
            Self::BundleNotAccepted => {
                counted_as(count, "bundle that is not accepted", "bundles that are not accepted")
            }
            kind => format!("{count} {}", kind.says()),
        }
    }
}

impl Period {
    /// Reads `FROM/TO`, each a date or a moment of RFC 3339. A date is the whole day in UTC, so that `2026-01-01/2026-03-31` is a quarter.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let day = |text: &str| Timestamp::from_rfc3339(&format!("{text}T00:00:00Z")).filter(|_| text.len() == 10);
        let (from, to) = text.split_once('/').ok_or("expected FROM/TO, for example 2026-01-01/2026-03-31")?;
        let bad = |text: &str| format!("expected a date or a moment of RFC 3339, found {text:?}");
        let from = day(from).or_else(|| Timestamp::from_rfc3339(from)).ok_or_else(|| bad(from))?;
        let before = day(to)
            .map(|day| day.plus_seconds(DAY_SECONDS))
            .or_else(|| Timestamp::from_rfc3339(to))
            .ok_or_else(|| bad(to))?;
        if from >= before {
            return Err("the period ends before it begins".into());
        }
        Ok(Self { from, before })
    }

    /// Is the moment in it?
    pub fn holds(&self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.before
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} on, before {}", self.from, self.before)
    }
}

impl Reconciliation {
    /// Rows of this kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.rows.iter().filter(|row| row.kind == kind).count()
    }

    /// 0 when every row is matched, else 1.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.rows.iter().any(|row| row.kind != Kind::Matched))
    }

    /// Writes it as text, JSON, CSV or HTML.
    ///
    /// # Errors
    /// What `out` answers; for any other format, that there is none.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text(look) => text::write(self, look, out),
            Format::Json => json::write(self, out),
            Format::Csv => csv::write(self, out),
            Format::Html => html::write(self, out),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no reconciliation in this format")),
        }
    }

    /// The first line, in words.
    fn headline(&self) -> String {
        if self.exit_code() == 0 {
            return "RECONCILED".into();
        }
        let found = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Matched && self.count(*kind) > 0);
        let words: Vec<String> = found.map(|kind| kind.counted(self.count(kind))).collect();
        format!("NOT RECONCILED: {}", words.join(", "))
    }

    /// What was counted, as label and number.
    fn totals(&self) -> Vec<(&'static str, usize)> {
        let of = |kind: &str| self.inputs.iter().filter(|read| read.kind == kind).count();
        let entries = |kind: &str| self.inputs.iter().filter(|r| r.kind == kind).filter_map(|r| r.entries).sum();
        let mut totals = vec![
            ("bundles in the evidence", of("bundle")),
            ("verified builds of the period", self.builds_in_period),
            ("inventories", of("inventory")),
            ("images in them", entries("inventory")),
            ("approvals", entries("approvals")),
            ("approvals of the period", self.approvals_in_period),
        ];
        totals.extend(Kind::ALL.map(|kind| (kind.says(), self.count(kind))));
        totals
    }
}

impl KeyUse {
    /// First and last use, in words.
    fn used(&self) -> [String; 2] {
        [self.first, self.last].map(|moment| moment.map_or_else(|| "not known".into(), |moment| moment.to_string()))
    }
}

/// What no reconciliation says; in every form for people.
const NOT_SAID: &str = "An inventory and a list of approvals are given: what is left out of them is seen by nobody here. Times of builds are the build server's own.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_whole_day() {
        let quarter = Period::parse("2026-01-01/2026-03-31").unwrap();
        let at = |text| Timestamp::from_rfc3339(text).unwrap();
        assert!(quarter.holds(at("2026-01-01T00:00:00Z")) && quarter.holds(at("2026-03-31T23:59:59Z")));
        assert!(!quarter.holds(at("2025-12-31T23:59:59Z")) && !quarter.holds(at("2026-04-01T00:00:00Z")));
        assert_eq!(quarter, Period::parse("2026-01-01T00:00:00Z/2026-04-01T02:00:00+02:00").unwrap());
        for bad in ["", "2026-01-01", "2026-01-01/", "2026-01-02/2026-01-01", "2026-1-1/2026-02-01", "a/b"] {
            assert!(Period::parse(bad).is_err(), "{bad}");
        }
        // One day is a period, no time at all is none.
        assert!(Period::parse("2026-01-01/2026-01-01").is_ok());
        assert!(Period::parse("2026-01-01T00:00:00Z/2026-01-01T00:00:00Z").is_err());
    }
}
