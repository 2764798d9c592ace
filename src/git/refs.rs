//! Refs, such as branches and tags (gitrepository-layout(5), "refs"; git-pack-refs(1)).

use std::collections::{BTreeMap, HashSet};

use super::directory::GitDirectory;
use super::hash::Kind;
use super::head::{RefValue, parse_ref};
use super::inflated::Inflated;
use super::object_id::ObjectId;

/// All refs by full name, with the objects that they point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refs {
    pub(super) named: BTreeMap<String, ObjectId>,
    /// Symbolic refs, with their targets.
    symbolic: BTreeMap<String, String>,
    /// Messages about lock files of refs that an interrupted git command left behind.
    locks: Vec<String>,
    pub(super) faults: Vec<String>,
}

/// The prefix of branch names.
pub(super) const BRANCHES: &str = "refs/heads/";

/// Memory for a packed ref, as a multiple of its line.
const REFS_HELD_FACTOR: u64 = 6;

/// The extension of lock files; no ref name ends with it.
const LOCK: &[u8] = b".lock";

/// The maximum number of faulty refs listed.
const FAULTS_NAMED: usize = 20;

impl Refs {
    /// Reads `refs/` and `packed-refs`. A loose ref takes precedence over a packed ref.
    pub(super) fn read(directory: &GitDirectory<'_>, inflated: &Inflated) -> Self {
        let mut refs = Self::default();
        let packed = directory.file(b"packed-refs").map_or(0, |text| text.len() as u64);
        if !inflated.hold(packed.saturating_mul(REFS_HELD_FACTOR)) {
            return refs;
        }
        let mut packed: HashSet<&[u8]> = HashSet::new();
        for line in packed_lines(directory) {
            let Ok((id, name)) = line else {
                let text = String::from_utf8_lossy(line.err().unwrap_or_default());
                refs.add_fault(|| {
                    format!("a line of packed-refs is not an object id followed by a ref name: {:?}", start_of(&text))
                });
                continue;
            };
            if !packed.insert(name) {
                refs.add_fault(|| format!("packed-refs lists {} twice", String::from_utf8_lossy(name)));
            }
            refs.add("packed-refs", name, id);
        }
        for (name, content) in directory.files_below("refs/") {
            let name = [b"refs/", name].concat();
            let shown = String::from_utf8_lossy(&name);
            // git ignores lock files, regardless of their content (refs/files-backend.c: `loop_fill_ref_dir`,
            // `files_fsck_refs_name`).
            if name.strip_suffix(LOCK).is_some_and(is_ref_name) {
                if refs.locks.len() < FAULTS_NAMED {
                    refs.locks.push(format!("{:?} is a lock file that git left behind, not a ref", start_of(&shown)));
                }
                continue;
            }
            if !is_ref_name(&name) {
                refs.add_fault(|| format!("{:?} is not a valid ref name", start_of(&shown)));
                continue;
            }
            refs.add(&shown, &name, content);
        }
        refs
    }

    fn add(&mut self, file: &str, name: &[u8], content: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        match parse_ref(file, content) {
            Ok(RefValue::Commit(id)) => drop(self.named.insert(name, id)),
            Ok(RefValue::Symbolic(target)) => {
                self.named.remove(&name);
                self.symbolic.insert(name, target);
            }
            Err(fault) => self.add_fault(|| fault.to_string()),
        }
    }

    fn add_fault(&mut self, fault: impl FnOnce() -> String) {
        if self.faults.len() < FAULTS_NAMED {
            self.faults.push(fault());
        }
    }

    /// Branches that point to an object other than a commit; git does not create such branches.
    pub(super) fn odd_branches(&self, kind_of: impl Fn(&ObjectId) -> Option<Kind>) -> Vec<String> {
        let branches = self.named.iter().filter(|(name, _)| name.starts_with(BRANCHES));
        let odd = branches.filter_map(|(name, id)| match kind_of(id) {
            Some(kind @ (Kind::Blob | Kind::Tree | Kind::Tag)) => {
                Some(format!("the branch {name} points to the {kind} {id}, not to a commit"))
            }
            _ => None,
        });
        odd.take(FAULTS_NAMED).collect()
    }

    /// Unusual refs that are not faults: symbolic refs to missing refs, refs that point to a tree or blob and are not
    /// branches, and lock files.
    pub(super) fn notes(&self, kind_of: impl Fn(&ObjectId) -> Option<Kind>) -> Vec<String> {
        let dangling = self
            .symbolic
            .iter()
            .filter(|(_, target)| !self.named.contains_key(*target) && !self.symbolic.contains_key(*target));
        let dangling = dangling.map(|(name, target)| format!("{name} points to {target}, which does not exist"));
        let others = self.named.iter().filter(|(name, _)| !name.starts_with(BRANCHES));
        let odd = others.filter_map(|(name, id)| match kind_of(id) {
            Some(kind @ (Kind::Blob | Kind::Tree)) => Some(format!("{name} points to the {kind} {id}")),
            _ => None,
        });
        dangling.chain(odd).chain(self.locks.iter().cloned()).take(FAULTS_NAMED).collect()
    }
}

fn start_of(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Whether `name` is a valid name below `refs/` (git-check-ref-format(1)).
pub(super) fn is_ref_name(name: &[u8]) -> bool {
    let parts = name.strip_prefix(b"refs/").unwrap_or_default();
    let bad = |byte: &u8| matches!(byte, 0..=b' ' | 127 | b'~' | b'^' | b':' | b'?' | b'*' | b'[' | b'\\');
    let is_part = |part: &[u8]| !part.is_empty() && !part.starts_with(b".") && !part.ends_with(LOCK);
    let has = |pair: &[u8; 2]| name.windows(2).any(|window| window == pair);
    parts.split(|&byte| byte == b'/').all(is_part)
        && !name.iter().any(bad)
        && !name.ends_with(b".")
        && !has(b"..")
        && !has(b"@{")
}

/// The id and name of each ref in `packed-refs`. Malformed lines are omitted here; [`Refs::read`] reports them as
/// faults.
pub(super) fn packed_refs<'a>(directory: &GitDirectory<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    packed_lines(directory).filter_map(Result::ok)
}

/// The lines of `packed-refs`, without the header and the peeled ids of tags. `Err` contains a line that git would not
/// write, such as a name out of order although the header promises sorted names, which git needs for its binary search.
fn packed_lines<'a>(directory: &GitDirectory<'a>) -> impl Iterator<Item = Result<(&'a [u8], &'a [u8]), &'a [u8]>> {
    let text = directory.file(b"packed-refs").unwrap_or_default();
    let is_id = |text: &[u8]| text.len() == 40 && text.iter().all(u8::is_ascii_hexdigit);
    let header = text.split(|&byte| byte == b'\n').next().filter(|line| line.starts_with(b"#")).unwrap_or_default();
    let sorted = header.split(|&byte| byte == b' ').any(|word| word == b"sorted");
    let mut before: &[u8] = b"";
    let mut after_ref = false;
    text.split_inclusive(|&byte| byte == b'\n').enumerate().filter_map(move |(at, whole)| {
        // git refuses the file if its last line has no newline.
        let Some(line) = whole.strip_suffix(b"\n") else { return Some(Err(whole)) };
        if at == 0 && line.starts_with(b"#") {
            return None;
        }
        let may_be_peeled = std::mem::replace(&mut after_ref, false);
        if let Some(peeled) = line.strip_prefix(b"^") {
            return (!may_be_peeled || !is_id(peeled)).then_some(Err(line));
        }
        let parts =
            line.split_first_chunk::<40>().and_then(|(id, rest)| Some((id.as_slice(), rest.strip_prefix(b" ")?)));
        let Some((id, name)) = parts.filter(|(id, name)| is_id(id) && is_ref_name(name)) else {
            return Some(Err(line));
        };
        if sorted && name < before {
            return Some(Err(line));
        }
        (before, after_ref) = (name, true);
        Some(Ok((id, name)))
    })
}

#[cfg(all(test, unix))]
mod tests {

    use super::*;
    use crate::git::test_repository::command;

    #[test]
    fn ref_names_match_git_check_ref_format() {
        for name in [
            "refs/heads/main",
            "refs/remotes/origin/HEAD",
            "refs/x",
            "refs/heads/a@b",
            "refs/heads/@",
            "refs/heads/é",
            "refs/heads/a.b",
            "refs/heads/a..b",
            "refs/heads/a.lock",
            "refs/heads/a.lock/b",
            "refs/heads/.a",
            "refs/heads/a.",
            "refs/heads/a@{b",
            "refs/heads/a b",
            "refs/heads/a~b",
            "refs/heads/a^",
            "refs/heads/a:b",
            "refs/heads/a?",
            "refs/heads/a*",
            "refs/heads/a[b",
            "refs/heads/a\\b",
            "refs/heads//a",
            "refs/heads/",
            "refs/heads/a\r",
            "refs/heads/a\u{7f}",
            "refs/heads/a./b",
            "refs/heads/-a",
        ] {
            let git = command("git").args(["check-ref-format", name]).status().unwrap().success();
            assert_eq!(is_ref_name(name.as_bytes()), git, "{name:?}");
        }
        assert!(!is_ref_name(b"HEAD") && !is_ref_name(b"heads/main"));
    }
}
