//! What to do about a rejection, with the same wording on the terminal and on page one.

use super::{BundleReport, CaseReport, Report};
use crate::gate::key::Fingerprint;
use crate::judge::check;
use crate::judge::finding::Status;

/// What to do about the first cause, as sentences; empty if only `explain` can help.
pub(super) fn sentences(report: &Report, bundle: &BundleReport) -> &'static str {
    let Some(first) = bundle.rejecting().next() else { return "" };
    match (first.check, first.status) {
        (check::MANIFEST_SIGNATURE, Status::Fail) if untrusted(bundle).next().is_some() => {
            "Ask the build server's operator, over a channel other than the bundle's, for the SHA-256 of its public key (DER). If it matches a \
             trusted key, do not use this bundle; report the bundle, and build again. If it matches the untrusted key, replace the trusted key in \
             --key or the policy, and run again. If it matches none of these keys, use none of them, and report the mismatch."
        }
        (check::MANIFEST_SIGNATURE, Status::Fail) => {
            "Fetch the bundle again and repeat the audit. If it is rejected again, ask the build server's operator, over a channel other than the bundle's, \
             for the SHA-256 of its public key (DER). If it matches a trusted key, do not use this bundle; report the bundle, and build again. If not, \
             replace the trusted key in --key or the policy, and run again."
        }
        (check::MANIFEST_SIGNATURE, _) => "Pass the key as a file with --key, or put it next to the bundle.",
        // A case records the past, so a new build does not replace it.
        ("build-age", _) if report.case.as_ref().is_some_and(CaseReport::is_only_aged) => {
            "Before you deploy this image today, make a new build. To audit the case as of its own time, run the command in its remark."
        }
        ("build-age", _) => {
            "Make a new build and audit that one, or ask the policy's owner: only the owner may change max-age."
        }
        ("source-tree", Status::Fail) => {
            "Review each path and its reason: the files could not be shown to be those of the commit. If a difference has no such reason, report it \
             to the build's owner, and build again from a clean clone."
        }
        _ => "",
    }
}

/// Lines about keys, for a signature check that did not pass: the trusted keys, and an untrusted key next to the bundle under which the signature
/// verifies.
pub(super) fn keys(bundle: &BundleReport) -> impl Iterator<Item = &str> {
    let signature = bundle.findings.iter().filter(|finding| finding.check == check::MANIFEST_SIGNATURE);
    let lines = signature.filter(|finding| finding.status != Status::Pass).flat_map(|finding| &finding.details);
    lines.map(String::as_str)
}

/// Whether this trusted key was tried and the signature does not verify under it.
pub(super) fn was_refused(bundle: &BundleReport, key: &Fingerprint) -> bool {
    let refused = check::refused_key(key);
    keys(bundle).any(|line| line.contains(&refused))
}

fn untrusted(bundle: &BundleReport) -> impl Iterator<Item = &str> {
    keys(bundle).filter(|line| line.starts_with(check::UNTRUSTED))
}
