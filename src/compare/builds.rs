//! Compares what two verified bundles state and prove.

use super::{Build, Row, Weight, row};
use crate::base::words::counted;
use crate::git::{Snapshot, WorkEntry};
use crate::judge::check::base_images;
use crate::manifest::Manifest;

pub(super) fn compare(one: &Build, other: &Build, rows: &mut Vec<Row>, files: &mut Vec<(String, Vec<String>)>) {
    sources(one, other, rows);
    let snapshots = (one.snapshot(), other.snapshot());
    let (one, other) = (&one.manifest, &other.manifest);
    let both = |part: &str, value: fn(&Manifest) -> Option<String>| row(part, value(one), value(other));
    rows.push(both("base", |build| match base_images(build.log.as_ref()?) {
        Ok(bases) => Some(bases.join(", ")),
        Err(message) => Some(message),
    }));
    rows.push(both("image id", |build| recorded_id(build).map(str::to_owned)));
    let (Some(first), Some(second)) = snapshots else { return };
    let differing = work_trees(first, second);
    let count = |snapshot: &Snapshot| Some(counted(snapshot.work_tree.len(), "entry"));
    rows.push(match differing.is_empty() {
        true => row("work tree", count(first), count(first)),
        false => row(
            "work tree",
            count(first),
            Some(format!("{}, {} different", counted(second.work_tree.len(), "entry"), differing.len())),
        ),
    });
    if !differing.is_empty() {
        files.push(("work tree".into(), differing));
    }
}

/// Compares what was built, by which server, and from which source. The tree is compared only for proved commits.
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
    crate::judge::check::built_image(build.log.as_ref()?)
}
