//! Arguments of `audit` for many bundles: threads, memory, a shard, a state file.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;

use crate::run::Shard;

#[derive(Debug, Args)]
pub(crate) struct ScaleArguments {
    /// Number of threads. Default: the number of processors. Threads take bundles from one queue; if there are fewer bundles than
    /// threads, several threads work on one bundle
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Memory for all bundles audited at the same time, estimated from their sizes (docs/scale.md); a bundle that needs more is refused
    #[arg(long, value_name = "MB")]
    pub(crate) memory: Option<NonZeroU64>,
    /// Audit only shard I of N, chosen by build name; I counts from 0, as in 3/8 or Kubernetes' $(JOB_COMPLETION_INDEX)/8
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Save each finished report in this file; after an interruption, continue with the remaining bundles
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}
