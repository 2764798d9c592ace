//! The metadata files of one repository, by role.

use std::collections::BTreeMap;

use super::Fault;
use super::hashes::Described;
use crate::base::budget::{Budget, Work};
use crate::base::digest::Sha256;
use crate::trust::TrustFile;

/// The digest in a file's name, if there is one, and the file's content.
type Candidate<'f> = (Option<Sha256>, &'f [u8]);

/// The metadata of one repository: all files next to and below one `root.json`.
#[derive(Debug)]
pub(crate) struct Repository<'f> {
    /// The folder's path, for messages.
    pub(crate) folder: String,
    /// Files by role name (`targets/releases`, `snapshot` …), with the digest in the file name if there is one.
    files: BTreeMap<String, Vec<Candidate<'f>>>,
    /// The files `<version>.root.json`, by version.
    pub(super) numbered_roots: BTreeMap<u64, &'f [u8]>,
    pub(super) budget: Budget,
}

impl<'f> Repository<'f> {
    /// Every repository in `files`: each folder with a `root.json`, including all files below that folder.
    pub(crate) fn all(files: &'f [TrustFile], budget: &Budget) -> Vec<Self> {
        let folders = files.iter().filter_map(|file| match file.path.strip_suffix("root.json") {
            Some(folder) if folder.is_empty() || folder.ends_with('/') => Some(folder),
            _ => None,
        });
        // Folders may be nested. Each folder forms a repository with everything below that folder.
        let within = |_: &&str| budget.spend(Work::Nodes(files.len() as u64), "content-trust files").is_ok();
        folders.take_while(within).map(|folder| Self::of(folder, files, budget)).collect()
    }

    fn of(folder: &str, files: &'f [TrustFile], budget: &Budget) -> Self {
        let mut repository = Self {
            folder: folder.trim_end_matches('/').into(),
            files: BTreeMap::new(),
            numbered_roots: BTreeMap::new(),
            budget: budget.clone(),
        };
        let names =
            files.iter().filter_map(|file| Some((file.path.strip_prefix(folder)?.strip_suffix(".json")?, &file.bytes)));
        for (name, bytes) in names {
            if let Some(version) = name.strip_suffix(".root").and_then(|version| version.parse().ok()) {
                repository.numbered_roots.insert(version, bytes);
                continue;
            }
            let (role, digest) = match name.rsplit_once('.') {
                Some((role, hex)) => match Sha256::from_hex(hex) {
                    Some(digest) => (role, Some(digest)),
                    None => (name, None),
                },
                None => (name, None),
            };
            repository.files.entry(role.to_owned()).or_default().push((digest, bytes));
        }
        repository
    }

    /// The file of `role`: `ROLE.json`, or a file with the digest in its name. If `described` is present, the file must match this description.
    pub(super) fn file(&self, role: &str, described: Option<&Described>) -> Result<&'f [u8], Fault> {
        let candidates = self.files.get(role).map(Vec::as_slice).unwrap_or_default();
        let named = |wanted: Option<Sha256>| candidates.iter().find(|(digest, _)| *digest == wanted);
        let by_digest = described.and_then(|described| named(Some(described.sha256)));
        let Some((_, bytes)) = by_digest.or_else(|| named(None)) else {
            return Err(Fault::missing(format!("{role}.json is missing")));
        };
        if let Some(described) = described {
            // The file is hashed with SHA-256 and may also be hashed with SHA-512.
            let spent = self.budget.spend(Work::Bytes(2 * bytes.len() as u64), "content-trust files");
            spent.map_err(|error| Fault::refused(error.to_string()))?;
            described.compare(bytes).map_err(|message| Fault::refused(format!("{role}.json: {message}")))?;
        }
        Ok(bytes)
    }
}
