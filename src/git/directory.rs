//! A git directory inside a snapshot: `.git` itself, or a submodule's `.git/modules/…`.

use super::snapshot::Snapshot;

/// The files of one git directory, by path relative to it. Nothing outside the snapshot is accessible.
#[derive(Debug, Clone)]
pub(super) struct GitDirectory<'a> {
    snapshot: &'a Snapshot,
    /// The path of the git directory: an empty string, or a path below `.git` that ends with `/`.
    prefix: Vec<u8>,
}

impl<'a> GitDirectory<'a> {
    pub(super) fn top(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, prefix: Vec::new() }
    }

    /// `path` is relative to the top-level `.git`, for example `modules/lib`.
    pub(super) fn at(snapshot: &'a Snapshot, path: &[u8]) -> Self {
        Self { snapshot, prefix: [path, b"/"].concat() }
    }

    pub(super) fn file(&self, path: &[u8]) -> Option<&'a [u8]> {
        self.snapshot.git.get(&[&self.prefix, path].concat()).map(Vec::as_slice)
    }

    /// Every file below `folder`, which ends with `/`: the path relative to `folder`, and the bytes.
    pub(super) fn files_below(&self, folder: &str) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let start = [self.prefix.as_slice(), folder.as_bytes()].concat();
        let files = self.snapshot.git.range(start.clone()..);
        files.map_while(move |(path, content)| Some((path.strip_prefix(start.as_slice())?, content.as_slice())))
    }

    pub(super) fn has_below(&self, folder: &str) -> bool {
        self.files_below(folder).next().is_some()
    }
}
