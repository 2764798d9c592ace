//! The context of one run, and its report.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};

use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::client::answers::Absence;
use crate::client::disk::{Draft, Place};
use crate::client::evidence_record::{Missing, Origin, Step};
use crate::client::folder::{BuildFolder, EvidenceFolder, FileSet, Kept};
use crate::client::http::{Patience, Sink};
use crate::client::step::{Outcome, Source, SourceReport};

/// An event for a progress display. An event never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A request is about to be sent.
    Asking(String),
    /// Part of a large response has arrived.
    Received {
        /// The content that is being received.
        what: String,
        /// Bytes so far.
        bytes: u64,
        /// The total number of bytes, if the source states that number.
        of: Option<u64>,
    },
    /// A file is now in the folder.
    Kept {
        /// The file's path below the evidence folder.
        path: String,
        /// The result of storing the file.
        kept: Kept,
    },
}

/// The limits, the clock and the event listener of one run.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Limits for everything that is read.
    pub limits: &'a Limits,
    /// Time limits and the number of attempts.
    pub patience: &'a Patience,
    /// The current time, which evidence.json records for each file.
    pub clock: fn() -> Timestamp,
    /// Receives events from several threads.
    pub hear: &'a (dyn Fn(&Event) + Sync),
}

/// Reports progress while a large response arrives.
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

/// The evidence that was saved for one build.
#[derive(Debug)]
#[non_exhaustive]
pub struct BuildReport {
    /// The build.
    pub build_name: BuildName,
    /// The requested files that are now in the folder.
    pub files: Vec<(String, Kept)>,
    /// Notes for the user, for example about evidence that a source does not have or about secrets that were found.
    pub notes: Vec<String>,
    /// Errors that a further run may resolve.
    pub faults: Vec<Error>,
    /// The outcome for each source, in the order of the requests.
    pub sources: Vec<SourceReport>,
    /// The reason why the audit cannot use the saved bundle or key, if one of them cannot be read.
    pub unreadable: Option<Error>,
}

/// The result of a whole run.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct FetchReport {
    /// The builds, in the order of the requests.
    pub builds: Vec<BuildReport>,
    /// Errors that do not belong to a build.
    pub faults: Vec<Error>,
    /// Builds in the folder, including those from earlier runs, that have a bundle but no key.
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

    /// Merges a later report for the same build into this one.
    pub(crate) fn add(&mut self, more: Self) {
        self.files.extend(more.files);
        self.notes.extend(more.notes);
        self.faults.extend(more.faults);
        self.sources.extend(more.sources);
    }
}

impl FetchReport {
    /// The exit code. 0: all requested evidence that the sources have is in the folder. 2: an option or a setting must
    /// be changed. 3: something is missing; run again. 4: there was nothing to save.
    pub fn exit_code(&self) -> u8 {
        let faults = self.faults.iter().chain(self.builds.iter().flat_map(|build| &build.faults));
        let missing_key = if self.without_key.is_empty() { 0 } else { 3 };
        let rank = |code: &u8| [0, 1, 4, 3, 2].iter().position(|known| known == code);
        faults.map(Error::exit_code).chain([missing_key]).max_by_key(rank).unwrap_or(0)
    }
}

/// Saves the evidence for one build, step by step, and records the outcomes. An error in one file or step does not affect other files or steps.
pub(crate) struct Saver<'a> {
    pub(crate) run: Run<'a>,
    pub(crate) folder: BuildFolder,
    pub(crate) report: BuildReport,
    progress: Progress,
}

/// The results of the current step.
#[derive(Default)]
struct Progress {
    /// The files that the source sent, or that it has and that were already in the folder.
    files: BTreeSet<String>,
    /// Names under which evidence.json may list evidence as missing, and that were received now. Only names that are not paths need this.
    received: BTreeSet<String>,
    missing: Vec<Missing>,
    /// Something is missing because of an error that is reported elsewhere.
    lacks_something: bool,
}

impl<'a> Saver<'a> {
    pub(crate) fn open(run: Run<'a>, root: &EvidenceFolder, name: &BuildName) -> Result<Self, Error> {
        Ok(Self { run, folder: root.build(name)?, report: BuildReport::new(name), progress: Progress::default() })
    }

    /// Runs the step for one source. Everything that `work` stores, notes or reports as missing becomes part of the source's outcome in evidence.json
    /// and in the report.
    pub(crate) fn step(&mut self, source: Source, from: &str, work: impl FnOnce(&mut Self)) {
        let faults = self.report.faults.len();
        self.progress = Progress::default();
        work(self);
        let progress = std::mem::take(&mut self.progress);
        let files = progress.files.len() as u64;
        let outcome = match (progress.lacks_something || self.report.faults.len() > faults, files) {
            (true, _) => Outcome::Fault,
            (false, 0) => Outcome::Note,
            (false, _) => Outcome::Saved,
        };
        let at = (self.run.clock)().to_string();
        let step = Step { source, from: from.into(), outcome, files, at };
        let missing = progress.missing.into_iter().map(|missing| Missing { source: Some(source), ..missing }).collect();
        self.report.sources.push(SourceReport { source, outcome, files });
        if let Err(error) = self.folder.end_step(step, missing, &progress.received) {
            self.report.faults.push(error);
        }
    }

    /// Stores bytes and records the result.
    pub(crate) fn keep(&mut self, place: &str, bytes: &[u8], origin: Origin) {
        let from = origin.from.clone();
        let kept = Place::new(place).and_then(|place| self.folder.keep(&place, bytes, origin));
        self.remember(place, &from, kept);
    }

    /// Stores a file that this program wrote. It does not count as a file from the step's source.
    pub(crate) fn keep_own(&mut self, place: &str, bytes: &[u8]) {
        let origin = Origin::own((self.run.clock)());
        let from = origin.from.clone();
        let kept = Place::new(place).and_then(|place| self.folder.keep(&place, bytes, origin));
        self.report_kept(place, &from, kept);
    }

    /// Stores a file that was written as it arrived, and records the result.
    pub(crate) fn keep_draft(&mut self, place: &str, draft: Draft, origin: Origin) {
        let from = origin.from.clone();
        let kept = Place::new(place).and_then(|place| self.folder.keep_draft(&place, draft, origin));
        self.remember(place, &from, kept);
    }

    /// Stores a set of files and records the result.
    pub(crate) fn keep_set(&mut self, place: &str, from: &str, set: &FileSet) {
        let kept = Place::new(place).and_then(|place| self.folder.keep_set(&place, set));
        if self.report_kept(place, from, kept) {
            self.progress.files.extend(set.paths().map(|path| format!("{place}/{path}")));
        }
    }

    /// Records the result of storing a file.
    pub(crate) fn remember(&mut self, place: &str, from: &str, kept: Result<Kept, Error>) {
        if self.report_kept(place, from, kept) {
            self.has(place);
        }
    }

    /// Counts a file of the step's source that another step has already saved.
    pub(crate) fn has(&mut self, place: &str) {
        self.progress.files.insert(place.to_owned());
    }

    /// States that evidence was received that is not a file of its own, such as a list.
    pub(crate) fn received(&mut self, what: &str) {
        self.progress.received.insert(what.to_owned());
    }

    /// Adds the result of storing a file to the report. Returns whether it was stored.
    fn report_kept(&mut self, place: &str, from: &str, kept: Result<Kept, Error>) -> bool {
        let is_kept = kept.is_ok();
        match kept {
            Ok(kept) => {
                let path = format!("{}/{place}", self.report.build_name);
                (self.run.hear)(&Event::Kept { path, kept: kept.clone() });
                self.report.files.push((place.to_owned(), kept));
            }
            Err(error) => self.fault(place, from, error),
        }
        is_kept
    }

    /// Records an error for `place`; a further run may resolve it.
    pub(crate) fn fault(&mut self, place: &str, from: &str, error: Error) {
        self.lacks(place, from, error.to_string().as_str().into());
        self.report.faults.push(error);
    }

    /// Records that `place` was not saved, and why, without an error of its own.
    pub(crate) fn absent(&mut self, place: &str, from: &str, why: impl Into<Absence>) {
        let Absence { status, why } = why.into();
        self.report.notes.push(format!("{place} was not saved: {why}"));
        self.lacks(place, from, Absence { status, why });
    }

    /// Records that `place` was not saved because of an error that is reported elsewhere. The source may have it.
    pub(crate) fn unsaved(&mut self, place: &str, from: &str, why: &str) {
        self.absent(place, from, why);
        self.progress.lacks_something = true;
    }

    /// Lists `place` as missing in evidence.json, but not in the report.
    pub(crate) fn lacks(&mut self, place: &str, from: &str, Absence { status, why }: Absence) {
        let at = (self.run.clock)().to_string();
        self.progress.missing.push(Missing { what: place.into(), from: from.into(), status, why, at, source: None });
    }

    /// Adds a note if saved text contains anything that looks like a secret.
    pub(crate) fn note_secrets(&mut self, place: &str, text: &[u8]) {
        self.note_secrets_in(place, text);
    }

    /// Like [`Self::note_secrets`], but for text that may be large: it is searched line by line, and very long lines are searched in pieces.
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
                "{place} contains what looks like a secret (a password or token). The file was saved unchanged: change that secret and limit access to this folder"
            ));
        }
    }
}
