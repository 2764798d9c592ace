//! Arguments of `image` and `compare`. No I/O here.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{KeyArguments, NetworkArguments, OutputFormat, limit, source};
use crate::image::Source;

#[derive(Debug, Args)]
pub(crate) struct ImageArguments {
    /// The image: docker://REF, oci:PATH[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:PATH or a path
    #[arg(value_name = "SOURCE", value_parser = source)]
    pub(crate) source: Source,
    /// The platform to use if the image has several: os/architecture[/variant]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: OutputFormat,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// An image, or a bundle (*.sig.tbz)
    #[arg(value_name = "A", value_parser = source)]
    pub(crate) one: Source,
    /// The image or bundle to compare it with
    #[arg(value_name = "B", value_parser = source)]
    pub(crate) other: Source,
    #[command(flatten)]
    pub(crate) keys: KeyArguments,
    /// The policy with the keys that verify the bundles
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The platform to use if an image has several: os/architecture[/variant]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    #[command(flatten)]
    pub(crate) network: NetworkArguments,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: OutputFormat,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}
