//! What was typed for `report`, `verify-statement` and `self-test`, and the flags that formats of reports need. No I/O here.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{ShowArguments, limit};
use crate::report::Report;

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// What `audit --report json=FILE` has written
    #[arg(value_name = "FILE.json")]
    pub(crate) file: PathBuf,
    /// The format to write (docs/reports.md)
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: String,
    /// Write to a file, whole or not at all, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
    #[command(flatten)]
    pub(crate) options: ReportOptions,
    /// Set a bound: see `hpsb-audit explain limits`; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(crate) struct StatementArguments {
    /// Statements in DSSE envelopes, one a line
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A public key in PEM, P-256 or Ed25519; may be repeated
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// The file that the statement must be about
    #[arg(long, value_name = "FILE")]
    pub(crate) subject: Option<PathBuf>,
    /// Set a bound: see `hpsb-audit explain limits`; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

/// What some formats of reports need.
#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
    /// Which checks support which controls, instead of the program's own table (docs/reports.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) controls: Option<PathBuf>,
    /// The OSCAL assessment plan that the results are of, instead of the question itself
    #[arg(long, value_name = "FILE")]
    pub(crate) oscal_ap: Option<PathBuf>,
    /// Your own file number or name for this audit, at most 80 characters: on page one, in the head of every page and in JSON
    #[arg(long, value_name = "TEXT", value_parser = Report::reference)]
    pub(crate) reference: Option<String>,
    /// Sign the verification summary (vsa) with this private key: PKCS#8 in PEM, P-256 or Ed25519; the terminal is asked for its passphrase
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,
    /// Put the signed vsa into an OCI layout, as a referrer of the image and as cosign's attestation; a new layout where there is none
    #[arg(long, value_name = "oci:DIR", value_parser = layout)]
    pub(crate) attach: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SelfTestArguments {
    /// Write the result as JSON, whole or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

fn layout(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("oci:") {
        Some(folder) if !folder.is_empty() => Ok(folder.into()),
        _ => Err("expected oci:DIR, a folder with an OCI image layout or a new one".into()),
    }
}
