//! Reconciliation: compares what runs, what was built and what was approved. This module combines audited bundles, inventories and approvals into one
//! [`Reconciliation`].
//!
//! It does not evaluate bundles: the audit decides whether a build is accepted and whether its commit was approved.
//! Exceptions are images that run without an accepted build and, within the period, builds without an approval,
//! approvals without a running build, commits with several digests, and bundles that are not accepted.

mod inventory;
mod keys;
mod pods;
mod sample;

use std::collections::{BTreeMap, BTreeSet};

pub use self::inventory::Inventory;
pub use self::sample::SampleSize;
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::mask::{mask, mask_name};
use crate::base::time::Timestamp;
use crate::deploy::admission::index;
use crate::given::approvals::{Approval, Approvals};
use crate::judge::builds::{Build, Builds};
use crate::judge::check;
use crate::judge::finding::{Group, Status};
use crate::judge::policy::Policy;
use crate::report::{BundleReport, Depth, Kind, Period, Qualified, QuestionReport, Read, Reconciliation, Row, Tool};
use crate::workload::{UsedImage, all_skipped};

/// The records with which builds are compared.
#[derive(Debug, Clone)]
pub struct Books<'a> {
    /// The policy under which the bundles were audited.
    pub policy: &'a Policy,
    /// The approvals, which the audit also used.
    pub approvals: &'a Approvals,
    /// The lists of what runs.
    pub inventories: &'a [Inventory],
    /// The period to check. The period does not restrict inventories, because an inventory lists what runs now.
    pub period: Period,
    /// The sample of builds to draw.
    pub sample: Option<SampleSize>,
    /// The time as of which everything is evaluated.
    pub now: Timestamp,
}

/// A build and its audit.
struct Audited<'a> {
    build: &'a Build,
    report: &'a BundleReport,
    /// Whether the build is in the period. A build whose time is unknown is treated as being in the period.
    asked: bool,
    /// The result of the check `source-approved`.
    approval: Result<&'a str, &'a str>,
    /// The digests by which an inventory may list the image: those in the log, and that of the image that was examined below a logged index, for any file
    /// with the same signed archive.
    listed_by: BTreeSet<Sha256>,
}

/// Compares the builds in `reports` with the inventories and approvals in `books`. The audits must have used the policy and approvals of `books`.
///
/// The result does not show that an inventory or a list of approvals is complete: both are given. Approvals are matched
/// with builds by full commit id and repository.
pub fn reconcile(reports: &[BundleReport], books: &Books<'_>) -> Reconciliation {
    let builds = index(reports, books.policy);
    let mut audited: Vec<Audited<'_>> =
        builds.all().zip(reports).map(|(build, report)| audited(build, report, &books.period)).collect();
    share_images(&mut audited);
    let running = running(books.inventories);
    let mut rows = places(books, &builds, &audited);
    rows.extend(without_approval(&audited, &running));
    rows.extend(not_seen(books, &audited, &running));
    rows.extend(several_digests(&audited));
    rows.extend(not_accepted(&audited));
    rows.sort_by_key(|row| row.kind);
    Reconciliation {
        tool: Tool::this(),
        now: books.now,
        reference: None,
        given: Vec::new(),
        period: books.period,
        policy: books.policy.source.clone(),
        inputs: inputs(reports, books),
        approvals_in_period: in_period(books).count(),
        builds_in_period: distinct(audited.iter().filter(|one| one.is_verified() && one.asked)).count(),
        rows: rows.into_iter().map(masked).collect(),
        keys: keys::uses(&audited, books.policy),
        qualified: qualified(&audited, &running, books.policy),
        passed_over: QuestionReport::of(Depth::Everything, books.policy, &books.policy.keys, &[], &Limits::default())
            .passed_over,
        skipped: all_skipped(books.inventories.iter().map(|inventory| &inventory.skipped)),
        sample: books.sample.as_ref().map(|size| sample::draw(&audited, &running, size)),
    }
}

impl Audited<'_> {
    fn is_verified(&self) -> bool {
        self.build.image.is_some()
    }

    fn commit(&self) -> Option<&String> {
        self.build.image.as_ref()?.commit.as_ref()
    }

    fn digests(&self) -> BTreeSet<Sha256> {
        self.build.image.iter().flat_map(|image| &image.pushed).map(|(_, digest)| *digest).collect()
    }

    /// The status of the check `source-approved`, as a word.
    fn approval_word(&self) -> &'static str {
        check::SOURCE_APPROVED.answer_in(&self.report.findings).map_or("not known", |finding| finding.status.word())
    }

    /// The number of places where the build's image runs.
    fn places(&self, running: &BTreeMap<Sha256, usize>) -> usize {
        self.listed_by.iter().filter_map(|digest| running.get(digest)).sum()
    }

    /// A row for an image that an inventory lists by this digest.
    fn row_for(&self, digest: Sha256, kind: Kind, message: impl Into<String>) -> Row {
        let only_examined = self.build.only_examined(digest).filter(|_| self.build.accepted);
        let detail = |image| format!("the digest is that of an index; only the image {image} in it was examined");
        Row { only_examined, details: only_examined.map(detail).into_iter().collect(), ..self.row(kind, message) }
    }

    fn row(&self, kind: Kind, message: impl Into<String>) -> Row {
        Row {
            bundle: Some(self.build.path.clone()),
            archive: self.build.archive,
            commit: self.commit().cloned(),
            digest: self.digests().first().copied(),
            ..row(kind, message)
        }
    }
}

fn audited<'a>(build: &'a Build, report: &'a BundleReport, period: &Period) -> Audited<'a> {
    let built = build.image.as_ref().and_then(|image| image.built);
    let finding = check::SOURCE_APPROVED.answer_in(&report.findings);
    let approval = match finding {
        Some(finding) if finding.status == Status::Pass => Ok(finding.message.as_str()),
        Some(finding) => Err(finding.message.as_str()),
        None => Err("the build's source is not known"),
    };
    let listed_by = images(build).collect();
    Audited { build, report, asked: built.is_none_or(|built| period.holds(built)), approval, listed_by }
}

/// The digests of the image in the log, and that of the image that was examined below a logged index.
fn images(build: &Build) -> impl Iterator<Item = Sha256> {
    let logged = build.image.iter().flat_map(|image| &image.pushed).map(|(_, digest)| *digest);
    logged.chain(build.of_index.map(|one| one.manifest))
}

/// Gives all files with one signed archive the digests that are known from any of them.
fn share_images(audited: &mut [Audited<'_>]) {
    let mut known: BTreeMap<Sha256, BTreeSet<Sha256>> = BTreeMap::new();
    for one in audited.iter() {
        if let Some(archive) = one.build.archive {
            known.entry(archive).or_default().extend(images(one.build));
        }
    }
    for one in audited {
        one.listed_by.extend(one.build.archive.iter().filter_map(|archive| known.get(archive)).flatten());
    }
}

/// Leaves out files with a signed archive that an earlier file has: they are copies of one build. The rest of a bundle is not signed, so anyone can make
/// any number of different files from one build.
fn distinct<'a, 'b: 'a>(builds: impl Iterator<Item = &'a Audited<'b>>) -> impl Iterator<Item = &'a Audited<'b>> {
    let mut met = BTreeSet::new();
    builds.filter(move |one| one.build.archive.is_none_or(|archive| met.insert(archive)))
}

/// For each digest, the number of places where an image with this digest runs.
fn running(inventories: &[Inventory]) -> BTreeMap<Sha256, usize> {
    let mut running = BTreeMap::new();
    for used in inventories.iter().flat_map(|inventory| &inventory.images) {
        if let Some(digest) = used.image.as_ref().ok().and_then(|image| image.digest()) {
            *running.entry(digest).or_default() += 1;
        }
    }
    running
}

/// One row for each place in each inventory. The first place with a digest also has a row for each further build that states the digest.
fn places(books: &Books<'_>, builds: &Builds, audited: &[Audited<'_>]) -> Vec<Row> {
    let by_path: BTreeMap<&str, &Audited<'_>> = audited.iter().map(|one| (one.build.path.as_str(), one)).collect();
    let mut said: BTreeMap<Sha256, Row> = BTreeMap::new();
    let mut rows = Vec::new();
    for inventory in books.inventories {
        for used in &inventory.images {
            let first = rows.len();
            match digest_of(used) {
                Err(why) => rows.push(row(Kind::RunningWithoutAcceptedBuild, why)),
                Ok(digest) => match said.get(&digest) {
                    Some(row) => rows.push(row.clone()),
                    None => {
                        rows.extend(of_digest(digest, builds, &by_path, books));
                        said.extend(rows.get(first).map(|row| (digest, row.clone())));
                    }
                },
            }
            for row in rows.iter_mut().skip(first) {
                // The parts are masked separately, before a colon joins them.
                row.place = Some(format!("{}: {}", mask(&inventory.path), mask(&used.place)));
                row.image = used.image.as_ref().ok().map(|image| image.text.clone());
            }
        }
    }
    rows
}

fn digest_of(used: &UsedImage) -> Result<Sha256, String> {
    let image = used.image.as_ref().map_err(|why| format!("the image is not known: {why}"))?;
    image.digest().ok_or_else(|| "the inventory does not identify the image by digest".into())
}

/// Rows for the builds that state a digest; exceptions come before matches. It is not known which of these builds
/// produced the image, so an accepted build does not replace the others.
fn of_digest(digest: Sha256, builds: &Builds, by_path: &BTreeMap<&str, &Audited<'_>>, books: &Books<'_>) -> Vec<Row> {
    const KIND: Kind = Kind::RunningWithoutAcceptedBuild;
    // Another file with the same signed archive is not a separate build.
    let mut distinct: BTreeMap<(Option<Sha256>, Option<&str>), &Build> = BTreeMap::new();
    for build in builds.of_digest(&digest) {
        let path = build.archive.is_none().then_some(build.path.as_str());
        let known = distinct.entry((build.archive, path)).or_insert(build);
        if build.is_accepted_at(books.now) && !known.is_accepted_at(books.now) {
            *known = build;
        }
    }
    let stated: Vec<&&Audited<'_>> = distinct.values().filter_map(|build| by_path.get(build.path.as_str())).collect();
    let is_accepted = stated.iter().any(|one| one.build.accepted);
    // The image that runs need not be the one that the checks of the group `image` examined.
    let requires_image = books.policy.require.contains(&Group::Image);
    let is_unexamined = |one: &Audited<'_>| requires_image && one.build.only_examined(digest).is_some();
    let said = stated.iter().filter_map(|one| match (one.build.accepted, one.asked, one.approval) {
        (false, ..) if !is_accepted => {
            let row = one.row_for(digest, KIND, "the digest belongs to a build that is not accepted");
            Some(Row { details: one.build.because.clone(), ..row })
        }
        // If another build with this digest is accepted, a rejected build outside the period is not reported.
        (false, false, _) => None,
        (false, true, _) => {
            let row = one.row_for(
                digest,
                Kind::BundleNotAccepted,
                "this build, which is not accepted, also states the digest",
            );
            Some(Row { details: one.build.because.clone(), ..row })
        }
        // A build outside the period needs no approval, but a missing approval is reported.
        (true, false, Err(why)) => {
            let message = format!("built outside the period; source-approved is {}: {why}", one.approval_word());
            Some(one.row_for(digest, Kind::OutsidePeriod, message))
        }
        (true, _, Ok(_)) if is_unexamined(one) => None,
        (true, _, Ok(approval)) => Some(one.row_for(digest, Kind::Matched, approval)),
        (true, true, Err(why)) => Some(one.row_for(digest, Kind::BuiltWithoutApproval, why)),
    });
    let unexamined = stated.iter().filter(|one| one.build.accepted && is_unexamined(one));
    let unexamined = unexamined.map(|one| {
        one.row_for(
            digest,
            KIND,
            "the policy requires checks of the image, but not every image in this index was examined",
        )
    });
    let mut rows: Vec<Row> = said.chain(unexamined).collect();
    if rows.is_empty() {
        rows.push(row(KIND, "no verified manifest in the evidence is for this digest"));
    }
    rows.sort_by_key(|row| !row.kind.is_exception());
    rows.into_iter().map(|row| Row { digest: Some(digest), ..row }).collect()
}

/// Builds in the period without a valid approval, except those that a place's row already reports.
fn without_approval(audited: &[Audited<'_>], running: &BTreeMap<Sha256, usize>) -> Vec<Row> {
    let unsaid = audited.iter().filter(|one| one.is_verified() && one.asked);
    let unsaid = distinct(unsaid.filter(|one| !(one.build.accepted && one.places(running) > 0)));
    unsaid.filter_map(|one| Some(one.row(Kind::BuiltWithoutApproval, one.approval.err()?))).collect()
}

/// What the audits leave open, for each accepted build that runs or is in the period.
fn qualified(audited: &[Audited<'_>], running: &BTreeMap<Sha256, usize>, policy: &Policy) -> Vec<Qualified> {
    let question = QuestionReport::of(Depth::Everything, policy, &policy.keys, &[], &Limits::default());
    let asked = audited.iter().filter(|one| one.build.accepted && (one.asked || one.places(running) > 0));
    distinct(asked).filter_map(|one| Qualified::of(one.report, &question)).collect()
}

fn in_period<'a>(books: &Books<'a>) -> impl Iterator<Item = &'a Approval> {
    let period = books.period;
    books.approvals.records.iter().filter(move |record| period.holds(record.time))
}

/// Approvals in the period without an accepted build, or whose builds are in no inventory.
fn not_seen(books: &Books<'_>, audited: &[Audited<'_>], running: &BTreeMap<Sha256, usize>) -> Vec<Row> {
    let mut by_commit: BTreeMap<&str, Vec<&Audited<'_>>> = BTreeMap::new();
    for one in audited {
        if let Some(commit) = one.commit() {
            by_commit.entry(commit).or_default().push(one);
        }
    }
    let mut rows = Vec::new();
    for record in in_period(books) {
        let commit = record.commit.to_string();
        let built = by_commit.get(commit.as_str()).map(Vec::as_slice).unwrap_or_default();
        // As in `source-approved`, an approval covers one repository: another repository may contain the same commit.
        let repository = record.repository.to_string();
        let of_repository = || built.iter().filter(|one| one.report.remotes.contains(&repository));
        let accepted: Vec<&&Audited<'_>> = of_repository().filter(|one| one.build.accepted).collect();
        let message = if built.is_empty() {
            "no verified manifest in the evidence is for the commit"
        } else if of_repository().next().is_none() {
            "no build of the commit in the evidence is from the approval's repository"
        } else if accepted.is_empty() {
            "no build of the commit from the approval's repository is accepted"
        } else if accepted.iter().all(|one| one.digests().is_empty()) {
            "the commit was built, but the build's log has no digest to look for in the inventories"
        } else if accepted.iter().all(|one| one.places(running) == 0) {
            "the commit was built, but no inventory lists a digest from the build's log"
        } else {
            continue;
        };
        let approval = format!(
            "change {} approved by {} at {} for {}",
            record.change, record.approver, record.time, record.repository
        );
        let details = std::iter::once(approval).chain(built.iter().map(|one| format!("built: {}", one.build.path)));
        rows.push(Row {
            commit: Some(commit),
            bundle: built.first().map(|one| one.build.path.clone()),
            details: details.collect(),
            ..row(Kind::ApprovedNotSeen, message)
        });
    }
    rows
}

/// Commits with several stated digests and at least one build in the period.
fn several_digests(audited: &[Audited<'_>]) -> Vec<Row> {
    let mut by_commit: BTreeMap<&String, Vec<&Audited<'_>>> = BTreeMap::new();
    for one in audited {
        if let Some(commit) = one.commit() {
            by_commit.entry(commit).or_default().push(one);
        }
    }
    let mut rows = Vec::new();
    for (commit, builds) in by_commit {
        let digests: BTreeSet<Sha256> = builds.iter().flat_map(|one| one.digests()).collect();
        if digests.len() < 2 || !builds.iter().any(|one| one.asked) {
            continue;
        }
        let stated = builds.iter().flat_map(|one| {
            one.digests().into_iter().map(|digest| format!("{digest} is stated by {}", one.build.path))
        });
        rows.push(Row {
            commit: Some(commit.clone()),
            details: stated.collect(),
            ..row(Kind::SeveralDigests, format!("{} digests for one commit", digests.len()))
        });
    }
    rows
}

/// Bundles in the period that are not accepted. The time of an unverified bundle is not known, so the bundle is always listed.
fn not_accepted(audited: &[Audited<'_>]) -> Vec<Row> {
    let rejected = audited.iter().filter(|one| !one.build.accepted && one.asked);
    rejected
        .map(|one| {
            let message = format!("{} (exit {})", one.report.verdict.word(), one.report.exit_code());
            Row { details: one.build.because.clone(), ..one.row(Kind::BundleNotAccepted, message) }
        })
        .collect()
}

/// The inputs: the policy with its files, the approvals, inventories and bundles, and the files next to bundles.
fn inputs(reports: &[BundleReport], books: &Books<'_>) -> Vec<Read> {
    let given = |kind, path: &str, sha256| Read {
        kind,
        path: path.to_owned(),
        sha256: Some(sha256),
        size: None,
        entries: None,
        what: String::new(),
    };
    let mut inputs = Vec::new();
    if let Some(policy) = &books.policy.source {
        inputs.push(given("policy", &policy.path, policy.sha256));
        inputs.extend(policy.files.iter().map(|(path, sha256)| given("policy-file", path, *sha256)));
    }
    let Approvals { name, sha256, bytes, signature, records, .. } = books.approvals;
    let (size, entries) = (Some(bytes.len() as u64), Some(records.len()));
    inputs.push(Read { size, entries, ..given("approvals", name, *sha256) });
    let signature =
        signature.iter().map(|bytes| given("approvals-signature", &format!("{name}.sig"), Sha256::of(bytes)));
    inputs.extend(signature);
    inputs.extend(books.inventories.iter().map(|inventory| Read {
        size: Some(inventory.size),
        entries: Some(inventory.images.len()),
        what: inventory.what(),
        ..given("inventory", &inventory.path, inventory.sha256)
    }));
    for report in reports {
        inputs.push(Read {
            kind: "bundle",
            path: report.path.clone(),
            sha256: report.file.map(|(sha256, _)| sha256),
            size: report.file.map(|(_, size)| size),
            entries: Some(1),
            what: report.verdict.word().to_owned(),
        });
        let beside = report.inputs.iter().filter(|input| !["approvals", "policy-file"].contains(&input.kind));
        inputs.extend(beside.map(|input| Read {
            what: format!("next to {}", report.path),
            ..given(input.kind, &input.name, input.sha256)
        }));
    }
    inputs
}

fn row(kind: Kind, message: impl Into<String>) -> Row {
    Row {
        kind,
        place: None,
        image: None,
        digest: None,
        bundle: None,
        archive: None,
        commit: None,
        message: message.into(),
        details: Vec::new(),
        only_examined: None,
    }
}

/// Masks what looks like a secret.
fn masked(row: Row) -> Row {
    Row {
        image: row.image.as_deref().map(mask_name),
        message: mask(&row.message),
        details: row.details.iter().map(|line| mask(line)).collect(),
        ..row
    }
}

#[cfg(test)]
mod tests;
