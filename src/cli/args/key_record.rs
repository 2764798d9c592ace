//! Arguments of `key`. No I/O here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::base::time::Timestamp;
use crate::cli::args::{limit, moment};
use crate::given::key_record::Channel;

pub(crate) const ENROLL_EXAMPLES: &str = "\
Examples:
  hpsb-audit key enroll KEY.pem --bundle manifest.NAME.sig.tbz --sign-key ada.key \\
      --obtained-by Ada --obtained-at 2026-11-23T08:00:00Z --channel server-api
  hpsb-audit key enroll KEY.pem --bundle manifest.NAME.sig.tbz --sign-key ada.key \\
      --obtained-by Ada --obtained-at 2026-11-23T08:00:00Z --channel server-api \\
      --second-copy COPY.pem --second-by Bob --second-at 2026-11-24T08:00:00Z \\
      --second-channel courier
  hpsb-audit key countersign KEY.record.json --sign-key bob.key

To make a signing key and its public key:
  openssl genpkey -algorithm ed25519 -out ada.key
  openssl pkey -in ada.key -pubout -out ada.pem

A record contains its signers' claims. It counts only under policies that list the signers in
[[signers]] (docs/keys.md).";

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Show the fingerprint, kind and size of public keys
    #[command(
        after_help = "Examples:\n  hpsb-audit key show KEY.pem\n\nThe fingerprint is the SHA-256 of the SubjectPublicKeyInfo in DER. The same digits come from:\n  openssl pkey -pubin -in KEY.pem -outform DER | sha256sum"
    )]
    Show {
        /// PEM files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Write a signed record of how a manifest key was obtained, and which bundles it verifies
    #[command(after_help = ENROLL_EXAMPLES)]
    Enroll(Box<EnrollArguments>),
    /// Add your signature to a key record
    #[command(after_help = ENROLL_EXAMPLES)]
    Countersign(CountersignArguments),
}

#[derive(Debug, Args)]
pub(crate) struct EnrollArguments {
    /// The manifest key, in PEM, as obtained
    #[arg(value_name = "KEY.pem")]
    pub(crate) key: PathBuf,
    /// Bundles that the key must verify; may be repeated
    #[arg(long = "bundle", value_name = "BUNDLE", required = true, num_args = 1..)]
    pub(crate) bundles: Vec<PathBuf>,
    /// Who obtained the key
    #[arg(long, value_name = "NAME")]
    pub(crate) obtained_by: String,
    /// When it was obtained (a date means 00:00 UTC)
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) obtained_at: Timestamp,
    /// How it was obtained: server-api, object-store, courier or other
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    pub(crate) channel: Channel,
    /// A second copy of the key, obtained separately; it must be the same key
    #[arg(long, value_name = "KEY2.pem")]
    pub(crate) second_copy: Option<PathBuf>,
    /// Who obtained the second copy. Default: the same person
    #[arg(long, value_name = "NAME", requires = "second_copy")]
    pub(crate) second_by: Option<String>,
    /// When the second copy was obtained. Default: the same time
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment, requires = "second_copy")]
    pub(crate) second_at: Option<Timestamp>,
    /// How the second copy was obtained. Default: the same channel
    #[arg(long, value_name = "CHANNEL", value_parser = channel, requires = "second_copy")]
    pub(crate) second_channel: Option<Channel>,
    /// The bundle of a challenge: a build that you requested, of a random commit made for this purpose
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) challenge_bundle: Option<PathBuf>,
    /// Your private key: P-256 or Ed25519, PKCS#8 PEM. Its passphrase, if any, is requested on the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: PathBuf,
    /// The record to write; the file must not exist yet. Default: KEY.record.json next to KEY.pem
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Args)]
pub(crate) struct CountersignArguments {
    /// The key record; your signature is added to it
    #[arg(value_name = "RECORD")]
    pub(crate) record: PathBuf,
    /// Your private key: P-256 or Ed25519, PKCS#8 PEM. Its passphrase, if any, is requested on the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: PathBuf,
}

fn channel(text: &str) -> Result<Channel, String> {
    let known = Channel::ALL.into_iter().find(|channel| channel.word() == text);
    known.ok_or_else(|| format!("expected one of {}", Channel::ALL.map(Channel::word).join(", ")))
}
