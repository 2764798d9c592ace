//! HEAD: the snapshot's current commit (gitrepository-layout(5), git-pack-refs(1)).

use super::directory::GitDirectory;
use super::object_id::ObjectId;
use super::refs::{is_ref_name, packed_refs};
use super::snapshot::Snapshot;

/// HEAD, resolved to a commit id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The id that HEAD resolves to. The id was read from the refs, but has not yet been proved from objects.
    pub commit: ObjectId,
    /// The ref to which a symbolic HEAD leads, normally `refs/heads/…`; `None` if HEAD is detached.
    pub reference: Option<String>,
}

/// Why HEAD does not resolve to a commit id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadFault {
    /// There is no `.git/HEAD`.
    #[error("the snapshot has no .git/HEAD")]
    Missing,
    /// A file contains neither a full object id nor `ref: refs/…`.
    #[error("{file} is neither an object id nor a symbolic ref: {text:?}")]
    Malformed {
        /// The path of the file below `.git`.
        file: String,
        /// The beginning of the file's content.
        text: String,
    },
    /// A symbolic ref points to a ref that is neither in `refs/` nor in `packed-refs`.
    #[error("HEAD points to {0}, which does not exist")]
    NoSuchRef(String),
    /// There are more symbolic refs in a row than git allows, or they form a loop.
    #[error("too many symbolic refs in a row, or a loop of them")]
    Loop,
    /// The repository uses a format that is not supported here: SHA-256 objects or reftable.
    #[error("the repository uses {0}, which is not supported")]
    Unsupported(&'static str),
}

/// git follows at most five symbolic refs.
const SYMBOLIC_REFS_MAX: usize = 5;

impl Snapshot {
    /// Resolves HEAD through loose and packed refs. A loose ref takes precedence over a packed ref, as in git.
    ///
    /// # Errors
    /// [`HeadFault`] if HEAD does not resolve to a commit id.
    pub fn head(&self) -> Result<Head, HeadFault> {
        follow_head(&GitDirectory::top(self))
    }
}

/// Like [`Snapshot::head`], but for any git directory.
pub(super) fn follow_head(directory: &GitDirectory<'_>) -> Result<Head, HeadFault> {
    if directory.has_below("reftable/") {
        return Err(HeadFault::Unsupported("reftable"));
    }
    let mut reference: Option<String> = None;
    for _ in 0..=SYMBOLIC_REFS_MAX {
        let name = reference.as_deref().unwrap_or("HEAD");
        match read_ref(directory, name)? {
            RefValue::Commit(commit) => return Ok(Head { commit, reference }),
            RefValue::Symbolic(next) => reference = Some(next),
        }
    }
    Err(HeadFault::Loop)
}

fn read_ref(directory: &GitDirectory<'_>, name: &str) -> Result<RefValue, HeadFault> {
    if let Some(content) = directory.file(name.as_bytes()) {
        return parse_ref(name, content);
    }
    if name == "HEAD" {
        return Err(HeadFault::Missing);
    }
    match packed_refs(directory).find(|(_, found)| *found == name.as_bytes()) {
        Some((id, _)) => parse_ref("packed-refs", id),
        None => Err(HeadFault::NoSuchRef(name.into())),
    }
}

pub(super) enum RefValue {
    Commit(ObjectId),
    Symbolic(String),
}

pub(super) fn parse_ref(file: &str, content: &[u8]) -> Result<RefValue, HeadFault> {
    let malformed = || HeadFault::Malformed {
        file: file.into(),
        text: String::from_utf8_lossy(content).chars().take(80).collect(),
    };
    let text = std::str::from_utf8(content).map_err(|_| malformed())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if let Some(target) = text.strip_prefix("ref: ") {
        return if is_ref_name(target.as_bytes()) { Ok(RefValue::Symbolic(target.into())) } else { Err(malformed()) };
    }
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(HeadFault::Unsupported("SHA-256 object ids"));
    }
    ObjectId::from_hex(text).map(RefValue::Commit).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::git::SnapshotBuilder;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    fn snapshot(files: &[(&str, String)]) -> Snapshot {
        let mut builder = SnapshotBuilder::new(
            b"repo",
            &Limits::default(),
            &crate::base::budget::Budget::of_unknown_input(&Limits::default()),
        );
        for (path, content) in files {
            builder.add_git_file(path.as_bytes(), content.clone().into_bytes()).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn a_loose_ref_takes_precedence_over_a_packed_one() {
        let head = ("HEAD", "ref: refs/heads/main\n".to_owned());
        let packed = (
            "packed-refs",
            format!("# pack-refs with: peeled fully-peeled sorted \n{B} refs/heads/main\n{A} refs/tags/v1\n^{B}\n"),
        );
        let loose = ("refs/heads/main", format!("{A}\n"));
        let both = snapshot(&[head.clone(), packed.clone(), loose]).head().unwrap();
        assert_eq!((both.commit.to_string().as_str(), both.reference.as_deref()), (A, Some("refs/heads/main")));
        assert_eq!(snapshot(&[head.clone(), packed]).head().unwrap().commit.to_string(), B);
        assert_eq!(snapshot(&[head]).head(), Err(HeadFault::NoSuchRef("refs/heads/main".into())));
    }

    #[test]
    fn a_detached_head_is_accepted_and_faults_are_reported() {
        assert_eq!(snapshot(&[("HEAD", format!("{A}\n"))]).head().unwrap().reference, None);
        assert_eq!(snapshot(&[]).head(), Err(HeadFault::Missing));
        let circle =
            snapshot(&[("HEAD", "ref: refs/heads/a\n".into()), ("refs/heads/a", "ref: refs/heads/a\n".into())]);
        assert_eq!(circle.head(), Err(HeadFault::Loop));
        for bad in
            ["", "1111111", "ref: ../../etc/passwd", "ref: refs/../HEAD", &A.replace('1', "A"), &format!("{A}\n\n")]
        {
            assert!(
                matches!(snapshot(&[("HEAD", bad.to_owned())]).head(), Err(HeadFault::Malformed { .. })),
                "{bad:?}"
            );
        }
        assert!(matches!(snapshot(&[("HEAD", A.repeat(2)[..64].into())]).head(), Err(HeadFault::Unsupported(_))));
    }
}
