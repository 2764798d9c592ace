//! Reports as files: all of them are written beside their places first and take their names together, so that each is there whole
//! or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::base::error::Error;
use crate::report::{Format, Options, Report};

/// Writes the report to every file, or to none. A format that is a folder needs a name that is not taken yet.
pub(super) fn write(report: &Report, files: &[(Format, PathBuf)], options: &Options) -> Result<(), Error> {
    let mut staged: Vec<(PathBuf, &Path)> = Vec::new();
    let staging = files.iter().try_for_each(|(format, path)| {
        staged.push((stage(report, *format, options, path)?, path));
        Ok(())
    });
    let finished = staging.and_then(|()| {
        staged.iter().try_for_each(|(from, to)| {
            fs::rename(from, to).map_err(|error| Error::unwritable(to.display().to_string(), &error))
        })
    });
    if finished.is_err() {
        for (from, _) in &staged {
            discard(from);
        }
    }
    finished
}

/// What has taken its name already is not there any more.
fn discard(staged: &Path) {
    let _ = fs::remove_file(staged);
    let _ = fs::remove_dir_all(staged);
}

fn stage(report: &Report, format: Format, options: &Options, path: &Path) -> Result<PathBuf, Error> {
    let name = path.display().to_string();
    let refuse = |message: &str| Error::Unwritable { path: name.clone(), message: message.into() };
    let folder = report.is_folder(format);
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => return Err(refuse("it is a symbolic link")),
        Ok(_) if folder => return Err(refuse("it exists, and the report on several bundles is a new folder")),
        Ok(metadata) if !metadata.is_file() => return Err(refuse("it is no regular file")),
        _ => {}
    }
    let file_name = path.file_name().ok_or_else(|| refuse("it names no file"))?.to_string_lossy().into_owned();
    let partial = path.with_file_name(format!(".{file_name}.partial-{}", std::process::id()));
    let written = if folder { fill_folder(&partial, report, options) } else { fill(&partial, report, format, options) };
    match written {
        Ok(()) => Ok(partial),
        Err(error) => {
            discard(&partial);
            Err(Error::unwritable(&name, &error))
        }
    }
}

fn fill(path: &Path, report: &Report, format: Format, options: &Options) -> io::Result<()> {
    let mut page = Vec::new();
    report.write(format, options, &mut page)?;
    write_new(path, &page)
}

fn fill_folder(path: &Path, report: &Report, options: &Options) -> io::Result<()> {
    fs::create_dir(path)?;
    report.pages(options)?.iter().try_for_each(|(name, page)| write_new(&path.join(name), page))
}

/// No report is written over a file that the command line names to be read: a slip of the pen must not cost a key or a bundle.
///
/// # Errors
/// [`Error::Usage`] with the file's name.
pub(super) fn keep_inputs<'a>(
    reports: &[(String, PathBuf)],
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), Error> {
    let inputs: Vec<&PathBuf> = inputs.into_iter().collect();
    let read = |(_, path): &&(String, PathBuf)| inputs.iter().any(|input| is_same_file(path, input));
    match reports.iter().find(read) {
        Some((_, path)) => Err(Error::Usage {
            message: format!("--report names {}, which is to be read", path.display()),
            hint: "name another file for the report".into(),
        }),
        None => Ok(()),
    }
}

/// Do both names lead to one file that is there?
pub(super) fn is_same_file(first: &Path, second: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let (first, second): (Option<PathBuf>, Option<PathBuf>) = (real(first), real(second));
    first.is_some() && first == second
}

/// What to do with a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refused,
    Replaced,
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), Error> {
    let name = path.display().to_string();
    let refuse = |message: &str| Error::Unwritable { path: name.clone(), message: message.into() };
    match (fs::symlink_metadata(path), existing) {
        (Ok(_), Existing::Refused) => return Err(refuse("it exists, and is not replaced")),
        (Ok(metadata), Existing::Replaced) if !metadata.is_file() => return Err(refuse("it is no regular file")),
        _ => {}
    }
    let file_name = path.file_name().ok_or_else(|| refuse("it names no file"))?.to_string_lossy().into_owned();
    let partial = path.with_file_name(format!(".{file_name}.partial-{}", std::process::id()));
    let written = write_new(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| {
        discard(&partial);
        Error::unwritable(&name, &error)
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
