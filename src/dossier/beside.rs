//! Files in a bundle's folder that belong to the bundle. The location of these files does not make them trusted.

use std::path::{Path, PathBuf};

use super::handed::Handed;
use super::storage::{Kind, Storage};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::disk::folder;
use crate::gate::key::PublicKey;
use crate::given::server_record::ServerFiles;
use crate::image::Source;
use crate::judge::finding::Group;
use crate::trust::TrustFile;

/// The files next to one bundle, except those for which the run has other evidence. The server's responses, the image, its signatures and the
/// attestation record are used only if the bundle is the only one in its folder, because their names do not show to which build they belong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// Public keys: file name, key, and bytes of the file.
    pub(crate) keys: Vec<(String, PublicKey, Vec<u8>)>,
    /// The build server's saved responses.
    pub(crate) server: Option<ServerFiles>,
    /// The folder `trust`.
    pub(crate) trust: Option<Vec<TrustFile>>,
    /// The folder `builder`.
    pub(crate) builder: Option<Vec<TrustFile>>,
    /// The OCI layout `image`.
    pub(crate) image: Option<Source>,
    /// The groups of folders that were not read because another bundle is next to them.
    pub(crate) shared: Vec<Group>,
}

impl Beside {
    /// Finds the files next to this bundle.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::OverLimit`].
    pub(crate) fn of(bundle: &Path, handed: &Handed, storage: Storage<'_>, limits: &Limits) -> Result<Self, Error> {
        let alone = storage.only_bundle_of(bundle);
        let below = |name: &str| {
            let folder = alone?.join(name);
            (storage.kind(&folder) == Kind::Folder).then(|| storage.read_trust(&folder, limits))
        };
        let shared = if alone.is_some() { Vec::new() } else { shared_by(bundle, handed, storage) };
        Ok(Self {
            shared,
            server: alone.map(|folder| server(folder, storage, limits)).transpose()?.flatten(),
            trust: if handed.trust.is_some() { None } else { below("trust").transpose()? },
            builder: if handed.builder.is_some() { None } else { below("builder").transpose()? },
            ..Self::unread(bundle, handed, storage, limits)
        })
    }

    /// Only the keys and the image next to a bundle: the other files are not read.
    pub(super) fn unread(bundle: &Path, handed: &Handed, storage: Storage<'_>, limits: &Limits) -> Self {
        let image = if handed.image.is_some() { None } else { storage.image_beside(bundle) };
        Self { keys: keys(bundle, storage, limits), image, ..Self::default() }
    }

    /// The keys, by file name.
    pub(crate) fn named_keys(&self) -> Vec<(String, PublicKey)> {
        self.keys.iter().map(|(name, key, _)| (name.clone(), key.clone())).collect()
    }

    /// Each file's name and digest, except for the image.
    pub(crate) fn digests(&self) -> Vec<(String, Sha256)> {
        let keys = self.keys.iter().map(|(name, _, bytes)| (format!("key/{name}"), Sha256::of(bytes)));
        let server = self.server.iter().flat_map(ServerFiles::named);
        let server = server.map(|(name, bytes)| (format!("server/{name}"), Sha256::of(bytes)));
        let folders = [("trust", &self.trust), ("builder", &self.builder)];
        let folders = folders.into_iter().flat_map(|(kind, files)| {
            files.iter().flatten().map(move |file| (format!("{kind}/{}", file.path), Sha256::of(&file.bytes)))
        });
        keys.chain(server).chain(folders).collect()
    }
}

impl Storage<'_> {
    /// The public keys in a bundle's folder, by file name. The location of these keys does not make them trusted.
    pub fn keys_beside(self, bundle: &Path, limits: &Limits) -> Vec<(String, PublicKey)> {
        keys(bundle, self, limits).into_iter().map(|(name, key, _)| (name, key)).collect()
    }

    /// Every file, including the bundle, that an audit of a bundle may read in its folder if no other evidence is supplied. Callers use the list to
    /// fetch the content of files one by one; the names of all files must already be in this storage.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::OverLimit`].
    pub fn files_of(self, bundle: &Path, limits: &Limits) -> Result<Vec<PathBuf>, Error> {
        let folder = folder::folder_of(bundle);
        let mut files = vec![bundle.to_owned()];
        files.extend(key_files(folder, self, limits));
        let Some(folder) = self.only_bundle_of(bundle) else { return Ok(files) };
        files.extend(ServerFiles::NAMES.iter().map(|name| folder.join(name)).filter(|path| self.is_file(path)));
        let folders =
            [("trust", limits.trust_files()), ("builder", limits.trust_files()), ("image", limits.case_members())];
        for (name, bound) in folders {
            let below = folder.join(name);
            if self.is_folder(&below) {
                files.extend(self.files_below(&below, bound, limits)?.into_iter().map(|(_, path)| path));
            }
        }
        Ok(files)
    }

    /// The OCI layout `image/` in a bundle's folder, if the folder has no other bundle to which the layout could belong.
    pub fn image_beside(self, bundle: &Path) -> Option<Source> {
        let image = self.only_bundle_of(bundle)?.join("image");
        (self.kind(&image.join("index.json")) == Kind::File).then_some(Source::Layout(image, None))
    }
}

/// The groups whose evidence would be used if the bundle were the only one in its folder.
fn shared_by(bundle: &Path, handed: &Handed, storage: Storage<'_>) -> Vec<Group> {
    let folder = folder::folder_of(bundle);
    let folders = [(Group::Image, "image"), (Group::Trust, "trust"), (Group::Builder, "builder")];
    let is_there = |(group, name): &(Group, &str)| {
        !handed.groups().contains(group) && storage.kind(&folder.join(name)) == Kind::Folder
    };
    folders.into_iter().filter(is_there).map(|(group, _)| group).collect()
}

/// The files in a folder that may be public keys according to their extensions.
fn key_files(folder: &Path, storage: Storage<'_>, limits: &Limits) -> impl Iterator<Item = PathBuf> {
    let is_candidate = |path: &Path| {
        path.extension().is_some_and(|extension| ["pem", "pub", "key"].iter().any(|known| extension == *known))
    };
    let entries = storage.entries_named(folder, is_candidate).unwrap_or_default();
    let most = usize::try_from(limits.key_files_beside).unwrap_or(usize::MAX);
    let files = entries.into_iter().filter(|(_, kind)| *kind == Kind::File);
    files.take(most).map(|(path, _)| path)
}

/// The public keys in a bundle's folder (`*.pem`, `*.pub`, `*.key`). Files that contain no usable key are skipped, and so are files beyond
/// the limits.
fn keys(bundle: &Path, storage: Storage<'_>, limits: &Limits) -> Vec<(String, PublicKey, Vec<u8>)> {
    key_files(folder::folder_of(bundle), storage, limits)
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            let bytes = storage.read(&path, limits.key_file_bytes()).ok()?;
            let key = PublicKey::from_pem(&name, &bytes, limits).ok()?;
            Some((name, key, bytes))
        })
        .collect()
}

/// The build server's responses saved by `fetch`.
fn server(folder: &Path, storage: Storage<'_>, limits: &Limits) -> Result<Option<ServerFiles>, Error> {
    let read = |name: &str, bound: Bound| {
        let path = folder.join(name);
        (storage.kind(&path) == Kind::File).then(|| storage.read(&path, bound)).transpose()
    };
    let files = ServerFiles {
        status: read(ServerFiles::NAMES[0], limits.build_record_bytes())?,
        image_digest: read(ServerFiles::NAMES[1], limits.build_record_bytes())?,
        log: read(ServerFiles::NAMES[2], limits.server_log_bytes())?,
    };
    Ok((files != ServerFiles::default()).then_some(files))
}
