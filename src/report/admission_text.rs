//! Text output for workloads: for each image, the verdict, the reason and what to do. `--details` adds every workload check and the links from the
//! trusted key to what is deployed.

use std::fmt::Write as _;

use super::admission::left_out;
use super::key_words::grade_words;
use super::summary::{not_looked_at, was_read};
use super::text::{Amount, Look, UNPROVED, line, opening, paint_first, status_column};
use super::{Admission, BundleReport, ImageReport, QuestionReport, Report, Scope, chain, summary};
use crate::base::escape::for_terminal;
use crate::base::words::counted;
use crate::judge::check::{self, ALSO_IN, NOT_RESOLVED, PUSHED_AS};
use crate::judge::finding::{Group, Status, Verdict};

pub(super) fn page(report: &Report, admission: &Admission, look: Look) -> String {
    let mut page = opening(report, look);
    for image in &admission.images {
        section(&mut page, look, report, image);
    }
    let denied = admission.count(Verdict::Reject);
    let _ = writeln!(
        page,
        "{}: {} admitted, {denied} denied",
        counted(admission.images.len(), "image"),
        admission.images.len() - denied
    );
    let words =
        Admission::VERDICTS.iter().zip(admission.counts).map(|(verdict, count)| format!("{count} {}", verdict.word()));
    let bundles = counted(admission.counts.iter().sum::<usize>(), "bundle");
    let _ = writeln!(page, "Evidence: {bundles}: {}", words.collect::<Vec<_>>().join(", "));
    if let Some(judged) = summary::judged(report, None) {
        let _ = writeln!(page, "Judged as of {judged}");
    }
    if report.bundles.iter().any(was_read) {
        let _ = writeln!(page, "Not proved: {UNPROVED}; what runs now");
    }
    page.push('\n');
    page
}

fn section(page: &mut String, look: Look, report: &Report, image: &ImageReport) {
    let bundle = report.bundle_of(image);
    let (word, headline) = match image.verdict {
        Verdict::Accept => {
            ("ADMITTED", format!("ADMITTED: {}", Scope::of_image(report, image).words(bundle, image.digest)))
        }
        Verdict::AcceptInPart => {
            let weakened = Scope::of_image(report, image).in_brackets();
            ("ADMITTED IN PART", format!("ADMITTED IN PART: {}{weakened}", in_part(report, image)))
        }
        Verdict::Reject | Verdict::None => ("DENIED", "DENIED".into()),
    };
    let _ = writeln!(page, "{}", paint_first(look, image.verdict, word, &for_terminal(&headline)));
    line(page, "image", &image.image.as_deref().map_or_else(|| "not known".into(), for_terminal));
    line(page, "place", &for_terminal(&format!("{}: {}", image.workload.path, image.place)));
    for finding in image.findings.iter().filter(|finding| finding.is_doubt()) {
        line(page, "warning", &for_terminal(&format!("{}: {}", finding.check, finding.message)));
    }
    for finding in image.rejecting() {
        line(page, "because", &for_terminal(&format!("{}: {}", finding.check, finding.message)));
        finding.details.iter().for_each(|detail| line(page, "", &for_terminal(detail)));
    }
    if let Some(count) = not_looked_at(report, image.findings.iter().filter(|finding| finding.is_consequence()).count())
    {
        line(page, "", &count);
    }
    let found = check::WORKLOAD_IMAGE.answer_in(&image.findings);
    let others = found.iter().flat_map(|found| &found.details).filter(|detail| detail.starts_with(ALSO_IN));
    others.for_each(|other| line(page, "note", &for_terminal(other)));
    if let Some(bundle) = bundle {
        line(page, "build", &for_terminal(&bundle.titled()));
        if let Some(judged) =
            summary::judged(report, Some(bundle)).filter(|_| summary::is_judged_before_build(report, bundle))
        {
            line(page, "judged", &format!("as of {judged}"));
        }
        line(page, "", &format!("{} (exit {})", bundle.verdict.word(), bundle.exit_code()));
        for finding in bundle.rejecting() {
            line(page, "", &for_terminal(&format!("{}: {}", finding.check, finding.message)));
        }
        for finding in bundle.doubts() {
            line(page, "warning", &for_terminal(&format!("{}: {}", finding.check, finding.message)));
        }
        if let Some(key) = &bundle.key {
            line(page, "key", &key.fingerprint.to_string());
            line(page, "grade", &grade_words(key.grade));
        }
    }
    for hint in hints(image) {
        line(page, "hint", &for_terminal(&hint));
    }
    if look.amount == Amount::Everything {
        checks(page, image, bundle);
    }
    page.push('\n');
}

/// Prints every workload check, and the links from the trusted key to what is deployed.
fn checks(page: &mut String, image: &ImageReport, bundle: Option<&BundleReport>) {
    let _ = writeln!(page);
    for finding in &image.findings {
        let message = for_terminal(&finding.message);
        let _ = writeln!(page, "  {} {:<19} {message}", status_column(finding), finding.check);
        // The details of what rejects the image, and other builds, are printed above.
        for detail in finding.details.iter().filter(|detail| !finding.rejects() && !detail.starts_with(ALSO_IN)) {
            let _ = writeln!(page, "{:46}{}", "", for_terminal(detail));
        }
    }
    for link in chain::chain_of_image(image, bundle) {
        let _ = writeln!(page, "  {:<14} {} -> {}: {}", link.strength.words(), link.from, link.to, link.how);
    }
}

/// Lists what is missing for a full admission.
fn in_part(report: &Report, image: &ImageReport) -> String {
    let bundle = report.bundle_of(image);
    let requires = |question: &QuestionReport| question.require.iter().any(|group| *group != Group::Workload);
    let asks_nothing = report.question.as_ref().is_some_and(|question| !requires(question));
    let nothing = asks_nothing.then(|| "the policy requires no checks of the build".to_owned());
    nothing.into_iter().chain(left_out(bundle, image.digest)).collect::<Vec<_>>().join("; ")
}

/// The steps that the owner of the workload can take.
pub(crate) fn hints(image: &ImageReport) -> Vec<String> {
    let mut hints = Vec::new();
    match check::WORKLOAD_PINNED.answer_in(image.rejecting()) {
        Some(finding) if image.image.is_none() => {
            hints.push(format!("write the image name in a form that can be parsed: {}", finding.message))
        }
        Some(finding) => {
            let known = finding.details.iter().find_map(|detail| detail.strip_prefix(PUSHED_AS));
            hints.push(match known.and_then(|known| known.split_once(" (build ")) {
                // If the digest is that of an index, recommend only the examined image.
                Some((name, _)) => {
                    let name = name.split_once(" of which only ").map_or(name, |(_, one)| one.trim_end_matches(" was examined"));
                    let what = if finding.details.iter().any(|detail| detail.starts_with(NOT_RESOLVED)) { "" } else { " and tag" };
                    format!("write {name}: the newest (by the server's clock) of the evaluated, accepted builds that pushed this name{what}")
                }
                None => "pin the image by the digest of its manifest: NAME@sha256:...".into(),
            });
        }
        None => {}
    }
    if check::WORKLOAD_IMAGE.answer_in(image.rejecting()).is_some_and(|finding| finding.status == Status::Fail) {
        hints.push(match image.bundle {
            Some(_) => "run `hpsb-audit audit` on its bundle for the reason; deploy an accepted build".into(),
            None => "make sure that the evidence contains this image's build manifest, or deploy an image that has one"
                .into(),
        });
    }
    let said = [check::WORKLOAD_PINNED.name, check::WORKLOAD_IMAGE.name];
    let others = image.rejecting().filter(|finding| !said.contains(&finding.check));
    hints.extend(
        others.map(|finding| format!("run `hpsb-audit explain {}` to see what the check covers", finding.check)),
    );
    hints
}
