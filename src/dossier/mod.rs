//! One bundle with everything that belongs to it, from any source.
//!
//! Only this module decides what belongs to a bundle. [`Storage`] finds bundles on disk or in memory, `Beside` contains the files in a
//! bundle's folder, and [`Handed`] contains the evidence supplied for the whole run, which takes precedence. A [`Dossier`] combines them,
//! and [`crate::audit()`] applies a [`Question`] to it.

mod beside;
mod handed;
mod named_key;
mod question;
mod storage;

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;

pub(crate) use self::beside::Beside;
pub use self::handed::Handed;
pub use self::named_key::{NamedKey, read_keys};
pub use self::question::{Question, Terms};
pub use self::storage::Storage;
use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::gate::key::PublicKey;
use crate::given::attestation::Attestation;
use crate::given::server_record::ServerFiles;
use crate::image::{Choice, ImageFacts, Source};
use crate::judge::finding::Group;
use crate::report::Depth;
use crate::trust::TrustFile;

/// Reads the image that belongs to a bundle. The function is called only after the bundle's signature is verified. Its arguments are the known
/// properties of the expected image, and the audit's budget.
pub type LoadImage<'a> = dyn Fn(&Choice, &Budget) -> Result<ImageFacts, Error> + 'a;

/// Reads an image from its source.
pub type ReadImage<'a> = dyn Fn(&Source, &Choice, &Limits, &Budget) -> Result<ImageFacts, Error> + Sync + 'a;

/// One bundle with everything that belongs to it.
pub struct Dossier<'a> {
    /// The path, as shown in the report.
    pub path: String,
    /// The file name, which is compared with the names inside the bundle.
    pub file_name: Option<String>,
    /// The bytes, or the reason why they cannot be read.
    pub bytes: Result<Box<dyn Read + 'a>, Error>,
    /// The size, if known before reading; otherwise 0. The budget increases with the size.
    pub size: u64,
    /// Keys next to the bundle, by file name. A pin may select one of the keys; no key is trusted because of its location.
    pub keys_beside: Vec<(String, PublicKey)>,
    /// The build server's saved responses about this build.
    pub server: Option<ServerFiles>,
    /// The files of the image's signatures, supplied for the run or found next to the bundle.
    pub trust: Option<Cow<'a, [TrustFile]>>,
    /// The build server's own attestation record.
    pub builder: Option<Cow<'a, Attestation>>,
    /// The image, if any.
    pub image: Option<Box<LoadImage<'a>>>,
    /// The groups of folders that were not read because another bundle is next to them.
    pub shared: Vec<Group>,
}

impl fmt::Debug for Dossier<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Dossier").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'a> Dossier<'a> {
    /// A bundle without any other files.
    pub fn new(path: impl Into<String>, bytes: impl Read + 'a) -> Self {
        Self {
            path: path.into(),
            file_name: None,
            bytes: Ok(Box::new(bytes)),
            size: 0,
            keys_beside: Vec::new(),
            server: None,
            trust: None,
            builder: None,
            image: None,
            shared: Vec::new(),
        }
    }

    /// The bundle at `path` with the files next to it, or with the evidence supplied instead. `read_image` reads the image, if there is one.
    ///
    /// This function never fails: the audit reports what cannot be read.
    pub fn open(
        path: &'a Path,
        question: &'a Question<'_>,
        storage: Storage<'a>,
        read_image: &'a ReadImage<'_>,
    ) -> Self {
        let limits = question.limits;
        let found = storage.open(path).and_then(|bytes| match question.depth {
            Depth::SignatureOnly => Ok((bytes, Beside::unread(path, question.handed, storage, limits))),
            Depth::Everything => Ok((bytes, Beside::of(path, question.handed, storage, limits)?)),
        });
        match found {
            Ok((bytes, beside)) => Self::at(path, Ok(bytes), beside, question, storage, read_image),
            Err(error) => Self::unread(path, error, question, storage, read_image),
        }
    }

    /// Like [`Dossier::open`], for a bundle that must not or cannot be read.
    pub(crate) fn unread(
        path: &'a Path,
        why: Error,
        question: &'a Question<'_>,
        storage: Storage<'a>,
        read_image: &'a ReadImage<'_>,
    ) -> Self {
        let beside = Beside::unread(path, question.handed, storage, question.limits);
        Self::at(path, Err(why), beside, question, storage, read_image)
    }

    fn at(
        path: &'a Path,
        bytes: Result<Box<dyn Read + 'a>, Error>,
        mut beside: Beside,
        question: &'a Question<'_>,
        storage: Storage<'a>,
        read_image: &'a ReadImage<'_>,
    ) -> Self {
        let limits = question.limits;
        let source = question.handed.image.clone().or(beside.image.take());
        let image = source.map(|source| -> Box<LoadImage<'a>> {
            Box::new(move |choice: &Choice, budget: &Budget| read_image(&source, choice, limits, budget))
        });
        let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let size = storage.size(path);
        Self { file_name, size, image, ..Self::with(slashed(path), bytes, beside, question) }
    }

    /// Combines a bundle with its files: supplied evidence is used instead of files next to the bundle.
    pub(crate) fn with(
        path: String,
        bytes: Result<Box<dyn Read + 'a>, Error>,
        beside: Beside,
        question: &'a Question<'_>,
    ) -> Self {
        let keys_beside = beside.named_keys();
        let given = question.handed;
        let builder = beside.builder.and_then(|files| Attestation::read(&files)).map(Cow::Owned);
        Self {
            path,
            file_name: None,
            bytes,
            size: 0,
            keys_beside,
            server: beside.server,
            trust: given.trust.as_deref().map(Cow::Borrowed).or(beside.trust.map(Cow::Owned)),
            builder: given.builder.as_ref().map(Cow::Borrowed).or(builder),
            image: None,
            shared: beside.shared,
        }
    }

    /// Groups for which evidence is present.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let present = [
            (self.image.is_some(), Group::Image),
            (self.trust.is_some(), Group::Trust),
            (self.builder.is_some(), Group::Builder),
        ];
        present.into_iter().filter(|(is_here, _)| *is_here).map(|(_, group)| group).collect()
    }

    /// Total size of the server's responses and the image's signatures. An image is counted when it is read.
    pub(crate) fn size_beside(&self) -> u64 {
        let server = self.server.iter().flat_map(ServerFiles::named).map(|(_, bytes)| bytes.len() as u64);
        let trust = self.trust.iter().flat_map(|files| files.iter()).map(|file| file.bytes.len() as u64);
        server.chain(trust).fold(0, u64::saturating_add)
    }
}
