//! Reads signed archives: every program must unpack the tar archive to the same tree of files.
//!
//! GNU tar follows a symbolic link that it has unpacked, Python's filters replace the link or stop, and some programs turn a file into a folder when
//! a later member needs a folder. A member below a link or a file is therefore refused, and so is a name used for both a file and a folder. Paths
//! present in every build must have the file type that a build gives them.

use std::collections::HashMap;
use std::io::Read;

use super::name::MemberPath;
use super::tar::{Member, MemberKind, TarReader};
use crate::base::error::Error;
use crate::base::limits::Limits;

const WHAT: &str = "the signed archive";

/// Reads the members of a signed archive in order and refuses any that two programs could unpack differently.
pub(crate) struct SignedTar<'a, R> {
    tar: TarReader<'a, R>,
    tree: Tree,
    limits: &'a Limits,
}

impl<'a, R: Read> SignedTar<'a, R> {
    pub(crate) fn new(input: R, limits: &'a Limits) -> Self {
        Self { tar: TarReader::new(input, WHAT, limits), tree: Tree::new(), limits }
    }

    /// The next member, or `None` after a well-formed end. Its content is read from [`Self::reader`].
    pub(crate) fn next_member(&mut self) -> Result<Option<Member>, Error> {
        let Some(member) = self.tar.next_member()? else { return Ok(None) };
        check_place(&member)?;
        self.tree.add(&member).map_err(malformed)?;
        // Folders that have no member also use memory.
        if self.tree.nodes.len() as u64 > self.limits.archive_members.saturating_add(1) {
            return Err(self.limits.archive_members().exceeded(WHAT));
        }
        Ok(Some(member))
    }

    /// The number of paths so far: the top folder, members, and folders that have no member.
    pub(crate) fn place_count(&self) -> u64 {
        self.tree.nodes.len() as u64
    }

    /// The reader of the current member's content.
    pub(crate) fn reader(&mut self) -> &mut TarReader<'a, R> {
        &mut self.tar
    }
}

fn malformed(message: String) -> Error {
    Error::malformed(WHAT, message)
}

/// Checks the type of a member whose path is present in every build.
fn check_place(member: &Member) -> Result<(), Error> {
    let path = member.path.as_bytes();
    let is_repository = member.path.below(b"git").is_some_and(|name| !name.contains(&b'/'));
    let (expected, holds) = match path {
        b"data" | b"git" => ("a folder", member.kind == MemberKind::Directory),
        _ if is_repository => ("a folder", member.kind == MemberKind::Directory),
        b"data/build.json" | b"data/build.log" => ("a file", member.kind == MemberKind::File),
        _ => return Ok(()),
    };
    if holds {
        return Ok(());
    }
    let found = match member.kind {
        MemberKind::File => "a file",
        MemberKind::Directory => "a folder",
        MemberKind::Symlink(_) => "a symbolic link",
        MemberKind::HardLink(_) => "a hard link",
    };
    Err(malformed(format!("{} is {found} and must be {expected}", member.path)))
}

/// The entry at a path.
enum Node {
    /// A folder with its entries, whether or not the archive has a member for it.
    Folder(HashMap<Vec<u8>, usize>),
    /// A regular file with these permission bits.
    File(u32),
    /// A symbolic link or a hard link.
    Link,
}

/// The paths of all members so far.
struct Tree {
    /// The top folder is the first entry.
    nodes: Vec<Node>,
}

impl Tree {
    fn new() -> Self {
        Self { nodes: vec![Node::Folder(HashMap::new())] }
    }

    fn add(&mut self, member: &Member) -> Result<(), String> {
        let kind = match &member.kind {
            MemberKind::Directory => Node::Folder(HashMap::new()),
            MemberKind::File => Node::File(member.mode),
            MemberKind::Symlink(_) => Node::Link,
            MemberKind::HardLink(target) => {
                self.check_hard_link(member, target)?;
                Node::Link
            }
        };
        let path = member.path.as_bytes();
        let Some((folder, name)) = self.folder_of(path)? else { return Ok(()) };
        match self.child(folder, name).and_then(|number| self.nodes.get(number)) {
            None => {
                self.insert(folder, name, kind);
                Ok(())
            }
            // Duplicate names were refused earlier, so this folder was created for an earlier member below it.
            Some(Node::Folder(_)) if matches!(kind, Node::Folder(_)) => Ok(()),
            Some(_) => Err(format!("{} has members below it but is not a folder", member.path)),
        }
    }

    /// Checks that the target is an earlier file with the link's permission bits: if they differ, Python's tarfile applies the link's bits to the
    /// target.
    fn check_hard_link(&self, member: &Member, target: &MemberPath) -> Result<(), String> {
        match self.find(target.as_bytes()) {
            Some(Node::File(mode)) if *mode == member.mode => Ok(()),
            Some(Node::File(mode)) => Err(format!(
                "{} is a hard link with mode {:o} to {target} with mode {mode:o}",
                member.path, member.mode
            )),
            _ => Err(format!("{} is a hard link to {target}, which is not an earlier file", member.path)),
        }
    }

    /// The folder that contains `path`, created if it is missing, and the path's last segment. `None` for the top folder itself.
    fn folder_of<'p>(&mut self, path: &'p [u8]) -> Result<Option<(usize, &'p [u8])>, String> {
        let mut folder = 0;
        let mut start = 0;
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let name = path.get(start..at).unwrap_or_default();
            folder = match self.child(folder, name) {
                None => self.insert(folder, name, Node::Folder(HashMap::new())),
                Some(number) if matches!(self.nodes.get(number), Some(Node::Folder(_))) => number,
                Some(_) => {
                    let [path, above] = [path, path.get(..at).unwrap_or_default()].map(String::from_utf8_lossy);
                    return Err(format!("{path} is below {above}, which is not a folder"));
                }
            };
            start = at + 1;
        }
        Ok(path.get(start..).filter(|name| !name.is_empty()).map(|name| (folder, name)))
    }

    fn child(&self, folder: usize, name: &[u8]) -> Option<usize> {
        match self.nodes.get(folder) {
            Some(Node::Folder(entries)) => entries.get(name).copied(),
            _ => None,
        }
    }

    fn insert(&mut self, folder: usize, name: &[u8], node: Node) -> usize {
        let number = self.nodes.len();
        if let Some(Node::Folder(entries)) = self.nodes.get_mut(folder) {
            entries.insert(name.to_vec(), number);
        }
        self.nodes.push(node);
        number
    }

    fn find(&self, path: &[u8]) -> Option<&Node> {
        let mut number = 0;
        for name in path.split(|&byte| byte == b'/') {
            number = self.child(number, name)?;
        }
        self.nodes.get(number)
    }
}

#[cfg(all(test, unix))]
#[path = "signed_tests.rs"]
mod tests;
