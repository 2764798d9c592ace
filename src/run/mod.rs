//! Many bundles: the queue that works through them, the state of a run that can be interrupted, shares of a run, and what only many bundles
//! tell of their keys. Nothing here judges, and nothing here knows the command line.

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
