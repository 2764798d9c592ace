//! Unpacks a verified archive into a new folder, completely or not at all.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::archive::{MemberKind, MemberPath, SignedTar, decompress};
use crate::base::budget::{Budget, Work};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::gate::verify::VerifiedArchive;
use crate::gate::windows_names::Names;

const WHAT: &str = "the signed archive";
/// How many times a member's path is stored in memory: in the archive's names, in its tree and in the plan for unpacking.
const NAMES_HELD: u64 = 3;
/// Memory in bytes that a member occupies in addition to its path.
const MEMBER_HELD: u64 = 350;

/// Memory in bytes that a new name occupies in addition to its text, if names are compared as on Windows.
const NAME_HELD: u64 = 150;

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extracted {
    /// Files, including links.
    pub files: u64,
    /// Folders.
    pub folders: u64,
}

/// Unpacks the archive into the folder `to`, which must not exist. Everything is first written into a new folder next to `to`. When that folder is
/// complete, it is renamed to `to`; on an error, it is removed.
///
/// Every name and link is checked before the first byte is written. On Windows, names that Windows cannot store and all symbolic links are refused.
/// On a file system that ignores case, two names can refer to one folder; a link is refused as soon as its parent folder turns out to be a link. Only
/// this function refuses a symbolic link that is absolute or leads out of the folder: a repository may contain such a link, and checks compare it
/// like any other link, but following it is not safe. Files get mode 644 or 755 (on Windows, the folder's permissions), belong to the caller, and
/// have the time of unpacking. The contents of the files are not examined. Do not run git in the folder: `.git/config` and the hooks come from the
/// archive.
///
/// # Errors
/// [`Error::Malformed`] for names and links that cannot be unpacked safely, [`Error::Usage`] for those that Windows cannot store,
/// [`Error::Unwritable`], and errors of reading the archive.
pub fn extract(archive: &VerifiedArchive, to: &Path, limits: &Limits) -> Result<Extracted, Error> {
    extract_within(archive, to, limits, &Budget::of_unknown_input(limits))
}

/// Like [`extract`], but within a budget.
///
/// # Errors
/// The errors of [`extract`].
pub fn extract_within(
    archive: &VerifiedArchive,
    to: &Path,
    limits: &Limits,
    budget: &Budget,
) -> Result<Extracted, Error> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(Error::Unwritable { path: slashed(to), message: "it already exists".into() });
    }
    let names = cfg!(windows).then(Names::default);
    let plan = plan(archive, names, limits, budget)?;
    let partial = partial_folder(to)?;
    let written = write_all(archive, &plan, &partial, limits, budget).and_then(|extracted| {
        fs::rename(&partial, to).map_err(|error| unwritable(to, &error))?;
        Ok(extracted)
    });
    if written.is_err() {
        // The first error is the one to report. If removal also fails, the folder's name shows that its contents are incomplete.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

type Plan = BTreeMap<MemberPath, MemberKind>;

/// Reads every header once and refuses links that lead outside, before anything is written. [`SignedTar`] refuses everything that every reader of
/// signed archives must refuse.
fn plan(archive: &VerifiedArchive, mut names: Option<Names>, limits: &Limits, budget: &Budget) -> Result<Plan, Error> {
    let mut plan = Plan::new();
    let expanded = decompress(archive.bytes(), 1, WHAT, limits.expanded_bytes());
    let mut tar = SignedTar::new(budget.reading(expanded, Work::Unpacked, WHAT), limits);
    while let Some(member) = tar.next_member()? {
        let member_bytes = member.path.as_bytes().len() as u64;
        budget.hold(member_bytes.saturating_mul(NAMES_HELD).saturating_add(MEMBER_HELD), WHAT)?;
        if let MemberKind::Symlink(target) = &member.kind
            && !stays_inside(&member.path, target)
        {
            let target = String::from_utf8_lossy(target);
            return Err(Error::malformed(
                WHAT,
                format!("the link {} leads out of the archive, to {target:?}", member.path),
            ));
        }
        if let Some(names) = &mut names {
            let before = names.len();
            names.add(&member.path, &member.kind)?;
            let new = (names.len() - before) as u64;
            // The text of new names is stored twice; it is part of the path, so the path's length is an upper bound.
            let text = if new > 0 { 2 * member_bytes } else { 0 };
            budget.hold(new.saturating_mul(NAME_HELD).saturating_add(text), WHAT)?;
        }
        plan.insert(member.path, member.kind);
    }
    Ok(plan)
}

/// Whether a relative link stays at or below the top at every step. `..` is allowed only at the start, where it leads out of real folders;
/// after a name, it could lead out of a different link's target.
fn stays_inside(link: &MemberPath, target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return false;
    }
    let depth = link.as_bytes().iter().filter(|&&byte| byte == b'/').count();
    let mut segments = target.split(|&byte| byte == b'/').filter(|segment| !matches!(*segment, b"" | b"."));
    let ups = segments.by_ref().take_while(|segment| *segment == b"..").count();
    // The segment after the leading `..` is a name; all later segments must also be names.
    ups <= depth && segments.all(|segment| segment != b"..")
}

fn write_all(
    archive: &VerifiedArchive,
    plan: &Plan,
    top: &Path,
    limits: &Limits,
    budget: &Budget,
) -> Result<Extracted, Error> {
    let mut extracted = Extracted { files: 0, folders: 0 };
    let expanded = decompress(archive.bytes(), 1, WHAT, limits.expanded_bytes());
    // Only the bytes are charged to the budget, because nothing is hashed; therefore the budget
    // suffices for any archive that an audit can read.
    let mut tar = SignedTar::new(budget.reading(expanded, Work::Bytes, WHAT), limits);
    while let Some(member) = tar.next_member()? {
        let path = on_disk(top, &member.path)?;
        let failed = |error: io::Error| unwritable(&path, &error);
        match &member.kind {
            MemberKind::Directory => {
                fs::create_dir_all(&path).map_err(failed)?;
                extracted.folders += 1;
            }
            MemberKind::File => {
                make_parent(&path)?;
                let mut file = create(&path, member.mode).map_err(failed)?;
                let mut written = Ok(());
                tar.reader().stream_content(|piece| {
                    if written.is_ok() {
                        written = file.write_all(piece);
                    }
                })?;
                written.map_err(failed)?;
                extracted.files += 1;
            }
            MemberKind::HardLink(target) => {
                make_parent(&path)?;
                fs::copy(on_disk(top, target)?, &path).map_err(failed)?;
                extracted.files += 1;
            }
            // Links are created last, so that nothing is written through a link.
            MemberKind::Symlink(_) => {}
        }
    }
    for (name, kind) in plan {
        if let MemberKind::Symlink(target) = kind {
            let path = on_disk(top, name)?;
            make_parent(&path)?;
            refuse_link_as_folder(top, &path)?;
            link(target, &path).map_err(|error| unwritable(&path, &error))?;
            extracted.files += 1;
        }
    }
    Ok(extracted)
}

/// Creates an empty folder next to `to`, on the same file system, so that one rename completes the work.
fn partial_folder(to: &Path) -> Result<PathBuf, Error> {
    let name = to
        .file_name()
        .ok_or_else(|| Error::Unwritable { path: slashed(to), message: "it is not the path of a folder".into() })?;
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = to.with_file_name(partial);
    fs::create_dir(&partial).map_err(|error| unwritable(&partial, &error))?;
    Ok(partial)
}

fn make_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|error| unwritable(parent, &error)),
        None => Ok(()),
    }
}

/// Refuses a path below `top` if one of its folders is a symbolic link. The archive has no such path, but a file system that ignores case can create one.
fn refuse_link_as_folder(top: &Path, path: &Path) -> Result<(), Error> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| unwritable(path, &error));
    let folder = path.parent().unwrap_or(top);
    let expected = real(top)?.join(folder.strip_prefix(top).unwrap_or(folder));
    match real(folder)? == expected {
        true => Ok(()),
        false => {
            Err(Error::malformed(WHAT, format!("{}: a link has the same name as one of its folders", slashed(path))))
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::unwritable(slashed(path), error)
}

#[cfg(unix)]
fn on_disk(top: &Path, path: &MemberPath) -> Result<PathBuf, Error> {
    use std::os::unix::ffi::OsStrExt;
    Ok(top.join(std::ffi::OsStr::from_bytes(path.as_bytes())))
}

#[cfg(not(unix))]
fn on_disk(top: &Path, path: &MemberPath) -> Result<PathBuf, Error> {
    let text = std::str::from_utf8(path.as_bytes()).ok().filter(|text| !text.contains(['\\', ':']));
    text.map(|text| top.join(text))
        .ok_or_else(|| Error::malformed(WHAT, format!("{path} is not a valid name on this system")))
}

#[cfg(unix)]
fn create(path: &Path, mode: u32) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _: u32) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn link(target: &[u8], path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), path)
}

#[cfg(not(unix))]
fn link(_: &[u8], _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "symbolic links are created only on Unix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn nothing_is_written_through_a_link() {
        let top = std::env::temp_dir().join(format!("hpsb-audit-extract-{}", std::process::id()));
        fs::create_dir_all(top.join("git/real")).unwrap();
        link(b"../..", &top.join("git/l")).unwrap();
        assert!(refuse_link_as_folder(&top, &top.join("git/real/link")).is_ok());
        assert!(refuse_link_as_folder(&top, &top.join("link")).is_ok());
        assert_eq!(refuse_link_as_folder(&top, &top.join("git/l/evil")).unwrap_err().code(), "malformed");
        fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn a_link_that_leads_outside_is_recognized() {
        let link = MemberPath::parse(b"git/repo/docs/link").unwrap();
        for inside in [&b"a"[..], b"../README", b"../../../data/build.log", b"./x/y", b"../../.."] {
            assert!(stays_inside(&link, inside), "{inside:?}");
        }
        for outside in [&b"/etc/passwd"[..], b"../../../../etc/passwd", b"a/../../../../../x", b"other-link/.."] {
            assert!(!stays_inside(&link, outside), "{outside:?}");
        }
    }
}
