//! `data/build.log`: the server's log as typed events.
//!
//! The key holder signed the log, but not every line comes from the server: the log includes the output of the Dockerfile's RUN steps, so the author
//! of the source can print lines that look like the server's. Three rules distinguish the server's lines from program output. Lines that the server
//! writes itself (`github_dir=`, `keyid=` …) count only at the start of an entry, without the prefix `run: `. Lines of a push, unless BuildKit
//! pushes as a step of the build, count only after the last line that a build prints: see [`BuildLog::push_events`]. A builder's lines count only in
//! that builder's own form, and only if the log does not mix lines of two builders: see [`BuildLog::builder`].

mod builder;
mod event;
mod line;

pub use self::builder::{Builder, TwoBuilders};
pub use self::event::LogEvent;
pub use self::line::LogEntry;

use std::collections::{BTreeSet, HashMap};

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// A parsed build log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLog {
    entries: Vec<LogEntry>,
    events: Vec<(usize, LogEvent)>,
    sha256: Sha256,
    size: u64,
}

impl BuildLog {
    /// Reads a log. Any sequence of bytes is a valid log: a line in an unrecognised form is kept and produces no event. Bytes that are not UTF-8
    /// become replacement characters; the digest covers the original bytes.
    ///
    /// # Errors
    /// [`Error::OverLimit`] beyond `build_log_bytes` or `build_log_line_bytes`.
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        limits.build_log_bytes().check(bytes.len() as u64, "data/build.log")?;
        if bytes.split(|&byte| byte == b'\n').any(|line| line.len() as u64 > limits.build_log_line_bytes) {
            return Err(limits.build_log_line_bytes().exceeded("data/build.log"));
        }
        let entries = line::entries(&String::from_utf8_lossy(bytes));
        let events =
            entries.iter().enumerate().flat_map(|(at, entry)| event::of(entry).map(move |event| (at, event))).collect();
        Ok(Self { entries, events, sha256: Sha256::of(bytes), size: bytes.len() as u64 })
    }

    /// Drops the text of all entries. Keeps only the entries needed to show where the time first decreases, if it does, and the entry with the
    /// latest time. Collapses consecutive identical events for builder output, or for a failed step, into one: repetitions change no answer.
    pub(crate) fn shelve(&mut self) {
        let timed: Vec<(usize, Timestamp)> =
            self.entries.iter().enumerate().filter_map(|(at, entry)| Some((at, entry.time?))).collect();
        let back = timed.windows(2).find(|pair| matches!(pair, [(_, before), (_, time)] if time < before));
        let mut kept: Vec<usize> = back.into_iter().flatten().map(|(at, _)| *at).collect();
        kept.extend(timed.iter().max_by_key(|(_, time)| *time).map(|(at, _)| *at));
        let entry = |at: usize| {
            let LogEntry { line, time, .. } = self.entries.get(at)?;
            Some(LogEntry { line: *line, time: *time, level: String::new(), message: String::new() })
        };
        self.entries = kept.into_iter().filter_map(entry).collect();
        let is_output = |event: &LogEvent| matches!(event, LogEvent::BuilderOutput(_) | LogEvent::Failed(_));
        self.events.dedup_by(|(_, next), (_, event)| is_output(event) && event == next);
        self.events.shrink_to_fit();
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// SHA-256 of the log's bytes.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Size of the log in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The events, in order.
    pub fn events(&self) -> impl Iterator<Item = &LogEvent> {
        self.events.iter().map(|(_, event)| event)
    }

    /// Events after the build's last output: the push and the signing. Earlier lines of the same form were printed during the build, which the
    /// source's author controls, and do not count. If the log has no line of a known builder, the push cannot be distinguished from the build, and
    /// no line counts.
    ///
    /// BuildKit pushes as a step of the build and prefixes program output with a number. BuildKit's own push lines therefore count anywhere in the
    /// log, unless their step failed or any line comes from a different builder.
    pub fn push_events(&self) -> impl Iterator<Item = &LogEvent> {
        let last = self.events.iter().rposition(|(_, event)| event.is_build_output());
        let end = last.map_or(self.events.len(), |at| at + 1);
        let by_build_kit = matches!(self.builder(), Ok(Some(Builder::BuildKit)));
        let failed = self.failed();
        self.events.iter().enumerate().filter_map(move |(at, (_, event))| {
            let counts = match event {
                LogEvent::PushedManifest { step, .. } => by_build_kit && failed.get(step).is_none_or(|last| *last < at),
                _ => at >= end,
            };
            counts.then_some(event)
        })
    }

    /// BuildKit steps that failed, each with the index of the last event that reports the failure.
    fn failed(&self) -> HashMap<u32, usize> {
        let failures = self.events.iter().enumerate().filter_map(|(at, (_, event))| match event {
            LogEvent::Failed(step) => Some((*step, at)),
            _ => None,
        });
        failures.collect()
    }

    /// Pushed image tags, in order, each with the manifest digest and, if the log prints it, the manifest's size in bytes.
    pub fn pushed(&self) -> impl Iterator<Item = (&str, Sha256, Option<u64>)> {
        self.push_events().filter_map(|event| match event {
            LogEvent::Pushed { tag, digest, size } => Some((tag.as_str(), *digest, Some(*size))),
            LogEvent::PushedManifest { name, digest, .. } => {
                let (_, tag) = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
                Some((tag, (*digest)?, None))
            }
            _ => None,
        })
    }

    /// Whether the log has a line that only a build prints.
    pub fn shows_a_build(&self) -> bool {
        self.events().any(LogEvent::is_build_output)
    }

    /// The builder, identified by lines that only this builder prints. `None` if there are no such lines.
    ///
    /// # Errors
    /// [`TwoBuilders`] if the log has such lines of two builders: callers must then ignore the lines of both.
    pub fn builder(&self) -> Result<Option<Builder>, TwoBuilders> {
        let mut builders = self.events().filter_map(LogEvent::builder);
        let Some(first) = builders.next() else { return Ok(None) };
        builders.find(|other| *other != first).map_or(Ok(Some(first)), |other| Err(TwoBuilders(first, other)))
    }

    /// The id of the built image as printed (possibly shortened): the last id in the log, because no program runs after the builder prints it.
    /// `None` if the log has lines of two builders: a program may have printed the last id.
    pub fn image_id(&self) -> Option<&str> {
        self.builder().ok()?;
        let ids = self.events().filter_map(|event| match event {
            LogEvent::BuiltImage { id, .. } => Some(id.as_str()),
            _ => None,
        });
        ids.last()
    }

    /// Events about the clone, the steps and the base images. A program can also print pull lines, so they count only directly after a FROM of
    /// docker's classic builder, which prints them before the next program runs. If the log has lines of two builders, only lines about the clone
    /// count.
    pub(crate) fn input_events(&self) -> impl Iterator<Item = &LogEvent> {
        let one_builder = self.builder().is_ok();
        let mut behind_from = false;
        self.events().filter(move |event| match event {
            LogEvent::Directory(_) | LogEvent::Host(_) => true,
            LogEvent::PulledDigest(_) | LogEvent::PulledImage(_) => behind_from && one_builder,
            LogEvent::ResolvedBase { .. } => one_builder,
            LogEvent::StageStep { .. } | LogEvent::PlainStep { .. } => {
                behind_from = false;
                one_builder
            }
            LogEvent::Step { builder, instruction, .. } => {
                let keyword = instruction.split_whitespace().next().unwrap_or_default();
                behind_from = *builder == Builder::Classic && keyword.eq_ignore_ascii_case("FROM");
                one_builder
            }
            _ => {
                behind_from = false;
                false
            }
        })
    }

    /// Number of lines in the form of a push or of its signing that do not count: a program in the build may have printed them, or their
    /// BuildKit step failed.
    pub fn ignored_pushes(&self) -> usize {
        let is_push = |event: &&LogEvent| {
            matches!(
                event,
                LogEvent::PushTo(_) | LogEvent::Pushed { .. } | LogEvent::PushedManifest { .. } | LogEvent::Signed(_)
            )
        };
        self.events().filter(is_push).count().saturating_sub(self.push_events().filter(is_push).count())
    }

    /// The steps that push and failed, without a later success, if the builder is BuildKit; otherwise, a program printed such lines.
    pub(crate) fn failed_pushes(&self) -> BTreeSet<u32> {
        if !matches!(self.builder(), Ok(Some(Builder::BuildKit))) {
            return BTreeSet::new();
        }
        let failed = self.failed();
        let pushes = self.events.iter().enumerate().filter_map(|(at, (_, event))| match event {
            LogEvent::PushedManifest { step, .. } => Some((*step, at)),
            _ => None,
        });
        let last: HashMap<u32, usize> = pushes.collect();
        last.into_iter()
            .filter(|(step, at)| failed.get(step).is_some_and(|end| end > at))
            .map(|(step, _)| step)
            .collect()
    }

    /// Whether the log has a line `Step n/m : INSTRUCTION` or `STEP n/m: INSTRUCTION`.
    pub(crate) fn shows_steps(&self) -> bool {
        self.events().any(|event| matches!(event, LogEvent::Step { .. }))
    }

    /// The latest time in the log.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.entries.iter().filter_map(|entry| entry.time).max()
    }
}

#[cfg(test)]
mod grammar_tests;
#[cfg(test)]
mod tests;
