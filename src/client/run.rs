//! What one run carries with it, and what it says at its end.

use std::io::{BufRead, BufReader, Read};

use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::client::disk::{Draft, Place};
use crate::client::evidence_record::{Missing, Origin, Step};
use crate::client::folder::{BuildFolder, EvidenceFolder, FileSet, Kept};
use crate::client::http::{Patience, Sink};
use crate::client::step::{Outcome, Source, SourceReport};

/// What happens, for a progress display. Nothing in it is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A question is about to be asked.
    Asking(String),
    /// So many bytes of a large answer are there.
    Received {
        /// What is being received.
        what: String,
        /// Bytes so far.
        bytes: u64,
        /// Bytes at its end, if the source says.
        of: Option<u64>,
    },
    /// A file is in the folder.
    Kept {
        /// The file, below the folder that was named.
        path: String,
        /// What became of it.
        kept: Kept,
    },
}

/// The bounds, the clock and the ear of one run.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Bounds of everything that is read.
    pub limits: &'a Limits,
    /// How long to wait, how often to ask.
    pub patience: &'a Patience,
    /// The time now: it stands beside each file in evidence.json.
    pub clock: fn() -> Timestamp,
    /// Hears what happens, from several threads.
    pub hear: &'a (dyn Fn(&Event) + Sync),
}

/// Tells of large answers while they come in.
pub(crate) struct Listening<'a> {
    run: Run<'a>,
    what: String,
    of: Option<u64>,
    sink: &'a mut dyn Sink,
}

impl<'a> Listening<'a> {
    pub(crate) fn new(run: Run<'a>, what: String, of: Option<u64>, sink: &'a mut dyn Sink) -> Self {
        Self { run, what, of, sink }
    }
}

impl Sink for Listening<'_> {
    fn held(&self) -> u64 {
        self.sink.held()
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let before = self.sink.held();
        self.sink.take(bytes)?;
        let after = self.sink.held();
        if before >> 20 != after >> 20 {
            (self.run.hear)(&Event::Received { what: self.what.clone(), bytes: after, of: self.of });
        }
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        self.sink.start_again()
    }
}

/// The computer's clock.
pub fn system_clock() -> Timestamp {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since_1970.as_secs()).unwrap_or_default();
    Timestamp::from_unix_seconds(seconds).unwrap_or_else(Timestamp::epoch)
}

/// What was saved of one build.
#[derive(Debug)]
#[non_exhaustive]
pub struct BuildReport {
    /// The build.
    pub build_name: BuildName,
    /// Each file that was asked for and is in the folder now.
    pub files: Vec<(String, Kept)>,
    /// What should be known: evidence that the source does not have, secrets that were seen.
    pub notes: Vec<String>,
    /// What could not be had and may be had by running again.
    pub faults: Vec<Error>,
    /// What became of each source that was asked, in the order they were asked in.
    pub sources: Vec<SourceReport>,
    /// Why its bundle or its key is of no use to this program's audit, where it is saved and cannot be read.
    pub unreadable: Option<Error>,
}

/// What a whole run did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct FetchReport {
    /// The builds, in the order they were asked for.
    pub builds: Vec<BuildReport>,
    /// Faults that belong to no build.
    pub faults: Vec<Error>,
    /// Builds of the folder, of earlier runs too, whose bundle is saved and whose key is not: they can never be verified.
    pub without_key: Vec<BuildName>,
}

impl BuildReport {
    pub(crate) fn new(build_name: &BuildName) -> Self {
        Self {
            build_name: build_name.clone(),
            files: Vec::new(),
            notes: Vec::new(),
            faults: Vec::new(),
            sources: Vec::new(),
            unreadable: None,
        }
    }

    /// Adds what more was done for the same build.
    pub(crate) fn add(&mut self, more: Self) {
        self.files.extend(more.files);
        self.notes.extend(more.notes);
        self.faults.extend(more.faults);
        self.sources.extend(more.sources);
    }
}

impl FetchReport {
    /// 0: everything that was asked for is in the folder. 2: a setting must be changed. 3: something is missing; run again.
    /// 4: there was nothing to save.
    pub fn exit_code(&self) -> u8 {
        let faults = self.faults.iter().chain(self.builds.iter().flat_map(|build| &build.faults));
        let missing_key = if self.without_key.is_empty() { 0 } else { 3 };
        let rank = |code: &u8| [0, 1, 4, 3, 2].iter().position(|known| known == code);
        faults.map(Error::exit_code).chain([missing_key]).max_by_key(rank).unwrap_or(0)
    }
}

/// Saves evidence of one build, step by step, and remembers what became of it: a fault of one file or step does not stop the others.
pub(crate) struct Saver<'a> {
    pub(crate) run: Run<'a>,
    pub(crate) folder: BuildFolder,
    pub(crate) report: BuildReport,
    /// Of the step that is under way.
    missing: Vec<Missing>,
}

impl<'a> Saver<'a> {
    pub(crate) fn open(run: Run<'a>, root: &EvidenceFolder, name: &BuildName) -> Result<Self, Error> {
        Ok(Self { run, folder: root.build(name)?, report: BuildReport::new(name), missing: Vec::new() })
    }

    /// Asks one source. Whatever `work` keeps, misses and notes is the source's outcome, in evidence.json and in the report.
    pub(crate) fn step(&mut self, source: Source, from: &str, work: impl FnOnce(&mut Self)) {
        let (files, faults) = (self.report.files.len(), self.report.faults.len());
        work(self);
        let files = self.report.files.len().saturating_sub(files) as u64;
        let outcome = match (self.report.faults.len() > faults, files) {
            (true, _) => Outcome::Fault,
            (false, 0) => Outcome::Note,
            (false, _) => Outcome::Saved,
        };
        let at = (self.run.clock)().to_string();
        let step = Step { source, from: from.into(), outcome, files, at };
        let missing = std::mem::take(&mut self.missing);
        let missing = missing.into_iter().map(|missing| Missing { source: Some(source), ..missing }).collect();
        self.report.sources.push(SourceReport { source, outcome, files });
        if let Err(error) = self.folder.end_step(step, missing) {
            self.report.faults.push(error);
        }
    }

    /// Keeps bytes, and remembers it.
    pub(crate) fn keep(&mut self, place: &str, bytes: &[u8], origin: Origin) {
        let kept = Place::new(place).and_then(|place| self.folder.keep(&place, bytes, origin));
        self.remember(place, kept);
    }

    /// Keeps a file that was written while it came in, and remembers it.
    pub(crate) fn keep_draft(&mut self, place: &str, draft: Draft, origin: Origin) {
        let kept = Place::new(place).and_then(|place| self.folder.keep_draft(&place, draft, origin));
        self.remember(place, kept);
    }

    /// Keeps a set of files, and remembers it.
    pub(crate) fn keep_set(&mut self, place: &str, set: &FileSet) {
        let kept = Place::new(place).and_then(|place| self.folder.keep_set(&place, set));
        self.remember(place, kept);
    }

    /// Remembers what became of a file.
    pub(crate) fn remember(&mut self, place: &str, kept: Result<Kept, Error>) {
        match kept {
            Ok(kept) => {
                let path = format!("{}/{place}", self.report.build_name);
                (self.run.hear)(&Event::Kept { path, kept: kept.clone() });
                self.report.files.push((place.to_owned(), kept));
            }
            Err(error) => self.report.faults.push(error),
        }
    }

    /// Remembers that `place` could not be had and may be had another time.
    pub(crate) fn fault(&mut self, place: &str, from: &str, error: Error) {
        self.remember_missing(place, from, &error.to_string());
        self.report.faults.push(error);
    }

    /// Remembers that the source does not have `place`.
    pub(crate) fn absent(&mut self, place: &str, from: &str, why: &str) {
        self.remember_missing(place, from, why);
        self.report.notes.push(format!("{place} is not saved: {why}"));
    }

    fn remember_missing(&mut self, place: &str, from: &str, why: &str) {
        let at = (self.run.clock)().to_string();
        self.missing.push(Missing { what: place.into(), from: from.into(), why: why.into(), at, source: None });
    }

    /// Says so if text that is kept as it came holds what looks like a secret.
    pub(crate) fn note_secrets(&mut self, place: &str, text: &[u8]) {
        self.note_secrets_in(place, text);
    }

    /// The same of a text that may be large: it is looked at line by line, and very long lines in pieces.
    pub(crate) fn note_secrets_in(&mut self, place: &str, text: impl Read) {
        const PIECE_BYTES: u64 = 1 << 20;
        let mut reader = BufReader::new(text);
        let mut line = Vec::new();
        let found = loop {
            line.clear();
            match reader.by_ref().take(PIECE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break false,
                Ok(_) if crate::base::mask::hides_something(&line) => break true,
                Ok(_) => {}
            }
        };
        if found {
            self.report.notes.push(format!(
                "{place} holds what looks like a secret (a password or token). It is saved as it came: change that secret, and mind who gets this folder"
            ));
        }
    }
}
