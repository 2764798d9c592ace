//! The result for the objects of the top repository.

use super::malformed::Malformed;
use super::object_id::ObjectId;
use crate::base::words::counted;

/// The result for the top repository's objects.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ObjectsProof {
    /// The number of distinct objects whose content matches their ids.
    pub object_count: u64,
    /// The number of packs.
    pub pack_count: u64,
    /// The number of loose objects.
    pub loose_count: u64,
    /// Objects reachable from HEAD and the refs.
    pub reachable: u64,
    /// Objects that are not reachable from HEAD or the refs.
    pub unreachable: u64,
    /// Reachable objects that are missing, cannot be read, or are of the wrong kind.
    pub missing: u64,
    /// Commits whose parents may be missing: the boundary of a shallow clone.
    pub shallow: Vec<ObjectId>,
    /// Faults of packs, indexes, loose objects and refs; faults of HEAD's commit, trees and blobs; missing objects of the
    /// history.
    pub faults: Vec<String>,
    /// Details that are not faults, such as unusual refs and reflogs, promisors, and modes that git does not write.
    pub notes: Vec<String>,
    /// Objects whose content matches their ids but that `git fsck` reports as malformed.
    pub malformed: Vec<(ObjectId, Malformed)>,
    /// Paths of files that are not needed and were not read, such as git's caches.
    pub passed_over: Vec<String>,
}

/// The maximum number of boundary commits listed individually.
pub(crate) const BOUNDARY_NAMED: usize = 20;

impl ObjectsProof {
    /// The completeness of the history of HEAD and the refs, as text. If HEAD's commit is not proved, use [`SourceProof::history_words`](super::SourceProof::history_words).
    pub fn history(&self) -> String {
        match (self.missing, self.reachable, self.shallow.len()) {
            (missing @ 1.., ..) => format!("not complete: {} missing or unreadable", counted(missing, "object")),
            (0, 0, _) => "not known: no object is reachable".into(),
            (0, _, 0) => "complete".into(),
            (0, _, count) => {
                let named = self.shallow.iter().take(BOUNDARY_NAMED).map(ToString::to_string);
                let more = if count > BOUNDARY_NAMED { ", …" } else { "" };
                let named = named.collect::<Vec<_>>().join(", ");
                format!("shallow: the parents of {} are omitted ({named}{more})", counted(count, "commit"))
            }
        }
    }

    /// The number of objects, as text.
    pub fn counts(&self) -> String {
        format!("{}: {} reachable, {} unreachable", self.object_count, self.reachable, self.unreachable)
    }
}
