//! The result of `reconcile`: a comparison of what runs, what was built and what was approved.

mod csv;
mod html;
mod json;
mod qualified;
mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};

pub use self::qualified::Qualified;
use super::key_words::grade_words;
use super::{Format, Tool, question, remarks};
use crate::base::digest::Sha256;
use crate::base::time::{DAY_SECONDS, Timestamp};
use crate::base::words::{counted_as, words};
use crate::gate::key::Fingerprint;
use crate::gate::verify::Grade;
use crate::judge::finding::Verdict;
use crate::judge::policy::PolicySource;
use crate::workload::SkippedKinds;

/// The result: one row for each position where an image runs, and one for each build, commit or approval without a
/// match.
#[derive(Debug, Clone)]
pub struct Reconciliation {
    /// The program that made the report.
    pub tool: Tool,
    /// The time as of which the reconciliation was made.
    pub now: Timestamp,
    /// The auditor's file number or name for this reconciliation.
    pub reference: Option<String>,
    /// The command-line flags (without hyphens) and their values. Not in JSON.
    pub given: Vec<(String, String)>,
    /// The period.
    pub period: Period,
    /// The policy for auditing the bundles.
    pub policy: Option<PolicySource>,
    /// All files that were read, with their digests.
    pub inputs: Vec<Read>,
    /// Number of approvals whose time is in the period.
    pub approvals_in_period: usize,
    /// Number of verified and readable builds in the period, including those without a known time.
    pub builds_in_period: usize,
    /// Matched images and exceptions, sorted by kind, then in the order of the inputs.
    pub rows: Vec<Row>,
    /// The keys in the policy, and the keys under which a bundle's signature verified.
    pub keys: Vec<KeyUse>,
    /// The accepted builds, running or of the period, that were accepted in part, under weakened checks, or with warnings.
    pub qualified: Vec<Qualified>,
    /// The fields of the policy that only `admit` and `serve` evaluate.
    pub passed_over: Vec<String>,
    /// The objects in the inventories that run nothing only according to the policy.
    pub skipped: SkippedKinds,
    /// The sample of builds for manual review, if requested.
    pub sample: Option<Sample>,
}

/// A period of time: it includes `from` and excludes `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment of the period.
    pub from: Timestamp,
    /// The first moment after the period.
    pub before: Timestamp,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// `policy`, `approvals`, `inventory`, `bundle`, or the kind of a file next to a bundle.
    pub kind: &'static str,
    /// The file's path, as specified by the user or as found.
    pub path: String,
    /// SHA-256 of the file; `None` if it could not be read completely.
    pub sha256: Option<Sha256>,
    /// Size in bytes, if known.
    pub size: Option<u64>,
    /// Number of approvals, images or builds in the file, if they can be counted.
    pub entries: Option<usize>,
    /// An inventory's form, or a bundle's verdict.
    pub what: String,
}

/// The kind of a row: a match, or what is wrong with a running image, a build, a commit or an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A running image is from a build that is accepted, perhaps in part, and whose commit was approved.
    Matched,
    /// A running image is from an accepted build outside the period, and `source-approved` does not pass. This is not an exception.
    OutsidePeriod,
    /// A running image has no known accepted build.
    RunningWithoutAcceptedBuild,
    /// A build of the period has no valid approval.
    BuiltWithoutApproval,
    /// An approval of the period has no accepted build, or no inventory lists the image of such a build.
    ApprovedNotSeen,
    /// One commit has builds with several digests.
    SeveralDigests,
    /// A bundle cannot serve as evidence, because it is rejected or has no verdict.
    BundleNotAccepted,
}

/// One row of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The kind of the row.
    pub kind: Kind,
    /// Where the image runs: a file, and a position in it.
    pub place: Option<String>,
    /// The image as written in the inventory.
    pub image: Option<String>,
    /// The digest of the image.
    pub digest: Option<Sha256>,
    /// Path of the bundle.
    pub bundle: Option<String>,
    /// SHA-256 of the signed archive in the bundle, which identifies the build. Not in any output.
    pub archive: Option<Sha256>,
    /// The commit.
    pub commit: Option<String>,
    /// The reason.
    pub message: String,
    /// Further lines.
    pub details: Vec<String>,
    /// The only image that was examined, if the digest is that of an index which also leads to other images. `details` also states this.
    pub only_examined: Option<Sha256>,
}

/// A key and the builds that it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub fingerprint: Fingerprint,
    /// The policy's name for the key.
    pub name: Option<String>,
    /// What is known of the origin of the key: the lowest grade in the audits of the readable bundles whose signatures verify under it; `None` if there
    /// are no such bundles.
    pub grade: Option<Grade>,
    /// Number of readable bundles, in all the evidence, whose signatures verify under the key.
    pub builds: usize,
    /// The number of those builds that are in the period.
    pub builds_in_period: usize,
    /// The time when the first of all these builds was made, by the build server's clock.
    pub first: Option<Timestamp>,
    /// The time when the last of all these builds was made.
    pub last: Option<Timestamp>,
}

/// Builds drawn from all verified builds of the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The seed.
    pub seed: String,
    /// Number of builds from which the sample is drawn.
    pub population: usize,
    /// The builds that were drawn, in order.
    pub builds: Vec<SampledBuild>,
}

/// A build that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledBuild {
    /// SHA-256 of the seed, a line feed and the archive's digest in hexadecimal. The builds with the lowest values are drawn.
    pub rank: Sha256,
    /// Path of the bundle.
    pub bundle: String,
    /// SHA-256 of the bundle.
    pub sha256: Sha256,
    /// SHA-256 of the signed archive in the bundle.
    pub archive: Sha256,
    /// The commit.
    pub commit: Option<String>,
    /// The answer of the check `source-approved`.
    pub approval: String,
    /// Number of places where the build's image runs.
    pub places: usize,
}

words! {
    /// The kind as it is written in the report.
    pub Kind {
        Matched = "matched",
        OutsidePeriod = "outside-period-approval-not-shown",
        RunningWithoutAcceptedBuild = "running-without-accepted-build",
        BuiltWithoutApproval = "built-without-approval",
        ApprovedNotSeen = "approved-not-seen",
        SeveralDigests = "several-digests-of-one-commit",
        BundleNotAccepted = "bundle-not-accepted",
    }
}

impl Kind {
    /// Whether rows of this kind prevent a reconciliation.
    pub(crate) fn is_exception(self) -> bool {
        !matches!(self, Self::Matched | Self::OutsidePeriod)
    }

    fn says(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::OutsidePeriod => "matched, but built outside the period, approval not shown",
            Self::RunningWithoutAcceptedBuild => "in an inventory, without an accepted build",
            Self::BuiltWithoutApproval => "built without approval",
            Self::ApprovedNotSeen => "approved, but not seen",
            Self::SeveralDigests => "several digests for one commit with a build in the period",
            Self::BundleNotAccepted => "bundles of the period, or without a known time, that are not accepted",
        }
    }

    /// A number of rows of this kind, as text.
    fn counted(self, count: usize) -> String {
        match self {
            Self::OutsidePeriod => counted_as(
                count,
                "build outside the period, approval not shown",
                "builds outside the period, approval not shown",
            ),
            Self::BuiltWithoutApproval => counted_as(count, "build without approval", "builds without approval"),
            Self::SeveralDigests => counted_as(count, "commit with several digests", "commits with several digests"),
            Self::BundleNotAccepted => counted_as(
                count,
                "bundle that is not accepted and is in the period or has no known time",
                "bundles that are not accepted and are in the period or have no known time",
            ),
            kind => format!("{count} {}", kind.says()),
        }
    }
}

impl Period {
    /// Parses `FROM/TO`; each part is a date or an RFC 3339 time. A date means the whole day in UTC, so `2026-01-01/2026-03-31` is
    /// a quarter.
    ///
    /// # Errors
    /// A message for a malformed period.
    pub fn parse(text: &str) -> Result<Self, String> {
        let day = |text: &str| Timestamp::from_rfc3339(&format!("{text}T00:00:00Z")).filter(|_| text.len() == 10);
        let (from, to) = text.split_once('/').ok_or("expected FROM/TO, for example 2026-01-01/2026-03-31")?;
        let bad = |text: &str| format!("expected a date or an RFC 3339 time, found {text:?}");
        let from = day(from).or_else(|| Timestamp::from_rfc3339(from)).ok_or_else(|| bad(from))?;
        let before = day(to)
            .map(|day| day.plus_seconds(DAY_SECONDS))
            .or_else(|| Timestamp::from_rfc3339(to))
            .ok_or_else(|| bad(to))?;
        if from >= before {
            return Err("the period must end after it begins".into());
        }
        Ok(Self { from, before })
    }

    /// Whether the period contains this moment.
    pub fn holds(&self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.before
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {} (end excluded)", self.from, self.before)
    }
}

impl Reconciliation {
    /// Rows of this kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.rows.iter().filter(|row| row.kind == kind).count()
    }

    /// The number of things that the rows of this kind are about. A build has a row for each place that lists its image.
    fn count_named(&self, kind: Kind) -> usize {
        match kind {
            Kind::OutsidePeriod | Kind::BuiltWithoutApproval => {
                let rows = self.rows.iter().filter(|row| row.kind == kind);
                rows.map(|row| (row.archive, row.bundle.as_ref().filter(|_| row.archive.is_none())))
                    .collect::<BTreeSet<_>>()
                    .len()
            }
            _ => self.count(kind),
        }
    }

    /// The exit code: 1 if a row is an exception, otherwise 0.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.rows.iter().any(|row| row.kind.is_exception()))
    }

    /// Whether an accepted build was accepted only in part.
    fn is_in_part(&self) -> bool {
        self.qualified.iter().any(|one| one.verdict == Verdict::AcceptInPart)
    }

    /// What the matches leave open: builds outside the period whose approval is not shown, indexes of which one image was examined, and what the audits
    /// leave open. Empty if nothing is open.
    fn open(&self) -> String {
        let outside = self.count_named(Kind::OutsidePeriod);
        let outside = (outside > 0).then(|| Kind::OutsidePeriod.counted(outside));
        let qualified = Some(qualified::headline(&self.qualified)).filter(|words| !words.is_empty());
        let indexes = self.rows.iter().filter(|row| row.only_examined.is_some()).filter_map(|row| row.digest);
        let indexes = indexes.collect::<BTreeSet<_>>().len();
        let indexes = (indexes > 0).then(|| {
            counted_as(
                indexes,
                "image index of which one image was examined",
                "image indexes, in each of which one image was examined",
            )
        });
        let skipped = remarks::skipped_words(&self.skipped);
        let ignored = question::ignored(&self.passed_over).map(|words| format!("fields of the policy {words}"));
        outside.into_iter().chain(indexes).chain(qualified).chain(skipped).chain(ignored).collect::<Vec<_>>().join("; ")
    }

    /// Writes the result as text, JSON, CSV or HTML.
    ///
    /// # Errors
    /// Fails if writing to `out` fails, or if the format is not supported here.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text(look) => text::write(self, look, out),
            Format::Json => json::write(self, out),
            Format::Csv => csv::write(self, out),
            Format::Html => html::write(self, out),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a reconciliation is not available in this format")),
        }
    }

    /// The first line.
    fn headline(&self) -> String {
        let open = self.open();
        if self.exit_code() == 0 {
            return if open.is_empty() { "RECONCILED".into() } else { format!("RECONCILED: {open}") };
        }
        let found = Kind::ALL.into_iter().filter(|kind| kind.is_exception() && self.count(*kind) > 0);
        let words: Vec<String> = found.map(|kind| kind.counted(self.count_named(kind))).collect();
        let more = if open.is_empty() { String::new() } else { format!("; {open}") };
        format!("NOT RECONCILED: {}{more}", words.join(", "))
    }

    /// The totals, each with a label and a number.
    fn totals(&self) -> Vec<(String, usize)> {
        let of = |kind: &str| self.inputs.iter().filter(|read| read.kind == kind).count();
        let entries = |kind: &str| self.inputs.iter().filter(|r| r.kind == kind).filter_map(|r| r.entries).sum();
        let totals = vec![
            ("bundles in the evidence", of("bundle")),
            ("verified, readable builds whose time is in the period or unknown, without copies", self.builds_in_period),
            ("inventories", of("inventory")),
            ("images in the inventories", entries("inventory")),
            ("approvals", entries("approvals")),
            ("approvals in the period", self.approvals_in_period),
        ];
        let mut totals: Vec<(String, usize)> =
            totals.into_iter().map(|(label, count)| (label.to_owned(), count)).collect();
        totals.extend(Kind::ALL.map(|kind| (format!("rows: {}", kind.says()), self.count(kind))));
        totals
    }
}

impl KeyUse {
    /// The grade and its meaning, as text.
    fn grade_words(&self) -> String {
        self.grade.map_or_else(|| "none: no readable bundle is signed with this key".into(), grade_words)
    }

    /// First and last use, as text.
    fn used(&self) -> [String; 2] {
        [self.first, self.last].map(|moment| moment.map_or_else(|| "not known".into(), |moment| moment.to_string()))
    }
}

/// What a reconciliation without exceptions shows about its period, after a statement about the inventories.
const PERIOD_MATCHES: &str = "; every build of the period in the evidence is approved; every commit approved in the period was built, and an inventory lists its image";

/// The limits of a reconciliation, printed in HTML and in text, unless only the verdict is printed.
const NOT_SAID: &str = "Bundles, inventories and the list of approvals are supplied by the user: entries missing from them cannot be detected here. Build times are the build server's own statements. It is not proved who holds a key, that a build log is true, or that an image was built from its source.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_the_whole_day() {
        let quarter = Period::parse("2026-01-01/2026-03-31").unwrap();
        let at = |text| Timestamp::from_rfc3339(text).unwrap();
        assert!(quarter.holds(at("2026-01-01T00:00:00Z")) && quarter.holds(at("2026-03-31T23:59:59Z")));
        assert!(!quarter.holds(at("2025-12-31T23:59:59Z")) && !quarter.holds(at("2026-04-01T00:00:00Z")));
        assert_eq!(quarter, Period::parse("2026-01-01T00:00:00Z/2026-04-01T02:00:00+02:00").unwrap());
        for bad in ["", "2026-01-01", "2026-01-01/", "2026-01-02/2026-01-01", "2026-1-1/2026-02-01", "a/b"] {
            assert!(Period::parse(bad).is_err(), "{bad}");
        }
        // One day is a valid period; an empty interval is not.
        assert!(Period::parse("2026-01-01/2026-01-01").is_ok());
        assert!(Period::parse("2026-01-01T00:00:00Z/2026-01-01T00:00:00Z").is_err());
    }
}
