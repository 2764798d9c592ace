//! `compare`: shows what differs between two images or bundles.

use std::fmt::Write as _;

use serde_json::json;

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::cli::args::OutputFormat;
use crate::cli::args::image::CompareArguments;
use crate::cli::command::image::{layer_files, load_image};
use crate::cli::{limits_with, output, threads_for};
use crate::compare::{CORROBORATION, Comparing, Comparison, Side, Value, compare as compare_sides};
use crate::dossier::{Storage, read_keys};
use crate::image::{Choice, ImageFacts, Source};

pub(crate) fn compare(arguments: &CompareArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let policy = crate::cli::command::audit::policy_or_default(arguments.policy.as_deref(), &limits)?;
    let keys = policy.keys_for(read_keys(&arguments.keys.keys, Storage::Disk, &limits)?)?;
    let network = &arguments.network;
    let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
        load_image(source, network, choice, limits, budget)
    };
    let read_layer = |source: &Source, image: &ImageFacts, at: usize, limits: &Limits| {
        layer_files(source, image, at, network, limits)
    };
    let comparing = Comparing {
        keys: &keys,
        platform: arguments.platform.as_deref(),
        read_image: &read_image,
        read_layer: &read_layer,
        threads: threads_for(None),
        limits: &limits,
    };
    let (one, other) = (comparing.side(&arguments.one)?, comparing.side(&arguments.other)?);
    no_flag_is_dropped(arguments, [&one, &other])?;
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(message), _) | (_, Err(message)) => {
            output::print(&format!("NOT COMPARED: {}\n", for_terminal(&message)))?;
            return Ok(1);
        }
    };
    let comparison = compare_sides(&one, &other, &comparing)?;
    output::print(&match arguments.format {
        OutputFormat::Text => as_text(&one, &other, &comparison),
        OutputFormat::Json => as_json(&one, &other, &comparison),
    })?;
    Ok(u8::from(comparison.differs()))
}

/// Refuses a flag that would have no effect: keys and a policy apply only to bundles, and a platform applies only to images.
fn no_flag_is_dropped(arguments: &CompareArguments, sides: [&Result<Side, String>; 2]) -> Result<(), Error> {
    let mut read = sides.into_iter().flatten();
    let is_refused = sides.iter().any(|side| side.is_err());
    let has_bundle = is_refused || read.clone().any(|side| side.build.is_some());
    let has_image = is_refused || read.any(|side| side.image.is_some());
    let dropped = [
        ("--key", !arguments.keys.keys.is_empty() && !has_bundle, "bundles, but neither input is a bundle"),
        ("--policy", arguments.policy.is_some() && !has_bundle, "bundles, but neither input is a bundle"),
        ("--platform", arguments.platform.is_some() && !has_image, "images, but neither input contains an image"),
    ];
    match dropped.into_iter().find(|(_, is_dropped, _)| *is_dropped) {
        Some((flag, _, what)) => {
            Err(Error::Usage { message: format!("{flag} applies to {what}"), hint: format!("remove {flag}") })
        }
        None => Ok(()),
    }
}

fn as_text(one: &Side, other: &Side, comparison: &Comparison) -> String {
    let shown = |value: &Option<Value>| {
        for_terminal(&mask(&value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)))
    };
    let mut page = format!("A  {}\nB  {}\n\n", for_terminal(&one.name), for_terminal(&other.name));
    for row in &comparison.rows {
        let _ = writeln!(page, "{:<13} {}", row.word(), for_terminal(&row.part));
        match row.word() {
            "same" => drop(writeln!(page, "              {}", shown(&row.one))),
            _ => drop(writeln!(page, "            A {}\n            B {}", shown(&row.one), shown(&row.other))),
        }
    }
    for files in &comparison.files {
        let _ = writeln!(page, "\n{}", for_terminal(&files.heading));
        let not_compared = files.not_compared.iter().map(|what| format!("not compared {what}"));
        for line in files.lines.iter().cloned().chain(not_compared) {
            let _ = writeln!(page, "  {}", for_terminal(&mask(&line)));
        }
    }
    let _ = writeln!(page, "\n{}\n{CORROBORATION}", comparison.conclusion);
    page
}

fn as_json(one: &Side, other: &Side, comparison: &Comparison) -> String {
    let masked = |value: &Option<Value>| match value {
        None | Some(Value::NotKnown(_)) => None,
        Some(value) => Some(mask(&value.to_string())),
    };
    let why = |value: &Option<Value>| match value {
        Some(Value::NotKnown(why)) => Some(mask(why)),
        _ => None,
    };
    let rows: Vec<_> = comparison
        .rows
        .iter()
        .map(|row| {
            let (a, b, answer) = (masked(&row.one), masked(&row.other), row.word().to_lowercase());
            match row.word() {
                "not known" => json!({"part": row.part, "a": a, "b": b, "answer": answer,
                    "not_known": {"a": why(&row.one), "b": why(&row.other)}}),
                _ => json!({"part": row.part, "a": a, "b": b, "answer": answer}),
            }
        })
        .collect();
    let masked = |lines: &[String]| lines.iter().map(|line| mask(line)).collect::<Vec<_>>();
    let files = comparison.files.iter().map(|files| {
        let (lines, not_compared) = (masked(&files.lines), masked(&files.not_compared));
        json!({"in": files.heading, "files": lines, "not_compared": not_compared})
    });
    let files: Vec<_> = files.collect();
    let document = json!({
        "schema_version": 1, "a": one.name, "b": other.name, "rows": rows, "files": files,
        "not_compared": comparison.not_compared, "conclusion": comparison.conclusion, "note": CORROBORATION,
    });
    format!("{document:#}\n")
}
