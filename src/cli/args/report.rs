//! Arguments of `report`, `verify-statement` and `self-test`, and the flags of report formats. No I/O here.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{ShowArguments, limit};
use crate::report::Report;

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// A report that `audit --report json=FILE` wrote
    #[arg(value_name = "FILE.json")]
    pub(crate) file: PathBuf,
    /// The format to write (docs/reports.md); not vsa, which only an audit can write
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: String,
    /// Write to a file, completely or not at all, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
    #[command(flatten)]
    pub(crate) options: ReportOptions,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(crate) struct StatementArguments {
    /// Statements in DSSE envelopes, one per line
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A public key: P-256 or Ed25519, PEM; may be repeated
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// The file that every statement must be about
    #[arg(long, value_name = "FILE")]
    pub(crate) subject: Option<PathBuf>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

/// Options of some report formats.
#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
    /// A table of controls and the checks that support them, instead of the built-in table (docs/reports.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) controls: Option<PathBuf>,
    /// The OSCAL assessment plan that the results refer to, instead of the audit's question
    #[arg(long, value_name = "FILE")]
    pub(crate) oscal_ap: Option<PathBuf>,
    /// Your own file number or name for this audit, at most 80 characters: shown on page one, in every page header and in JSON
    #[arg(long, value_name = "TEXT", value_parser = Report::reference)]
    pub(crate) reference: Option<String>,
}

/// Options of verification summaries.
#[derive(Debug, Args)]
pub(crate) struct SummaryOptions {
    /// Sign the verification summary (vsa) with this private key: P-256 or Ed25519, PKCS#8 PEM. Its passphrase, if any, is requested on the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,
    /// Add the signed vsa to an OCI layout, as a referrer of the image and as a cosign attestation; the layout is created if missing
    #[arg(long, value_name = "oci:DIR", value_parser = layout)]
    pub(crate) attach: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SelfTestArguments {
    /// Write the result as JSON, completely or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

fn layout(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("oci:") {
        Some(folder) if !folder.is_empty() => Ok(folder.into()),
        _ => Err("expected oci:DIR, a new folder or one with an OCI image layout".into()),
    }
}
