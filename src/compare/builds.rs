//! Compares what two verified bundles state and prove.

use super::{Build, Files, Row, Value, Weight, of_values, row};
use crate::base::words::counted;
use crate::git::{Snapshot, WorkEntry};
use crate::judge::check::base_images;
use crate::manifest::Manifest;

pub(super) fn compare(one: &Build, other: &Build, rows: &mut Vec<Row>, files: &mut Vec<Files>) {
    sources(one, other, rows);
    rows.push(base_row(bases(&one.manifest), bases(&other.manifest)));
    rows.push(id_row(recorded_id(&one.manifest), recorded_id(&other.manifest)));
    let (Some(first), Some(second)) = (one.snapshot(), other.snapshot()) else {
        let value = |build: &Build| match build.snapshot() {
            Some(snapshot) => Value::Known(counted(snapshot.work_tree.len(), "entry")),
            None => no_snapshot(),
        };
        return rows.push(of_values("work tree", Some(value(one)), Some(value(other))));
    };
    let differing = work_trees(first, second);
    let count = |snapshot: &Snapshot| Value::from_result(entries(snapshot));
    rows.push(match differing.is_empty() {
        true => of_values("work tree", Some(count(first)), Some(count(second))),
        false => row(
            "work tree",
            Some(counted(first.work_tree.len(), "entry")),
            Some(format!("{}, {} different", counted(second.work_tree.len(), "entry"), differing.len())),
        ),
    });
    if !differing.is_empty() {
        files.push(Files { heading: "work tree".into(), lines: differing, not_compared: Vec::new() });
    }
}

/// The number of entries. If the snapshot has entries that were not kept, the number is not known.
fn entries(snapshot: &Snapshot) -> Result<String, String> {
    let kept = counted(snapshot.work_tree.len(), "entry");
    match snapshot.faults.first() {
        None => Ok(kept),
        Some(fault) => Err(format!("{kept}, and {} that cannot be compared: {fault}", snapshot.faults.len())),
    }
}

fn no_snapshot() -> Value {
    Value::NotKnown("the archive does not have exactly one snapshot".into())
}

/// The base images in a build's log.
///
/// # Errors
/// Why they are not known.
fn bases(build: &Manifest) -> Result<Vec<String>, String> {
    match build.log.as_ref().map(base_images) {
        None => Err("the archive has no data/build.log".into()),
        Some(Ok(bases)) if bases.is_empty() => Err("no base image was recognised in the log".into()),
        Some(answer) => answer,
    }
}

/// Compares base images. Two equal names without digests do not show that the bases are the same.
fn base_row(first: Result<Vec<String>, String>, second: Result<Vec<String>, String>) -> Row {
    let name = |base: &String| base.split_once('@').map_or(base.as_str(), |(name, _)| name).to_owned();
    let names = |bases: &[String]| bases.iter().map(name).collect::<Vec<_>>();
    let is_pinned = |bases: &[String]| bases.iter().all(|base| base.contains('@'));
    let unpinned = matches!((&first, &second), (Ok(first), Ok(second))
        if names(first) == names(second) && !(is_pinned(first) && is_pinned(second)));
    let value = |bases: Result<Vec<String>, String>| {
        Some(Value::from_result(bases.map(|bases| bases.join(", ")).and_then(|bases| match unpinned {
            true => Err(format!("the two logs do not both record the digest of every base ({bases})")),
            false => Ok(bases),
        })))
    };
    of_values("base", value(first), value(second))
}

/// Compares the image ids in the logs. If a log has only the first digits, only these are compared.
fn id_row(first: Option<&str>, second: Option<&str>) -> Row {
    let digits = [first, second].into_iter().flatten().map(str::len).min().unwrap_or_default();
    let part = match digits {
        0 | 64.. => "image id".to_owned(),
        digits => format!("image id, first {digits} digits"),
    };
    let shortened = |id: Option<&str>| id.map(|id| id.get(..digits).unwrap_or(id).to_owned());
    row(part, shortened(first), shortened(second))
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
    let commit = |build: &Build| match &build.source {
        None => Some(no_snapshot()),
        Some(source) => Some(match &source.head {
            Ok(head) => Value::Known(head.commit.to_string()),
            Err(fault) => Value::NotKnown(fault.to_string()),
        }),
    };
    rows.push(of_values(part, commit(one), commit(other)));
    let tree = |build: &Build| match &build.source {
        None => Some(no_snapshot()),
        Some(source) => Some(match &source.commit {
            Some(commit) => Value::Known(commit.tree.to_string()),
            None => Value::NotKnown("the commit is not proved".into()),
        }),
    };
    rows.push(of_values("tree", tree(one), tree(other)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_the_same_only_if_both_logs_record_the_same_digests() {
        let pinned = || Ok(vec!["golang:1.24@sha256:5a1c".to_owned(), "debian@sha256:8e7f".to_owned()]);
        let named = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let fault = || Err("step 3 of 9 follows step 3".to_owned());
        for (first, second, word) in [
            (pinned(), pinned(), "same"),
            (pinned(), named(&["golang:1.24@sha256:1111", "debian@sha256:8e7f"]), "DIFFERS"),
            (pinned(), named(&["golang:1.24", "debian@sha256:8e7f"]), "not known"),
            (named(&["golang:1.24"]), named(&["golang:1.24"]), "not known"),
            (named(&["golang:1.24"]), named(&["evil/golang:1.24"]), "DIFFERS"),
            (fault(), fault(), "not known"),
            (pinned(), fault(), "not known"),
        ] {
            assert_eq!(base_row(first.clone(), second.clone()).word(), word, "{first:?} {second:?}");
        }
    }

    #[test]
    fn image_ids_are_compared_as_far_as_both_logs_have_digits() {
        let (long, short) = ("0123456789abcdef".repeat(4), "0123456789ab");
        let row = |one, other| (id_row(one, other).part, id_row(one, other).word());
        assert_eq!(row(Some(short), Some(&long)), ("image id, first 12 digits".into(), "same"));
        assert_eq!(row(Some(short), Some("0123456789ac")), ("image id, first 12 digits".into(), "DIFFERS"));
        assert_eq!(row(Some(&long), Some(&long)), ("image id".into(), "same"));
        assert_eq!(row(None, Some(short)).1, "one side only");
    }
}
