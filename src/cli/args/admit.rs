//! Arguments of `admit` and `contract`. No I/O here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::base::time::Timestamp;
use crate::cli::args::{KeyArguments, OutputArguments, ShowArguments, limit, moment, report};
use crate::workload::Form;

pub(crate) const EXAMPLES: &str = "\
Examples:
  hpsb-audit admit docker-compose.yaml --evidence evidence/ --policy policy.toml
  kubectl kustomize overlay | hpsb-audit admit - --evidence evidence/ --policy policy.toml
  hpsb-audit admit user-data.yaml --evidence evidence/ --policy policy.toml \\
      --workload-password password --attestation record/

Exit code 0: every image may be deployed; 1: at least one may not, and the output gives the reason.

The result covers the images listed in these files, not what is running.";

fn workloads_help() -> String {
    format!("Workloads to be deployed, each file {}; `-` reads standard input", Form::any())
}

#[derive(Debug, Args)]
pub(crate) struct AdmitArguments {
    #[arg(required = true, value_name = "WORKLOAD", help = workloads_help())]
    pub(crate) workloads: Vec<PathBuf>,
    /// Bundles, or folders to search for bundles; may be repeated
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) evidence: Vec<PathBuf>,
    /// The policy for auditing the bundles (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Approvals of commits (docs/git-proof.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: Option<PathBuf>,
    /// The password of an encrypted section, workload or env: the random bytes, or their base64; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) workload_password: Vec<PathBuf>,
    /// The attestation record of an instance that runs the contract: a folder with se-checksums.txt, se-signature.bin, certificates and
    /// revocation lists (docs/admission.md)
    #[arg(long, value_name = "DIR")]
    pub(crate) attestation: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
    /// Write a report (text or json) to a file, completely or not at all; may be repeated
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    pub(crate) reports: Vec<(String, PathBuf)>,
    /// Number of bundles to audit at the same time
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Print the `images:` section of a contract for the image of a build that is accepted, perhaps in part
    #[command(
        after_help = "Examples:\n  hpsb-audit contract images manifest.NAME.sig.tbz --policy policy.toml\n\nThe content-trust key comes from the signed log. The log does not contain other signing keys:\nthey come from the policy's [trust]."
    )]
    Images(ContractImagesArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ContractImagesArguments {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) keys: KeyArguments,
    /// The policy for auditing the bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Audit as of this time instead of now (a date means 00:00 UTC)
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}
