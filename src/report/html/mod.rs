//! The report that is filed: one page of HTML that holds everything it needs, has no script, and prints on A4 and Letter. The first
//! printed page is the summary; evidence, findings and versions follow. Nothing is said by colour alone.

mod detail;
mod diagram;
mod first;
mod markup;

use std::io::{self, Write};

pub(super) use self::markup::Markup;
use super::{BundleReport, Options, Pages, Report, summary};

const STYLE: &str = include_str!("style.css");

/// One page: for no bundle, or for one. Several are written as [`pages`].
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    match report.bundles.as_slice() {
        [] => out.write_all(&without_bundle(report).into_bytes()),
        [bundle] => out.write_all(&bundle_page(report, bundle, options).into_bytes()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a report on several bundles has a page for each")),
    }
}

/// The first page, and a page for each bundle, which it names below `folder`.
pub(super) fn pages(report: &Report, options: &Options, folder: &str) -> Pages {
    let of_bundle = |(at, bundle)| (file_name(at), bundle_page(report, bundle, options).into_bytes());
    Pages {
        first: index(report, folder).into_bytes(),
        others: report.bundles.iter().enumerate().map(of_bundle).collect(),
    }
}

fn file_name(at: usize) -> String {
    format!("bundle-{:05}.html", at.saturating_add(1))
}

pub(super) fn head(page: &mut Markup, title: &str) {
    page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        )
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .wrapped("<title>", title, "</title>\n")
        .raw("<style>\n")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n<main>\n");
}

pub(super) fn foot(page: &mut Markup) {
    page.raw("</main>\n</body>\n</html>\n");
}

fn bundle_page(report: &Report, bundle: &BundleReport, options: &Options) -> Markup {
    let mut page = Markup::default();
    head(&mut page, &format!("{} - {}", summary::headline(report, bundle), first::name(bundle)));
    first::write(&mut page, report, bundle, options);
    detail::write(&mut page, report, bundle, options);
    foot(&mut page);
    page
}

fn without_bundle(report: &Report) -> Markup {
    let mut page = Markup::default();
    head(&mut page, "NO VERDICT");
    page.raw("<h1>Audit of build manifests</h1>\n<div class=\"result\"><p><strong>NO VERDICT</strong></p>\n");
    if let Some(error) = &report.error {
        page.wrapped("<p>", &error.to_string(), "</p>\n").wrapped("<p>What to do: ", &error.hint(), "</p>\n");
    }
    page.raw("</div>\n<p>No bundle was looked at. Nothing was proved.</p>\n");
    first::versions(&mut page, report);
    foot(&mut page);
    page
}

fn index(report: &Report, folder: &str) -> Markup {
    let mut page = Markup::default();
    head(&mut page, "Audit of build manifests");
    page.raw("<h1>Audit of build manifests</h1>\n<div class=\"result\"><p>Verdict on all ")
        .number(report.bundles.len())
        .raw(" bundles together, which is the worst of them: ")
        .wrapped("<strong>", report.verdict().word(), "</strong> (exit code ")
        .number(usize::from(report.exit_code()))
        .raw(")</p>\n");
    if let Some(error) = &report.error {
        page.wrapped("<p>", &error.to_string(), "</p>\n");
    }
    page.raw("</div>\n<table>\n<caption>One page for each bundle</caption>\n<thead><tr><th scope=\"col\">Build</th>")
        .raw("<th scope=\"col\">Verdict</th><th scope=\"col\">Exit</th><th scope=\"col\">Because</th></tr></thead>\n<tbody>\n");
    for (at, bundle) in report.bundles.iter().enumerate() {
        page.raw("<tr><td><a href=\"")
            .text(&super::sarif::uri(folder))
            .raw("/")
            .text(&file_name(at))
            .raw("\">")
            .text(first::name(bundle))
            .raw("</a></td>");
        page.wrapped("<td class=\"no\">", bundle.verdict.word(), "</td><td>").number(usize::from(bundle.exit_code()));
        page.raw("</td><td>");
        for line in summary::because(bundle) {
            page.wrapped("<p>", &line, "</p>");
        }
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
    first::versions(&mut page, report);
    foot(&mut page);
    page
}
