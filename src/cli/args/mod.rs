//! Command-line arguments. No I/O here.
//!
//! To add a command:
//! 1. one file in `command/`, with a function from the parsed arguments to an exit code; if there are many arguments, a file here,
//! 2. a variant of [`Command`] in this file,
//! 3. its arm in `dispatch`, in `cli/mod.rs`,
//! 4. its privileges, in `Needs::of`, in `cli/confine.rs`,
//! 5. a row for each flag in `tests/flags.rs`: what the flag changes, or that it changes nothing,
//! 6. its row in the table of commands in `README.md`.
//!
//! Then run `tests/run update`, which writes the help texts that tests compare with.

pub(super) mod admit;
#[cfg(feature = "fetch")]
pub(super) mod fetch;
pub(super) mod image;
pub(super) mod key_record;
pub(super) mod reconcile;
pub(super) mod report;
pub(super) mod scale;
pub(super) mod seal;
#[cfg(feature = "serve")]
pub(super) mod serve;

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use self::report::{ReportArguments, ReportOptions, SelfTestArguments, StatementArguments, SummaryOptions};
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::base::words::{any_of, did_you_mean};
use crate::dossier::NamedKey;
use crate::image::Source;
use crate::judge::finding::Group;
use crate::report::Format;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let features = crate::features();
    let list = if features.is_empty() {
        "none (offline build, without a network stack)".to_owned()
    } else {
        features.join(", ")
    };
    format!("{}\nfeatures: {list}", env!("CARGO_PKG_VERSION"))
});

const EXIT_CODES: &str = "\
Exit codes:
  0  accepted, or accepted in part (the first line says which groups were not checked)
  1  rejected: a required check failed or could not decide, or a requested check has no answer
  2  no verdict: wrong usage, invalid policy, no key, command not in this build
  3  no verdict: input unreadable, truncated, malformed or over a limit; report not writable
  4  no verdict: nothing to verify";

const AUDIT_EXAMPLES: &str = "\
Examples:
  hpsb-audit audit manifest.NAME.sig.tbz --key KEY.pem
  hpsb-audit audit manifest.NAME.sig.tbz --key sha256:HEX     pin the key file next to the bundle
  hpsb-audit audit manifest.NAME.sig.tbz --key KEY.pem --image oci:image --trust signatures/
  hpsb-audit audit evidence/ --policy policy.toml --report json=report.json
  hpsb-audit audit evidence/ --policy policy.toml --format json | jq .verdict
  hpsb-audit audit case.tar --policy my-policy.toml           a case from `seal`, under your policy

An acceptance states that a trusted key signed the archive in the bundle, and what the checks found
in it. It does not state who holds the key, that the log is true, or that the image was built from this source.";

const COMPARE_EXAMPLES: &str = "\
Examples:
  hpsb-audit compare dir:image oci:rebuild                    an image and your own rebuild of it
  hpsb-audit compare old.sig.tbz new.sig.tbz --key KEY.pem    two builds
  hpsb-audit compare manifest.NAME.sig.tbz oci:rebuild --key KEY.pem

Exit code 0: no difference was found in what could be compared (the conclusion lists the rest);
1: something differs, an input contradicts itself, or a signature is not valid.

Only an identical independent rebuild corroborates that the image was built from the commit: the
signed log states it, and nothing in a manifest proves it.";

const REPORT_EXAMPLES: &str = "\
Examples:
  hpsb-audit report report.json --format text
  hpsb-audit report report.json --format text --output report.txt

Nothing is verified again, and nothing is proved: anyone who can write the file can change it. The
new report states this, except in the formats json, jsonl and csv. To verify, run `hpsb-audit audit`.";

/// Verify and audit build manifests of IBM Hyper Protect Secure Build, offline.
#[derive(Debug, Parser)]
#[command(name = "hpsb-audit", version = VERSION.as_str(), after_help = EXIT_CODES, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Print on standard error what this process is allowed to do besides reading files
    #[arg(long, global = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Audit bundles against a policy: signature, record, log, source, image and its signatures
    #[command(after_help = AUDIT_EXAMPLES)]
    Audit(Box<AuditArguments>),
    /// Verify only a bundle's signature, without reading its contents
    #[command(after_help = "Examples:\n  hpsb-audit verify manifest.NAME.sig.tbz --key KEY.pem")]
    Verify(VerifyArguments),
    /// List the contents of a bundle; without a valid signature, only its outer layer
    #[command(
        after_help = "Examples:\n  hpsb-audit inspect manifest.NAME.sig.tbz\n  hpsb-audit inspect manifest.NAME.sig.tbz --key KEY.pem"
    )]
    Inspect(InspectArguments),
    /// Unpack a bundle with a valid signature into a new folder, completely or not at all
    #[command(
        after_help = "Examples:\n  hpsb-audit extract manifest.NAME.sig.tbz --key KEY.pem --to FOLDER\n\nDo not run git in the unpacked folder: its configuration and hooks come from the archive."
    )]
    Extract(ExtractArguments),
    /// Show an image's digests, configuration and layers
    #[command(
        after_help = "Examples:\n  hpsb-audit image oci:evidence/image\n  hpsb-audit image docker-archive:image.tar --format json"
    )]
    Image(self::image::ImageArguments),
    /// Show the differences between two images or bundles, down to the files in each layer
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(self::image::CompareArguments),
    /// Audit, and write the verdict with its evidence into one file to keep
    #[command(after_help = self::seal::SEAL_EXAMPLES)]
    Seal(Box<self::seal::SealArguments>),
    /// Sign a case as preparer or reviewer
    #[command(after_help = self::seal::SIGN_OFF_EXAMPLES)]
    SignOff(self::seal::SignOffArguments),
    /// Convert a saved JSON report to another format; the exit code is that of the saved verdict
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// Verify the signatures of statements written by --report vsa= with --sign-key
    #[command(
        after_help = "Examples:\n  hpsb-audit verify-statement vsa.jsonl --key auditor.pem --subject manifest.NAME.sig.tbz\n\nExit code 0: every statement is signed with one of the keys, and is about --subject, if specified;\n1: otherwise; 3: the file is malformed. The result in a statement is not checked: a summary with the\nresult FAILED can also have a valid signature."
    )]
    VerifyStatement(StatementArguments),
    /// Run known good and tampered cases on this machine, and report whether each gives the expected result
    #[command(
        after_help = "Examples:\n  hpsb-audit self-test --report self-test.json\n\nExit code 0: every case gave the expected result; 1: at least one did not."
    )]
    SelfTest(SelfTestArguments),
    /// Show a bundle's proved commit without unpacking the bundle
    #[command(
        after_help = "Examples:\n  hpsb-audit source manifest.NAME.sig.tbz --key KEY.pem\n  hpsb-audit source manifest.NAME.sig.tbz --key KEY.pem --file Dockerfile\n\nExit code 0: the commit is proved and the work tree equals its tree, apart from conversions that\n.gitattributes specifies, objects of Git LFS pointers, and submodules without files, which are listed;\n1: otherwise, for example if the signature is not valid."
    )]
    Source(SourceArguments),
    /// Decide whether workloads may be deployed: every image must be pinned and come from an accepted build
    #[command(after_help = self::admit::EXAMPLES)]
    Admit(Box<self::admit::AdmitArguments>),
    /// Compare inventories of running images with accepted builds and approved commits
    #[command(after_help = self::reconcile::EXAMPLES)]
    Reconcile(Box<self::reconcile::ReconcileArguments>),
    /// Help with writing contracts
    #[command(
        subcommand,
        after_help = "Examples:\n  hpsb-audit contract images manifest.NAME.sig.tbz --policy policy.toml"
    )]
    Contract(self::admit::ContractCommand),
    /// Show which keys signed which image, and when the signatures expire
    #[command(
        after_help = "Examples:\n  hpsb-audit trust evidence/NAME/trust --policy policy.toml\n  hpsb-audit trust ~/.docker/trust/tuf/docker.io/acme/wallet/metadata\n\nWithout a policy, no signer is trusted: each signature is shown with the name it claims."
    )]
    Trust(TrustArguments),
    /// Inspect keys, and record how they were obtained
    #[command(subcommand, after_help = "Examples:\n  hpsb-audit key show KEY.pem\n  hpsb-audit key enroll --help")]
    Key(self::key_record::KeyCommand),
    /// Print a starter policy, or show how a policy is interpreted
    #[command(
        subcommand,
        after_help = "Examples:\n  hpsb-audit policy init > policy.toml\n  hpsb-audit policy check policy.toml"
    )]
    Policy(PolicyCommand),
    /// List every check with its group, level and description
    #[command(after_help = "Examples:\n  hpsb-audit checks\n  hpsb-audit checks --format markdown > checks.md")]
    Checks {
        /// Output format
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Explain what a check covers, what it does not, and what to do if it fails; `limits` lists the limits
    #[command(
        after_help = "Examples:\n  hpsb-audit explain manifest-signature\n  hpsb-audit explain verdicts\n  hpsb-audit explain limits"
    )]
    Explain {
        /// The name of a check, `verdicts` or `limits`
        check: String,
    },
    /// Print a completion script
    #[command(after_help = "Examples:\n  hpsb-audit completions bash > /etc/bash_completion.d/hpsb-audit")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write manual pages into a folder
    #[command(after_help = "Examples:\n  hpsb-audit man man1\n  man -l man1/hpsb-audit-audit.1")]
    Man {
        /// The output folder; created if missing
        dir: PathBuf,
    },
    /// Save the evidence of builds into a folder: from a build server, object store, registry and Notary server
    #[cfg(feature = "fetch")]
    #[command(after_help = self::fetch::EXAMPLES)]
    Fetch(Box<self::fetch::FetchArguments>),
    /// Fetch evidence from a build server (not in this build)
    #[cfg(not(feature = "fetch"))]
    #[command(hide = true, disable_help_flag = true)]
    Fetch(NotBuiltIn),
    /// Answer the admission requests of a Kubernetes API server
    #[cfg(feature = "serve")]
    #[command(after_help = self::serve::EXAMPLES)]
    Serve(Box<self::serve::ServeArguments>),
    /// Answer admission requests (not in this build)
    #[cfg(not(feature = "serve"))]
    #[command(hide = true, disable_help_flag = true)]
    Serve(NotBuiltIn),
}

/// A command that is missing from this build. The command accepts any arguments, so that the error is about the command and not about its arguments.
#[cfg(not(all(feature = "fetch", feature = "serve")))]
#[derive(Debug, Args)]
pub(super) struct NotBuiltIn {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) rest: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    /// Bundles (manifest.<build_name>.sig.tbz), folders to search for bundles, or one case
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) keys: KeyArguments,
    /// The policy: trusted keys, expected values, required groups (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    #[arg(long, value_name = "GROUP,...", value_delimiter = ',', value_parser = group, help = require_help())]
    pub(super) require: Vec<Group>,
    /// Approvals of commits: CSV or JSON with repository, commit, change, approver, time (docs/git-proof.md)
    #[arg(long, value_name = "FILE")]
    pub(super) approvals: Option<PathBuf>,
    /// Signatures of the image: a folder or file with content trust, simple signing or cosign signatures. Default: the folder trust/
    /// next to the bundle, if no other bundle is there (docs/trust.md)
    #[arg(long, value_name = "DIR|FILE")]
    pub(super) trust: Option<PathBuf>,
    /// The build server's own attestation record: a folder with se-checksums.txt, se-signature.bin, certificates and revocation lists
    /// (docs/admission.md)
    #[arg(long, value_name = "DIR")]
    pub(super) builder: Option<PathBuf>,
    /// The delivered image: docker://REF, oci:PATH[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:PATH or a path.
    /// Default: the folder image/ next to the bundle, if no other bundle is there
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    pub(super) image: Option<Source>,
    /// A base image on which the image is expected to be built, in the form used for --image; may be repeated: one should match. A mismatch is a warning unless the policy requires base-image
    #[arg(long = "base", value_name = "SOURCE", value_parser = source)]
    pub(super) bases: Vec<Source>,
    #[command(flatten)]
    pub(super) network: NetworkArguments,
    #[command(flatten)]
    pub(super) output: OutputArguments,
    #[command(flatten)]
    pub(super) show: ShowArguments,
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report, help = report_help())]
    pub(super) reports: Vec<(String, PathBuf)>,
    /// Write a report in every format into a new folder; a vsa is included only if one can be written
    #[arg(long, value_name = "DIR")]
    pub(super) report_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) report_options: ReportOptions,
    #[command(flatten)]
    pub(super) summary: SummaryOptions,
    #[command(flatten)]
    pub(super) scale: self::scale::ScaleArguments,
    #[command(flatten)]
    pub(super) case: self::seal::CaseArguments,
}

/// Whether and how the network may be used to read images.
#[derive(Debug, Default, Args)]
pub(super) struct NetworkArguments {
    /// Fail if the network would be used
    #[arg(long)]
    pub(super) offline: bool,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    pub(super) outside: self::fetch::OutsideArguments,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: PathBuf,
    #[command(flatten)]
    pub(super) keys: KeyArguments,
    #[command(flatten)]
    pub(super) output: OutputArguments,
    #[command(flatten)]
    pub(super) show: ShowArguments,
}

#[derive(Debug, Args)]
pub(super) struct TrustArguments {
    /// A folder or file with signatures of an image
    #[arg(value_name = "SOURCE")]
    pub(super) source: PathBuf,
    /// The policy with the trusted signers, in [trust]
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: PathBuf,
    #[command(flatten)]
    pub(super) keys: KeyArguments,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: OutputFormat,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(super) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(super) struct ExtractArguments {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: PathBuf,
    #[command(flatten)]
    pub(super) keys: KeyArguments,
    /// The folder to create
    #[arg(long, value_name = "DIR")]
    pub(super) to: PathBuf,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(super) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(super) struct SourceArguments {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: PathBuf,
    #[command(flatten)]
    pub(super) keys: KeyArguments,
    /// List HEAD and its ancestors, as far as the snapshot contains them
    #[arg(long, group = "view")]
    pub(super) log: bool,
    /// List every file of HEAD's tree, and every difference and conversion in the work tree
    #[arg(long, group = "view")]
    pub(super) tree: bool,
    /// Print a file of HEAD's tree unchanged
    #[arg(long, value_name = "PATH", group = "view")]
    pub(super) file: Option<String>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(super) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// A trusted key: a PEM file, or sha256:HEX to pin a key file next to the bundle; may be repeated
    #[arg(long = "key", value_name = "FILE|sha256:HEX", value_parser = named_key)]
    pub(super) keys: Vec<NamedKey>,
}

#[derive(Debug, Args)]
pub(super) struct OutputArguments {
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: OutputFormat,
    /// Audit as of this time instead of now (a date means 00:00 UTC); the same time gives the same report
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(super) now: Option<Timestamp>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(super) limits: Vec<(String, u64)>,
}

/// How the text format is printed. These flags do not affect other formats.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ShowArguments {
    /// In text: print every check and every fact
    #[arg(long, conflicts_with = "quiet")]
    pub(super) details: bool,
    /// In text: print only the last line, which is the verdict
    #[arg(long)]
    pub(super) quiet: bool,
    /// In text: colour the verdicts; auto means on a terminal without NO_COLOR
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(super) color: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Text
    Text,
    /// JSON (docs/report.schema.json)
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// A table
    Text,
    /// Markdown, as in docs/generated/checks.md
    Markdown,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Print a starter policy
    #[command(after_help = "Examples:\n  hpsb-audit policy init > policy.toml")]
    Init,
    /// Read a policy and show how it is interpreted
    #[command(after_help = "Examples:\n  hpsb-audit policy check policy.toml")]
    Check {
        /// The policy
        file: PathBuf,
    },
}

fn named_key(text: &str) -> Result<NamedKey, String> {
    NamedKey::parse(text)
}

pub(super) fn source(text: &str) -> Result<Source, String> {
    Source::parse(text)
}

fn require_help() -> String {
    format!(
        "Groups that must have an answer, in addition to those that the policy requires: {}",
        Group::ALL.map(Group::word).join(", ")
    )
}

fn report_help() -> String {
    let formats = any_of(&Format::ALL.map(Format::word));
    format!("Write a report to a file, completely or not at all: {formats} (docs/reports.md); may be repeated")
}

pub(super) fn group(word: &str) -> Result<Group, String> {
    let words = Group::ALL.map(Group::word);
    Group::from_word(word).ok_or_else(|| format!("expected one of {}{}", words.join(", "), did_you_mean(word, words)))
}

pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_date_or_rfc3339(text)
        .ok_or_else(|| "expected RFC 3339, for example 2026-11-23T08:00:00Z, or a date, which means 00:00 UTC".into())
}

pub(super) fn report(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((format, file)) if !format.is_empty() && !file.is_empty() => Ok((format.into(), file.into())),
        _ => Err("expected FORMAT=FILE, for example json=report.json".into()),
    }
}

/// `NAME=NUMBER`, the number with an optional K, M or G (powers of 1024).
pub(super) fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=NUMBER")?;
    let (digits, factor) = match value.as_bytes().last() {
        Some(b'K') => (value.strip_suffix('K').unwrap_or(value), 1 << 10),
        Some(b'M') => (value.strip_suffix('M').unwrap_or(value), 1 << 20),
        Some(b'G') => (value.strip_suffix('G').unwrap_or(value), 1 << 30),
        _ => (value, 1),
    };
    let number: u64 = digits.parse().map_err(|_| "expected a number, optionally followed by K, M or G".to_owned())?;
    let number = number.checked_mul(factor).ok_or("the number is too large")?;
    Limits::default().set(name, number).ok_or_else(|| {
        let near = did_you_mean(name, Limits::default().entries().into_iter().map(|(known, ..)| known));
        format!("unknown limit {name:?}{near}; `hpsb-audit explain limits` lists all limits")
    })?;
    Ok((name.into(), number))
}
