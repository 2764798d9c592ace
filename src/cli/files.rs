//! Report files. All report files are written under temporary names next to their targets and then renamed, so that none is left incomplete.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use crate::base::error::Error;
use crate::base::escape::for_lines;
use crate::base::system::slashed;
use crate::cli::output::talk;
use crate::report::{Format, Options, Report};

/// Writes the report to every file, and, in each format of `in_folder`, to a new folder. All files are written
/// under temporary names; then `attach` is called; then the files are renamed.
pub(super) fn write(
    report: &Report,
    files: &[(Format, PathBuf)],
    in_folder: Option<(&Path, &[Format])>,
    options: &Options,
    attach: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let mut staged: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut staging = files.iter().try_for_each(|(format, path)| stage(report, *format, options, path, &mut staged));
    if let (Ok(()), Some((folder, formats))) = (&staging, in_folder) {
        staging = stage_folder(report, formats, options, folder, &mut staged);
    }
    let finished = staging.and_then(|()| attach()).and_then(|()| {
        staged
            .iter()
            .try_for_each(|(from, to)| fs::rename(from, to).map_err(|error| Error::unwritable(slashed(to), &error)))
    });
    if finished.is_err() {
        for (from, _) in &staged {
            discard(from);
        }
    }
    finished
}

/// Removes a staged file or folder. If the file or folder has already been renamed, it no longer exists under this name.
fn discard(staged: &Path) {
    let _ = fs::remove_file(staged);
    let _ = fs::remove_dir_all(staged);
}

/// Removes the summary that an earlier run wrote at this path, if there is one. Anything else at the path is left alone. Either way, a line is printed
/// on standard error.
///
/// # Errors
/// [`Error::Unwritable`] if the file cannot be removed.
pub(super) fn remove_earlier(path: &Path) -> Result<(), Error> {
    let is_summary = match fs::symlink_metadata(path) {
        Ok(found) => found.is_file() && begins_like_summary(path)?,
        Err(_) => return Ok(()),
    };
    let name = slashed(path);
    let words = if is_summary {
        fs::remove_file(path).map_err(|error| Error::unwritable(&name, &error))?;
        format!("removed {name}, because this run writes no summary\n")
    } else {
        format!("{name} was left unchanged: it is not of this run, which writes no summary\n")
    };
    talk(for_lines(&words).as_bytes());
    Ok(())
}

/// Whether the file begins like a statement, or like an envelope with one.
fn begins_like_summary(path: &Path) -> Result<bool, Error> {
    const BEGINNINGS: [&[u8]; 2] = [b"{\"_type\":", b"{\"payload"];
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    read.map_err(|error| Error::unreadable(slashed(path), &error))?;
    Ok(BEGINNINGS.iter().any(|beginning| start.starts_with(beginning)))
}

/// Refuses a report folder that exists.
///
/// # Errors
/// [`Error::Usage`] if the folder exists.
pub(super) fn must_be_new(folder: Option<&Path>) -> Result<(), Error> {
    match folder.filter(|folder| fs::symlink_metadata(folder).is_ok()) {
        Some(folder) => Err(Error::Usage {
            message: format!("the --report-dir folder {} already exists", slashed(folder)),
            hint: "choose a new folder".into(),
        }),
        None => Ok(()),
    }
}

/// The temporary name of a file, in the same folder, until the file is complete.
fn partial(path: &Path) -> Result<PathBuf, Error> {
    let none = || Error::Unwritable { path: slashed(path), message: "not a file name".into() };
    let name = path.file_name().ok_or_else(none)?.to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.partial-{}", std::process::id())))
}

/// The folder for the pages to which the page at `path` links.
fn folder_of_pages(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.bundles"))
}

/// Writes one format under temporary names and records their final names. The page that links to the other pages comes last.
fn stage(
    report: &Report,
    format: Format,
    options: &Options,
    path: &Path,
    staged: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), Error> {
    let name = slashed(path);
    let refuse = |message: &str| Error::Unwritable { path: name.clone(), message: message.into() };
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => return Err(refuse("is a symbolic link")),
        Ok(metadata) if !metadata.is_file() => return Err(refuse("not a regular file")),
        _ => {}
    }
    let pages = folder_of_pages(path);
    let has_pages = report.has_pages(format);
    if has_pages && fs::symlink_metadata(&pages).is_ok() {
        let message = "already exists; the pages of several bundles need a new folder".into();
        return Err(Error::Unwritable { path: slashed(&pages), message });
    }
    let (page, folder) = (partial(path)?, has_pages.then(|| partial(&pages)).transpose()?);
    staged.extend(folder.clone().map(|folder| (folder, pages.clone())));
    staged.push((page.clone(), path.to_path_buf()));
    fill(&page, folder.as_deref(), &pages, report, format, options).map_err(|error| Error::unwritable(&name, &error))
}

/// Writes every format into a folder, which is renamed to its final name when all formats have been written.
fn stage_folder(
    report: &Report,
    formats: &[Format],
    options: &Options,
    folder: &Path,
    staged: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), Error> {
    must_be_new(Some(folder))?;
    let here = partial(folder)?;
    staged.push((here.clone(), folder.to_path_buf()));
    let written = fs::create_dir(&here).and_then(|()| {
        formats.iter().try_for_each(|format| {
            let page = here.join(format.file_name());
            let pages = folder_of_pages(&page);
            let own = report.has_pages(*format).then_some(pages.as_path());
            fill(&page, own, &pages, report, *format, options)
        })
    });
    written.map_err(|error| Error::unwritable(slashed(folder), &error))
}

/// Writes a page. The pages to which the page links are written into `folder`, which is later renamed to `pages`.
fn fill(
    path: &Path,
    folder: Option<&Path>,
    pages: &Path,
    report: &Report,
    format: Format,
    options: &Options,
) -> io::Result<()> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        report.write(format, options, &mut page)?;
        return write_new(path, &page);
    };
    let pages = report.pages(options, &pages.file_name().unwrap_or_default().to_string_lossy());
    fs::create_dir(folder)?;
    pages.others.iter().try_for_each(|(name, page)| write_new(&folder.join(name), page))?;
    write_new(path, &pages.first)
}

/// Refuses to write a report over an input file, so that a typing error cannot destroy a key or a bundle.
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
            message: format!("--report would overwrite {}, which is an input", slashed(path)),
            hint: "choose a different file for the report".into(),
        }),
        None => Ok(()),
    }
}

/// Whether both paths lead to the same existing file.
pub(super) fn is_same_file(first: &Path, second: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let (first, second): (Option<PathBuf>, Option<PathBuf>) = (real(first), real(second));
    first.is_some() && first == second
}

/// What to do if the file exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refused,
    Replaced,
}

/// Writes a file completely or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), Error> {
    let name = slashed(path);
    let refuse = |message: &str| Error::Unwritable { path: name.clone(), message: message.into() };
    match (fs::symlink_metadata(path), existing) {
        (Ok(_), Existing::Refused) => return Err(refuse("already exists, and is not overwritten")),
        (Ok(metadata), Existing::Replaced) if !metadata.is_file() => return Err(refuse("not a regular file")),
        _ => {}
    }
    let partial = partial(path)?;
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
