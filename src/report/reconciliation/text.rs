//! Text output: first the result, then every row that is not matched, the keys, the sample and the files that were read. Matched images are only counted;
//! `--details` and the other formats list them. The last line repeats the result.

use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};

use super::{Kind, NOT_SAID, PERIOD_MATCHES, Reconciliation, Row};
use crate::base::escape::for_terminal;
use crate::base::words::{counted, counted_as};
use crate::report::text::{Amount, Look, Tone, paint_first};

pub(super) fn write(answer: &Reconciliation, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let (tone, word) = match answer.exit_code() {
        0 if answer.is_in_part() || answer.count(Kind::OutsidePeriod) > 0 => (Tone::Doubt, "RECONCILED"),
        0 => (Tone::Good, "RECONCILED"),
        _ => (Tone::Bad, "NOT RECONCILED"),
    };
    let mut page = String::new();
    if look.amount != Amount::Verdict {
        let _ = writeln!(page, "{}\n", paint_first(look, tone, word, &answer.headline()));
        tables(&mut page, answer, look);
    }
    let exceptions = answer.rows.iter().filter(|row| row.kind.is_exception()).count();
    let means = match (exceptions, answer.count(Kind::OutsidePeriod)) {
        (0, 0) => format!("every image in the inventories has an accepted, approved build{PERIOD_MATCHES}"),
        (0, _) => "every image in the inventories has an accepted build".to_owned(),
        (count, _) => format!("{} not matched", counted_as(count, "row is", "rows are")),
    };
    let open = answer.open();
    let means = if open.is_empty() { format!("{means}.") } else { format!("{means}; {open}.") };
    let more = if look.amount == Amount::Everything { "" } else { " More: --details" };
    let last = format!("{word} (exit {}): {means}{more}\n", answer.exit_code());
    page.push_str(&paint_first(look, tone, word, &last));
    out.write_all(page.as_bytes())
}

fn tables(page: &mut String, answer: &Reconciliation, look: Look) {
    let _ = writeln!(page, "  period  {}", answer.period);
    let _ = writeln!(page, "  judged  as of {}", answer.now);
    for (label, number) in answer.totals() {
        let _ = writeln!(page, "  {number:>6}  {label}");
    }
    let is_listed = |kind: &Kind| *kind != Kind::Matched || look.amount == Amount::Everything;
    for kind in Kind::ALL.into_iter().filter(|kind| is_listed(kind) && answer.count(*kind) > 0) {
        let rows = answer.rows.iter().filter(|row| row.kind == kind);
        let cells = rows.map(|row| [subject(row), said(row)]);
        table(page, look, kind.says(), &["what", "why"], cells);
    }
    if !answer.qualified.is_empty() {
        let cells = answer.qualified.iter().map(|one| [one.bundle.clone(), one.whole()]);
        table(page, look, "accepted in part, with weakened checks, or with warnings", &["bundle", "verdict"], cells);
    }
    let keys = answer.keys.iter().map(|key| {
        let [first, last] = key.used();
        let name = key.name.as_deref().unwrap_or_default();
        let (all, of_period) = (key.builds.to_string(), key.builds_in_period.to_string());
        [format!("{name}\n{}\n{}", key.fingerprint, key.grade_words()), all, of_period, first, last]
    });
    table(page, look, "keys", &["key", "builds", "in the period", "first build", "last build"], keys);
    if let Some(sample) = &answer.sample {
        let title = format!(
            "sample of {} of {} in the period, seed {:?}",
            sample.builds.len(),
            counted(sample.population, "build"),
            sample.seed
        );
        let cells = sample.builds.iter().map(|build| {
            let commit = build.commit.clone().unwrap_or_default();
            [
                format!("{}\nsigned archive {}", build.bundle, build.archive),
                commit,
                build.approval.clone(),
                build.places.to_string(),
            ]
        });
        table(page, look, &title, &["bundle", "commit", "approval", "places"], cells);
    }
    let read = answer.inputs.iter().map(|read| {
        let digest = read.sha256.map_or_else(|| "not read".into(), |digest| digest.hex());
        let entries = read.entries.map(|entries| entries.to_string()).unwrap_or_default();
        [read.kind.to_owned(), format!("{}\n{digest}", read.path), entries, read.what.clone()]
    });
    table(page, look, "what was read", &["kind", "path and SHA-256", "entries", "what"], read);
    let _ = writeln!(page, "\n{NOT_SAID}\n");
}

fn subject(row: &Row) -> String {
    let digest = row.digest.map(|digest| digest.to_string());
    let commit = row.commit.as_ref().map(|commit| format!("commit {commit}"));
    let parts = [row.place.clone(), row.image.clone(), row.bundle.clone(), commit, digest];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn said(row: &Row) -> String {
    std::iter::once(&row.message).chain(&row.details).map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn table<const N: usize>(
    page: &mut String,
    look: Look,
    title: &str,
    header: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_BORDERS_ONLY_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(look.columns);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.map(|cell| cell.lines().map(for_terminal).collect::<Vec<_>>().join("\n")));
    }
    let _ = writeln!(page, "\n{}\n{table}", for_terminal(title));
}
