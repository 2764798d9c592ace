//! The source repository inside a signed archive. The repository is read from memory, only tests run git,
//! and the snapshot's own configuration does not change how its objects are read.

mod attributes;
mod compare;
mod comparisons;
mod config;
mod convert;
#[cfg(all(test, unix))]
mod differential;
mod directory;
mod format;
mod hash;
mod head;
mod ignore;
mod inflate;
mod inflated;
mod listing;
mod loose;
mod malformed;
mod object;
mod object_id;
mod objects;
mod objects_proof;
mod pack;
mod pattern;
mod proof;
mod reach;
mod reader;
mod references;
mod reflog;
mod refs;
mod remote;
mod signed;
mod snapshot;
mod submodule;
// Runs git; the tests that use this module run only on Unix.
#[cfg(all(test, unix))]
pub(crate) mod test_repository;
#[cfg(all(test, unix))]
mod tests;
mod tracked;
mod tree_proof;
mod work_file;

pub use self::compare::{Change, Conversion, Difference};
pub use self::hash::{Collision, Kind};
pub use self::head::{Head, HeadFault};
pub use self::listing::TreeFile;
pub use self::malformed::Malformed;
pub use self::object::{Commit, Identity, Mode, Tag};
pub use self::object_id::ObjectId;
#[cfg(feature = "cli")]
pub(crate) use self::objects_proof::BOUNDARY_NAMED;
pub use self::objects_proof::ObjectsProof;
pub use self::pattern::PathPattern;
pub use self::proof::{FileFault, History, SourceProof, prove, prove_within};
pub use self::remote::{Remote, Remotes, RepositoryName};
pub use self::signed::{SignedObject, SignedSubject};
pub(crate) use self::snapshot::SnapshotBuilder;
pub use self::snapshot::{Snapshot, WorkEntry};
pub use self::tree_proof::{Submodule, SubmoduleState, TreeProof};
pub use self::work_file::{WorkFile, WorkFileHasher};
pub use crate::crypto::ssh::{GIT_NAMESPACE, SshFault, SshKey, SshSignature};
