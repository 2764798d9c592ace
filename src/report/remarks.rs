//! Remarks on a whole report: what limits it, whatever its bundles show.

use super::{Origin, Report, Rules, Voucher};
use crate::workload::SkippedKinds;

/// This sentence is printed for a report that version 0.1.0 saved.
pub(super) const VERSION_1: &str = "Evaluated by the rules of version 0.1: an acceptance required every group of checks, and a requested check that did not run caused a rejection.";

/// This sentence is printed for a report that was read from a file.
pub(super) const CONVERTED: &str =
    "Converted from a saved report: this run verified nothing, and a file can be changed. To verify, repeat the audit.";

/// The remarks on a whole report.
pub(super) fn all(report: &Report) -> impl Iterator<Item = String> {
    let converted = (report.origin == Origin::Converted).then(|| CONVERTED.to_owned());
    let version = (report.rules == Rules::Version1).then(|| VERSION_1.to_owned());
    converted.into_iter().chain(version).chain(shard(report)).chain(skipped(report))
}

/// The remark on objects of a workload that were not examined.
pub(super) fn skipped(report: &Report) -> Option<String> {
    let words = skipped_words(&report.admission.as_ref()?.skipped)?;
    Some(format!("The files have {words}."))
}

/// The remarks for formats that do not show a case: [`all`], and whose terms decided.
pub(super) fn with_voucher(report: &Report) -> impl Iterator<Item = String> {
    let is_sealers = report.case.as_ref().is_some_and(|case| case.vouched_by == Voucher::Seal);
    all(report).chain(is_sealers.then(|| BY_SEAL.to_owned())).chain(passed_over(report))
}

/// The remark on fields of the policy that only `admit` and `serve` evaluate.
pub(super) fn passed_over(report: &Report) -> Option<String> {
    Some(format!("The policy has fields {}.", report.question.as_ref()?.ignored()?))
}

const BY_SEAL: &str = "Evaluated with the case's policy and keys, as of the case's own time, because --seal-key names its sealer: none of them is the reader's own.";

/// The objects that were not examined because the policy says that they run nothing; `None` if there are none.
pub(super) fn skipped_words(skipped: &SkippedKinds) -> Option<String> {
    let kinds: Vec<String> = skipped.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
    (!kinds.is_empty()).then(|| format!("objects that run nothing only according to the policy: {}", kinds.join(", ")))
}

/// The remark on a run over one shard.
pub(super) fn shard(report: &Report) -> Option<String> {
    let mut given = report.question.iter().flat_map(|question| &question.given);
    let (_, shard) = given.find(|(flag, _)| flag == "shard")?;
    Some(format!("Only a part of the bundles was audited: --shard {shard}."))
}
