//! `data/build.log`: the server's log, as typed events.
//!
//! The log is signed text: the key's holder wrote it down. It is not all the server's own words: what the Dockerfile's RUN
//! steps print stands in it too, so that the author of the source can write lines that look like the server's. Two rules keep
//! them apart. Lines that the server writes itself (`github_dir=`, `keyid=` …) count only where they begin an entry, with no
//! `run: ` before them. Lines of the push count only after the last line that a build prints: see [`BuildLog::push_events`].
//! Lines of a builder count only in its own form, and not where lines of two builders are in one log: see [`BuildLog::builder`].

mod builder;
mod event;
mod line;

pub use self::builder::{Builder, TwoBuilders};
pub use self::event::LogEvent;
pub use self::line::LogEntry;

use std::collections::HashMap;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// The log, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLog {
    entries: Vec<LogEntry>,
    events: Vec<(usize, LogEvent)>,
    sha256: Sha256,
    size: u64,
}

impl BuildLog {
    /// Reads a log. Any bytes are a log: what has no known form is kept as it is and gives no event. Bytes that are not UTF-8
    /// are shown as replacement characters; the digest is of the bytes as they came.
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

    /// Lets go of the entries' text, and of all entries but those that tell whether and where the time goes back, and the last time. Of
    /// several lines of one builder's output in a row one is left: what matters is whose they are and what they separate.
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

    /// Every entry, in order.
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// SHA-256 of the log's bytes.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Number of the log's bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Every event, in order, with the number of its entry in [`BuildLog::entries`].
    pub fn events(&self) -> impl Iterator<Item = &LogEvent> {
        self.events.iter().map(|(_, event)| event)
    }

    /// What came after the build's last output: the push and the signing. Earlier lines of the same shape were printed while
    /// the build ran, which the source's author controls, and are not believed. Where no line of a known builder stands, nothing
    /// tells the two apart, and nothing is believed.
    ///
    /// BuildKit pushes as a step of the build and puts a number before what programs print: its own lines count wherever they are, but for
    /// those of a step that failed, and not where any line is another builder's.
    pub fn push_events(&self) -> impl Iterator<Item = &LogEvent> {
        let last = self.events.iter().rposition(|(_, event)| event.is_build_output());
        let end = last.map_or(self.events.len(), |at| at + 1);
        let by_build_kit = matches!(self.builder(), Ok(Some(Builder::BuildKit)));
        let failed = self.failed();
        self.events.iter().enumerate().filter_map(move |(at, (_, event))| {
            let believed = match event {
                LogEvent::PushedManifest { step, .. } => by_build_kit && failed.get(step).is_none_or(|last| *last < at),
                _ => at >= end,
            };
            believed.then_some(event)
        })
    }

    /// Steps of BuildKit's that failed, each with the place of the last line that says so.
    fn failed(&self) -> HashMap<u32, usize> {
        let failures = self.events.iter().enumerate().filter_map(|(at, (_, event))| match event {
            LogEvent::Failed(step) => Some((*step, at)),
            _ => None,
        });
        failures.collect()
    }

    /// Image tags with the manifest digest and, where it is printed, its size in bytes that the push recorded, in order.
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

    /// Does a line stand in it that only a known builder prints?
    pub fn shows_a_build(&self) -> bool {
        self.events().any(LogEvent::is_build_output)
    }

    /// Whose lines the build's are, by the lines that only this builder prints. `None` where there is none.
    ///
    /// # Errors
    /// [`TwoBuilders`]: then nothing that rests on these lines is believed.
    pub fn builder(&self) -> Result<Option<Builder>, TwoBuilders> {
        let mut builders = self.events().filter_map(LogEvent::builder);
        let Some(first) = builders.next() else { return Ok(None) };
        builders.find(|other| *other != first).map_or(Ok(Some(first)), |other| Err(TwoBuilders(first, other)))
    }

    /// The id of the image that the build made, as far as it was printed: the builder's last word, which no program can follow.
    /// `None` where lines of two builders are in the log: the last one may be the program's.
    pub fn image_id(&self) -> Option<&str> {
        self.builder().ok()?;
        let ids = self.events().filter_map(|event| match event {
            LogEvent::BuiltImage { id, .. } => Some(id.as_str()),
            _ => None,
        });
        ids.last()
    }

    /// What the log says of the clone and of base images. A program can print lines of a pull too: they count directly behind a FROM of
    /// docker's classic builder, which prints them there, before any program runs. Where lines of two builders are in the log, no line
    /// about a base counts.
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

    /// Lines of a push's shape that were printed while the build ran: somebody's text, counted so that it can be said.
    pub fn disbelieved_pushes(&self) -> usize {
        let failed = self.failed();
        let is_push = |event: &&LogEvent| match event {
            LogEvent::Pushed { .. } => true,
            LogEvent::PushedManifest { step, .. } => !failed.contains_key(step),
            _ => false,
        };
        self.events().filter(is_push).count().saturating_sub(self.push_events().filter(is_push).count())
    }

    /// Is there a line with a numbered instruction of the Dockerfile?
    pub(crate) fn shows_steps(&self) -> bool {
        self.events().any(|event| matches!(event, LogEvent::Step { .. }))
    }

    /// The last time in the log.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.entries.iter().filter_map(|entry| entry.time).max()
    }
}

#[cfg(test)]
mod tests;
