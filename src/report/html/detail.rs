//! What follows page one: witnesses, chain, times, findings, files, inputs, versions.

use super::super::matrix::{Agreement, matrix};
use super::super::{BundleReport, Options, Report};
use super::markup::Markup;
use super::{diagram, first};
use crate::base::time::Timestamp;
use crate::judge::check::{self, status_text};
use crate::judge::finding::{Finding, Status};

pub(super) fn write(page: &mut Markup, report: &Report, bundle: &BundleReport, options: &Options) {
    witnesses(page, bundle);
    page.raw("<section>\n<h2>Chain</h2>\n<p>A solid line is proved by this program, a dashed one stated by somebody and not contradicted, a dotted one not examined; a crossed line does not hold.</p>\n");
    diagram::write(page, bundle);
    page.raw("</section>\n");
    timeline(page, report, bundle);
    findings(page, bundle);
    files(page, bundle);
    page.raw("<section>\n<h2>Inputs outside the commit</h2>\n");
    page.list(bundle.outside_the_commit.iter().map(String::as_str), "None is listed.");
    page.raw("</section>\n");
    controls(page, bundle, options);
    inputs(page, bundle);
    page.raw("<section>\n");
    first::versions(page, report);
    page.raw("<p>Every check is described by <code>hpsb-audit explain CHECK</code>, every limit by <code>hpsb-audit explain limits</code>.</p>\n</section>\n");
}

fn witnesses(page: &mut Markup, bundle: &BundleReport) {
    page.raw("<section class=\"matrix\">\n<h2>Witness matrix</h2>\n");
    let matrix = matrix(bundle);
    if matrix.rows.is_empty() {
        page.raw("<p>No witness was heard: nothing behind the signature was looked at.</p>\n</section>\n");
        return;
    }
    page.raw("<table>\n<caption>Who says what, and how that is known. A row that disagrees has a double frame.</caption>\n<thead><tr><th scope=\"col\">Fact</th>");
    for witness in &matrix.witnesses {
        page.wrapped("<th scope=\"col\">", witness, "</th>");
    }
    page.raw("<th scope=\"col\">Agreement</th></tr></thead>\n<tbody>\n");
    for row in &matrix.rows {
        let disagrees = row.agreement == Agreement::Disagree;
        page.raw(if disagrees { "<tr class=\"disagree\">" } else { "<tr>" }).wrapped(
            "<th scope=\"row\">",
            row.fact,
            "</th>",
        );
        for cell in &row.cells {
            page.raw(if disagrees { "<td class=\"disagree\">" } else { "<td>" });
            page.raw(if cell.is_empty() { "-" } else { "" });
            for fact in cell {
                page.wrapped("<p>", &fact.value, " <span class=\"known\">(")
                    .text(fact.known.word())
                    .raw(")</span></p>");
            }
            page.raw("</td>");
        }
        page.wrapped("<td>", row.agreement.words(), "</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

/// Everything that has a time, in order; the moment of the audit last or where it falls.
fn timeline(page: &mut Markup, report: &Report, bundle: &BundleReport) {
    let facts = bundle.evidence.iter().filter_map(|fact| {
        // A time stands alone, or behind who did it.
        let written = fact.value.rsplit_once(" at ").map_or(fact.value.as_str(), |(_, time)| time);
        let moment = Timestamp::from_rfc3339(written)?;
        Some((moment, format!("{}, by {} ({})", fact.fact, fact.witness, fact.known.word())))
    });
    let now = report.now.map(|now| (now, "the moment that this audit is for (given)".to_owned()));
    let mut moments: Vec<(Timestamp, String)> = facts.chain(now).collect();
    moments.sort();
    page.raw("<section>\n<h2>Timeline</h2>\n<p>Times inside a manifest are the build server's own statement.</p>\n<table>\n<thead><tr><th scope=\"col\">Time (UTC)</th><th scope=\"col\">What</th></tr></thead>\n<tbody>\n");
    for (moment, what) in &moments {
        page.wrapped("<tr><td>", &moment.to_string(), "</td>").wrapped("<td>", what, "</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

fn findings(page: &mut Markup, bundle: &BundleReport) {
    page.raw("<section>\n<h2>Findings</h2>\n<table class=\"findings\">\n<caption>Every check, in the order of the program's table. A level of require decides the verdict, warn is shown, off is listed.</caption>\n<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Level</th><th scope=\"col\">Status</th><th scope=\"col\">What was found</th></tr></thead>\n<tbody>\n");
    for finding in &bundle.findings {
        let rejects = finding.rejects();
        page.wrapped("<tr><th scope=\"row\">", finding.check, "</th>").wrapped("<td>", finding.level.word(), "</td>");
        page.raw(if rejects { "<td class=\"no\">" } else { "<td>" }).text(&status_text(finding.status));
        page.raw(if rejects { " (rejects)</td><td>" } else { "</td><td>" });
        answer(page, finding);
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

fn answer(page: &mut Markup, finding: &Finding) {
    page.wrapped("<p>", &finding.message, "</p>");
    if let Some(expected) = &finding.expected {
        page.wrapped("<p>expected: <code>", expected, "</code></p>");
    }
    if let Some(found) = &finding.found {
        page.wrapped("<p>found: <code>", found, "</code></p>");
    }
    if !finding.details.is_empty() {
        page.list(finding.details.iter().map(String::as_str), "");
    }
    if let Some(waiver) = &finding.waiver {
        page.wrapped("<p><strong>", &waiver.words(), "</strong></p>");
    }
}

fn controls(page: &mut Markup, bundle: &BundleReport, options: &Options) {
    page.raw("<section>\n<h2>Controls in detail</h2>\n");
    let supported = options.controls.supported(bundle);
    if supported.is_empty() {
        page.raw("<p>No control is supported by this audit.</p>\n</section>\n");
        return;
    }
    page.raw("<table>\n<thead><tr><th scope=\"col\">Control</th><th scope=\"col\">Supported by the checks</th></tr></thead>\n<tbody>\n");
    for (control, checks) in supported {
        page.raw("<tr><th scope=\"row\">")
            .text(&control.framework)
            .raw(" ")
            .text(&control.id)
            .raw(" ")
            .text(&control.title);
        page.wrapped("</th><td>", &checks.join(", "), "</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

/// Digests of what was looked at beside the bundle.
fn inputs(page: &mut Markup, bundle: &BundleReport) {
    page.raw("<section>\n<h2>What was looked at beside the bundle</h2>\n");
    if bundle.inputs.is_empty() {
        page.raw("<p>Nothing.</p>\n</section>\n");
        return;
    }
    page.raw("<table>\n<thead><tr><th scope=\"col\">What</th><th scope=\"col\">Name</th><th scope=\"col\">SHA-256</th></tr></thead>\n<tbody>\n");
    for input in &bundle.inputs {
        page.wrapped("<tr><th scope=\"row\">", input.kind, "</th>").wrapped("<td><code>", &input.name, "</code></td>");
        page.wrapped("<td><code>", &input.sha256.hex(), "</code></td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

/// What `source-tree` says of files that are not the commit's.
fn files(page: &mut Markup, bundle: &BundleReport) {
    page.raw("<section>\n<h2>Differing files</h2>\n");
    match check::SOURCE_TREE.answer_in(&bundle.findings) {
        Some(finding) if matches!(finding.status, Status::Fail | Status::Unknown) => answer(page, finding),
        Some(finding) if finding.status == Status::Pass => {
            page.raw("<p>None: the work tree is the commit's.</p>\n");
        }
        _ => {
            page.raw("<p>Files were not compared with the commit.</p>\n");
        }
    }
    page.raw("</section>\n");
}
