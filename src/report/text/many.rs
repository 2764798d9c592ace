//! Several bundles: one line each, then details of the bundles that are not accepted, then totals.

use std::collections::{BTreeMap, BTreeSet};

use super::brief;
use super::closing::paint_first;
use super::subject::UNPROVED;
use super::{Look, Page};
use crate::base::escape::for_terminal;
use crate::base::words::{counted, counted_as};
use crate::gate::key::Fingerprint;
use crate::gate::verify::Grade;
use crate::report::summary::verdict_words;
use crate::report::{BundleReport, QuestionReport, Report, gaps, key_words, summary};

/// Maximum number of keys and scopes to list; further keys and scopes are only counted.
const SHOWN: usize = 5;

pub(super) fn page(report: &Report, bundles: &[BundleReport], look: Look) -> String {
    let mut page = look.page();
    let is_twice = names_of_several(bundles);
    for bundle in bundles {
        let words = verdict_words(bundle.verdict);
        let name = name(bundle, &is_twice);
        page.line(paint_first(look, bundle.verdict, words, &format!("{words:<16} {name}")));
    }
    let mut text = page.text();
    for bundle in bundles.iter().filter(|bundle| bundle.exit_code() != 0) {
        text.push('\n');
        text.push_str(&brief::section(report, bundle, look).text());
    }
    text.push('\n');
    text.push_str(&totals(report, bundles, look).text());
    text
}

/// The build name, or the path if several bundles have the same build name.
fn name(bundle: &BundleReport, is_twice: &BTreeSet<&str>) -> String {
    match bundle.build_name.as_deref() {
        Some(name) if !is_twice.contains(name) => for_terminal(&bundle.listed_name()),
        _ => for_terminal(&bundle.path),
    }
}

fn names_of_several(bundles: &[BundleReport]) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    bundles.iter().filter_map(|bundle| bundle.build_name.as_deref()).filter(|name| !seen.insert(*name)).collect()
}

fn totals(report: &Report, bundles: &[BundleReport], look: Look) -> Page {
    let mut page = look.page();
    page.put("total", &format!("{}: {}", counted(bundles.len(), "bundle"), summary::counts(report)));
    if let Some(judged) = summary::judged(report, None) {
        page.put("judged", &format!("as of {judged}"));
    }
    scopes(&mut page, report, bundles);
    if let Some(ignored) = report.question.as_ref().and_then(QuestionReport::ignored) {
        page.put("policy", &for_terminal(&ignored));
    }
    keys(&mut page, bundles);
    let doubtful = |bundle: &&BundleReport| bundle.doubts().next().is_some();
    let accepted = || bundles.iter().filter(|bundle| bundle.exit_code() == 0);
    match accepted().filter(doubtful).count() {
        0 => {}
        count => {
            let checks: Vec<&str> = gaps::checks_in_doubt(accepted()).into_iter().collect();
            page.put("warned", &format!("{}: {}", counted(count, "accepted bundle"), checks.join(", ")));
        }
    }
    if accepted().next().is_some() {
        page.put("unproved", UNPROVED);
    }
    page.blank();
    page
}

/// The scopes of the accepted bundles, each listed once.
fn scopes(page: &mut Page, report: &Report, bundles: &[BundleReport]) {
    let mut scopes: BTreeMap<String, usize> = BTreeMap::new();
    for bundle in bundles.iter().filter(|bundle| bundle.exit_code() == 0) {
        *scopes.entry(for_terminal(&summary::headline(report, bundle))).or_default() += 1;
    }
    for (scope, count) in scopes.iter().take(SHOWN) {
        page.put("scope", &format!("{count} {scope}"));
    }
    more(page, scopes.len(), "scope", "scopes");
}

/// The signing keys, each with its lowest grade.
fn keys(page: &mut Page, bundles: &[BundleReport]) {
    let mut keys: BTreeMap<Fingerprint, (Grade, usize)> = BTreeMap::new();
    for key in bundles.iter().filter_map(|bundle| bundle.key.as_ref()) {
        let (grade, count) = keys.entry(key.fingerprint).or_insert((key.grade, 0));
        *grade = (*grade).min(key.grade);
        *count += 1;
    }
    for (fingerprint, (grade, count)) in keys.iter().take(SHOWN) {
        page.put("key", &fingerprint.to_string());
        page.put("", &format!("verifies {}", counted(*count, "bundle")));
        page.put("grade", &key_words::grade_words(*grade));
    }
    more(page, keys.len(), "key", "keys");
}

fn more(page: &mut Page, count: usize, one: &str, several: &str) {
    if let Some(left) = count.checked_sub(SHOWN).filter(|left| *left > 0) {
        page.put("", &format!("and {} more: --details", counted_as(left, one, several)));
    }
}
