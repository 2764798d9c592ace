//! Lines that builders print while they build. The forms of these lines depend on the builder. Output of a program in a RUN step counts as a
//! builder's line only if it matches one of these forms exactly: for example, `Step 1/5: compile` does not match any of them.
//!
//! | builder | prints | source |
//! | --- | --- | --- |
//! | docker's classic builder | `Step 1/5 : FROM x`, ` ---> 0123456789ab`, `Successfully built 0123456789ab` | moby, builder/dockerfile (`stepFormat`) |
//! | BuildKit, plain progress | `#5 [build 1/4] FROM x`, `#5 DONE 0.1s`, `#9 writing image sha256:…`, `#9 pushing manifest for x:1@sha256:… 0.4s done`; program output is prefixed with `#5 0.351 ` | buildkit@73ed6825, util/progress/progressui, util/push; buildx, build (`pushWithMoby`) |
//! | podman, buildah | `STEP 1/5: FROM x`, `[1/2] STEP 1/3: FROM x` in multi-stage builds, `STEP 1: FROM x` before buildah 1.22; `COMMIT x`, `--> 0123456789ab` | buildah, imagebuildah |
//!
//! docker's classic builder and podman print program output unchanged, so a program can imitate any line. Two facts limit the effect of such
//! imitations. First, imitated lines appear in addition to the builder's own lines and never replace them. Second, a log that mixes lines of two
//! builders reveals an imitation: see [`super::BuildLog::builder`].

use std::fmt;

use super::event::LogEvent;
use crate::base::digest::Sha256;
use crate::manifest::dockerfile::is_instruction;

/// A builder, identified by the form of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// docker's classic builder.
    Classic,
    /// BuildKit with plain progress output.
    BuildKit,
    /// podman or buildah.
    Podman,
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "docker's classic builder",
            Self::BuildKit => "BuildKit",
            Self::Podman => "podman",
        })
    }
}

/// The log mixes lines that are specific to two different builders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log has lines in the formats of {0} and {1}: a program in the build may have printed one of them; the log does not show which"
)]
pub struct TwoBuilders(pub Builder, pub Builder);

/// The event that a builder's line describes.
pub(super) fn of(line: &str) -> Option<LogEvent> {
    if line.strip_prefix("# Executing ").is_some_and(|rest| rest.contains(" build trigger")) {
        return Some(LogEvent::BuildTriggers);
    }
    if let Some(rest) = line.strip_prefix('#') {
        return build_kit(rest);
    }
    if let Some(rest) = line.strip_prefix("Step ") {
        return step(Builder::Classic, rest.split_once(" : ")?);
    }
    if let Some(rest) = line.strip_prefix("STEP ") {
        return podman_step(rest.split_once(": ")?);
    }
    if let Some(id) = line.strip_prefix("Successfully built ") {
        // pip prints `Successfully built NAME`.
        return is_id(id, 12).then(|| LogEvent::BuiltImage { builder: Builder::Classic, id: id.to_owned() });
    }
    if let Some(name) = line.strip_prefix("Successfully tagged ") {
        return Some(LogEvent::Tagged(name.trim().to_owned()));
    }
    if let Some((stage, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] STEP ")) {
        let (numbers, instruction) = rest.split_once(": ")?;
        let (stage, step, instruction) = (counter(stage)?, counter(numbers)?, instruction.trim());
        let event = || LogEvent::StageStep { stage, step, instruction: instruction.to_owned() };
        return is_instruction(instruction).then(event);
    }
    let others = [" ---> ", "---> ", "--> ", "COMMIT ", "Removing intermediate container "];
    others.iter().any(|other| line.starts_with(other)).then_some(LogEvent::BuilderOutput(None))
}

fn step(builder: Builder, (numbers, instruction): (&str, &str)) -> Option<LogEvent> {
    let (number, total) = counter(numbers)?;
    let instruction = instruction.trim();
    is_instruction(instruction).then(|| LogEvent::Step { builder, number, total, instruction: instruction.to_owned() })
}

/// `3/9: FROM x`. Old versions print no total: `3: FROM x`, and `4: COMMIT x` at the end of a stage.
fn podman_step(parts: (&str, &str)) -> Option<LogEvent> {
    let instruction = parts.1.trim();
    let is_one = || is_instruction(instruction) || instruction == "COMMIT" || instruction.starts_with("COMMIT ");
    let plain = |number| LogEvent::PlainStep { number, instruction: instruction.to_owned() };
    step(Builder::Podman, parts).or_else(|| decimal(parts.0).filter(|_| is_one()).map(plain))
}

/// The text after `#`: `5 [1/7] FROM name@sha256:…`, `12 writing image sha256:… done`, `12 naming to name done`, `5 DONE 0.1s`
fn build_kit(rest: &str) -> Option<LogEvent> {
    let (number, text) = rest.split_once(' ')?;
    let step = decimal(number)?;
    let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    if let Some(id) = text.strip_prefix("writing image sha256:").map(first) {
        return is_id(&id, 64).then_some(LogEvent::BuiltImage { builder: Builder::BuildKit, id });
    }
    if let Some(name) = text.strip_prefix("naming to ") {
        return Some(LogEvent::Tagged(first(name)));
    }
    if let Some((stage, text)) = text.strip_prefix('[').and_then(|text| text.split_once("] ")) {
        return vertex(stage, text);
    }
    if text.starts_with("FROM ") {
        // Files are copied from this image.
        return instruction("", text);
    }
    if let Some(text) = text.strip_prefix("pushing ") {
        return push(step, text);
    }
    if text == "CANCELED" || text.starts_with("ERROR: ") {
        return Some(LogEvent::Failed(step));
    }
    let others = ["DONE", "CACHED", "ERROR", "CANCELED", "exporting"];
    let word = text.split([' ', ':']).next().unwrap_or_default();
    others.contains(&word).then_some(LogEvent::BuilderOutput(None))
}

/// The text after `pushing `: `manifest for NAME@sha256:… 0.4s done`, `layers 2.1s done`, `layer 0123456789ab 3MB / 3MB 1.0s done`,
/// `NAME with docker`. In the other forms, a line without `done` reports a start or progress. BuildKit prints `done` even if the step failed: see
/// [`LogEvent::Failed`].
fn push(step: u32, text: &str) -> Option<LogEvent> {
    let own = Some(LogEvent::BuilderOutput(Some(Builder::BuildKit)));
    if let Some(text) = text.strip_prefix("manifest for ") {
        let mut words = text.split(' ');
        let whole = words.next().filter(|name| !name.is_empty())?;
        return match (words.next(), words.next(), words.next()) {
            (Some("done"), None, _) => Some(pushed(step, whole)),
            (Some(time), Some("done"), None) if is_seconds(time) => Some(pushed(step, whole)),
            (None, ..) => own,
            (Some(time), None, _) if is_seconds(time) => own,
            _ => None,
        };
    }
    if let Some(name) = text.strip_suffix(" with docker").filter(|name| !name.contains(' ')) {
        return Some(pushed(step, name));
    }
    let parts = ["layers", "any remaining layers", "layer"];
    let follows = |rest: &str| rest.is_empty() || rest.starts_with(' ');
    parts.iter().any(|part| text.strip_prefix(part).is_some_and(follows)).then_some(own).flatten()
}

/// `NAME:TAG@sha256:…`. Text after `@` that is not a digest stays in the name, which is then malformed.
fn pushed(step: u32, whole: &str) -> LogEvent {
    let parts = whole.split_once('@').and_then(|(name, digest)| Some((name, Sha256::from_prefixed(digest)?)));
    let (name, digest) = parts.map_or((whole, None), |(name, digest)| (name, Some(digest)));
    LogEvent::PushedManifest { step, name: name.to_owned(), digest }
}

/// `0.4s`
fn is_seconds(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_suffix('s').and_then(|number| number.split_once('.'));
    parts.is_some_and(|(whole, fraction)| digits(whole) && digits(fraction))
}

/// Interprets `build 1/4` and `FROM x`, or `internal` and the name of one of BuildKit's internal steps.
fn vertex(stage: &str, text: &str) -> Option<LogEvent> {
    if stage == "internal" {
        return Some(LogEvent::BuilderOutput(Some(Builder::BuildKit)));
    }
    let mut words = stage.rsplit(' ');
    counter(words.next()?)?;
    // A platform may precede the name: `linux/s390x build 1/4`.
    let stage = words.next().filter(|word| !word.contains('/')).unwrap_or_default();
    match text.strip_prefix("FROM ") {
        Some(base) => {
            let name = base.split(' ').next().unwrap_or_default().to_owned();
            Some(LogEvent::ResolvedBase { stage: stage.to_owned(), name })
        }
        None => instruction(stage, text),
    }
}

fn instruction(stage: &str, text: &str) -> Option<LogEvent> {
    let text = text.trim();
    is_instruction(text).then(|| LogEvent::Instruction { stage: stage.to_owned(), instruction: text.to_owned() })
}

/// `3/9`
fn counter(text: &str) -> Option<(u32, u32)> {
    let (number, total) = text.split_once('/')?;
    Some((decimal(number)?, decimal(total)?))
}

/// A number without a sign or leading zeros.
fn decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

fn is_id(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
