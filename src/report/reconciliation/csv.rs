//! CSV (RFC 4180): the whole reconciliation in one table. The first cell of a row states its type: `period`, `result`, `key`,
//! `sample` or `input`.

use std::io::{self, Write};

use super::Reconciliation;
use crate::base::words::counted;
use crate::report::csv::line;

const COLUMNS: [&str; 12] =
    ["row", "kind", "place", "image", "digest", "bundle", "commit", "message", "details", "path", "sha256", "number"];

pub(super) fn write(answer: &Reconciliation, out: &mut dyn Write) -> io::Result<()> {
    let mut page = line(COLUMNS.into_iter().map(str::to_owned));
    let mut push = |cells: &[(&str, String)]| {
        let cell = |column: &&str| cells.iter().find(|(name, _)| name == column).map(|(_, text)| text.clone());
        page.push_str(&line(COLUMNS.iter().map(|column| cell(column).unwrap_or_default())));
    };
    push(&[
        ("row", "period".into()),
        ("message", answer.period.to_string()),
        ("details", answer.headline()),
        ("number", answer.exit_code().to_string()),
    ]);
    push(&[("row", "judged".into()), ("message", format!("as of {}", answer.now))]);
    for row in &answer.rows {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        push(&[
            ("row", "result".into()),
            ("kind", row.kind.word().into()),
            ("place", text(&row.place)),
            ("image", text(&row.image)),
            ("digest", row.digest.map(|digest| digest.to_string()).unwrap_or_default()),
            ("bundle", text(&row.bundle)),
            ("commit", text(&row.commit)),
            ("message", row.message.clone()),
            ("details", row.details.join("; ")),
        ]);
    }
    for key in &answer.keys {
        let [first, last] = key.used();
        push(&[
            ("row", "key".into()),
            (
                "message",
                format!(
                    "first use {first}, last use {last}, {} in the period, grade {}",
                    key.builds_in_period,
                    key.grade_words()
                ),
            ),
            ("details", key.name.clone().unwrap_or_default()),
            ("sha256", key.fingerprint.hex()),
            ("number", key.builds.to_string()),
        ]);
    }
    if let Some(sample) = &answer.sample {
        for build in &sample.builds {
            push(&[
                ("row", "sample".into()),
                ("bundle", build.bundle.clone()),
                ("commit", build.commit.clone().unwrap_or_default()),
                ("message", build.approval.clone()),
                (
                    "details",
                    format!(
                        "seed {:?}, {}, signed archive {}, rank {}",
                        sample.seed,
                        counted(sample.population, "build"),
                        build.archive.hex(),
                        build.rank.hex()
                    ),
                ),
                ("sha256", build.sha256.hex()),
                ("number", build.places.to_string()),
            ]);
        }
    }
    for read in &answer.inputs {
        push(&[
            ("row", "input".into()),
            ("kind", read.kind.into()),
            ("message", read.what.clone()),
            ("path", read.path.clone()),
            ("sha256", read.sha256.map(|digest| digest.hex()).unwrap_or_default()),
            ("number", read.entries.map(|entries| entries.to_string()).unwrap_or_default()),
        ]);
    }
    out.write_all(page.as_bytes())
}
