//! Arguments of `seal` and `sign-off`, and of `audit` for a case. No I/O here.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::base::time::Timestamp;
use crate::cli::args::{KeyArguments, group, limit, moment, source};
use crate::image::Source;
use crate::judge::finding::Group;

pub(crate) const SEAL_EXAMPLES: &str = "\
Examples:
  hpsb-audit seal evidence/ --policy policy.toml --output case.tar --sign-key auditor.key \\
      --retain-until 2036-12-31
  hpsb-audit seal manifest.NAME.sig.tbz --key KEY.pem --output case.tar --profile filing
  hpsb-audit seal case.tar --tsq case.tsq                      request an RFC 3161 time-stamp
  hpsb-audit seal case.tar --tsr case.tsr --tsa-ca tsa-ca.pem  verify and add the response
  hpsb-audit audit case.tar --policy my-policy.toml            audit again, under your policy
  hpsb-audit audit case.tar --seal-key auditor.pem             audit again, under the case's policy

The exit code is that of the verdict. A case contains evidence; it does not make keys trusted
(docs/case.md).";

pub(crate) const SIGN_OFF_EXAMPLES: &str = "\
Examples:
  hpsb-audit sign-off case.tar --role prepared --sign-key ada.key
  hpsb-audit sign-off case.tar --role reviewed --sign-key bob.key

A sign-off covers the case's digest, its report and its policy. `audit case.tar` shows it, with the
signer's name if the key is in your policy's [[signers]]. `sign-off` does not repeat the audit:
repeat it yourself first.";

#[derive(Debug, Args)]
pub(crate) struct SealArguments {
    /// Bundles (manifest.<build_name>.sig.tbz), or folders to search for bundles; for --tsq and --tsr, a case
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) keys: KeyArguments,
    /// The policy: trusted keys, expected values, required groups (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Groups that must have an answer, in addition to those that the policy requires
    #[arg(long, value_name = "GROUP,...", value_delimiter = ',', value_parser = group)]
    pub(crate) require: Vec<Group>,
    /// Approvals of commits, as for `audit`
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: Option<PathBuf>,
    /// Signatures of the image, instead of the folder trust/ next to the bundle
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) trust: Option<PathBuf>,
    /// The build server's own attestation record, instead of the folder builder/ next to the bundle
    #[arg(long, value_name = "DIR")]
    pub(crate) builder: Option<PathBuf>,
    /// The image, from files: oci:PATH[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:PATH or a path
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    pub(crate) image: Option<Source>,
    /// Audit as of this time instead of now (a date means 00:00 UTC); the same time gives the same case
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// The case to write; the file must not exist yet
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What the case stores
    #[arg(long, value_enum, default_value = "full")]
    pub(crate) profile: ProfileArgument,
    /// Sign the case with this private key: P-256 or Ed25519, PKCS#8 PEM. Its passphrase, if any, is requested on the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,
    /// The day until which to keep the case; it is recorded in the case
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(crate) retain_until: Option<String>,
    /// Write a time-stamp request (RFC 3161) for the case, to send to an authority
    #[arg(long, value_name = "FILE")]
    pub(crate) tsq: Option<PathBuf>,
    /// Add the authority's response to the case
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "tsq"])]
    pub(crate) tsr: Option<PathBuf>,
    /// Before adding the response, verify it against this CA certificate, in PEM; may be repeated
    #[arg(long = "tsa-ca", value_name = "FILE", requires = "tsr")]
    pub(crate) tsa_cas: Vec<PathBuf>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(crate) struct SignOffArguments {
    /// The case; your sign-off is added to it
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// Your role
    #[arg(long, value_enum)]
    pub(crate) role: RoleArgument,
    /// Your private key: P-256 or Ed25519, PKCS#8 PEM. Its passphrase, if any, is requested on the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: PathBuf,
    /// The time of the sign-off, instead of now (a date means 00:00 UTC)
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArgument {
    /// You made the audit and the case
    Prepared,
    /// You reviewed the audit and the case
    Reviewed,
}

/// Arguments for the reader of a case, besides keys and policy.
#[derive(Debug, Args)]
pub(crate) struct CaseArguments {
    /// For a case: the public key of a sealer you trust, P-256 or Ed25519; the case's own keys and policy then apply
    #[arg(long, value_name = "FILE")]
    pub(crate) seal_key: Option<PathBuf>,
    /// For a case: the certificate, in PEM, of a CA whose time-stamps you trust; may be repeated
    #[arg(long = "tsa-ca", value_name = "FILE")]
    pub(crate) tsa_cas: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArgument {
    /// Everything that the verdict is based on, so that the audit can be repeated
    Full,
    /// No source, server responses or images; only their digests
    Filing,
}

fn day(text: &str) -> Result<String, String> {
    match crate::case::is_day(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a day, for example 2036-12-31".into()),
    }
}
