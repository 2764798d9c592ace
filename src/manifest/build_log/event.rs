//! What a line of the log says. To read another line: one variant and one arm.
//!
//! From the push on, the lines were seen in public logs of real servers. Before that nothing is public: what builders print
//! is in [`super::builder`], with or without `run: ` before it.

use super::builder::{self, Builder};
use super::line::LogEntry;
use crate::base::digest::Sha256;

/// One thing that the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent {
    /// `starting a build`
    Started,
    /// `github_dir=NAME`: the folder of the clone.
    Directory(String),
    /// `github_host=NAME`
    Host(String),
    /// `cmd=…`: a command of the server's.
    Command(String),
    /// `Step 3/9 : INSTRUCTION` (classic) or `STEP 3/9: INSTRUCTION` (podman).
    Step {
        /// Whose form it has.
        builder: Builder,
        /// From 1.
        number: u32,
        /// How many there are.
        total: u32,
        /// The instruction as printed.
        instruction: String,
    },
    /// `[1/2] STEP 3/4: INSTRUCTION`: podman's steps of a build in several stages.
    StageStep {
        /// Number of the stage, from 1, and of all stages.
        stage: (u32, u32),
        /// Number of the step in its stage, from 1, and of all its steps.
        step: (u32, u32),
        /// The instruction as printed.
        instruction: String,
    },
    /// `STEP 3: INSTRUCTION`: steps of podman and buildah before they printed how many there are. They are numbered through all stages, and
    /// `STEP 4: COMMIT NAME` at a stage's end is one of them.
    PlainStep {
        /// From 1.
        number: u32,
        /// The instruction as printed.
        instruction: String,
    },
    /// `#9 [build 4/4] RUN make` and `#7 FROM NAME@sha256:…` (BuildKit): an instruction without a number that could be compared. It may be
    /// shortened.
    Instruction {
        /// The stage's name, where one is printed.
        stage: String,
        /// The instruction as printed.
        instruction: String,
    },
    /// `# Executing 1 build trigger` (classic): instructions of a base image ran.
    BuildTriggers,
    /// `#5 [build 1/7] FROM NAME@sha256:…` (BuildKit): the base as it was resolved.
    ResolvedBase {
        /// The stage's name, where one is printed.
        stage: String,
        /// The image.
        name: String,
    },
    /// `Digest: sha256:…` after a pull: for a multi-platform image the index's digest.
    PulledDigest(Sha256),
    /// `Status: Downloaded newer image for NAME` or `Status: Image is up to date for NAME`.
    PulledImage(String),
    /// Another line that a builder prints; whose it is, where only one prints it.
    BuilderOutput(Option<Builder>),
    /// `Successfully built HEX` (classic, 12 digits) or `writing image sha256:HEX` (BuildKit, 64 digits).
    BuiltImage {
        /// Whose form it has.
        builder: Builder,
        /// The image id as far as it was printed, without a prefix.
        id: String,
    },
    /// `Successfully tagged NAME:TAG` or `naming to NAME:TAG`.
    Tagged(String),
    /// `The push refers to repository [NAME]`
    PushTo(String),
    /// `#9 pushing manifest for NAME:TAG@sha256:… 0.4s done` (BuildKit, which pushes as a step of the build) and `#9 pushing NAME:TAG with
    /// docker`. Old versions print no digest, and the latter never does.
    PushedManifest {
        /// Number of BuildKit's step that pushes.
        step: u32,
        /// Repository and tag, without the digest.
        name: String,
        /// The manifest's digest, or the index's.
        digest: Option<Sha256>,
    },
    /// `#9 ERROR: …` or `#9 CANCELED` (BuildKit): the step of this number did not end well.
    Failed(u32),
    /// `TAG: digest: sha256:… size: N`: the pushed manifest.
    Pushed {
        /// The tag.
        tag: String,
        /// The manifest's digest.
        digest: Sha256,
        /// The manifest's bytes.
        size: u64,
    },
    /// `Successfully signed NAME:TAG`: content trust.
    Signed(String),
    /// `keyid=HEX`: the id of the repository's content-trust root key.
    KeyId(String),
    /// `publickey=BASE64`: that key's certificate, as it stands in the root metadata.
    PublicKey(String),
}

impl LogEvent {
    /// Is this a line that only a build prints? Behind the last of them comes the push.
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

    /// The one builder that prints a line of this form.
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

    /// The image's name, with its tag or without, where this line is of a push.
    pub(crate) fn pushed_name(&self) -> Option<&str> {
        match self {
            Self::PushTo(name) | Self::PushedManifest { name, .. } => Some(name),
            _ => None,
        }
    }

    /// As [`Self::pushed_name`], or of content trust's signing.
    pub(crate) fn image_name(&self) -> Option<&str> {
        match self {
            Self::Signed(name) => Some(name),
            _ => self.pushed_name(),
        }
    }
}

/// The events of one entry. Its first line may be the server's own; continuation lines are output of a command.
pub(super) fn of(entry: &LogEntry) -> impl Iterator<Item = LogEvent> + '_ {
    entry.message.split('\n').enumerate().filter_map(|(at, line)| {
        let own = if at == 0 && entry.time.is_some() { of_server(line) } else { None };
        // A builder's own lines begin at the line's beginning: what a program indents is not one.
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
    Some(LogEvent::Pushed { tag: tag.to_owned(), digest, size: size.parse().ok()? })
}
