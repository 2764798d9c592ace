//! Runs over many bundles: the queue, the state of an interrupted run, shards, and what many bundles show about their keys. The code
//! here neither decides a verdict nor depends on the command line.

mod given_keys;
mod pieces;
mod queue;
mod shard;
mod state;

pub(crate) use self::given_keys::add_given_keys;
pub use self::pieces::{audit_piece, put_together};
pub use self::queue::{Queue, audit_all};
pub use self::shard::Shard;
pub use self::state::State;
