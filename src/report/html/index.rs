//! The index page of several bundles: a first sheet, as for one bundle, then one row per bundle.

use std::collections::{BTreeMap, HashMap};

use super::super::sarif::uri;
use super::super::{BundleReport, Report, gaps, outside, remarks, repeat, summary};
use super::sheet::{Part, REASONS, Row, Sheet, beginning};
use super::{Markup, Running, detail, digest_of_list, file_name, first, foot, head, running};
use crate::base::words::counted;
use crate::judge::evidence::Known;
use crate::judge::finding::Status;

const PLACE: &str = "see the table of bundles";

pub(super) fn page(report: &Report, folder: &str) -> Markup {
    let mut page = Markup::default();
    let headline = headline(report);
    let running: Running<'_> = running(report, &format!("Bundles {}", list(report)), &headline);
    head(&mut page, &headline, &running);
    sheet(report, headline).write(&mut page);
    table(&mut page, report, folder);
    detail::case(&mut page, report);
    detail::versions(&mut page, report, None);
    foot(&mut page);
    page
}

fn list(report: &Report) -> String {
    let files = report.bundles.iter().filter_map(|one| one.file.map(|(digest, _)| (digest, one.path.as_str())));
    digest_of_list(files).to_string()
}

fn headline(report: &Report) -> String {
    format!("{}: {}", summary::verdict_words(report.verdict()), counts(report))
}

fn counts(report: &Report) -> String {
    format!("{} bundles, {}", report.bundles.len(), summary::counts(report))
}

fn sheet(report: &Report, headline: String) -> Sheet {
    let mut because: Vec<String> = report.error.iter().map(summary::fault).collect();
    because.extend(report.bundles.iter().filter_map(|bundle| {
        summary::because(report, bundle).into_iter().next().map(|cause| format!("{}: {cause}", first::name(bundle)))
    }));
    let mut rows = first::reference(report);
    let files = report.bundles.iter().filter(|bundle| bundle.file.is_some()).count();
    rows.push(Row {
        label: "Bundles",
        lines: vec![
            vec![Part::Words(counts(report))],
            vec![
                Part::Code(list(report)),
                Part::Known(format!(
                    "SHA-256 of the output of sha256sum for the {files} that could be read, in the order of the table"
                )),
            ],
        ],
    });
    rows.extend(first::terms(report, None, summary::judged(report, None)));
    rows.push(keys(report));
    rows.extend(first::case(report));
    let own = report.verdict();
    Sheet {
        title: "Audit of build manifests",
        tone: first::tone(own),
        headline,
        because: beginning(because, REASONS, PLACE).into_iter().chain(remarks::all(report)).collect(),
        next: "The overall verdict is the worst verdict of all bundles. Each bundle has its own page. Do not deploy a bundle that is not accepted.".into(),
        rows,
        counted: String::new(),
        found: found(report),
        not_proved: beginning(shared(report, summary::not_proved), 8, "see the page of each bundle"),
        exceptions: beginning(exceptions(report), REASONS, "see the page of each bundle"),
        command: repeat::options(report, None),
        repeats: first::repeats(report),
        prepared: first::signed(report, "prepared"),
        reviewed: first::signed(report, "reviewed"),
    }
}

/// The keys under which signatures verified, each with its number of bundles.
fn keys(report: &Report) -> Row {
    let mut uses: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for key in report.bundles.iter().filter_map(|bundle| bundle.key.as_ref()) {
        let words = format!("{}, {} bits; source: {}, grade {}", key.kind, key.bits, key.source, key.grade.word());
        uses.entry(key.fingerprint.to_string()).or_insert((words, 0)).1 += 1;
    }
    let more = uses.len().saturating_sub(4);
    let line = |(key, (words, count)): (String, (String, usize))| {
        vec![Part::Code(key), Part::Words(format!("{words}: {count} of {} bundles", report.bundles.len()))]
    };
    let mut lines: Vec<_> = uses.into_iter().take(4).map(line).collect();
    if more > 0 {
        lines.push(vec![Part::Words(format!("and {more} more: see the page of each bundle"))]);
    }
    if lines.is_empty() {
        lines.push(vec![Part::Words("No bundle has a signature that was verified with a trusted key.".into())]);
        lines.extend(first::trusted(report));
    }
    Row { label: "Keys", lines }
}

/// The exceptions of all bundles: first, which accepted bundles have warnings or waivers.
fn exceptions(report: &Report) -> Vec<String> {
    const NAMED: usize = 3;
    let is_doubtful = |bundle: &&BundleReport| bundle.exit_code() == 0 && bundle.doubts().next().is_some();
    let doubtful: Vec<String> = report.bundles.iter().filter(is_doubtful).map(BundleReport::listed_name).collect();
    let more = doubtful.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = doubtful.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let count = counted(doubtful.len(), "accepted bundle");
    let first = (!doubtful.is_empty()).then(|| format!("{count} with warnings or waivers: {named}{more}"));
    let checks = gaps::lines_in_doubt(report.bundles.iter().filter(is_doubtful));
    let against = shared(report, |bundle| gaps::exceptions(report, bundle).against);
    let others = shared(report, |bundle| gaps::exceptions(report, bundle).others);
    first.into_iter().chain(checks).chain(against).chain(others).collect()
}

/// The statements about several bundles. Each statement is listed once, with the number of bundles to which it applies.
fn shared(report: &Report, of: impl Fn(&BundleReport) -> Vec<String>) -> Vec<String> {
    // The lines are ordered by first occurrence. The map finds a line's position, because searching the list for each
    // line would take quadratic time.
    let mut lines: Vec<(String, usize)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in report.bundles.iter().flat_map(of) {
        let place = *places.entry(line.clone()).or_insert(lines.len());
        match lines.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => lines.push((line, 1)),
        }
    }
    let all = report.bundles.len();
    let told = |(line, count): (String, usize)| match count == all {
        true if line.starts_with(outside::LABEL) => format!("{line} (each of {all} bundles)"),
        true => line,
        false => format!("{line} ({count} of {all} bundles)"),
    };
    lines.into_iter().map(told).collect()
}

/// Each check that passed, with the number of bundles in which it passed and its weakest statement.
fn found(report: &Report) -> Vec<(String, &'static str)> {
    let mut checks: Vec<(&'static str, usize, Known)> = Vec::new();
    for finding in report.bundles.iter().flat_map(BundleReport::played).filter(|one| one.status == Status::Pass) {
        let known = summary::found_by(finding).into_iter().map(|found| found.known).max().unwrap_or(Known::Given);
        match checks.iter_mut().find(|(check, ..)| *check == finding.check) {
            Some((_, count, weakest)) => (*count, *weakest) = (*count + 1, known.max(*weakest)),
            None => checks.push((finding.check, 1, known)),
        }
    }
    checks.sort_by_key(|(check, ..)| first::rank(check));
    let all = report.bundles.len();
    let told =
        |(check, count, known): (&str, usize, Known)| (format!("{check}: passed in {count} of {all}"), known.word());
    checks.into_iter().map(told).collect()
}

fn table(page: &mut Markup, report: &Report, folder: &str) {
    page.raw("<section>\n<h2>Bundles</h2>\n<div class=\"scroll\" role=\"region\" aria-label=\"Bundles\" tabindex=\"0\">\n<table class=\"bundles\">\n<caption>One page for each bundle.</caption>\n<thead><tr><th scope=\"col\">Build</th><th scope=\"col\">Verdict</th><th scope=\"col\">Exit code</th><th scope=\"col\">What was checked, or why not</th></tr></thead>\n<tbody>\n");
    for (at, bundle) in report.bundles.iter().enumerate() {
        page.raw("<tr><td><a href=\"").text(&uri(folder)).raw("/").text(&file_name(at));
        page.raw("\">").text(&bundle.listed_name()).raw("</a></td>");
        page.wrapped("<td class=\"no\">", bundle.verdict.word(), "</td><td>").number(usize::from(bundle.exit_code()));
        page.raw("</td><td>");
        let because = summary::because(report, bundle);
        let lines = if because.is_empty() { vec![summary::headline(report, bundle)] } else { because };
        for line in lines {
            page.wrapped("<p>", &line, "</p>");
        }
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n</section>\n");
}
