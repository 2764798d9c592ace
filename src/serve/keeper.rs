//! Keeps the index up to date. Four kinds of threads share one table: one thread checks the terms, one checks the evidence, several audit bundles,
//! and one evaluates the results and publishes an index. The checks never wait for an audit.
//!
//! When a check finds changed terms, the old index is discarded: from then on, only builds evaluated under the new terms count. When a check
//! finds that a bundle was removed or changed, the bundle leaves the index; a changed bundle returns after an audit.
//!
//! The publishing thread copies long-lived data, and the original is freed. glibc's allocator and jemalloc give each thread a heap: copies of many small
//! facts share one heap. Otherwise, each fact could lie between the large buffers of audits and prevent megabytes from being reused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::metrics::add;
use super::state::{Ready, Standing};
use super::{AUDIT_AGAIN, HELD, HELD_EACH, Service};
use crate::audit::Facts;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::deploy::admission::{Index, build_of};
use crate::dossier::Terms;
use crate::judge::builds::{Build, Builds};
use crate::report::BundleReport;

/// The minimum time between two publications, except if bundles were removed or changed.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);
/// The maximum number of bundles that are evaluated again in one batch.
const AT_A_TIME: usize = 4_096;

#[derive(Default)]
pub(super) struct Keeper {
    table: Mutex<Table>,
    /// Signals that the table changed or the service is stopping.
    changed: Condvar,
}

struct Table {
    terms: Result<Arc<Terms>, String>,
    /// Increases with each change of the terms; results from an older generation are not published.
    generation: u64,
    /// Increases with each change that removes something; an index that was built before such a change is not published after it.
    epoch: u64,
    /// The reason why the evidence cannot be read.
    evidence: Result<(), String>,
    /// What the last check of the evidence found.
    seen: BTreeMap<PathBuf, Sha256>,
    known: BTreeMap<PathBuf, Known>,
    queue: BTreeSet<PathBuf>,
    /// Bundles whose audit is running or whose result is not yet in `known`, with their digests at the start of the audit.
    running: BTreeMap<PathBuf, Sha256>,
    /// Results of audits that are not yet in `known`.
    fresh: Vec<(PathBuf, Known)>,
    /// The total weight of all kept facts.
    held: u64,
    /// Whether there is something to publish.
    dirty: bool,
    /// Counts since the last log line about the index.
    audited: usize,
    gone: usize,
    said: Option<Instant>,
    /// Epoch, bundles and pending bundles in that log line.
    said_of: Option<(u64, usize, usize)>,
    /// Whether an index has been published, but not logged, since that log line.
    unsaid: bool,
    ended: bool,
}

/// A bundle that was audited and evaluated.
struct Known {
    mark: Sha256,
    audited: Instant,
    generation: u64,
    build: Arc<Build>,
    /// The facts that can be evaluated under a different policy, and their weight.
    facts: Option<(Arc<Facts>, u64)>,
}

impl Default for Table {
    fn default() -> Self {
        let not_yet = || "not read yet".to_owned();
        Self {
            terms: Err(not_yet()),
            generation: 0,
            epoch: 0,
            evidence: Err(not_yet()),
            seen: BTreeMap::new(),
            known: BTreeMap::new(),
            queue: BTreeSet::new(),
            running: BTreeMap::new(),
            fresh: Vec::new(),
            held: 0,
            dirty: false,
            audited: 0,
            gone: 0,
            said: None,
            said_of: None,
            unsaid: false,
            ended: false,
        }
    }
}

impl Keeper {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'t>(&self, table: MutexGuard<'t, Table>) -> MutexGuard<'t, Table> {
        self.changed.wait(table).unwrap_or_else(PoisonError::into_inner)
    }

    /// Signals every thread to end after its current work.
    pub(super) fn end(&self) {
        self.table().ended = true;
        self.changed.notify_all();
    }

    /// Waits. Returns `false` if the service stops in the meantime.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let table = self.table();
        let waited = self.changed.wait_timeout_while(table, time, |table| !table.ended);
        !waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }
}

impl Service {
    /// Checks the terms once. If they cannot be read, every image is refused: the old terms do not remain in force.
    pub(super) fn look_at_terms(&self) {
        let began = Instant::now();
        let read = (self.edges.terms)();
        let mut table = self.keeper.table();
        match read {
            Ok(terms) if table.terms.as_ref().is_ok_and(|known| known.are_same(&terms)) => {}
            Ok(terms) => {
                let policy = terms.policy.source.as_ref().map(|source| source.sha256.hex());
                table.change_terms(Ok(Arc::new(terms)));
                self.set(Standing::Absent(
                    "the evidence is being evaluated under the current policy and approvals".into(),
                ));
                drop(table);
                add(&self.metrics.reloads, 1);
                self.say("terms", json!({ "policy_sha256": policy }));
            }
            Err(error) => {
                let why = error.to_string();
                let is_new = table.terms.as_ref().err() != Some(&why);
                if is_new {
                    table.change_terms(Err(why.clone()));
                    self.set(Standing::Absent(why));
                }
                drop(table);
                self.fault(is_new, &error);
            }
        }
        self.looks.at_terms(began);
        self.keeper.changed.notify_all();
    }

    /// Checks the evidence once. Removed and changed bundles no longer admit images. New and changed bundles, and bundles whose audit is
    /// old, are audited.
    pub(super) fn look_at_evidence(&self) {
        let began = Instant::now();
        let found = (self.edges.bundles)();
        let mut table = self.keeper.table();
        match found {
            Ok(found) => {
                let gone = table.take_over(found.into_iter().collect());
                drop(table);
                if gone > 0 {
                    self.publish();
                }
            }
            Err(error) => {
                let why = error.to_string();
                let is_new = table.evidence.as_ref().err() != Some(&why);
                if is_new {
                    table.evidence = Err(why.clone());
                    table.epoch += 1;
                    self.set(Standing::Absent(why));
                }
                drop(table);
                self.fault(is_new, &error);
            }
        }
        self.looks.at_evidence(began);
        self.keeper.changed.notify_all();
    }

    /// Logs and counts an error if it is new.
    fn fault(&self, is_new: bool, error: &Error) {
        if is_new {
            add(&self.metrics.faults, 1);
            self.say("fault", json!({ "error": error.code(), "message": error.to_string(), "hint": error.hint() }));
        }
    }

    /// Waits for the next bundle and audits it. Returns `false` if the service is stopping.
    pub(super) fn audit_next(&self, threads: usize) -> bool {
        let mut table = self.keeper.table();
        let (path, mark, terms, generation) = loop {
            if table.ended {
                return false;
            }
            match table.next() {
                Some(next) => break next,
                None => table = self.keeper.wait(table),
            }
        };
        // A bundle gets all threads if no other bundle is waiting.
        let threads = if table.queue.is_empty() { threads } else { 1 };
        drop(table);
        let audited =
            (self.edges.now)().and_then(|now| (self.edges.audit)(&path, &terms.question(now, threads, &self.limits)));
        add(&self.metrics.audits, 1);
        match audited {
            Ok((report, facts)) => {
                self.say_unless_accepted(&report);
                let known = Known {
                    mark,
                    audited: Instant::now(),
                    generation,
                    build: Arc::new(build_of(&report, &terms.policy)),
                    facts: facts.map(|facts| (facts.weight(), facts)).map(|(weight, facts)| (Arc::new(facts), weight)),
                };
                let mut table = self.keeper.table();
                table.fresh.push((path, known));
                table.dirty = true;
            }
            // The table has no current result for the bundle, so the next check queues it again.
            Err(error) => {
                self.keeper.table().running.remove(&path);
                self.fault(true, &error);
            }
        }
        self.keeper.changed.notify_all();
        true
    }

    /// Logs a bundle that is not accepted, with the reason: such a bundle is not used as evidence.
    fn say_unless_accepted(&self, report: &BundleReport) {
        if report.exit_code() != 0 {
            let error = report.error.iter().map(Error::to_string);
            let findings = report.rejecting().map(|finding| format!("{}: {}", finding.check, finding.message));
            let because: Vec<String> = error.chain(findings).collect();
            self.say(
                "bundle-not-accepted",
                json!({ "bundle": report.path, "verdict": report.verdict.word(), "because": because }),
            );
        }
    }

    /// Waits for something to publish, then evaluates and publishes it. Returns `false` if the service is stopping.
    pub(super) fn publish_next(&self, threads: usize) -> bool {
        let mut table = self.keeper.table();
        while !table.dirty && !table.ended {
            table = self.keeper.wait(table);
        }
        table.dirty = false;
        let fresh = std::mem::take(&mut table.fresh);
        drop(table);
        self.keep(fresh);
        self.judge_again(threads);
        let began = Instant::now();
        self.publish();
        // Building an index of many builds takes time: while other bundles are audited, spend at most a tenth of the time on it.
        self.keeper.rest(PUBLISH_EVERY.max(began.elapsed() * 10))
    }

    /// Stores copies of the audits' results.
    fn keep(&self, fresh: Vec<(PathBuf, Known)>) {
        let copies: Vec<(PathBuf, Known)> = fresh.iter().map(|(path, known)| (path.clone(), known.copied())).collect();
        drop(fresh);
        let mut table = self.keeper.table();
        copies.into_iter().for_each(|(path, known)| table.keep(path, known));
        drop(table);
        self.keeper.changed.notify_all();
    }

    /// Evaluates the kept facts under the current terms. A bundle whose facts do not suffice is read again, and admits nothing until then.
    fn judge_again(&self, threads: usize) {
        let (began, mut judged, mut forgotten, mut published) = (Instant::now(), 0, 0, None);
        loop {
            let table = self.keeper.table();
            let Ok(terms) = table.terms.clone() else { return };
            let generation = table.generation;
            let old = table.known.iter().filter(|(_, known)| known.generation != generation);
            let held = old.filter_map(|(path, known)| Some((path.clone(), Arc::clone(&known.facts.as_ref()?.0))));
            let held: Vec<(PathBuf, Arc<Facts>)> = held.take(AT_A_TIME).collect();
            drop(table);
            let Ok(now) = (self.edges.now)() else { return };
            if held.is_empty() {
                break;
            }
            let judge = |facts: &Arc<Facts>| {
                let report = facts.judge(&terms.question(now, 1, &self.limits))?;
                Some(build_of(&report, &terms.policy))
            };
            let share = held.len().div_ceil(threads.max(1));
            let builds: Vec<Option<Build>> = std::thread::scope(|scope| {
                let judging: Vec<_> = held
                    .chunks(share)
                    .map(|few| scope.spawn(move || few.iter().map(|(_, facts)| judge(facts)).collect::<Vec<_>>()))
                    .collect();
                judging
                    .into_iter()
                    .flat_map(|few| few.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            });
            let copies: Vec<Option<Arc<Build>>> = builds.iter().map(|build| build.clone().map(Arc::new)).collect();
            drop(builds);
            let mut table = self.keeper.table();
            for ((path, facts), build) in held.into_iter().zip(copies) {
                match build {
                    Some(build) => judged += usize::from(table.judge_again(&path, &facts, generation, build)),
                    None => {
                        forgotten += 1;
                        table.forget(&path, &facts);
                    }
                }
            }
            drop(table);
            self.keeper.changed.notify_all();
            if published.is_none_or(|(at, took): (Instant, Duration)| at.elapsed() >= PUBLISH_EVERY.max(took * 10)) {
                let at = Instant::now();
                self.publish();
                published = Some((at, at.elapsed()));
            }
        }
        if judged + forgotten > 0 {
            let table = self.keeper.table();
            let to_read = table.queue.iter().chain(table.running.keys()).collect::<BTreeSet<_>>().len();
            drop(table);
            let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.say("judged", json!({ "bundles": judged, "to_read": to_read, "milliseconds": milliseconds }));
        }
    }

    /// Builds an index of what was evaluated under the current terms and installs it. If something was removed in the meantime, starts again.
    fn publish(&self) {
        loop {
            let table = self.keeper.table();
            let (Ok(terms), Ok(())) = (&table.terms, &table.evidence) else { return };
            let terms = Arc::clone(terms);
            let judged = table.known.values().filter(|known| known.generation == table.generation);
            let builds: Vec<Arc<Build>> = judged.map(|known| Arc::clone(&known.build)).collect();
            let (epoch, pending) = (table.epoch, table.seen.len().saturating_sub(builds.len()));
            drop(table);
            let index = Index::of(Builds::of(builds));
            let mut table = self.keeper.table();
            if table.epoch == epoch {
                let bundles = index.counts().iter().sum::<usize>();
                let said = table.say(bundles, pending, self.looks.every);
                let policy = terms.policy.source.as_ref().map(|source| source.sha256.hex());
                self.set(Standing::Ready(Box::new(Ready { terms, index, pending })));
                drop(table);
                if let Some((audited, gone)) = said {
                    self.say(
                        "index",
                        json!({ "bundles": bundles, "pending": pending, "audited": audited, "gone": gone, "policy_sha256": policy }),
                    );
                }
                return;
            }
        }
    }
}

impl Table {
    fn change_terms(&mut self, terms: Result<Arc<Terms>, String>) {
        self.terms = terms;
        self.generation += 1;
        self.epoch += 1;
        // Bundles with kept facts are evaluated again; the others are read again.
        self.known.retain(|_, known| known.facts.is_some());
        self.queue = self.seen.keys().filter(|path| !self.known.contains_key(*path)).cloned().collect();
        self.said = None;
        self.dirty = true;
    }

    /// Stores what a check found and returns how many known bundles were removed or changed.
    fn take_over(&mut self, found: BTreeMap<PathBuf, Sha256>) -> usize {
        let before = self.known.len();
        self.known.retain(|path, known| found.get(path) == Some(&known.mark));
        let gone = before - self.known.len();
        self.held = self.known.values().filter_map(|known| Some(known.facts.as_ref()?.1)).sum();
        for (path, mark) in &found {
            let is_known = self.known.get(path).is_some_and(|known| known.audited.elapsed() < AUDIT_AGAIN);
            if !is_known && self.running.get(path) != Some(mark) {
                self.queue.insert(path.clone());
            }
        }
        self.queue.retain(|path| found.contains_key(path));
        if self.evidence.is_err() || self.seen != found || self.unsaid {
            self.dirty = true;
        }
        (self.evidence, self.seen) = (Ok(()), found);
        if gone > 0 {
            self.gone += gone;
            self.epoch += 1;
            self.dirty = true;
        }
        gone
    }

    /// The next bundle to audit. If an earlier version of a bundle is still being audited, the bundle waits until that audit ends.
    fn next(&mut self) -> Option<(PathBuf, Sha256, Arc<Terms>, u64)> {
        let terms = Arc::clone(self.terms.as_ref().ok()?);
        let path = self.queue.iter().find(|path| !self.running.contains_key(*path))?.clone();
        self.queue.remove(&path);
        let mark = *self.seen.get(&path)?;
        self.running.insert(path.clone(), mark);
        Some((path, mark, terms, self.generation))
    }

    /// Stores an audit's result if the bundle is unchanged. A result under different terms is evaluated again if possible.
    fn keep(&mut self, path: PathBuf, mut known: Known) {
        self.running.remove(&path);
        let before = self.known.get(&path).and_then(|known| Some(known.facts.as_ref()?.1)).unwrap_or(0);
        let weight = known.facts.as_ref().map_or(0, |(_, weight)| *weight);
        let held = self.held - before + weight;
        if weight > HELD_EACH || held > HELD {
            known.facts = None;
        }
        let is_judged = known.generation == self.generation;
        match self.seen.get(&path) {
            Some(mark) if *mark == known.mark && (is_judged || known.facts.is_some()) => {
                self.held = held - if known.facts.is_some() { 0 } else { weight };
                self.known.insert(path, known);
                self.audited += 1;
            }
            Some(_) => drop(self.queue.insert(path)),
            None => {}
        }
    }

    /// Stores the result of evaluating these facts. Returns `false` if the terms or the facts changed in the meantime.
    fn judge_again(&mut self, path: &Path, facts: &Arc<Facts>, generation: u64, build: Arc<Build>) -> bool {
        let is_current = generation == self.generation;
        match self.known.get_mut(path).filter(|known| is_current && known.holds(facts)) {
            Some(known) => {
                (known.generation, known.build) = (generation, build);
                true
            }
            None => false,
        }
    }

    /// Queues a bundle whose facts do not suffice, so that the bundle is read again.
    fn forget(&mut self, path: &Path, facts: &Arc<Facts>) {
        if self.known.get(path).is_some_and(|known| known.holds(facts)) {
            self.known.remove(path);
            self.queue.insert(path.to_owned());
        }
    }

    /// The counts for the log line about an index, if the line is due: when the index is complete, when
    /// something was removed, and otherwise once per interval between checks.
    fn say(&mut self, bundles: usize, pending: usize, every: Duration) -> Option<(usize, usize)> {
        let is_of = Some((self.epoch, bundles, pending));
        if self.said_of == is_of && self.audited == 0 && self.gone == 0 {
            return None;
        }
        let is_time = self.said.is_none_or(|said| said.elapsed() >= every);
        if (pending > 0 || !self.queue.is_empty()) && self.gone == 0 && !is_time {
            self.unsaid = true;
            return None;
        }
        (self.said, self.said_of, self.unsaid) = (Some(Instant::now()), is_of, false);
        Some((std::mem::take(&mut self.audited), std::mem::take(&mut self.gone)))
    }
}

impl Known {
    /// A deep copy, including every string, in this thread's memory.
    fn copied(&self) -> Self {
        let facts = self.facts.as_ref();
        Self {
            build: Arc::new(Build::clone(&self.build)),
            facts: facts.map(|(facts, weight)| (Arc::new(Facts::clone(facts)), *weight)),
            ..*self
        }
    }

    fn holds(&self, facts: &Arc<Facts>) -> bool {
        self.facts.as_ref().is_some_and(|(held, _)| Arc::ptr_eq(held, facts))
    }
}

impl Terms {
    /// Whether both policies and both lists of approvals were read from the same bytes.
    fn are_same(&self, other: &Self) -> bool {
        let approvals = |terms: &Self| terms.handed.approvals.clone().map(|list| (list.sha256, list.signature));
        self.policy.source == other.policy.source && approvals(self) == approvals(other)
    }
}
