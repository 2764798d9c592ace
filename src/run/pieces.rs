//! A run in pieces: several instances of the program each audit some of the bundles, as in a browser's workers, and one instance combines the
//! finished reports. The report is the same as if one instance had audited all bundles.

use std::path::{Path, PathBuf};

use super::given_keys::add_given_keys;
use super::state::{Line, parsed, restored, text};
use crate::audit::audit;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::system::slashed;
use crate::dossier::{Dossier, Question, ReadImage, Storage};
use crate::report::{BundleReport, Report};

/// The name of a piece in error messages.
const NAME: &str = "a finished report";

/// Audits one bundle of a run and returns its finished report, for [`put_together`]. `report` states the question.
///
/// # Errors
/// [`Error::Unwritable`].
pub fn audit_piece(
    path: &Path,
    question: &Question<'_>,
    report: &Report,
    storage: Storage<'_>,
    read_image: &ReadImage<'_>,
) -> Result<Vec<u8>, Error> {
    let audited = audit(Dossier::open(path, question, storage, read_image), question);
    let line = Line::of(NAME, report, audited.file.map_or_else(|| Sha256::of(&[]), |(digest, _)| digest), &audited)?;
    text(NAME, &line).map(String::into_bytes)
}

/// Combines the pieces of a run into its reports, in the order of `paths`. `storage` needs the names of all bundles and the keys next to
/// them, but not the bundles' bytes.
///
/// This function does NOT check who made the pieces: like a saved report, the pieces are not evidence.
///
/// # Errors
/// [`Error::Malformed`] for a malformed piece, and for pieces about other bundles.
pub fn put_together(
    pieces: &[&[u8]],
    paths: &[PathBuf],
    question: &Question<'_>,
    storage: Storage<'_>,
) -> Result<Vec<BundleReport>, Error> {
    let limits = question.limits;
    let other = || Error::malformed(NAME, "the finished reports do not belong to these bundles");
    if pieces.len() != paths.len() {
        return Err(other());
    }
    let read = |(piece, path): (&&[u8], &PathBuf)| {
        let (of, _, report) = restored(NAME, parsed(NAME, piece)?, limits)?;
        if of == slashed(path) { Ok(report) } else { Err(other()) }
    };
    let mut reports: Vec<BundleReport> = pieces.iter().zip(paths).map(read).collect::<Result<_, _>>()?;
    let beside: Vec<_> = paths.iter().map(|path| storage.keys_beside(path, limits)).collect();
    add_given_keys(&mut reports, &beside, limits);
    Ok(reports)
}
