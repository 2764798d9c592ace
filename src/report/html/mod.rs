//! The report for filing: HTML pages that print on A4 and Letter, with no external resources or scripts. The first printed page of each is the
//! summary; evidence, findings and versions follow. Nothing is conveyed by colour alone.

mod detail;
mod diagram;
mod first;
mod index;
mod markup;
mod sheet;
mod style;

use std::io::{self, Write};

pub(super) use self::markup::Markup;
pub(super) use self::sheet::{Part, REASONS, Row, Sheet, Signed, Tone, beginning};
pub(super) use self::style::{Running, foot, head};
use super::{BundleReport, Options, Pages, Report, summary};
use crate::base::digest::Sha256;

/// One page, for a report with one bundle or with none. Several bundles are written with [`pages`].
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    match report.bundles.as_slice() {
        [] => out.write_all(&without_bundle(report).into_bytes()),
        [bundle] => out.write_all(&bundle_page(report, bundle, options).into_bytes()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a report on several bundles has one page per bundle")),
    }
}

/// The index page, and one page per bundle in `folder`, to which the index links.
pub(super) fn pages(report: &Report, options: &Options, folder: &str) -> Pages {
    let of_bundle = |(at, bundle)| (file_name(at), bundle_page(report, bundle, options).into_bytes());
    Pages {
        first: index::page(report, folder).into_bytes(),
        others: report.bundles.iter().enumerate().map(of_bundle).collect(),
    }
}

fn file_name(at: usize) -> String {
    format!("bundle-{:05}.html", at.saturating_add(1))
}

fn bundle_page(report: &Report, bundle: &BundleReport, options: &Options) -> Markup {
    let headline = summary::headline(report, bundle);
    let mut page = Markup::default();
    let digest = bundle
        .file
        .map_or_else(|| "no digest: the file was not read completely".into(), |(digest, _)| digest.to_string());
    head(
        &mut page,
        &format!("{headline} - {}", first::name(bundle)),
        &running(report, &format!("Bundle {digest}"), &headline),
    );
    first::sheet(report, bundle).write(&mut page);
    detail::write(&mut page, report, bundle, options);
    foot(&mut page);
    page
}

fn without_bundle(report: &Report) -> Markup {
    let mut page = Markup::default();
    let digest = report.case.as_ref().map_or("no bundle was audited", |case| case.digest.as_str());
    head(&mut page, "NO VERDICT", &running(report, digest, "NO VERDICT"));
    first::without_bundle(report).write(&mut page);
    detail::case(&mut page, report);
    detail::versions(&mut page, report, None);
    foot(&mut page);
    page
}

/// The head and foot of every printed page: subject, the auditor's reference, verdict and time.
fn running<'a>(report: &'a Report, digest: &str, headline: &str) -> Running<'a> {
    let moment = report.now.map_or_else(|| "an unknown time".into(), |now| now.to_string());
    // The headline contains the scope, so that a loose sheet shows it. A very long headline is cut, because there is only one line.
    let verdict = sheet::shortened(headline, 90);
    Running {
        digest: digest.into(),
        reference: report.reference.as_deref(),
        verdict: format!("{verdict}, as of {moment}"),
    }
}

/// SHA-256 of the lines that `sha256sum` prints for these files, in this order.
pub(super) fn digest_of_list<'a>(files: impl Iterator<Item = (Sha256, &'a str)>) -> Sha256 {
    let lines: String = files.map(|(digest, path)| format!("{}  {path}\n", digest.hex())).collect();
    Sha256::of(lines.as_bytes())
}
