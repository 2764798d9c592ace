//! One page of HTML without a script, which prints: the answer, every row, keys, the sample and what was read.

use std::io::{self, Write};

use super::{Kind, NOT_SAID, Reconciliation, Row};
use crate::report::html::{Markup, foot, head};

pub(super) fn write(answer: &Reconciliation, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Markup::default();
    head(&mut page, "Reconciliation of builds");
    page.raw("<h1>Reconciliation of builds</h1>\n<div class=\"result\"><p>")
        .wrapped("<strong>", &answer.headline(), "</strong></p>\n<p>")
        .text(&answer.period.to_string())
        .raw("</p></div>\n<table class=\"facts\">\n<caption>Counted</caption>\n<tbody>\n");
    for (label, number) in answer.totals() {
        page.wrapped("<tr><th scope=\"row\">", label, "</th><td>").number(number).raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
    for kind in Kind::ALL.into_iter().skip(1).chain([Kind::Matched]).filter(|kind| answer.count(*kind) > 0) {
        let rows = answer.rows.iter().filter(|row| row.kind == kind).map(cells);
        table(&mut page, kind.says(), &["Where", "Image or commit", "Bundle", "Why"], rows);
    }
    let keys = answer.keys.iter().map(|key| {
        let [first, last] = key.used();
        let name = format!("{} {}", key.name.as_deref().unwrap_or_default(), key.fingerprint);
        [name, key.builds.to_string(), key.builds_in_period.to_string(), first, last]
    });
    table(&mut page, "keys", &["Key", "Builds", "Of the period", "First use", "Last use"], keys);
    if let Some(sample) = &answer.sample {
        let title =
            format!("sample of {} of {} builds, seed {:?}", sample.builds.len(), sample.population, sample.seed);
        let rows = sample.builds.iter().map(|build| {
            let commit = build.commit.clone().unwrap_or_default();
            let bundle = format!("{} {}", build.bundle, build.sha256);
            [bundle, commit, build.approval.clone(), build.places.to_string(), String::new()]
        });
        table(&mut page, &title, &["Bundle", "Commit", "Approval", "Places", "Looked at by"], rows);
    }
    let read = answer.inputs.iter().map(|read| {
        let digest = read.sha256.map_or_else(|| "not read".into(), |digest| digest.hex());
        let entries = read.entries.map(|entries| entries.to_string()).unwrap_or_default();
        [read.kind.to_owned(), read.path.clone(), digest, entries, read.what.clone()]
    });
    table(&mut page, "what was read", &["Kind", "Path", "SHA-256", "Entries", "What"], read);
    let policy = answer.policy.as_ref().map(|policy| format!("policy {} ({})", policy.path, policy.sha256));
    page.wrapped("<p>", NOT_SAID, "</p>\n<p>")
        .text(&format!("{} {}, for the moment {}", answer.tool.name, answer.tool.version, answer.now))
        .wrapped("; ", &policy.unwrap_or_default(), "</p>\n");
    foot(&mut page);
    out.write_all(&page.into_bytes())
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
    page.wrapped("<table>\n<caption>", title, "</caption>\n<thead><tr>");
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
    page.raw("</tbody>\n</table>\n");
}
