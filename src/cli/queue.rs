//! Many bundles: one queue, bounded in memory, that can be interrupted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::audit::{Given, audit_file};
use super::output::Progress;
use super::state::State;
use crate::audit::Question;
use crate::error::Error;
use crate::given_keys::add_given_keys;
use crate::key::PublicKey;
use crate::limits::Bound;
use crate::report::BundleReport;

/// A report, and the keys that lie beside its bundle.
pub(super) type Audited = (BundleReport, Vec<(String, PublicKey)>);

/// How a run works through its bundles. It changes no report.
pub(super) struct Queue<'a> {
    pub(super) threads: usize,
    /// Bytes for all bundles that are audited at the same time.
    pub(super) memory: Option<u64>,
    pub(super) state: Option<&'a State>,
}

impl Queue<'_> {
    pub(super) fn of_threads(threads: usize) -> Self {
        Self { threads, memory: None, state: None }
    }
}

/// Every bundle; the reports in the order of the paths, whatever was finished first.
///
/// # Errors
/// [`Error::Unwritable`], when the state cannot be kept.
pub(super) fn audit_all(
    paths: &[PathBuf],
    given: &Given<'_>,
    question: &Question<'_>,
    queue: &Queue<'_>,
) -> Result<Vec<BundleReport>, Error> {
    let progress = Progress::new(paths.len());
    let next = AtomicUsize::new(0);
    let room = Room::new(queue.memory);
    let answers = Mutex::new(Vec::with_capacity(paths.len()));
    thread::scope(|scope| {
        for _ in 0..queue.threads.min(paths.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(at) else { break };
                    let answer = room.with(path, |refusal| audit_or_resume(path, given, question, queue, refusal));
                    progress.step();
                    locked(&answers).push((at, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(at, _)| *at);
    let audited: Vec<Audited> = answers.into_iter().map(|(_, answer)| answer).collect::<Result<_, _>>()?;
    let (mut reports, beside): (Vec<_>, Vec<_>) = audited.into_iter().unzip();
    add_given_keys(&mut reports, &beside, question.limits);
    Ok(reports)
}

fn audit_or_resume(
    path: &Path,
    given: &Given<'_>,
    question: &Question<'_>,
    queue: &Queue<'_>,
    refusal: Option<Error>,
) -> Result<Audited, Error> {
    let Some(state) = queue.state.filter(|_| refusal.is_none()) else {
        return Ok(audit_file(path, given, question, refusal));
    };
    let looked = state.look_at(path, given, question.limits);
    if let Some(audited) = looked.as_ref().and_then(|looked| state.finished(looked)) {
        return Ok(audited);
    }
    let audited = audit_file(path, given, question, None);
    if let Some(looked) = looked {
        let after = state.look_at(path, given, question.limits);
        state.keep(&looked, after.as_ref(), &audited.0)?;
    }
    Ok(audited)
}

/// What is left of the memory that was allowed.
struct Room {
    allowed: Option<u64>,
    used: Mutex<u64>,
    freed: Condvar,
}

impl Room {
    fn new(allowed: Option<u64>) -> Self {
        Self { allowed, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Runs `work` when there is room for the bundle at `path`; a bundle that never has room is refused.
    fn with<T>(&self, path: &Path, work: impl FnOnce(Option<Error>) -> T) -> T {
        let Some(allowed) = self.allowed else { return work(None) };
        let needed = estimate(fs::metadata(path).map_or(0, |metadata| metadata.len()));
        if needed > allowed {
            let what = format!("{} needs about {} MB of memory: it", path.display(), needed.div_ceil(MEGABYTE));
            return work(Some(Bound { name: "memory", allowed: allowed / MEGABYTE }.exceeded(what)));
        }
        let mut used = locked(&self.used);
        while allowed - *used < needed {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += needed;
        drop(used);
        let answer = work(None);
        *locked(&self.used) -= needed;
        self.freed.notify_all();
        answer
    }
}

pub(super) const MEGABYTE: u64 = 1_000_000;

/// Memory that a bundle of this size needs, by docs/scale.md: twice its size, and what threads and tables need.
fn estimate(bytes: u64) -> u64 {
    bytes.saturating_mul(2).saturating_add(120 * MEGABYTE)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
