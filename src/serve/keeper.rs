//! Keeps the index up to date. Four kinds of threads share one table: one looks at the terms, one at the evidence, some audit, and one judges
//! and publishes. No look ever waits for an audit.
//!
//! Terms that changed end the old index at the look that sees it: from then on nothing is let in that was not judged under them. A bundle that
//! went or changed leaves the index at the look that sees it, and comes back once it was audited.
//!
//! What is held for long is copied by the thread that publishes, and what it was copied from is freed. Allocators give each thread a heap of its
//! own (glibc, jemalloc): the small facts of many builds are together in one, and not between the large buffers of audits, where each would
//! keep a hole of megabytes from being used again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::metrics::add;
use super::state::{Ready, Standing};
use super::{AUDIT_AGAIN, Service};
use crate::audit::Facts;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::deploy::admission::{Index, build_of};
use crate::dossier::Terms;
use crate::judge::builds::{Build, Builds};
use crate::report::BundleReport;

/// Between two publications while much is audited.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);

/// Bundles that are judged again between two publications.
const AT_A_TIME: usize = 4_096;
/// Facts of one bundle, and of all: what is beyond that is not held, and read again when the terms change. In bytes.
const HELD_EACH: u64 = 256 << 10;
const HELD: u64 = 2 << 30;

/// What the threads share.
#[derive(Default)]
pub(super) struct Keeper {
    table: Mutex<Table>,
    /// Something changed in the table, or the service ends.
    changed: Condvar,
}

struct Table {
    terms: Result<Arc<Terms>, String>,
    /// Another one for each change of the terms: what was judged under another is not published.
    generation: u64,
    /// Another one for each change that takes something away: an index that was made before is not published after it.
    epoch: u64,
    /// Why the evidence cannot be looked at.
    evidence: Result<(), String>,
    /// What the last look found.
    seen: BTreeMap<PathBuf, Sha256>,
    known: BTreeMap<PathBuf, Known>,
    queue: BTreeSet<PathBuf>,
    /// Bundles that are being audited or were audited and are not known yet, as they were seen when that began.
    running: BTreeMap<PathBuf, Sha256>,
    /// What audits found and is not known yet.
    fresh: Vec<(PathBuf, Known)>,
    /// The weight of all facts that are held.
    held: u64,
    /// Is there something to publish?
    dirty: bool,
    /// What was counted since the log last said it.
    audited: usize,
    gone: usize,
    said: Option<Instant>,
    /// Epoch, bundles and pending ones as they were said last.
    said_of: Option<(u64, usize, usize)>,
    /// Was an index published since then?
    unsaid: bool,
    ended: bool,
}

/// A bundle that was audited and judged.
struct Known {
    mark: Sha256,
    audited: Instant,
    generation: u64,
    build: Arc<Build>,
    /// What another policy can judge, and its weight.
    facts: Option<(Arc<Facts>, u64)>,
}

impl Default for Table {
    fn default() -> Self {
        let not_yet = || "they have not been looked at yet".to_owned();
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

    /// Every thread ends when it is done with what it does.
    pub(super) fn end(&self) {
        self.table().ended = true;
        self.changed.notify_all();
    }

    /// Waits, unless the service ends before: `false`.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let table = self.table();
        let waited = self.changed.wait_timeout_while(table, time, |table| !table.ended);
        !waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }
}

impl Service {
    /// Looks at the terms once. Those that cannot be read deny: the old ones are not kept.
    pub(super) fn look_at_terms(&self) {
        let began = Instant::now();
        let read = (self.edges.terms)();
        let mut table = self.keeper.table();
        match read {
            Ok(terms) if table.terms.as_ref().is_ok_and(|known| known.are_same(&terms)) => {}
            Ok(terms) => {
                let policy = terms.policy.source.as_ref().map(|source| source.sha256.hex());
                table.change_terms(Ok(Arc::new(terms)));
                self.set(Standing::Absent("the policy is new, and the evidence is being judged under it".into()));
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

    /// Looks at the evidence once. What went or changed is denied from here on; what came, changed or was audited long ago is audited.
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

    /// A fault is said and counted once, until it is over.
    fn fault(&self, is_new: bool, error: &Error) {
        if is_new {
            add(&self.metrics.faults, 1);
            self.say("fault", json!({ "error": error.code(), "message": error.to_string(), "hint": error.hint() }));
        }
    }

    /// Audits the next bundle, waiting for one. `false`: the service ends.
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
        // A bundle has all threads where no other waits for one.
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
            // The next look finds that nothing is known of it.
            Err(error) => {
                self.keeper.table().running.remove(&path);
                self.fault(true, &error);
            }
        }
        self.keeper.changed.notify_all();
        true
    }

    /// What is not accepted is said once, with the reason: it is not evidence.
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

    /// Judges and publishes what there is, waiting for it. `false`: the service ends.
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
        // An index of many builds takes its time: a tenth of it at most goes there while others are audited.
        self.keeper.rest(PUBLISH_EVERY.max(began.elapsed() * 10))
    }

    /// Keeps what audits found: copies of it.
    fn keep(&self, fresh: Vec<(PathBuf, Known)>) {
        let copies: Vec<(PathBuf, Known)> = fresh.iter().map(|(path, known)| (path.clone(), known.copied())).collect();
        drop(fresh);
        let mut table = self.keeper.table();
        copies.into_iter().for_each(|(path, known)| table.keep(path, known));
        drop(table);
        self.keeper.changed.notify_all();
    }

    /// Judges what is held under the terms as they are. Where the facts do not suffice, the bundle is read again, and denied until then.
    fn judge_again(&self, threads: usize) {
        let (began, mut judged, mut to_read, mut published) = (Instant::now(), 0, 0, None);
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
                        to_read += 1;
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
        if judged + to_read > 0 {
            let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.say("judged", json!({ "bundles": judged, "to_read": to_read, "milliseconds": milliseconds }));
        }
    }

    /// Makes an index of what is judged under the terms as they are, and puts it in place unless something was taken away meanwhile.
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
        // What has facts is judged again; the others are read again.
        self.known.retain(|_, known| known.facts.is_some());
        self.queue = self.seen.keys().filter(|path| !self.known.contains_key(*path)).cloned().collect();
        self.said = None;
        self.dirty = true;
    }

    /// Takes over what a look found: how many bundles went or changed.
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

    /// The next bundle to audit. One that is being audited as it was before waits until that ends.
    fn next(&mut self) -> Option<(PathBuf, Sha256, Arc<Terms>, u64)> {
        let terms = Arc::clone(self.terms.as_ref().ok()?);
        let path = self.queue.iter().find(|path| !self.running.contains_key(*path))?.clone();
        self.queue.remove(&path);
        let mark = *self.seen.get(&path)?;
        self.running.insert(path.clone(), mark);
        Some((path, mark, terms, self.generation))
    }

    /// Keeps what an audit found, if the bundle is as it was. What was judged under other terms is judged again, where it can be.
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

    /// Takes over a judgement of these facts. `false`: something else happened meanwhile.
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

    /// The facts do not suffice: the bundle is read again.
    fn forget(&mut self, path: &Path, facts: &Arc<Facts>) {
        if self.known.get(path).is_some_and(|known| known.holds(facts)) {
            self.known.remove(path);
            self.queue.insert(path.to_owned());
        }
    }

    /// What the log says of an index, if it is time: when it is whole, when something went, and once for each look.
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
    /// A copy in the memory of this thread, to the last string.
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
    /// Were they read from the same bytes?
    fn are_same(&self, other: &Self) -> bool {
        let approvals = |terms: &Self| terms.handed.approvals.clone().map(|list| (list.sha256, list.signature));
        self.policy.source == other.policy.source && approvals(self) == approvals(other)
    }
}
