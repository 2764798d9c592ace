//! What was typed for `seal`, and for a case in `audit`. No I/O here.

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
  hpsb-audit seal case.tar --tsq case.tsq                      a request for an RFC 3161 authority
  hpsb-audit seal case.tar --tsr case.tsr --tsa-ca tsa-ca.pem  its answer, verified and added
  hpsb-audit audit case.tar --policy my-policy.toml            the audit again, on your own terms
  hpsb-audit audit case.tar --seal-key auditor.pem             the same, on the sealer's terms

The exit code is the verdict's. A case brings evidence, never trust: docs/case.md says what it
is not.";

pub(crate) const SIGN_OFF_EXAMPLES: &str = "\
Examples:
  hpsb-audit sign-off case.tar --role prepared --sign-key ada.key
  hpsb-audit sign-off case.tar --role reviewed --sign-key bob.key

A sign-off is over the case's digest, its report and its policy. It is shown by `audit case.tar`,
with a name where your policy's [[signers]] list the key. The audit is not repeated here: do that
first.";

#[derive(Debug, Args)]
pub(crate) struct SealArguments {
    /// Bundles (manifest.<build_name>.sig.tbz), or folders to search for them; or a case, for --tsq and --tsr
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) keys: KeyArguments,
    /// The policy: trusted keys, what is expected, what is required (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Groups that must have an answer, beside the policy's
    #[arg(long, value_name = "GROUP,...", value_delimiter = ',', value_parser = group)]
    pub(crate) require: Vec<Group>,
    /// Who approved which commit, as for `audit`
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: Option<PathBuf>,
    /// Signatures of the image, instead of the folder trust/ beside the bundle
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) trust: Option<PathBuf>,
    /// The build server's own attestation record, instead of the folder builder/ beside the bundle
    #[arg(long, value_name = "DIR")]
    pub(crate) builder: Option<PathBuf>,
    /// The image, from files: oci:PATH[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:PATH or a path
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    pub(crate) image: Option<Source>,
    /// The moment that the audit is for, instead of the clock's (a date is its first moment, in UTC); the same moment gives the same case
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// The case to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What the case stores
    #[arg(long, value_enum, default_value = "full")]
    pub(crate) profile: ProfileArgument,
    /// Sign the case with this private key: PKCS#8 in PEM, P-256 or Ed25519; the terminal is asked for its passphrase
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,
    /// The day until which the case is to be kept
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(crate) retain_until: Option<String>,
    /// Write a request for a time-stamp (RFC 3161) over the case, to be sent to an authority
    #[arg(long, value_name = "FILE")]
    pub(crate) tsq: Option<PathBuf>,
    /// Add the authority's answer to a case
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "tsq"])]
    pub(crate) tsr: Option<PathBuf>,
    /// Verify that answer under this CA, in PEM, before it is added; may be repeated
    #[arg(long = "tsa-ca", value_name = "FILE", requires = "tsr")]
    pub(crate) tsa_cas: Vec<PathBuf>,
    /// Set a bound: see `hpsb-audit explain limits`; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(crate) struct SignOffArguments {
    /// The case; your sign-off is added to it
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// What you did with it
    #[arg(long, value_enum)]
    pub(crate) role: RoleArgument,
    /// Your private key, P-256 or Ed25519, in PKCS#8 PEM; the terminal is asked for its passphrase
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: PathBuf,
    /// The moment of the sign-off, instead of the clock's (a date is its first moment, in UTC)
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// Set a bound: see `hpsb-audit explain limits`; may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArgument {
    /// You made the audit and the case
    Prepared,
    /// You looked at it afterwards
    Reviewed,
}

/// What the reader of a case may bring, beside keys and policy.
#[derive(Debug, Args)]
pub(crate) struct CaseArguments {
    /// For a case: the public key of a sealer whom you believe, P-256 or Ed25519; then the case's own keys and policy count
    #[arg(long, value_name = "FILE")]
    pub(crate) seal_key: Option<PathBuf>,
    /// For a case: a CA, in PEM, whose time-stamps you believe; may be repeated
    #[arg(long = "tsa-ca", value_name = "FILE")]
    pub(crate) tsa_cas: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArgument {
    /// Everything that the verdict rests on, so that the audit can be repeated
    Full,
    /// Without source, logs, status records and images; their digests stay
    Filing,
}

fn day(text: &str) -> Result<String, String> {
    match crate::case::is_day(text) {
        true => Ok(text.to_owned()),
        false => Err("expected a day, for example 2036-12-31".into()),
    }
}
