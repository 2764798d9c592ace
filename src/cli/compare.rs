//! `compare`: what differs between two images or bundles. It states differences and judges none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::OutputFormat;
use super::image::{contradictions, layer_files, must_be_for, read_image, unsupported};
use super::image_args::CompareArguments;
use super::{limits_with, output, read_named};
use crate::bundle::Bundle;
use crate::check::base_images;
use crate::error::Error;
use crate::escape::for_terminal;
use crate::folder;
use crate::git::{Snapshot, SourceProof, WorkEntry, prove};
use crate::image::tree::{self, Difference, Tree};
use crate::image::{Choice, ImageFacts, Source};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::mask::mask;
use crate::policy::Policy;

/// One of the two: what a bundle states, an image, or both.
struct Side {
    name: String,
    build: Option<Build>,
    image: Option<ImageFacts>,
    /// Where the image is.
    source: Source,
}

/// A signed archive, and what its snapshot proves.
struct Build {
    manifest: Manifest,
    source: Option<SourceProof>,
}

/// One line of the answer.
struct Row {
    part: String,
    one: Option<String>,
    other: Option<String>,
    weight: Weight,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Counts,
    /// Two builds always differ in it.
    Context,
}

impl Row {
    fn differs(&self) -> bool {
        self.weight == Weight::Counts && matches!((&self.one, &self.other), (Some(one), Some(other)) if one != other)
    }

    fn word(&self) -> &'static str {
        match (&self.one, &self.other) {
            (Some(one), Some(other)) if one == other => "same",
            (Some(_), Some(_)) if self.weight == Weight::Context => "other",
            (Some(_), Some(_)) => "DIFFERS",
            _ => "one side only",
        }
    }
}

struct Comparison {
    rows: Vec<Row>,
    /// Paths that differ, under a heading.
    files: Vec<(String, Vec<String>)>,
    conclusion: String,
}

const CORROBORATION: &str = "That an image was built from its commit is stated by the build server. An equal independent rebuild is the one thing \
that corroborates it: a comparison says something about that only if one side was built by somebody else, from that commit, elsewhere.";

pub(super) fn compare(arguments: &CompareArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let policy = match &arguments.policy {
        Some(path) => super::audit::read_policy(path, &limits)?,
        None => Policy::default(),
    };
    let one = side(&arguments.one, arguments, &policy, &limits)?;
    let other = side(&arguments.other, arguments, &policy, &limits)?;
    no_flag_is_dropped(arguments, [&one, &other])?;
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(message), _) | (_, Err(message)) => {
            output::print(&format!("NOT COMPARED: {}\n", for_terminal(&message)))?;
            return Ok(1);
        }
    };
    let comparison = between(&one, &other, arguments, &limits)?;
    output::print(&match arguments.format {
        OutputFormat::Text => as_text(&one, &other, &comparison),
        OutputFormat::Json => as_json(&one, &other, &comparison),
    })?;
    Ok(u8::from(comparison.rows.iter().any(Row::differs)))
}

/// Keys and a policy are for bundles, a platform is for images: where there is none of these, the flag would be dropped.
fn no_flag_is_dropped(arguments: &CompareArguments, sides: [&Result<Side, String>; 2]) -> Result<(), Error> {
    let mut read = sides.into_iter().flatten();
    let is_refused = sides.iter().any(|side| side.is_err());
    let has_bundle = is_refused || read.clone().any(|side| side.build.is_some());
    let has_image = is_refused || read.any(|side| side.image.is_some());
    let dropped = [
        ("--key", !arguments.keys.keys.is_empty() && !has_bundle, "bundles, and neither side is one"),
        ("--policy", arguments.policy.is_some() && !has_bundle, "bundles, and neither side is one"),
        ("--platform", arguments.platform.is_some() && !has_image, "images, and neither side has one"),
    ];
    match dropped.into_iter().find(|(_, is_dropped, _)| *is_dropped) {
        Some((flag, _, what)) => {
            Err(Error::Usage { message: format!("{flag} is for {what}"), hint: format!("leave {flag} out") })
        }
        None => Ok(()),
    }
}

/// Reads a side; the inner error says why a bundle's or an image's word cannot be used.
fn side(
    source: &Source,
    arguments: &CompareArguments,
    policy: &Policy,
    limits: &Limits,
) -> Result<Result<Side, String>, Error> {
    let mut choice = Choice { platforms: arguments.platform.iter().cloned().collect(), digests: Vec::new() };
    let mut side = Side { name: source.to_string(), build: None, image: None, source: source.clone() };
    match bundle_path(source) {
        Some(path) => {
            let Some(build) = signed(&path, arguments, policy, limits)? else {
                return Ok(Err(format!("no trusted key accepts the signature of {}", path.display())));
            };
            choice.digests =
                build.manifest.log.iter().flat_map(|log| log.pushed().map(|(_, digest, _)| digest)).collect();
            if let Some(layout) = folder::image_beside(&path) {
                side.source = Source::Layout(layout, None);
                side.image = Some(read_image(&side.source, &arguments.network, &choice, limits)?);
            }
            side.build = Some(build);
        }
        None => side.image = Some(read_image(source, &arguments.network, &choice, limits)?),
    }
    side.image.iter().try_for_each(|image| must_be_for(image, arguments.platform.as_deref()))?;
    if let Some(fault) = side.image.as_ref().and_then(|image| contradictions(image).into_iter().next()) {
        return Ok(Err(format!("the image of {} contradicts itself: {fault}", side.name)));
    }
    if let Some(what) = side.image.as_ref().and_then(|image| unsupported(image).into_iter().next()) {
        return Ok(Err(format!("the image of {} cannot be read: {what}", side.name)));
    }
    Ok(Ok(side))
}

/// A bare path to a file that begins as bzip2 does, or to a folder with one bundle and no image.
fn bundle_path(source: &Source) -> Option<PathBuf> {
    let Source::Path(path) = source else { return None };
    if path.is_dir() {
        let is_image = ["index.json", "manifest.json"].iter().any(|name| path.join(name).exists());
        let found = folder::find_bundles(std::slice::from_ref(path), &Limits::default()).ok()?;
        let one = matches!(found.as_slice(), [_]) && !is_image;
        return found.into_iter().next().filter(|_| one);
    }
    let mut start = [0; 3];
    File::open(path).ok()?.read_exact(&mut start).ok()?;
    (&start == b"BZh").then(|| path.clone())
}

fn signed(path: &Path, arguments: &CompareArguments, policy: &Policy, limits: &Limits) -> Result<Option<Build>, Error> {
    let keys = policy.keys_for(read_named(&arguments.keys.keys, limits)?)?;
    let beside = folder::keys_beside(path, limits);
    if keys.keys().is_empty() {
        let beside = beside.iter().map(|(name, key)| (name.clone(), key.fingerprint())).collect();
        return Err(Error::NoKey { beside });
    }
    let bundle = Bundle::from_reader(folder::open(path)?, limits)?;
    match bundle.verify(&keys.with_candidates(beside.iter().map(|(_, key)| key))) {
        Ok(archive) => {
            let manifest = Manifest::read(&archive, limits)?;
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let source = snapshot(&manifest).map(|snapshot| prove(snapshot, threads, limits));
            Ok(Some(Build { manifest, source }))
        }
        Err(_) => Ok(None),
    }
}

fn between(one: &Side, other: &Side, arguments: &CompareArguments, limits: &Limits) -> Result<Comparison, Error> {
    let mut rows = Vec::new();
    let mut files = Vec::new();
    if let (Some(first), Some(second)) = (&one.build, &other.build) {
        builds(first, second, &mut rows, &mut files);
    }
    recorded(one, other, &mut rows);
    if let (Some(first), Some(second)) = (&one.image, &other.image) {
        images(first, second, &mut rows);
        for (at, name) in layer_rows(first, second, &mut rows) {
            let files_of = |side: &Side, image| layer_files(&side.source, image, at, &arguments.network, limits);
            files.push((name, layer_differences(files_of(one, first), files_of(other, second))?));
        }
    }
    if !rows.iter().any(|row| row.one.is_some() && row.other.is_some()) {
        return Err(Error::Usage {
            message: "the two have nothing that could be compared".into(),
            hint: "a bundle whose log names no digest can be compared with another bundle, or with an image if its own lies beside it".into(),
        });
    }
    // What neither side has is not a row.
    rows.retain(|row| row.one.is_some() || row.other.is_some());
    let conclusion = conclude(one, other, &rows);
    Ok(Comparison { rows, files, conclusion })
}

fn row(part: impl Into<String>, one: Option<String>, other: Option<String>) -> Row {
    Row { part: part.into(), one, other, weight: Weight::Counts }
}

fn builds(one: &Build, other: &Build, rows: &mut Vec<Row>, files: &mut Vec<(String, Vec<String>)>) {
    sources(one, other, rows);
    let (one, other) = (&one.manifest, &other.manifest);
    let both = |part: &str, value: fn(&Manifest) -> Option<String>| row(part, value(one), value(other));
    rows.push(both("base", |build| match base_images(build.log.as_ref()?) {
        Ok(bases) => Some(bases.join(", ")),
        Err(message) => Some(message),
    }));
    rows.push(both("image id", |build| recorded_id(build).map(str::to_owned)));
    let (Some(first), Some(second)) = (snapshot(one), snapshot(other)) else { return };
    let differing = work_trees(first, second);
    let count = |snapshot: &Snapshot| Some(format!("{} entries", snapshot.work_tree.len()));
    rows.push(match differing.is_empty() {
        true => row("work tree", count(first), count(first)),
        false => row(
            "work tree",
            count(first),
            Some(format!("{} entries, {} differ", second.work_tree.len(), differing.len())),
        ),
    });
    if !differing.is_empty() {
        files.push(("work tree".into(), differing));
    }
}

/// What was built, by whom it is said and by what is proved. A tree is that of a proved commit.
fn sources(one: &Build, other: &Build, rows: &mut Vec<Row>) {
    let both = |part: &str, value: fn(&Build) -> Option<String>| row(part, value(one), value(other));
    let context =
        |part: &str, value: fn(&Build) -> Option<String>| Row { weight: Weight::Context, ..both(part, value) };
    rows.push(context("build", |build| build.manifest.record.build_name().map(str::to_owned)));
    rows.push(context("server", |build| build.manifest.record.server_version().map(str::to_owned)));
    let proved = |build: &Build| build.source.as_ref().is_some_and(|source| source.commit.is_some());
    let part = if proved(one) && proved(other) { "commit" } else { "commit, stated by HEAD and not proved" };
    rows.push(both(part, |build| Some(build.source.as_ref()?.head.as_ref().ok()?.commit.to_string())));
    rows.push(both("tree", |build| Some(build.source.as_ref()?.commit.as_ref()?.tree.to_string())));
}

fn snapshot(build: &Manifest) -> Option<&Snapshot> {
    build.snapshots.first().filter(|_| build.snapshots.len() == 1)
}

fn work_trees(one: &Snapshot, other: &Snapshot) -> Vec<String> {
    let same = |first: &WorkEntry, second: &WorkEntry| match (first, second) {
        (WorkEntry::File(first), WorkEntry::File(second)) => {
            (first.sha256, first.executable, first.privileged) == (second.sha256, second.executable, second.privileged)
        }
        (first, second) => first == second,
    };
    let mut differing: Vec<String> = Vec::new();
    for (path, first) in &one.work_tree {
        let path_text = String::from_utf8_lossy(path);
        match other.work_tree.get(path) {
            None => differing.push(format!("{path_text}: only in A")),
            Some(second) if !same(first, second) => differing.push(format!("{path_text}: differs")),
            Some(_) => {}
        }
    }
    let only = other.work_tree.keys().filter(|path| !one.work_tree.contains_key(*path));
    differing.extend(only.map(|path| format!("{}: only in B", String::from_utf8_lossy(path))));
    differing.sort();
    differing
}

fn recorded_id(build: &Manifest) -> Option<&str> {
    crate::check::built_image(build.log.as_ref()?)
}

/// The digest of what was pushed: as a log records it, or as an image's bytes have it.
fn recorded(one: &Side, other: &Side, rows: &mut Vec<Row>) {
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
        stated(side).map(|digests| digests.join(", ")).or_else(|| {
            let found = found(side);
            (!found.is_empty()).then(|| found.join(" -> "))
        })
    };
    let (first, mut second) = (text(one), text(other));
    // A recorded digest may be an index's on the way to the image, or the image's own.
    let mixed = |stated: Option<Vec<String>>, side: &Side| {
        stated.is_some_and(|stated| side.build.is_none() && stated.iter().all(|digest| found(side).contains(digest)))
    };
    if mixed(stated(one), other) || mixed(stated(other), one) {
        second.clone_from(&first);
    }
    rows.push(row("image digest", first, second));
}

fn images(one: &ImageFacts, other: &ImageFacts, rows: &mut Vec<Row>) {
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
            Some(history.get(at).map_or("(none)".into(), |step| step.created_by.clone()))
        };
        let row = row(format!("history {}", at + 1), step(&first.history), step(&second.history));
        rows.extend(Some(row).filter(Row::differs));
    }
}

/// A row for each name whose value differs.
fn named(kind: &str, one: &BTreeMap<String, String>, other: &BTreeMap<String, String>, rows: &mut Vec<Row>) {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for name in names {
        let value =
            |texts: &BTreeMap<String, String>| Some(texts.get(name).cloned().unwrap_or_else(|| "(none)".into()));
        rows.extend(Some(row(format!("{kind} {name}"), value(one), value(other))).filter(Row::differs));
    }
}

/// A row for each layer; those that differ are returned, by number and name.
fn layer_rows(one: &ImageFacts, other: &ImageFacts, rows: &mut Vec<Row>) -> Vec<(usize, String)> {
    let diff_id =
        |image: &ImageFacts, at: usize| image.config.as_ref().and_then(|config| config.diff_ids.get(at).copied());
    let mut differing = Vec::new();
    for at in 0..one.layers.len().max(other.layers.len()) {
        let (first, second) = (diff_id(one, at), diff_id(other, at));
        let text = |id: Option<crate::digest::Sha256>| Some(id.map_or("(none)".into(), |id| id.to_string()));
        let name = format!("layer {}", at + 1);
        rows.push(row(name.clone(), text(first), text(second)));
        if first != second && first.is_some() && second.is_some() {
            differing.push((at, name));
        }
    }
    differing
}

fn layer_differences(
    one: Result<Option<Tree>, Error>,
    other: Result<Option<Tree>, Error>,
) -> Result<Vec<String>, Error> {
    match (one, other) {
        (Ok(Some(first)), Ok(Some(second))) => Ok(differing_files(&first, &second)),
        (Err(error @ (Error::Malformed { .. } | Error::Truncated { .. })), _)
        | (_, Err(error @ (Error::Malformed { .. } | Error::Truncated { .. }))) => {
            Ok(vec![format!("cannot be compared file by file: {error}")])
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
        _ => Ok(vec!["cannot be compared file by file: its bytes are not at hand".into()]),
    }
}

fn differing_files(one: &Tree, other: &Tree) -> Vec<String> {
    let differences = tree::differences(one, other);
    if differences.is_empty() {
        return vec!["the same files: only times, owners, attributes or the order in the archive differ".into()];
    }
    let lines = differences.into_iter().map(|(path, difference)| {
        let path =
            if path.is_empty() { "/ (the layer's root)".into() } else { String::from_utf8_lossy(&path).into_owned() };
        match difference {
            Difference::OnlyInFirst => format!("{path}: only in A"),
            Difference::OnlyInSecond => format!("{path}: only in B"),
            Difference::Content => format!("{path}: other content"),
            Difference::Kind => format!("{path}: a file in one, something else in the other"),
            Difference::Mode(first, second) => format!("{path}: mode {first:o} in A, {second:o} in B"),
        }
    });
    lines.collect()
}

fn conclude(one: &Side, other: &Side, rows: &[Row]) -> String {
    let same = |part: &str| rows.iter().any(|row| row.part == part && row.word() == "same");
    if let (Some(first), Some(second)) = (&one.image, &other.image) {
        let ids = |image: &ImageFacts| image.config.as_ref().map(|config| config.diff_ids.clone());
        let whole = |image: &ImageFacts| image.layers.iter().all(|layer| layer.measured.is_some());
        let at_hand =
            if whole(first) && whole(second) { "" } else { " (by their documents: not every layer is at hand)" };
        let answer = if same("manifest") {
            "The two images are equal, byte for byte"
        } else if same("config") {
            "The two images have the same configuration and content; only the manifest or the compression differs"
        } else if ids(first).is_some() && ids(first) == ids(second) {
            "The two images have the same content; their configurations differ"
        } else {
            "The two images differ in content"
        };
        return format!("{answer}{at_hand}.");
    }
    match rows.iter().any(Row::differs) {
        true => "They differ.".into(),
        false => "Nothing that both sides have differs.".into(),
    }
}

fn as_text(one: &Side, other: &Side, comparison: &Comparison) -> String {
    let shown = |text: &Option<String>| for_terminal(&mask(text.as_deref().unwrap_or("-")));
    let mut page = format!("A  {}\nB  {}\n\n", for_terminal(&one.name), for_terminal(&other.name));
    for row in &comparison.rows {
        let _ = writeln!(page, "{:<13} {}", row.word(), for_terminal(&row.part));
        match row.word() {
            "same" => drop(writeln!(page, "              {}", shown(&row.one))),
            _ => drop(writeln!(page, "            A {}\n            B {}", shown(&row.one), shown(&row.other))),
        }
    }
    for (heading, lines) in &comparison.files {
        let _ = writeln!(page, "\n{}", for_terminal(heading));
        for line in lines {
            let _ = writeln!(page, "  {}", for_terminal(&mask(line)));
        }
    }
    let _ = writeln!(page, "\n{}\n{CORROBORATION}", comparison.conclusion);
    page
}

fn as_json(one: &Side, other: &Side, comparison: &Comparison) -> String {
    let masked = |text: &Option<String>| text.as_deref().map(mask);
    let rows: Vec<_> = comparison
        .rows
        .iter()
        .map(|row| json!({"part": row.part, "a": masked(&row.one), "b": masked(&row.other), "answer": row.word().to_lowercase()}))
        .collect();
    let files: Vec<_> = comparison
        .files
        .iter()
        .map(
            |(heading, lines)| json!({"in": heading, "files": lines.iter().map(|line| mask(line)).collect::<Vec<_>>()}),
        )
        .collect();
    let document = json!({
        "schema_version": 1, "a": one.name, "b": other.name, "rows": rows, "files": files,
        "conclusion": comparison.conclusion, "note": CORROBORATION,
    });
    format!("{document:#}\n")
}
