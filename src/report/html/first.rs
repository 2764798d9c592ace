//! Page one: the summary that is filed.

use super::super::{BundleReport, Options, Report, Rules, summary};
use super::markup::Markup;

/// What the bundle is called.
pub(super) fn name(bundle: &BundleReport) -> &str {
    bundle.build_name.as_deref().unwrap_or(&bundle.path)
}

pub(super) fn write(page: &mut Markup, report: &Report, bundle: &BundleReport, options: &Options) {
    page.raw("<section class=\"first\">\n<h1>Audit of a build manifest</h1>\n");
    result(page, report, bundle);
    subject(page, report, bundle);
    page.raw("<h2>Found</h2>\n<div class=\"found\">\n");
    found(page, bundle);
    page.raw("</div>\n<h2>Not proved</h2>\n");
    let lines = summary::not_proved(bundle);
    page.list(lines.iter().map(String::as_str), "");
    page.raw("<h2>Exceptions</h2>\n");
    let lines = summary::exceptions(report, bundle);
    page.list(lines.iter().map(String::as_str), "None.");
    controls(page, bundle, options);
    case(page, report);
    repeat(page, report, bundle);
    page.raw("<table class=\"sign\">\n<thead><tr><th scope=\"col\">Role</th><th scope=\"col\">Name</th>")
        .raw("<th scope=\"col\">Date</th><th scope=\"col\">Signature</th></tr></thead>\n<tbody>\n");
    for (role, label) in [("prepared", "Prepared by"), ("reviewed", "Reviewed by")] {
        signature(page, report, role, label);
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

/// A line to be signed by hand, or what a sign-off of the case says.
fn signature(page: &mut Markup, report: &Report, role: &str, label: &str) {
    page.wrapped("<tr><th scope=\"row\">", label, "</th>");
    let mut sign_offs = report.case.iter().flat_map(|case| &case.sign_offs);
    match sign_offs.find(|one| one.role == role) {
        None => page.raw("<td></td><td></td><td></td></tr>\n"),
        Some(one) => {
            let name = one.name.as_deref().unwrap_or("UNKNOWN: the policy does not list the key");
            page.wrapped("<td>", name, "</td>").wrapped("<td>", &one.at, "</td>");
            page.wrapped("<td>by the key <code>", &one.key, "</code></td></tr>\n")
        }
    };
}

/// What is said of the case that the bundle came from.
fn case(page: &mut Markup, report: &Report) {
    let Some(case) = &report.case else { return };
    page.raw("<h2>Case</h2>\n<table class=\"facts\">\n<tbody>\n");
    for (label, text) in case.lines() {
        page.wrapped("<tr><th scope=\"row\">", label, "</th>").wrapped("<td>", &text, "</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
}

fn result(page: &mut Markup, report: &Report, bundle: &BundleReport) {
    page.wrapped("<div class=\"result\">\n<p><strong>", &summary::headline(report, bundle), "</strong></p>\n");
    for line in summary::because(bundle) {
        page.wrapped("<p>", &line, "</p>\n");
    }
    if report.rules == Rules::Version1 {
        page.wrapped("<p>", summary::VERSION_1, "</p>\n");
    }
    page.raw("</div>\n");
}

fn subject(page: &mut Markup, report: &Report, bundle: &BundleReport) {
    page.raw("<table class=\"facts\">\n<caption>Subject, question and key. A fact in italics says how it is known.</caption>\n<tbody>\n");
    page.wrapped("<tr><th scope=\"row\">Build</th><td><code>", name(bundle), "</code></td></tr>\n");
    page.wrapped("<tr><th scope=\"row\">File</th><td><code>", &bundle.path, "</code>");
    if let Some((digest, size)) = bundle.file {
        page.raw("<br><code>").text(&digest.to_string()).raw("</code>, ").text(&size.to_string()).raw(" bytes");
    }
    page.raw("</td></tr>\n<tr><th scope=\"row\">Question</th><td>");
    for line in summary::question(report, Some(bundle)) {
        page.wrapped("<p>", &line, "</p>");
    }
    page.raw("</td></tr>\n");
    match &bundle.key {
        Some(key) => {
            page.raw("<tr><th scope=\"row\">Key</th><td><code>").text(&key.fingerprint.to_string()).raw("</code> (");
            page.text(key.kind).raw(", ").text(&key.bits.to_string()).raw(" bits); grade <strong>");
            page.text(key.grade.word()).raw("</strong>, named by: ").text(&key.source).raw("</td></tr>\n");
        }
        None => {
            page.wrapped("<tr><th scope=\"row\">Key</th><td>", summary::no_key(bundle), "</td></tr>\n");
        }
    }
    for fact in summary::subject(bundle) {
        page.wrapped("<tr><th scope=\"row\">", &fact.fact, "</th><td><code>");
        page.text(&fact.value).raw("</code> <span class=\"known\">(").text(fact.known.word()).raw(": ");
        page.text(fact.witness).raw(")</span></td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
}

fn found(page: &mut Markup, bundle: &BundleReport) {
    let found = summary::found(bundle);
    if found.is_empty() {
        page.raw("<p>Nothing that may be relied on.</p>\n");
        return;
    }
    page.raw("<ul>\n");
    for line in found {
        page.wrapped("<li>", &line.sentence, " <span class=\"known\">(").text(line.known.word());
        page.raw(")</span></li>\n");
    }
    page.raw("</ul>\n");
}

fn controls(page: &mut Markup, bundle: &BundleReport, options: &Options) {
    page.raw("<h2>Controls supported</h2>\n");
    let supported = options.controls.supported(bundle);
    if supported.is_empty() {
        page.raw("<p>None.</p>\n");
        return;
    }
    page.raw("<p>The checks that passed support, and do not by themselves satisfy, ");
    let mut framework = "";
    for (control, _) in supported {
        if control.framework == framework {
            page.raw(", ");
        } else {
            page.raw(if framework.is_empty() { "" } else { "; " }).text(&control.framework).raw(": ");
            framework = &control.framework;
        }
        page.text(&control.id);
    }
    page.raw(".</p>\n");
}

fn repeat(page: &mut Markup, report: &Report, bundle: &BundleReport) {
    let command = summary::command(report, bundle);
    page.wrapped("<h2>How to repeat</h2>\n<p><code>", &command, "</code></p>\n");
    if command.contains(" --key ") {
        page.raw("<p>A key named by its fingerprint lies beside the bundle, or its file is named instead.</p>\n");
    }
    page.raw("<p>With ").text(&report.tool.name).raw(" ").text(&report.tool.version);
    page.raw(" and the same files the answer is the same, byte for byte.");
    if let Some(policy) = &report.policy {
        page.raw(" The policy <code>").text(&policy.path).raw("</code> has <code>").text(&policy.sha256.to_string());
        page.raw("</code>.");
    }
    page.raw("</p>\n");
}

/// Which program, asked for which moment, with which bounds.
pub(super) fn versions(page: &mut Markup, report: &Report) {
    page.raw("<h2>Limits and versions</h2>\n<table class=\"facts\">\n<tbody>\n<tr><th scope=\"row\">Program</th><td>");
    page.text(&report.tool.name).raw(" ").text(&report.tool.version).raw(", features: ");
    let features = report.tool.features.join(", ");
    page.text(if features.is_empty() { "none" } else { &features });
    page.raw("</td></tr>\n<tr><th scope=\"row\">Audited for</th><td>");
    page.text(&report.now.map_or_else(|| "no moment".into(), |now| now.to_string()));
    page.raw("</td></tr>\n<tr><th scope=\"row\">Limits</th><td>");
    let changed = report.question.iter().flat_map(|question| &question.limits);
    let changed: Vec<String> = changed.map(|(name, value)| format!("{name} {value}")).collect();
    page.text(&if changed.is_empty() { "the program's own".into() } else { changed.join(", ") });
    page.raw("</td></tr>\n</tbody>\n</table>\n");
}
