//! What was typed after `admit` and `contract`. No I/O here.

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

Exit code 0: every image may be deployed; 1: one may not, and the text says why and what to do.

It does not say what runs: only what these files name.";

fn workloads_help() -> String {
    format!("What is to be deployed, each file {}; `-` is standard input", Form::any())
}

#[derive(Debug, Args)]
pub(crate) struct AdmitArguments {
    #[arg(required = true, value_name = "WORKLOAD", help = workloads_help())]
    pub(crate) workloads: Vec<PathBuf>,
    /// Bundles, or folders to search for them; may be repeated
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) evidence: Vec<PathBuf>,
    /// The policy by which the bundles are audited (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Who approved which commit (docs/git-proof.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: Option<PathBuf>,
    /// The password of an encrypted workload section: the random bytes, or base64 of them
    #[arg(long, value_name = "FILE")]
    pub(crate) workload_password: Option<PathBuf>,
    /// The attestation record of an instance that runs the contract: a folder with se-checksums.txt, se-signature.bin, certificates and
    /// revocation lists (docs/admission.md)
    #[arg(long, value_name = "DIR")]
    pub(crate) attestation: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
    /// Write a report (text or json) to a file, whole or not at all; may be repeated
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    pub(crate) reports: Vec<(String, PathBuf)>,
    /// Bundles that are audited at the same time
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Print the `images:` section of a contract for an accepted build's image
    #[command(
        after_help = "Examples:\n  hpsb-audit contract images manifest.NAME.sig.tbz --policy policy.toml\n\nThe key of content trust is the signed log's. Others are in no signed log:\nthey are the policy's [trust]."
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
    /// The policy by which the bundle is audited
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The moment that the audit is for, instead of the clock's (a date is its first moment, in UTC)
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// Set a bound: see `hpsb-audit explain limits`; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}
