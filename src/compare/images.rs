//! Compares the contents of two images, and the pushed image's digest on the two sides.

use std::collections::{BTreeMap, BTreeSet};

use super::{Files, Row, Side, Value, Weight, of_values, row};
use crate::base::error::Error;
use crate::base::words::counted;
use crate::image::tree::{self, Difference, Tree};
use crate::image::{ImageFacts, LayerFacts};

/// Compares the digest of the pushed image: for a bundle, the one in the log; for an image, the one computed from it. The image next to a bundle is
/// not consulted, because only the log states which image was pushed.
pub(super) fn recorded(one: &Side, other: &Side, rows: &mut Vec<Row>) {
    let stated = |side: &Side| -> Option<Vec<String>> {
        let log = side.build.as_ref()?.manifest.log.as_ref()?;
        let mut digests: Vec<String> = log.pushed().map(|(_, digest, _)| digest.to_string()).collect();
        digests.dedup();
        (!digests.is_empty()).then_some(digests)
    };
    let found = |side: &Side| -> Vec<String> {
        let Some(image) = &side.image else { return Vec::new() };
        image.indexes.iter().chain(&image.manifest).map(|document| document.digest.to_string()).collect()
    };
    let text = |side: &Side| {
        let found = found(side);
        match &side.build {
            Some(_) => stated(side).map(|digests| digests.join(", ")),
            None => (!found.is_empty()).then(|| found.join(" -> ")),
        }
    };
    let (first, mut second) = (text(one), text(other));
    // A recorded digest may be the image's own, or that of an index that leads to the image.
    let mixed = |stated: Option<Vec<String>>, side: &Side| {
        stated.is_some_and(|stated| side.build.is_none() && stated.iter().all(|digest| found(side).contains(digest)))
    };
    if mixed(stated(one), other) || mixed(stated(other), one) {
        second.clone_from(&first);
    }
    rows.push(row("image digest", first, second));
}

pub(super) fn compare(one: &ImageFacts, other: &ImageFacts, rows: &mut Vec<Row>) {
    let both = |part: &str, value: &dyn Fn(&ImageFacts) -> Option<String>| row(part, value(one), value(other));
    rows.push(both("manifest", &|image| Some(image.manifest.as_ref()?.digest.to_string())));
    rows.push(both("manifest type", &|image| Some(image.manifest.as_ref()?.media_type.clone())));
    rows.push(both("config", &|image| Some(image.config.as_ref()?.digest.to_string())));
    rows.push(both("platform", &|image| Some(image.config.as_ref()?.platform.to_string())));
    rows.push(Row { weight: Weight::Context, ..both("created", &|image| image.config.as_ref()?.created.clone()) });
    let (Some(first), Some(second)) = (&one.config, &other.config) else { return };
    named("setting", &first.settings, &second.settings, rows);
    named("label", &first.labels, &second.labels, rows);
    for at in 0..first.history.len().max(second.history.len()) {
        let step = |history: &[crate::image::History]| {
            Some(history.get(at).map_or(Value::Absent, |step| Value::Known(step.created_by.clone())))
        };
        let row = of_values(format!("history {}", at + 1), step(&first.history), step(&second.history));
        rows.extend(Some(row).filter(Row::differs));
    }
}

/// One row for each name whose value differs.
fn named(kind: &str, one: &BTreeMap<String, String>, other: &BTreeMap<String, String>, rows: &mut Vec<Row>) {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for name in names {
        let value =
            |texts: &BTreeMap<String, String>| Some(texts.get(name).cloned().map_or(Value::Absent, Value::Known));
        rows.extend(Some(of_values(format!("{kind} {name}"), value(one), value(other))).filter(Row::differs));
    }
}

/// Adds one row per layer. Returns the layers that differ, by number and name.
pub(super) fn layer_rows(one: &ImageFacts, other: &ImageFacts, rows: &mut Vec<Row>) -> Vec<(usize, String)> {
    let mut differing = Vec::new();
    for at in 0..one.layers.len().max(other.layers.len()) {
        let name = format!("layer {}", at + 1);
        let row = layer_row(&name, (one, one.layers.get(at)), (other, other.layers.get(at)), at);
        if row.differs() && at < one.layers.len().min(other.layers.len()) {
            differing.push((at, name));
        }
        rows.push(row);
    }
    differing
}

/// Compares two layers by their diff_ids. Different diff_ids in the configurations are a difference; equal ones show that the layers are the same
/// only if they were recomputed from the bytes or the stored bytes are the same.
fn layer_row(
    name: &str,
    one: (&ImageFacts, Option<&LayerFacts>),
    other: (&ImageFacts, Option<&LayerFacts>),
    at: usize,
) -> Row {
    let stated = |image: &ImageFacts| image.config.as_ref().and_then(|config| config.diff_ids.get(at).copied());
    let stored = |layer: Option<&LayerFacts>| Some(layer?.measured.as_ref()?.digest);
    let (first, second) = (stored(one.1), stored(other.1));
    // Layers with the same stored bytes are the same, even if the diff_id cannot be computed.
    if let (Some(bytes), true) = (first.filter(|_| first == second), stated(one.0) == stated(other.0)) {
        let text = match (stated(one.0), one.1.is_some_and(|layer| layer.diff_id().is_ok())) {
            (Some(id), true) => id.to_string(),
            _ => format!("{bytes} (as stored)"),
        };
        return row(name, Some(text.clone()), Some(text));
    }
    let same_statement = one.1.is_some() && other.1.is_some() && stated(one.0) == stated(other.0);
    let value = |(image, layer): (&ImageFacts, Option<&LayerFacts>)| {
        let Some(layer) = layer else { return Value::Absent };
        match (stated(image), layer.diff_id()) {
            (Some(id), Ok(_)) => Value::Known(id.to_string()),
            (Some(id), Err(why)) if same_statement => Value::NotKnown(format!("{why} (the configuration states {id})")),
            (Some(id), Err(_)) => Value::Known(format!("{id} (as the configuration states)")),
            (None, _) => Value::NotKnown("the configuration states no diff_id".into()),
        }
    };
    of_values(name, Some(value(one)), Some(value(other)))
}

/// The differences between two layers, and what was not compared.
pub(super) fn layer_differences(
    heading: String,
    one: Result<Option<Tree>, Error>,
    other: Result<Option<Tree>, Error>,
) -> Result<Files, Error> {
    let cannot = |why: String| vec![format!("cannot be compared file by file: {why}")];
    let (lines, not_compared) = match (one, other) {
        (Ok(Some(first)), Ok(Some(second))) => (differing_files(&first, &second), not_compared(&first, &second)),
        (Err(error @ (Error::Malformed { .. } | Error::Truncated { .. })), _)
        | (_, Err(error @ (Error::Malformed { .. } | Error::Truncated { .. }))) => {
            (cannot(error.to_string()), Vec::new())
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
        _ => (cannot("the layer's bytes are not available".into()), Vec::new()),
    };
    Ok(Files { heading, lines, not_compared })
}

/// What a comparison of each path's last entry leaves out; nothing if the layers have the same entries in the same order.
fn not_compared(one: &Tree, other: &Tree) -> Vec<String> {
    if one.in_order == other.in_order {
        return Vec::new();
    }
    match (left_out(one), left_out(other)) {
        (first, second) if first == second => first.into_iter().map(|parts| format!("in A and B: {parts}")).collect(),
        (first, second) => {
            let sides = [("A", first), ("B", second)];
            sides.into_iter().filter_map(|(letter, parts)| Some(format!("in {letter}: {}", parts?))).collect()
        }
    }
}

fn left_out(layer: &Tree) -> Option<String> {
    let paths = |paths: &BTreeSet<Vec<u8>>| {
        let first = shown(paths.first()?);
        Some(match paths.len() - 1 {
            0 => first,
            more => format!("{first} and {}", counted(more, "more path")),
        })
    };
    let parts = [
        paths(&layer.replaced).map(|paths| format!("the earlier entries of {paths}")),
        paths(&layer.unsettled).map(|paths| {
            format!("what is unpacked at {paths}, which depends on the order of the entries or on lower layers")
        }),
        (layer.after_end > 0).then(|| format!("{} after the end of the archive", counted(layer.after_end, "byte"))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn shown(path: &[u8]) -> String {
    if path.is_empty() { "/ (the layer's root)".into() } else { String::from_utf8_lossy(path).into_owned() }
}

fn differing_files(one: &Tree, other: &Tree) -> Vec<String> {
    let differences = tree::differences(&one.entries, &other.entries);
    if differences.is_empty() {
        return vec![match not_compared(one, other).is_empty() {
            true => "the same files; only times, owners, attributes, or the archive's order or format differ".into(),
            false => "no difference was found in the last entry of each path".into(),
        }];
    }
    let lines = differences.into_iter().map(|(path, difference)| {
        let path = shown(&path);
        match difference {
            Difference::OnlyInFirst => format!("{path}: only in A"),
            Difference::OnlyInSecond => format!("{path}: only in B"),
            Difference::Content => format!("{path}: content differs"),
            Difference::Kind => format!("{path}: type differs"),
            Difference::Mode(first, second) => format!("{path}: mode {first:o} in A, {second:o} in B"),
        }
    });
    lines.collect()
}
