//! What was typed for `image` and `compare`. No I/O here.

use std::path::PathBuf;

use clap::Args;

use super::args::{KeyArguments, NetworkArguments, OutputFormat, limit, source};
use crate::image::Source;

#[derive(Debug, Args)]
pub(super) struct ImageArguments {
    /// The image: docker://REF, oci:PATH[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:PATH or a path
    #[arg(value_name = "SOURCE", value_parser = source)]
    pub(super) source: Source,
    /// The platform that is meant, where there are several: os/architecture[/variant]
    #[arg(long, value_name = "PLATFORM")]
    pub(super) platform: Option<String>,
    #[command(flatten)]
    pub(super) network: NetworkArguments,
    /// What is printed on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: OutputFormat,
    /// Set a bound: see `hpsb-audit explain limits`; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(super) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// An image, or a bundle (*.sig.tbz)
    #[arg(value_name = "A", value_parser = source)]
    pub(super) one: Source,
    /// Another one
    #[arg(value_name = "B", value_parser = source)]
    pub(super) other: Source,
    #[command(flatten)]
    pub(super) keys: KeyArguments,
    /// The policy whose keys verify the bundles
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// The platform that is meant, where an image has several: os/architecture[/variant]
    #[arg(long, value_name = "PLATFORM")]
    pub(super) platform: Option<String>,
    #[command(flatten)]
    pub(super) network: NetworkArguments,
    /// What is printed on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: OutputFormat,
    /// Set a bound: see `hpsb-audit explain limits`; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(super) limits: Vec<(String, u64)>,
}
