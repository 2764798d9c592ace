//! Reasons why no verdict could be reached. A finding (a bad signature, a mismatched name) is not an error.

use std::io;

use crate::base::digest::Sha256;
use crate::base::system::reason;

/// No verdict could be reached. Each kind of error has a fixed exit code: see [`Error::exit_code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line is invalid.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The policy cannot be read or contains something that is not allowed.
    #[error("policy {path}: {message}")]
    Policy {
        /// The policy, as specified on the command line.
        path: String,
        /// What is wrong, with the line number if it is known.
        message: String,
    },
    /// The settings of the build server's client cannot be used.
    #[error("settings {path}: {message}")]
    Settings {
        /// The file, as specified on the command line.
        path: String,
        /// What is wrong, without any value, because a value may be a secret.
        message: String,
    },
    /// A specified key is not a usable public key.
    #[error("key {name}: {message}")]
    Key {
        /// The key, as specified on the command line.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A specified private key cannot be used for signing.
    #[error("signing key {name}: {message}")]
    SigningKey {
        /// The file, as specified on the command line.
        name: String,
        /// What is wrong, without any part of the key.
        message: String,
    },
    /// No key was specified, so nothing can be trusted.
    #[error("no verification key was specified, so nothing was checked")]
    NoKey {
        /// The file name and fingerprint of each key next to the bundle. These keys are reported but never used.
        beside: Vec<(String, Sha256)>,
    },
    /// The command or format exists but is not included in this build.
    #[error("{what} is not built into this program")]
    NotBuiltIn {
        /// What was requested.
        what: String,
        /// The cargo feature that adds the command or format.
        feature: &'static str,
    },
    /// The operating system could not read the input.
    #[error("cannot read {what}: {message}")]
    Unreadable {
        /// The file, or the part of the input.
        what: String,
        /// The reason, in words that, except for rare errors, are the same on every system.
        message: String,
    },
    /// The input ends too early.
    #[error("{what} is truncated")]
    Truncated {
        /// The part that is incomplete.
        what: String,
    },
    /// The input is larger than allowed.
    #[error("{what} is over the limit {limit}={allowed}")]
    OverLimit {
        /// The part that is too large.
        what: String,
        /// Name of the bound in [`crate::Limits`], or `memory` for `--memory`.
        limit: &'static str,
        /// The bound's value, in the unit that its name states; in megabytes for `memory`.
        allowed: u64,
    },
    /// The input is not well-formed, or two parsers could read it differently.
    #[error("{what} is malformed: {message}")]
    Malformed {
        /// The part that is malformed.
        what: String,
        /// What is wrong, in some messages with the expected and actual values.
        message: String,
    },
    /// A file written by the user is malformed or has an unsupported format. The user may change such a file, unlike evidence.
    #[error("{what} is malformed: {message}")]
    OwnFile {
        /// The file.
        what: String,
        /// What is wrong, and what to do if the remedy depends on the fault.
        message: String,
        /// What is accepted.
        hint: &'static str,
    },
    /// There is no bundle at the specified paths.
    #[error("nothing to verify: no bundle (*.sig.tbz) in {paths}")]
    NothingToVerify {
        /// The paths, as specified on the command line.
        paths: String,
    },
    /// No workload refers to an image.
    #[error("nothing is deployed: no image in {paths}")]
    NothingToAdmit {
        /// The workloads, as specified on the command line.
        paths: String,
        /// What to specify instead.
        forms: String,
    },
    /// A server did not provide what was requested.
    #[error("{from}: {message}")]
    Network {
        /// The requested address, without user, password and query.
        from: String,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A report or an output folder could not be written.
    #[error("cannot write {path}: {message}")]
    Unwritable {
        /// The path, as specified on the command line.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// An error read from a saved report.
    #[error("{message}")]
    Saved {
        /// The error's code.
        code: &'static str,
        /// Its message.
        message: String,
        /// Its hint.
        hint: String,
    },
}

/// Every [`Error::code`] with its exit code. 2: the command, or a policy, key or settings file for it, cannot be used. 3: input cannot be obtained or
/// read, or output cannot be written. 4: there was nothing to verify.
pub(crate) const CODES: [(&str, u8); 15] = [
    ("usage", 2),
    ("policy", 2),
    ("settings", 2),
    ("key", 2),
    ("signing-key", 2),
    ("no-key", 2),
    ("not-built-in", 2),
    ("unreadable", 3),
    ("truncated", 3),
    ("over-limit", 3),
    ("malformed", 3),
    ("network", 3),
    ("unwritable", 3),
    ("nothing-to-verify", 4),
    ("nothing-to-admit", 4),
];

impl Error {
    /// An error that states why `path` cannot be written.
    pub(crate) fn unwritable(path: impl Into<String>, error: &io::Error) -> Self {
        Self::Unwritable { path: path.into(), message: reason(error) }
    }

    /// An error that states why `what` cannot be read.
    pub(crate) fn unreadable(what: impl Into<String>, error: &io::Error) -> Self {
        Self::Unreadable { what: what.into(), message: reason(error) }
    }

    /// A stable code for programs, for example `over-limit`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Policy { .. } => "policy",
            Self::Settings { .. } => "settings",
            Self::Key { .. } => "key",
            Self::SigningKey { .. } => "signing-key",
            Self::NoKey { .. } => "no-key",
            Self::NotBuiltIn { .. } => "not-built-in",
            Self::Unreadable { .. } => "unreadable",
            Self::Truncated { .. } => "truncated",
            Self::OverLimit { .. } => "over-limit",
            Self::Malformed { .. } | Self::OwnFile { .. } => "malformed",
            Self::NothingToVerify { .. } => "nothing-to-verify",
            Self::NothingToAdmit { .. } => "nothing-to-admit",
            Self::Network { .. } => "network",
            Self::Unwritable { .. } => "unwritable",
            Self::Saved { code, .. } => code,
        }
    }

    /// The exit code: 2, 3 or 4.
    pub fn exit_code(&self) -> u8 {
        CODES.iter().find(|(code, _)| *code == self.code()).map_or(3, |(_, exit)| *exit)
    }

    /// What the user can do about the error.
    pub fn hint(&self) -> String {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::Policy { .. } => "`hpsb-audit policy check FILE` shows how this program interprets a policy; `policy init` prints a starter policy".into(),
            Self::Settings { .. } => {
                "specify the sbs-config.json that build.py uses, or the on-premises YAML; --ca, --cert and --key-file supply files missing from it".into()
            }
            Self::Key { message, .. } if message.contains("OpenPGP") => {
                "supply one person's OpenPGP key, armoured or binary, with its revocations: gpg --armor --export FINGERPRINT".into()
            }
            Self::Key { .. } => {
                "supply a PEM file with one public key (BEGIN PUBLIC KEY or BEGIN RSA PUBLIC KEY), or sha256:HEX as `hpsb-audit key show FILE` prints it".into()
            }
            Self::SigningKey { .. } => {
                "supply your own private key, P-256 or Ed25519, in PKCS#8 PEM: openssl genpkey -algorithm ed25519 -out FILE".into()
            }
            Self::NoKey { beside } if beside.is_empty() => {
                "specify the key with --key FILE, --key sha256:HEX or a policy; there is no key next to the bundle".into()
            }
            Self::NoKey { beside } => {
                let keys: Vec<String> = beside.iter().map(|(name, digest)| format!("{name} is {digest}")).collect();
                format!(
                    "keys next to the bundle are not trusted and were not used: {}. Ask the build server's operator for the SHA-256 of its public key (DER), over a channel \
                     other than the bundle's. If it equals {}, run again with this fingerprint as --key sha256:HEX. If not, get the key from the operator.",
                    keys.join("; "),
                    if keys.len() == 1 { "this fingerprint" } else { "one of these" }
                )
            }
            Self::NotBuiltIn { feature, .. } => format!("use a build with the feature `{feature}`; `hpsb-audit --version` lists the features"),
            Self::Unreadable { .. } => "check that the file exists and can be read".into(),
            Self::Truncated { .. } => "fetch it again and compare its size with that of the original".into(),
            Self::OverLimit { limit: "memory", .. } => "raise --memory, or audit this bundle alone without --memory".into(),
            Self::OverLimit { limit, .. } => format!("if this size is expected, raise the limit: --limit {limit}=NUMBER"),
            Self::Malformed { .. } => "nothing in it was trusted; fetch it again, and if it is still malformed, keep it as evidence".into(),
            Self::OwnFile { hint, .. } => (*hint).into(),
            Self::NothingToVerify { .. } => "specify a bundle (manifest.<build_name>.sig.tbz) or a folder that contains one".into(),
            Self::NothingToAdmit { forms, .. } => {
                format!("specify {forms} that run containers; ConfigMaps and Services run none")
            }
            Self::Network { hint, .. } => hint.clone(),
            Self::Unwritable { .. } => "specify an unused path in an existing, writable folder".into(),
            Self::Saved { hint, .. } => hint.clone(),
        }
    }

    /// Converts an error from reading `what`: an [`Error`] inside an [`io::Error`], an unexpected end, data that a decoder refused, or a system
    /// error.
    pub(crate) fn from_read(what: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated { what: what.into() },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Self::malformed(what, reason(&error)),
            _ => match error.downcast::<Self>() {
                Ok(ours) => ours,
                Err(error) => Self::unreadable(what, &error),
            },
        }
    }

    pub(crate) fn malformed(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), message: message.into() }
    }
}

impl From<Error> for io::Error {
    /// Carries an [`Error`] through a reader; `Error::from_read` extracts it again.
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}
