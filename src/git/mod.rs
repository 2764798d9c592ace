//! The source repository inside a signed archive: read from memory, never by running git and never by believing the
//! snapshot's own configuration.

mod head;
mod object_id;
mod snapshot;

pub use self::head::{Head, HeadFault};
pub use self::object_id::ObjectId;
pub(crate) use self::snapshot::SnapshotBuilder;
pub use self::snapshot::{Snapshot, WorkEntry};
