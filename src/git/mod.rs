//! The source repository inside a signed archive: read from memory, never by running git and never by believing the
//! snapshot's own configuration.

mod hash;
mod head;
mod object_id;
mod snapshot;
mod work_file;

pub use self::hash::{Collision, Kind};
pub use self::head::{Head, HeadFault};
pub use self::object_id::ObjectId;
pub(crate) use self::snapshot::SnapshotBuilder;
pub use self::snapshot::{Snapshot, WorkEntry};
pub use self::work_file::{WorkFile, WorkFileHasher};
