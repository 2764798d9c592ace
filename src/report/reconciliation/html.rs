//! One printable HTML page without scripts: the first sheet, every row, keys, the sample and the files that were read.

use std::io::{self, Write};

use super::{Kind, NOT_SAID, PERIOD_MATCHES, Reconciliation, Row, qualified};
use crate::base::words::{counted, counted_as};
use crate::report::html::{Markup, Part, REASONS, Running, Sheet, Signed, Tone, beginning, digest_of_list, foot, head};
use crate::report::{html, question, remarks, repeat};

const PLACE: &str = "see the tables";

pub(super) fn write(answer: &Reconciliation, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Markup::default();
    let (headline, digest) = (answer.headline(), digest(answer));
    let verdict = if answer.exit_code() == 0 { "RECONCILED" } else { "NOT RECONCILED" };
    let verdict = format!("{verdict}, as of {}", answer.now);
    head(&mut page, &headline, &Running { digest, reference: answer.reference.as_deref(), verdict });
    sheet(answer, headline).write(&mut page);
    for kind in Kind::ALL.into_iter().skip(1).chain([Kind::Matched]).filter(|kind| answer.count(*kind) > 0) {
        let rows = answer.rows.iter().filter(|row| row.kind == kind).map(cells);
        table(&mut page, kind.says(), &["Where", "Image or commit", "Bundle", "Why"], rows);
    }
    if !answer.qualified.is_empty() {
        let rows = answer.qualified.iter().map(|one| [one.bundle.clone(), one.whole()]);
        table(&mut page, "accepted in part, with weakened checks, or with warnings", &["Bundle", "Verdict"], rows);
    }
    let keys = answer.keys.iter().map(|key| {
        let [first, last] = key.used();
        let name = format!("{} {}", key.name.as_deref().unwrap_or_default(), key.fingerprint);
        [name, key.grade_words(), key.builds.to_string(), key.builds_in_period.to_string(), first, last]
    });
    table(&mut page, "keys", &["Key", "Grade", "Builds", "In the period", "First use", "Last use"], keys);
    if let Some(sample) = &answer.sample {
        let title = format!(
            "sample of {} of {}, seed {:?}",
            sample.builds.len(),
            counted(sample.population, "build"),
            sample.seed
        );
        let rows = sample.builds.iter().map(|build| {
            let commit = build.commit.clone().unwrap_or_default();
            let bundle = format!("{} (signed archive {})", build.bundle, build.archive);
            [bundle, commit, build.approval.clone(), build.places.to_string(), String::new()]
        });
        table(&mut page, &title, &["Bundle", "Commit", "Approval", "Places", "Reviewed by"], rows);
    }
    let read = answer.inputs.iter().map(|read| {
        let digest = read.sha256.map_or_else(|| "not read".into(), |digest| digest.hex());
        let entries = read.entries.map(|entries| entries.to_string()).unwrap_or_default();
        [read.kind.to_owned(), read.path.clone(), digest, entries, read.what.clone()]
    });
    table(&mut page, "files that were read", &["Kind", "Path", "SHA-256", "Entries", "What"], read);
    foot(&mut page);
    out.write_all(&page.into_bytes())
}

fn digest(answer: &Reconciliation) -> String {
    let files = answer.inputs.iter().filter_map(|read| read.sha256.map(|digest| (digest, read.path.as_str())));
    digest_of_list(files).to_string()
}

fn sheet(answer: &Reconciliation, headline: String) -> Sheet {
    let is_unmatched = |row: &&Row| row.kind != Kind::Matched;
    let told = |row: &Row| {
        let [place, about, bundle, why] = cells(row);
        let names: Vec<String> = [place, about, bundle].into_iter().filter(|text| !text.is_empty()).collect();
        format!("{}: {}: {why}", row.kind.says(), names.join("; "))
    };
    let (reconciled, matched) = (answer.exit_code() == 0, answer.count(Kind::Matched));
    let totals: Vec<String> =
        answer.totals().into_iter().take(6).map(|(label, number)| format!("{label}: {number}")).collect();
    // What the audits left open comes first, because it qualifies matches.
    let open = qualified::exceptions(&answer.qualified);
    let open = open
        .into_iter()
        .chain(remarks::skipped_words(&answer.skipped))
        .chain(question::ignored(&answer.passed_over).map(|words| format!("fields of the policy {words}")))
        .chain(answer.rows.iter().filter(is_unmatched).map(told))
        .collect();
    let flags = answer.given.iter().map(|(flag, value)| format!("--{flag} {}", repeat::quoted(value)));
    let command = ["hpsb-audit reconcile".to_owned()].into_iter().chain(flags).chain([format!("--now {}", answer.now)]);
    Sheet {
        title: "Reconciliation of builds",
        tone: match reconciled {
            true if answer.is_in_part() || answer.count(Kind::OutsidePeriod) > 0 => Tone::InPart,
            true => Tone::Accepted,
            false => Tone::Refused,
        },
        headline,
        because: Vec::new(),
        next: if reconciled {
            let in_part =
                if answer.is_in_part() { "build that is accepted, or accepted in part" } else { "accepted build" };
            let an = if answer.is_in_part() { "a" } else { "an" };
            let rest = match answer.count(Kind::OutsidePeriod) {
                0 => PERIOD_MATCHES,
                _ => "",
            };
            format!("Every image in the inventories has the digest of {an} {in_part}{rest}.")
        } else {
            "Review each exception: find the missing build, approval or inventory entry, or get the exception accepted."
                .into()
        },
        rows: rows(answer),
        counted: totals.join("; ") + ".",
        found: (matched > 0)
            .then(|| (format!("{}: {MATCH}", counted_as(matched, "row matches", "rows match")), ""))
            .into_iter()
            .collect(),
        not_proved: NOT_PROVED.map(str::to_owned).to_vec(),
        exceptions: beginning(open, REASONS, PLACE),
        command: command.collect(),
        repeats: format!(
            "In the reconciliation's folder, on the same files, {} {} with the same features gives the same answers.",
            answer.tool.name, answer.tool.version
        ),
        prepared: Signed::default(),
        reviewed: Signed::default(),
    }
}

/// A place whose digest several builds state has several rows.
const MATCH: &str = "an inventory lists a digest from the log of an accepted build, or that of the image that was examined below a logged index";

const NOT_PROVED: [&str; 2] =
    [NOT_SAID, "What runs now. An inventory is a list, or a cluster's response, from one point in time."];

fn rows(answer: &Reconciliation) -> Vec<html::Row> {
    let mut rows: Vec<html::Row> =
        answer.reference.iter().map(|reference| html::Row::words("Reference", reference.clone())).collect();
    rows.push(html::Row::words("Period", answer.period.to_string()));
    rows.push(html::Row::words("Judged as of", answer.now.to_string()));
    rows.push(html::Row::new(
        "Inputs",
        vec![
            Part::Code(digest(answer)),
            Part::Known(
                "SHA-256 of the output of sha256sum for all files that were read, in the order of the last table"
                    .into(),
            ),
        ],
    ));
    rows.extend(answer.policy.iter().map(|policy| {
        html::Row::new("Policy", vec![Part::Code(policy.path.clone()), Part::Code(policy.sha256.to_string())])
    }));
    let key = |key: &super::KeyUse| {
        let words = format!(
            "{}: grade {}; {}, {} in the period",
            key.name.as_deref().unwrap_or("not named"),
            key.grade_words(),
            counted(key.builds, "build"),
            key.builds_in_period
        );
        vec![Part::Code(key.fingerprint.to_string()), Part::Words(words)]
    };
    let mut lines: Vec<Vec<Part>> = answer.keys.iter().take(4).map(key).collect();
    let more = answer.keys.len().saturating_sub(4);
    if more > 0 {
        lines.push(vec![Part::Words(format!("and {more} more: {PLACE}"))]);
    }
    rows.push(html::Row { label: "Keys", lines });
    rows
}

fn cells(row: &Row) -> [String; 4] {
    let digest = row.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let about = [row.image.as_deref(), row.commit.as_deref(), Some(digest.as_str())];
    let about: Vec<&str> = about.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let why: Vec<&str> = std::iter::once(&row.message).chain(&row.details).map(String::as_str).collect();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [text(&row.place), about.join("; "), text(&row.bundle), why.join("; ")]
}

fn table<const N: usize>(
    page: &mut Markup,
    title: &str,
    header: &[&'static str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    page.wrapped("<section>\n<h2>", title, "</h2>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"")
        .text(title)
        .raw("\">\n<table>\n<thead><tr>");
    for cell in header {
        page.raw("<th scope=\"col\">").raw(cell).raw("</th>");
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.raw("<tr>");
        for cell in row {
            page.wrapped("<td>", &cell, "</td>");
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n</section>\n");
}
