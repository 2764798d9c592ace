//! Runs over many bundles: the queue, the state of an interrupted run, shards, and what many bundles show about their keys. No code here
//! decides a verdict or depends on the command line.

mod given_keys;
mod queue;
mod shard;
mod state;

pub(crate) use self::given_keys::add_given_keys;
pub use self::queue::{Queue, audit_all};
pub use self::shard::Shard;
pub use self::state::State;
