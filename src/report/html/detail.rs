//! The sections after page one: findings, witnesses, chain, times, files, inputs, versions.

use super::super::matrix::{self, Agreement, matrix};
use super::super::{BundleReport, Options, Report, outside, remedy, summary};
use super::diagram;
use super::markup::Markup;
use crate::base::time::Timestamp;
use crate::judge::check::{self, status_text};
use crate::judge::evidence::Fact;
use crate::judge::finding::{Finding, Status};

pub(super) fn write(page: &mut Markup, report: &Report, bundle: &BundleReport, options: &Options) {
    findings(page, bundle);
    witnesses(page, bundle);
    page.raw("<section>\n<h2>Chain</h2>\n<p>Solid line: proved by the audit; dashed: stated by a witness and not contradicted; dotted: not examined or undecided; crossed out: does not hold.</p>\n");
    diagram::write(page, bundle);
    page.raw("</section>\n");
    timeline(page, report, bundle);
    files(page, bundle);
    page.raw("<section>\n<h2>Inputs outside the commit</h2>\n");
    page.list(bundle.outside_the_commit.lines.iter().map(String::as_str), outside::none(bundle));
    page.raw("</section>\n");
    controls(page, bundle, options);
    looked_at(page, report, bundle);
    case(page, report);
    versions(page, report, Some(bundle));
}

const NOT_READ: &str = "<p>Nothing inside the signed archive was read.</p>\n</section>\n";

fn scroll(page: &mut Markup, name: &'static str) {
    page.raw("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"").raw(name).raw("\">\n");
}

/// Facts with several witnesses: one row per value, with the value's witnesses and how each witness's statement is
/// known.
fn witnesses(page: &mut Markup, bundle: &BundleReport) {
    page.raw("<section>\n<h2>Witness matrix</h2>\n");
    if !summary::was_read(bundle) {
        page.raw(NOT_READ);
        return;
    }
    let matrix = matrix(bundle);
    let (single, rows): (Vec<_>, Vec<_>) = matrix.rows.iter().partition(|row| row.agreement == Agreement::OneWitness);
    scroll(page, "Witness matrix");
    page.raw("<table class=\"matrix\">\n<caption>Facts with more than one witness, one row per value. Facts on which witnesses disagree have a double frame.</caption>\n<thead><tr><th scope=\"col\">Fact</th><th scope=\"col\">Agreement</th><th scope=\"col\">Value</th><th scope=\"col\">Witness</th></tr></thead>\n<tbody>\n");
    for row in rows {
        let said = row.cells.iter().flatten();
        let mut values: Vec<(&str, Vec<&Fact>)> = Vec::new();
        for fact in said {
            match values.iter_mut().find(|(value, _)| *value == fact.value) {
                Some((_, facts)) => facts.push(fact),
                None => values.push((&fact.value, vec![fact])),
            }
        }
        for (at, (value, facts)) in values.iter().enumerate() {
            page.raw(if row.agreement == Agreement::Disagree { "<tr class=\"disagree\">" } else { "<tr>" });
            if at == 0 {
                page.raw("<th scope=\"row\" rowspan=\"").number(values.len()).raw("\">").text(row.fact).raw("</th>");
                page.raw("<td rowspan=\"")
                    .number(values.len())
                    .raw("\">")
                    .text(row.agreement.words(row.fact))
                    .raw("</td>");
            }
            page.wrapped("<td><code>", value, "</code></td><td>");
            for fact in facts {
                page.raw("<p>").text(fact.witness).wrapped(" <span class=\"known\">", fact.known.word(), "</span></p>");
            }
            page.raw("</td></tr>\n");
        }
    }
    page.raw("</tbody>\n</table>\n</div>\n");
    one_witness(page, &single);
    page.raw("</section>\n");
}

/// Facts with one witness. There is nothing to compare, so these facts are not in the matrix.
fn one_witness(page: &mut Markup, rows: &[&matrix::Row<'_>]) {
    if rows.is_empty() {
        return;
    }
    page.raw("<h3>Facts with one witness</h3>\n");
    scroll(page, "Facts with one witness");
    page.raw("<table>\n<thead><tr><th scope=\"col\">Fact</th><th scope=\"col\">Value</th><th scope=\"col\">Witness</th></tr></thead>\n<tbody>\n");
    for fact in rows.iter().flat_map(|row| row.cells.iter().flatten()) {
        page.wrapped("<tr><th scope=\"row\">", &fact.fact, "</th>").wrapped(
            "<td><code>",
            &fact.value,
            "</code></td><td>",
        );
        page.text(fact.witness).wrapped(" <span class=\"known\">", fact.known.word(), "</span></td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n");
}

/// All facts with a time, and the time of the audit, in chronological order.
fn timeline(page: &mut Markup, report: &Report, bundle: &BundleReport) {
    let facts = bundle.evidence.iter().filter_map(|fact| {
        // The value is a time, or text that ends in " at " and a time.
        let written = fact.value.rsplit_once(" at ").map_or(fact.value.as_str(), |(_, time)| time);
        let moment = Timestamp::from_rfc3339(written)?;
        Some((moment, format!("{}, by {} ({})", fact.fact, fact.witness, fact.known.word())))
    });
    let now = report.now.map(|now| (now, "the time as of which this audit was made (given)".to_owned()));
    let mut moments: Vec<(Timestamp, String)> = facts.chain(now).collect();
    moments.sort();
    page.raw("<section>\n<h2>Timeline</h2>\n<p>Times inside a manifest are the build server's own statement.</p>\n");
    scroll(page, "Timeline");
    page.raw(
        "<table>\n<thead><tr><th scope=\"col\">Time (UTC)</th><th scope=\"col\">What</th></tr></thead>\n<tbody>\n",
    );
    for (moment, what) in &moments {
        page.wrapped("<tr><td>", &moment.to_string(), "</td>").wrapped("<td>", what, "</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n</section>\n");
}

fn findings(page: &mut Markup, bundle: &BundleReport) {
    page.raw("<section>\n<h2>Findings</h2>\n");
    scroll(page, "Findings");
    page.raw("<table class=\"findings\">\n<caption>Every check, in the order of the program's table. Checks at level require decide the verdict; warn is shown; off is only listed.</caption>\n<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Level</th><th scope=\"col\">Status</th><th scope=\"col\">What was found</th></tr></thead>\n<tbody>\n");
    for finding in &bundle.findings {
        let rejects = finding.rejects();
        page.wrapped("<tr><th scope=\"row\">", finding.check, "</th>").wrapped("<td>", finding.level.word(), "</td>");
        page.raw(if rejects { "<td class=\"no\">" } else { "<td>" }).text(&status_text(finding.status));
        page.raw(if rejects { " (rejects)</td><td>" } else { "</td><td>" });
        answer(page, finding);
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n</section>\n");
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
    page.raw("<section>\n<h2>Controls supported</h2>\n<p>A passed check supports a control. It does not satisfy a control by itself.</p>\n");
    let supported = options.controls.supported(bundle);
    if supported.is_empty() {
        page.raw("<p>This audit does not support any control.</p>\n</section>\n");
        return;
    }
    scroll(page, "Controls");
    page.raw("<table>\n<thead><tr><th scope=\"col\">Control</th><th scope=\"col\">Supporting checks</th></tr></thead>\n<tbody>\n");
    for (control, checks) in supported {
        page.raw("<tr><th scope=\"row\">")
            .text(&control.framework)
            .raw(" ")
            .text(&control.id)
            .raw(" ")
            .text(&control.title);
        page.wrapped("</th><td>", &checks.join(", "), "</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n</section>\n");
}

/// All inputs that the answers are based on, with digests.
fn looked_at(page: &mut Markup, report: &Report, bundle: &BundleReport) {
    page.raw("<section>\n<h2>What was read</h2>\n");
    scroll(page, "What was read");
    page.raw("<table>\n<thead><tr><th scope=\"col\">What</th><th scope=\"col\">Name</th><th scope=\"col\">SHA-256</th></tr></thead>\n<tbody>\n");
    let mut row = |what: &str, name: &str, digest: &str| {
        page.wrapped("<tr><th scope=\"row\">", what, "</th>").wrapped("<td><code>", name, "</code></td>");
        page.wrapped("<td><code>", digest, "</code></td></tr>\n");
    };
    let digest = bundle.file.map_or_else(|| "not read completely".into(), |(digest, _)| digest.hex());
    row("bundle", &bundle.path, &digest);
    if let Some(policy) = &report.policy {
        row("policy", &policy.path, &policy.sha256.hex());
    }
    for key in report.question.iter().flat_map(|question| &question.keys) {
        let is_the_key = bundle.key.as_ref().is_some_and(|one| one.fingerprint == *key);
        let says = match (summary::signature(bundle), is_the_key) {
            (Some(Status::Pass), true) => "verifies the signature",
            (Some(Status::Pass), false) => "does not verify the signature, or was not tried",
            (Some(_), _) if remedy::was_refused(bundle, key) => "does not verify the signature",
            (Some(_), _) => "not tried: no file with this key was found, or the signature was not checked",
            (None, _) => "not tried: the signature was not checked",
        };
        row("trusted key (fingerprint)", says, &key.hex());
    }
    for input in &bundle.inputs {
        row(&input.words(), &input.name, &input.sha256.hex());
    }
    page.raw("</tbody>\n</table>\n</div>\n</section>\n");
}

/// The facts about the case that contained the bundles.
pub(super) fn case(page: &mut Markup, report: &Report) {
    let Some(case) = &report.case else { return };
    page.raw("<section>\n<h2>Case in full</h2>\n<table class=\"facts\">\n<tbody>\n");
    for (label, text) in case.lines(report) {
        page.wrapped("<tr><th scope=\"row\">", label, "</th>").wrapped("<td>", &text, "</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

/// Shows the question, the program, the time and the limits.
pub(super) fn versions(page: &mut Markup, report: &Report, bundle: Option<&BundleReport>) {
    page.raw("<section>\n<h2>Question and limits</h2>\n<table class=\"facts\">\n<tbody>\n<tr><th scope=\"row\">Question</th><td>");
    for line in summary::question(report, bundle) {
        page.wrapped("<p>", &line, "</p>");
    }
    page.raw("</td></tr>\n<tr><th scope=\"row\">Program</th><td>");
    page.text(&report.tool.name).raw(" ").text(&report.tool.version).raw(", features: ");
    let features = report.tool.features.join(", ");
    page.text(if features.is_empty() { "none" } else { &features });
    page.raw("</td></tr>\n<tr><th scope=\"row\">Judged as of</th><td>");
    page.text(&report.now.map_or_else(|| "no time".into(), |now| now.to_string()));
    page.raw("</td></tr>\n<tr><th scope=\"row\">Limits</th><td>");
    let changed = report.question.iter().flat_map(|question| &question.limits);
    let changed: Vec<String> = changed.map(|(name, value)| format!("{name} {value}")).collect();
    page.text(&if changed.is_empty() { "the defaults".into() } else { changed.join(", ") });
    page.raw("</td></tr>\n</tbody>\n</table>\n<p><code>hpsb-audit explain CHECK</code> describes a check; <code>hpsb-audit explain limits</code> lists all limits.</p>\n</section>\n");
}

/// The differences between the files and the commit, from `source-tree`.
fn files(page: &mut Markup, bundle: &BundleReport) {
    page.raw("<section>\n<h2>Differing files</h2>\n");
    match check::SOURCE_TREE.answer_in(&bundle.findings) {
        Some(finding) if matches!(finding.status, Status::Fail | Status::Unknown) => answer(page, finding),
        Some(finding) if finding.status == Status::Pass => {
            answer(page, finding);
        }
        _ => {
            page.raw("<p>The files were not compared with the commit.</p>\n");
        }
    }
    page.raw("</section>\n");
}
