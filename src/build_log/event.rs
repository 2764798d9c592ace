//! What a line of the log says. To read another line: one variant and one arm.
//!
//! From the push on, the lines were seen in public logs of real servers. Before that nothing is public: the lines of
//! docker's classic builder, of BuildKit's plain progress and of podman are read, with or without `run: ` before them.

use super::line::LogEntry;
use crate::digest::Sha256;

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
        /// From 1.
        number: u32,
        /// How many there are.
        total: u32,
        /// The instruction as printed.
        instruction: String,
    },
    /// `#5 [1/7] FROM NAME@sha256:…` (BuildKit): the base as it was resolved.
    ResolvedBase(String),
    /// `Digest: sha256:…` after a pull: for a multi-platform image the index's digest.
    PulledDigest(Sha256),
    /// `Status: Downloaded newer image for NAME` or `Status: Image is up to date for NAME`.
    PulledImage(String),
    /// Another line that a builder prints.
    BuilderOutput,
    /// `Successfully built HEX` (classic, 12 digits), `writing image sha256:…` (BuildKit), `COMMIT` with 64 digits (podman): the
    /// image id as far as it was printed, without a prefix.
    BuiltImage(String),
    /// `Successfully tagged NAME:TAG` or `naming to NAME:TAG`.
    Tagged(String),
    /// `The push refers to repository [NAME]`
    PushTo(String),
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
            Self::Step { .. } | Self::ResolvedBase(_) | Self::BuilderOutput | Self::BuiltImage(_) | Self::Tagged(_)
        )
    }
}

/// The events of one entry. Its first line may be the server's own; continuation lines are output of a command.
pub(super) fn of(entry: &LogEntry) -> impl Iterator<Item = LogEvent> + '_ {
    entry.message.split('\n').enumerate().filter_map(|(at, line)| {
        let own = if at == 0 && entry.time.is_some() { of_server(line) } else { None };
        own.or_else(|| of_command(line.strip_prefix("run: ").unwrap_or(line).trim()))
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
    if let Some(rest) = line.strip_prefix("Step ").or_else(|| line.strip_prefix("STEP ")) {
        return step(rest);
    }
    if let Some(rest) = line.strip_prefix('#') {
        return build_kit(rest);
    }
    for (prefix, make) in PREFIXES {
        if let Some(rest) = line.strip_prefix(prefix) {
            return Some(make(rest.trim()));
        }
    }
    if let Some(digest) = line.strip_prefix("Digest: ").and_then(Sha256::from_prefixed) {
        return Some(LogEvent::PulledDigest(digest));
    }
    if let Some(name) = line.strip_prefix("The push refers to repository [") {
        return Some(LogEvent::PushTo(name.strip_suffix(']')?.to_owned()));
    }
    if line.starts_with("---> ") || line.starts_with("COMMIT ") || line.starts_with("Removing intermediate container ")
    {
        return Some(LogEvent::BuilderOutput);
    }
    pushed(line)
}

type Maker = fn(&str) -> LogEvent;

const PREFIXES: [(&str, Maker); 5] = [
    ("Status: Downloaded newer image for ", |name| LogEvent::PulledImage(name.to_owned())),
    ("Status: Image is up to date for ", |name| LogEvent::PulledImage(name.to_owned())),
    ("Successfully built ", |id| LogEvent::BuiltImage(id.to_owned())),
    ("Successfully tagged ", |name| LogEvent::Tagged(name.to_owned())),
    ("Successfully signed ", |name| LogEvent::Signed(name.to_owned())),
];

/// `3/9 : FROM x` or `3/9: FROM x`
fn step(rest: &str) -> Option<LogEvent> {
    let (numbers, instruction) = rest.split_once(':')?;
    let (number, total) = numbers.trim_end().split_once('/')?;
    Some(LogEvent::Step {
        number: number.parse().ok()?,
        total: total.parse().ok()?,
        instruction: instruction.trim().to_owned(),
    })
}

/// `5 [1/7] FROM name@sha256:…`, `12 writing image sha256:… done`, `12 naming to name done`, any other `N …`
fn build_kit(rest: &str) -> Option<LogEvent> {
    let (number, text) = rest.split_once(' ')?;
    number.parse::<u32>().ok()?;
    if let Some(id) = text.strip_prefix("writing image sha256:") {
        return Some(LogEvent::BuiltImage(id.split(' ').next().unwrap_or_default().to_owned()));
    }
    if let Some(name) = text.strip_prefix("naming to ") {
        return Some(LogEvent::Tagged(name.split(' ').next().unwrap_or_default().to_owned()));
    }
    match text.split_once("] FROM ") {
        Some((stage, base)) if stage.starts_with('[') => {
            Some(LogEvent::ResolvedBase(base.split(' ').next().unwrap_or_default().to_owned()))
        }
        _ => Some(LogEvent::BuilderOutput),
    }
}

/// `latest: digest: sha256:… size: 5133`
fn pushed(line: &str) -> Option<LogEvent> {
    let (tag, rest) = line.split_once(": digest: ")?;
    let (digest, size) = rest.split_once(" size: ")?;
    let digest = Sha256::from_prefixed(digest)?;
    Some(LogEvent::Pushed { tag: tag.to_owned(), digest, size: size.parse().ok()? })
}
