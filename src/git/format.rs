//! Repository formats that are refused, and auxiliary files that are listed but not read.
//!
//! A format is refused if it would let git see objects other than those proved here, or no objects at all.

use std::collections::BTreeSet;

use super::config::{Setting, read_config};
use super::directory::GitDirectory;
use crate::base::limits::Limits;

/// Extensions (gitrepository-layout(5), "repositoryformatversion") that do not affect what is read here.
pub(super) const HARMLESS: [&str; 5] = ["noop", "preciousobjects", "worktreeconfig", "relativeworktrees", "noop-v1"];

/// The reasons why the format of the repository in `directory` is refused, one clause each.
pub(super) fn refusals(directory: &GitDirectory<'_>, limits: &Limits) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut faults = Vec::new();
    for config in ["config", "config.worktree"].into_iter().filter_map(|file| directory.file(file.as_bytes())) {
        match read_config(config, limits) {
            Ok(settings) => reasons.extend(settings.iter().filter_map(refused_setting)),
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    for (file, what) in [
        ("objects/info/alternates", "alternates: objects outside the archive"),
        ("objects/info/http-alternates", "alternates: objects outside the archive"),
        ("info/grafts", "grafts, which give commits different parents"),
        ("commondir", "commondir: a git directory outside this one"),
    ] {
        if directory.file(file.as_bytes()).is_some_and(|content| !content.trim_ascii().is_empty()) {
            reasons.push(format!("{what} ({file})"));
        }
    }
    if directory.has_below("reftable/") {
        reasons.push("reftable, which is not supported".into());
    }
    if directory.has_below("refs/replace/") || packed_replace(directory) {
        reasons.push("replace refs, which substitute objects (refs/replace)".into());
    }
    let mut clauses: Vec<String> = reasons.into_iter().map(|reason| format!("the repository uses {reason}")).collect();
    clauses.extend(faults);
    clauses
}

fn packed_replace(directory: &GitDirectory<'_>) -> bool {
    let packed = directory.file(b"packed-refs").unwrap_or_default();
    packed.windows(14).any(|window| window == b" refs/replace/")
}

fn refused_setting(setting: &Setting) -> Option<String> {
    let value = setting.value.as_deref().unwrap_or_default();
    match (&*setting.section, setting.key.as_str()) {
        ("core", "repositoryformatversion") if !matches!(value, "0" | "1") => {
            Some(format!("format version {value:?}; only 0 and 1 are supported"))
        }
        ("extensions", "objectformat") if value == "sha1" => None,
        ("extensions", "objectformat") => Some(format!("{value} objects; only sha1 is supported")),
        ("extensions", "refstorage") if value == "files" => None,
        ("extensions", "refstorage") => Some(format!("{value}, which is not supported")),
        // Missing objects are counted even if a server promised them: see [`promisors`].
        ("extensions", "partialclone") => None,
        ("extensions", key) if !HARMLESS.contains(&key) => Some(format!("the extension {key}, which is not supported")),
        _ => None,
    }
}

/// The signs of a partial clone, whose missing objects git would fetch on demand (git-clone(1), `--filter`).
pub(super) fn promisors(directory: &GitDirectory<'_>, settings: &[Setting]) -> Vec<String> {
    let mut found: BTreeSet<String> = settings
        .iter()
        .filter_map(|setting| {
            let name = setting.subsection.as_deref().unwrap_or_default();
            match (&*setting.section, setting.key.as_str()) {
                ("remote", "promisor") if setting.flag() != Some(false) => Some(format!("remote.{name}.promisor")),
                ("remote", "partialclonefilter") => Some(format!("remote.{name}.partialclonefilter")),
                ("extensions", "partialclone") => Some("extensions.partialclone".into()),
                _ => None,
            }
        })
        .collect();
    if directory.files_below("objects/pack/").any(|(name, _)| name.ends_with(b".promisor")) {
        found.insert("objects/pack/*.promisor".into());
    }
    found.into_iter().collect()
}

/// Whether the config leaves files out of the work tree (git-sparse-checkout(1)).
pub(super) fn is_sparse(settings: &[Setting]) -> bool {
    let last = settings.iter().rev().find(|setting| &*setting.section == "core" && setting.key == "sparsecheckout");
    last.and_then(Setting::flag) == Some(true)
}

/// Files of `objects/pack` and `objects/info` that are not needed here, such as multi-pack indexes and caches of the history.
pub(super) fn passed_over(directory: &GitDirectory<'_>) -> Vec<String> {
    let pack = directory.files_below("objects/pack/").filter_map(|(name, _)| {
        let known = name.ends_with(b".pack") || name.ends_with(b".idx") || name.ends_with(b".promisor");
        (!known).then(|| format!("objects/pack/{}", String::from_utf8_lossy(name)))
    });
    let info = directory
        .files_below("objects/info/")
        .filter(|(name, _)| !name.ends_with(b"alternates"))
        .map(|(name, _)| format!("objects/info/{}", String::from_utf8_lossy(name)));
    pack.chain(info).collect()
}
