//! Arguments of `reconcile`. No I/O here.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::base::time::Timestamp;
use crate::cli::args::{ShowArguments, limit, moment, report};
use crate::report::{Period, Report};

pub(crate) const EXAMPLES: &str = "\
Examples:
  kubectl get pods -A -o json > pods.json
  hpsb-audit reconcile --evidence evidence/ --policy policy.toml --approvals approvals.csv \\
      --inventory pods.json --period 2026-01-01/2026-03-31
  hpsb-audit reconcile ... --sample 25 --seed 2026-Q1 --report html=quarter.html

Exit code 0: every image in the inventories has an accepted build, every build of the period in the
evidence is accepted and approved, no commit with a build in the period has two digests, and every
commit approved in the period was built and is in an inventory; 1: otherwise, and each exception has
a row.

Whether the evidence, the inventories and the list of approvals are complete is not checked.";

#[derive(Debug, Args)]
pub(crate) struct ReconcileArguments {
    /// Bundles, or folders to search for bundles; may be repeated
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) evidence: Vec<PathBuf>,
    /// The policy for auditing the bundles (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Inventories of what is running: pods as JSON, CSV with the columns place and image, contracts, compose files, manifests; may be repeated
    #[arg(long, required = true, value_name = "FILE")]
    pub(crate) inventory: Vec<PathBuf>,
    /// Approvals of commits (docs/git-proof.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: PathBuf,
    /// The period: two dates, both inclusive, or two RFC 3339 times, the second exclusive
    #[arg(long, value_name = "FROM/TO", value_parser = Period::parse)]
    pub(crate) period: Period,
    /// The password of encrypted sections, workload or env; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) workload_password: Vec<PathBuf>,
    /// Draw a sample of N builds from the period for manual review
    #[arg(long, value_name = "N", requires = "seed")]
    pub(crate) sample: Option<usize>,
    /// The seed of the sample: the same seed and bundles give the same sample
    #[arg(long, value_name = "S", requires = "sample")]
    pub(crate) seed: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ReconcileFormat,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
    /// Write a report (text, json, csv or html) to a file, completely or not at all; may be repeated
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    pub(crate) reports: Vec<(String, PathBuf)>,
    /// Your own file number or name, at most 80 characters: shown on page one, in every page header and in JSON
    #[arg(long, value_name = "TEXT", value_parser = Report::reference)]
    pub(crate) reference: Option<String>,
    /// Audit as of this time instead of now (a date means 00:00 UTC)
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
    /// Number of bundles to audit at the same time
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReconcileFormat {
    /// Tables; matched places are only counted
    Text,
    /// JSON (docs/reconciliation.schema.json)
    Json,
    /// CSV, for spreadsheets
    Csv,
    /// One HTML page for filing
    Html,
}
