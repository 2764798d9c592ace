//! Events that log lines describe. To support a new kind of line, add a variant to [`LogEvent`] and a case to the parser.
//!
//! The forms of the lines from the push onward were taken from public logs of real servers. No known public log shows the earlier lines. The forms
//! of builder output are in [`super::builder`], with or without the prefix `run: `.

use super::builder::{self, Builder};
use super::line::LogEntry;
use crate::base::digest::Sha256;

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent {
    /// `starting a build`
    Started,
    /// `github_dir=NAME`: the folder of the clone.
    Directory(String),
    /// `github_host=NAME`
    Host(String),
    /// `cmd=…`: a command that the server runs.
    Command(String),
    /// `Step 3/9 : INSTRUCTION` (classic) or `STEP 3/9: INSTRUCTION` (podman).
    Step {
        /// The builder that prints this form.
        builder: Builder,
        /// Step number, counted from 1.
        number: u32,
        /// Number of steps.
        total: u32,
        /// The instruction as printed.
        instruction: String,
    },
    /// `[1/2] STEP 3/4: INSTRUCTION`: a podman step in a multi-stage build.
    StageStep {
        /// Stage number, counted from 1, and number of stages.
        stage: (u32, u32),
        /// Step number in the stage, counted from 1, and number of steps in the stage.
        step: (u32, u32),
        /// The instruction as printed.
        instruction: String,
    },
    /// `STEP 3: INSTRUCTION`: a step of an old version of podman or buildah, which prints no total. Numbers continue across stages and include
    /// `STEP 4: COMMIT NAME` at the end of a stage.
    PlainStep {
        /// Step number, counted from 1.
        number: u32,
        /// The instruction as printed.
        instruction: String,
    },
    /// `#9 [build 4/4] RUN make` and `#7 FROM NAME@sha256:…` (BuildKit): an instruction whose number cannot be compared with the Dockerfile. The
    /// text may be shortened.
    Instruction {
        /// The stage's name, if printed.
        stage: String,
        /// The instruction as printed.
        instruction: String,
    },
    /// `# Executing 1 build trigger` (classic): ONBUILD instructions of a base image ran.
    BuildTriggers,
    /// `#5 [build 1/7] FROM NAME@sha256:…` (BuildKit): the resolved base image.
    ResolvedBase {
        /// The stage's name, if printed.
        stage: String,
        /// The image.
        name: String,
    },
    /// `Digest: sha256:…` after a pull. For a multi-platform image, this is the index digest.
    PulledDigest(Sha256),
    /// `Status: Downloaded newer image for NAME` or `Status: Image is up to date for NAME`.
    PulledImage(String),
    /// Any other line from a builder, with the builder if the line identifies it.
    BuilderOutput(Option<Builder>),
    /// `Successfully built HEX` (classic, 12 digits) or `writing image sha256:HEX` (BuildKit, 64 digits).
    BuiltImage {
        /// The builder that prints this form.
        builder: Builder,
        /// The image id as printed (possibly shortened), without a prefix.
        id: String,
    },
    /// `Successfully tagged NAME:TAG` or `naming to NAME:TAG`.
    Tagged(String),
    /// `The push refers to repository [NAME]`
    PushTo(String),
    /// `#9 pushing manifest for NAME:TAG@sha256:… 0.4s done` (BuildKit, which pushes as a step of the build) or `#9 pushing NAME:TAG with
    /// docker`. Old versions print no digest; the second form never has one.
    PushedManifest {
        /// Number of the BuildKit step that pushes.
        step: u32,
        /// Repository and tag, without the digest.
        name: String,
        /// The digest of the manifest or the index.
        digest: Option<Sha256>,
    },
    /// `#9 ERROR: …` or `#9 CANCELED` (BuildKit): the step with this number failed or was cancelled.
    Failed(u32),
    /// `TAG: digest: sha256:… size: N`: the pushed manifest.
    Pushed {
        /// The tag.
        tag: String,
        /// The manifest's digest.
        digest: Sha256,
        /// The manifest's size in bytes.
        size: u64,
    },
    /// `Successfully signed NAME:TAG`: content trust.
    Signed(String),
    /// `keyid=HEX`: the id of the repository's content-trust root key.
    KeyId(String),
    /// `publickey=BASE64`: that key's certificate, as written in the root metadata.
    PublicKey(String),
}

impl LogEvent {
    /// Whether only a build prints this line. A push after the build follows the last such line.
    pub(super) fn is_build_output(&self) -> bool {
        matches!(
            self,
            Self::Step { .. }
                | Self::StageStep { .. }
                | Self::PlainStep { .. }
                | Self::Instruction { .. }
                | Self::PushedManifest { .. }
                | Self::Failed(_)
                | Self::BuildTriggers
                | Self::ResolvedBase { .. }
                | Self::BuilderOutput(_)
                | Self::BuiltImage { .. }
                | Self::Tagged(_)
        )
    }

    /// The builder, if a line of this form identifies it.
    pub(super) fn builder(&self) -> Option<Builder> {
        match self {
            Self::Step { builder, .. } | Self::BuiltImage { builder, .. } => Some(*builder),
            Self::StageStep { .. } | Self::PlainStep { .. } => Some(Builder::Podman),
            Self::BuilderOutput(builder) => *builder,
            Self::ResolvedBase { .. } | Self::Instruction { .. } | Self::PushedManifest { .. } => {
                Some(Builder::BuildKit)
            }
            _ => None,
        }
    }

    /// The image's name, with or without its tag, if this line reports a push.
    pub(crate) fn pushed_name(&self) -> Option<&str> {
        match self {
            Self::PushTo(name) | Self::PushedManifest { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Like [`Self::pushed_name`], but including the name in a content-trust signing line.
    pub(crate) fn image_name(&self) -> Option<&str> {
        match self {
            Self::Signed(name) => Some(name),
            _ => self.pushed_name(),
        }
    }
}

/// The events of one entry. Only the entry's first line can come from the server itself; continuation lines are command output.
pub(super) fn of(entry: &LogEntry) -> impl Iterator<Item = LogEvent> + '_ {
    entry.message.split('\n').enumerate().filter_map(|(at, line)| {
        let own = if at == 0 && entry.time.is_some() { of_server(line) } else { None };
        // The start of the line is not trimmed: apart from lines that begin with ` ---> `, indented lines are program output.
        own.or_else(|| of_command(line.strip_prefix("run: ").unwrap_or(line).trim_end()))
    })
}

/// Lines that the server writes itself.
fn of_server(line: &str) -> Option<LogEvent> {
    if line == "starting a build" {
        return Some(LogEvent::Started);
    }
    let (name, value) = line.split_once('=')?;
    let value = value.trim_end().to_owned();
    Some(match name {
        "github_dir" => LogEvent::Directory(value),
        "github_host" => LogEvent::Host(value),
        "cmd" => LogEvent::Command(value),
        "keyid" => LogEvent::KeyId(value),
        "publickey" => LogEvent::PublicKey(value),
        _ => return None,
    })
}

/// Lines that docker, BuildKit or podman print.
fn of_command(line: &str) -> Option<LogEvent> {
    builder::of(line).or_else(|| of_push(line)).or_else(|| {
        let prefixes = ["Status: Downloaded newer image for ", "Status: Image is up to date for "];
        if let Some(name) = prefixes.iter().find_map(|prefix| line.strip_prefix(prefix)) {
            return Some(LogEvent::PulledImage(name.trim().to_owned()));
        }
        line.strip_prefix("Digest: ").and_then(Sha256::from_prefixed).map(LogEvent::PulledDigest)
    })
}

/// `The push refers to repository [NAME]`, `Successfully signed NAME:TAG`, `latest: digest: sha256:… size: 5133`
fn of_push(line: &str) -> Option<LogEvent> {
    if let Some(name) = line.strip_prefix("The push refers to repository [") {
        return Some(LogEvent::PushTo(name.strip_suffix(']')?.to_owned()));
    }
    if let Some(name) = line.strip_prefix("Successfully signed ") {
        return Some(LogEvent::Signed(name.trim().to_owned()));
    }
    let (tag, rest) = line.split_once(": digest: ")?;
    let (digest, size) = rest.split_once(" size: ")?;
    let digest = Sha256::from_prefixed(digest)?;
    // `parse` would also accept a plus sign.
    let size = size.bytes().all(|byte| byte.is_ascii_digit()).then(|| size.parse().ok()).flatten()?;
    Some(LogEvent::Pushed { tag: tag.to_owned(), digest, size })
}
