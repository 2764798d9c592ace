//! The source repository inside a signed archive: read from memory, never by running git and never by believing the
//! snapshot's own configuration.

mod attributes;
mod config;
mod convert;
mod directory;
mod format;
mod hash;
mod head;
mod ignore;
mod inflate;
mod listing;
mod loose;
mod malformed;
mod object;
mod object_id;
mod objects;
mod pack;
mod pattern;
mod reach;
mod reader;
mod references;
mod refs;
mod snapshot;
#[cfg(test)]
pub(crate) mod test_repository;
mod work_file;

pub use self::hash::{Collision, Kind};
pub use self::head::{Head, HeadFault};
pub use self::malformed::Malformed;
pub use self::object::{Commit, Identity, Tag};
pub use self::object_id::ObjectId;
pub(crate) use self::snapshot::SnapshotBuilder;
pub use self::snapshot::{Snapshot, WorkEntry};
pub use self::work_file::{WorkFile, WorkFileHasher};
