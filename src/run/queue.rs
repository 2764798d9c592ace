//! A queue for many bundles. Its memory can be bounded, and a run can be interrupted and resumed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::given_keys::add_given_keys;
use super::state::State;
use crate::audit::audit;
use crate::base::error::Error;
use crate::base::limits::Bound;
use crate::base::system::slashed;
use crate::dossier::{Dossier, Question, ReadImage, Storage};
use crate::gate::key::PublicKey;
use crate::report::BundleReport;

/// A report, and the keys next to the bundle.
pub(super) type Audited = (BundleReport, Vec<(String, PublicKey)>);

/// How to process the bundles of a run. Apart from refusals for lack of `memory`, these settings do not change any report.
pub struct Queue<'a> {
    /// Where the bundles are stored.
    pub storage: Storage<'a>,
    /// Reads an image that was supplied, or that is next to a bundle.
    pub read_image: &'a ReadImage<'a>,
    /// Maximum number of bundles audited at the same time.
    pub threads: usize,
    /// Maximum memory in bytes for all bundles audited at the same time.
    pub memory: Option<u64>,
    /// Reports that an earlier run finished.
    pub state: Option<&'a State>,
    /// Called after each bundle.
    pub step: &'a (dyn Fn() + Sync),
}

/// Audits every bundle. The reports are in the order of the paths, not in the order of completion.
///
/// # Errors
/// [`Error::Unwritable`] if the state cannot be saved.
pub fn audit_all(paths: &[PathBuf], question: &Question<'_>, queue: &Queue<'_>) -> Result<Vec<BundleReport>, Error> {
    let next = AtomicUsize::new(0);
    let room = Room::new(queue.memory);
    let answers = Mutex::new(Vec::with_capacity(paths.len()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(at) else { break };
            let size = queue.storage.size(path);
            let answer = room.with(path, size, |refusal| audit_or_resume(path, question, queue, refusal));
            (queue.step)();
            locked(&answers).push((at, answer));
        }
    };
    match queue.threads.min(paths.len()) {
        0 | 1 => work(),
        threads => thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work)))),
    }
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(at, _)| *at);
    let audited: Vec<Audited> = answers.into_iter().map(|(_, answer)| answer).collect::<Result<_, _>>()?;
    let (mut reports, beside): (Vec<_>, Vec<_>) = audited.into_iter().unzip();
    add_given_keys(&mut reports, &beside, question.limits);
    Ok(reports)
}

fn audit_or_resume(
    path: &Path,
    question: &Question<'_>,
    queue: &Queue<'_>,
    refusal: Option<Error>,
) -> Result<Audited, Error> {
    let (storage, read_image) = (queue.storage, queue.read_image);
    let audited = |dossier: Dossier<'_>| {
        let keys = dossier.keys_beside.clone();
        (audit(dossier, question), keys)
    };
    if let Some(why) = refusal {
        return Ok(audited(Dossier::unread(path, why, question, storage, read_image)));
    }
    let looked = queue.state.and_then(|state| Some((state, state.look_at(path, question, storage)?)));
    if let Some(known) = looked.as_ref().and_then(|(state, looked)| state.finished(looked)) {
        return Ok(known);
    }
    let audited = audited(Dossier::open(path, question, storage, read_image));
    if let Some((state, looked)) = looked {
        let after = state.look_at(path, question, storage);
        state.keep(&looked, after.as_ref(), &audited.0)?;
    }
    Ok(audited)
}

/// The memory that is available for bundles.
struct Room {
    allowed: Option<u64>,
    used: Mutex<u64>,
    freed: Condvar,
}

impl Room {
    fn new(allowed: Option<u64>) -> Self {
        Self { allowed, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Runs `work` when there is enough memory for the bundle at `path`. A bundle that needs more than the total is refused.
    fn with<T>(&self, path: &Path, size: u64, work: impl FnOnce(Option<Error>) -> T) -> T {
        let Some(allowed) = self.allowed else { return work(None) };
        let needed = estimate(size);
        if needed > allowed {
            let what = format!("{} needs about {} MB of memory: it", slashed(path), needed.div_ceil(MEGABYTE));
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

const MEGABYTE: u64 = 1_000_000;

/// Memory for a bundle of this size, as in docs/scale.md: twice its size, plus a constant for threads and tables.
fn estimate(bytes: u64) -> u64 {
    bytes.saturating_mul(2).saturating_add(120 * MEGABYTE)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
