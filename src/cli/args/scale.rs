//! What `audit` is told about many bundles: threads, memory, a share, a file to resume from.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;

use crate::run::Shard;

#[derive(Debug, Args)]
pub(crate) struct ScaleArguments {
    /// Threads; by default as many as there are processors. They take bundles from one queue, and share the work of a bundle where
    /// there are fewer
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Memory for all bundles that are audited at the same time, by an estimate from their sizes (docs/scale.md); a bundle that needs
    /// more is refused
    #[arg(long, value_name = "MB")]
    pub(crate) memory: Option<NonZeroU64>,
    /// Only the share i of n shares of the bundles, by their builds' names; i counts from 0, as in 3/8 and Kubernetes' $(JOB_COMPLETION_INDEX)/8
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Keep each finished report in this file, and after an interruption go on from there with the bundles that are left
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}
