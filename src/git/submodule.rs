//! Locates a submodule's objects: the submodule's `.git` is a file that points to `.git/modules/…` (gitsubmodules(7)).

use std::collections::HashSet;

use super::config::Settings;
use super::directory::GitDirectory;
use super::snapshot::{Snapshot, WorkEntry};
use crate::base::limits::Limits;

/// The entry at a submodule's path in the work tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An empty folder, as a checkout creates it: the submodule was not cloned.
    Empty,
    /// There is no entry, not even the folder that a checkout creates.
    Deleted,
    /// A `.git` file that points to this folder below the top-level `.git`.
    Module(Vec<u8>),
    /// Anything else; the text describes the fault.
    Fault(String),
}

const OLD_FORM: &str = "its .git is a folder, which no clone has made since git 1.7.8; git submodule absorbgitdirs moves it to .git/modules";

/// Finds the objects of the submodule at `path`. Only paths in the snapshot's own `.git/modules` are followed.
pub(super) fn locate(snapshot: &Snapshot, path: &[u8], limits: &Limits) -> Place {
    let below = [path, b"/"].concat();
    let mut entries = snapshot.work_tree.range(below.clone()..).take_while(|(entry, _)| entry.starts_with(&below));
    match (entries.next(), snapshot.work_tree.get(path)) {
        (None, None) => return Place::Deleted,
        (None, Some(WorkEntry::Directory)) => return Place::Empty,
        _ => {}
    }
    let link = match snapshot.work_tree.get(&[&below, b".git".as_slice()].concat()) {
        Some(WorkEntry::File(file)) => file.git_link.as_deref().unwrap_or_default(),
        Some(WorkEntry::Directory) => return Place::Fault(OLD_FORM.into()),
        _ => return Place::Fault("it has files but no .git file that points to its objects".into()),
    };
    let target = link.strip_prefix(b"gitdir: ").map(|target| target.strip_suffix(b"\n").unwrap_or(target));
    let module = target.and_then(|target| resolve(path, target)).and_then(|target| {
        let module = target.strip_prefix(b".git/")?;
        module.starts_with(b"modules/").then(|| module.to_vec())
    });
    let Some(module) = module else {
        let shown = String::from_utf8_lossy(link).chars().take(80).collect::<String>();
        return Place::Fault(format!("its .git file does not point into .git/modules: {shown:?}"));
    };
    let directory = GitDirectory::at(snapshot, &module);
    if directory.file(b"HEAD").is_none() {
        return Place::Fault(format!(".git/{} does not contain a repository", String::from_utf8_lossy(&module)));
    }
    match work_tree_of(&directory, &module, limits) {
        Some(home) if home == path => Place::Module(module),
        Some(home) => Place::Fault(format!(
            "core.worktree of .git/{} points to {:?}, not to {:?}",
            String::from_utf8_lossy(&module),
            String::from_utf8_lossy(&home),
            String::from_utf8_lossy(path)
        )),
        None => {
            Place::Fault(format!("core.worktree of .git/{} is missing or invalid", String::from_utf8_lossy(&module)))
        }
    }
}

/// The repositories in `.git/modules` that belong to no proved submodule; `proved` lists the folders of the others.
pub(super) fn unproved_modules(top: &GitDirectory<'_>, proved: &HashSet<&[u8]>) -> impl Iterator<Item = Vec<u8>> {
    let folders = top.files_below("modules/").filter_map(|(file, _)| file.strip_suffix(b"/config"));
    let folders = folders.map(|folder| [b"modules/", folder].concat());
    folders.filter(|folder| {
        top.file(&[folder, b"/HEAD".as_slice()].concat()).is_some() && !proved.contains(folder.as_slice())
    })
}

/// The target of `core.worktree`, relative to the top of the repository.
fn work_tree_of(directory: &GitDirectory<'_>, module: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    // `git sparse-checkout` moves the setting to config.worktree.
    let settings = Settings::read(directory, limits).all;
    let worktree = settings.iter().rev().find(|setting| setting.moves_work_tree())?;
    resolve(&[b".git/", module].concat(), worktree.value.as_deref()?.as_bytes())
}

/// Resolves `relative` from the folder `from`. `None` for absolute paths, paths with a NUL byte, and paths outside the top
/// folder. Links need not be followed, because there are none below `.git`, and a link in the work tree has no entries
/// below it.
fn resolve(from: &[u8], relative: &[u8]) -> Option<Vec<u8>> {
    if relative.starts_with(b"/") || relative.contains(&0) {
        return None;
    }
    let mut parts: Vec<&[u8]> = from.split(|&byte| byte == b'/').collect();
    for part in relative.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_outside_the_repository_are_refused() {
        assert_eq!(resolve(b"lib/x", b"../../.git/modules/x").as_deref(), Some(&b".git/modules/x"[..]));
        assert_eq!(resolve(b"lib", b"../.git/modules/./a//b").as_deref(), Some(&b".git/modules/a/b"[..]));
        assert_eq!(resolve(b"lib", b"../../etc"), None);
        assert_eq!(resolve(b"lib", b"/etc"), None);
        assert_eq!(resolve(b"lib", b"../.git/modules/../x").as_deref(), Some(&b".git/x"[..]));
    }
}
