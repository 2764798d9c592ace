//! The service's state: the index and the terms that apply to it, or the reason why there is no index.

use crate::base::words::counted_as;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use super::Edges;
use super::keeper::Keeper;
use super::metrics::Metrics;
use crate::base::limits::Limits;
use crate::deploy::admission::Index;
use crate::dossier::Terms;

/// The service, without the HTTP server.
pub struct Service {
    pub(super) edges: Edges,
    pub(super) limits: Limits,
    /// Namespaces where a denial is only a warning.
    pub(super) warn: BTreeSet<String>,
    pub(super) metrics: Metrics,
    pub(super) log: Mutex<Box<dyn Write + Send>>,
    pub(super) keeper: Keeper,
    pub(super) looks: Looks,
    /// Whether every thread that keeps the index up to date is still running.
    kept: AtomicBool,
    /// Whether an index without pending bundles has been published at least once.
    complete: AtomicBool,
    standing: RwLock<Arc<Standing>>,
}

/// Whether images can be evaluated.
pub(super) enum Standing {
    /// Images cannot be evaluated, for this reason.
    Absent(String),
    /// Images can be evaluated.
    Ready(Box<Ready>),
}

/// An index and the terms that apply to it.
pub(super) struct Ready {
    pub(super) terms: Arc<Terms>,
    pub(super) index: Index,
    /// The number of bundles that were found but not yet evaluated.
    pub(super) pending: usize,
}

/// A guard: while it is held, the [`Standing`] is not replaced.
pub(super) type Unchanged<'a> = RwLockReadGuard<'a, Arc<Standing>>;

impl Service {
    /// A service that has read nothing yet and will check for changes every `look_every`. `log` receives one JSON line
    /// for each decision and each change.
    pub fn new(
        edges: Edges,
        limits: Limits,
        warn: BTreeSet<String>,
        look_every: Duration,
        log: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            edges,
            limits,
            warn,
            metrics: Metrics::default(),
            log: Mutex::new(log),
            keeper: Keeper::default(),
            looks: Looks::new(look_every),
            kept: AtomicBool::new(true),
            complete: AtomicBool::new(false),
            standing: RwLock::new(Arc::new(Standing::Absent("the evidence has not been audited yet".into()))),
        }
    }

    pub(super) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A guard that keeps the [`Standing`] unchanged, if the current one is still `standing`.
    pub(super) fn unchanged(&self, standing: &Arc<Standing>) -> Option<Unchanged<'_>> {
        let place = self.standing.read().unwrap_or_else(PoisonError::into_inner);
        Arc::ptr_eq(&place, standing).then_some(place)
    }

    /// Replaces the [`Standing`], unless a thread that checks, audits or evaluates has ended.
    pub(super) fn set(&self, standing: Standing) {
        let mut place = self.standing.write().unwrap_or_else(PoisonError::into_inner);
        if !self.is_kept() {
            return;
        }
        if matches!(&standing, Standing::Ready(ready) if ready.pending == 0) {
            self.complete.store(true, Ordering::Relaxed);
        }
        *place = Arc::new(standing);
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Relaxed)
    }

    /// Records that a thread has ended, for whatever reason: from now on, no image is accepted.
    pub(super) fn is_kept_no_more(&self) {
        self.set(Standing::Absent("a thread that keeps the index up to date has ended".into()));
        self.kept.store(false, Ordering::Relaxed);
    }

    /// The reason why requests should go to a different replica; `None` if this replica is ready.
    pub(super) fn not_ready(&self) -> Option<String> {
        match &*self.standing() {
            Standing::Absent(why) => Some(why.clone()),
            Standing::Ready(_) if self.looks.fault().is_some() => self.looks.fault(),
            Standing::Ready(ready) if !self.complete.load(Ordering::Relaxed) => {
                Some(format!("{} not been audited yet", counted_as(ready.pending, "bundle has", "bundles have")))
            }
            Standing::Ready(_) => None,
        }
    }
}

/// When the terms and the evidence were last checked, by a monotonic clock.
pub(super) struct Looks {
    pub(super) every: Duration,
    began: Instant,
    /// Milliseconds since `began`; 0 before the first check.
    terms: AtomicU64,
    evidence: AtomicU64,
    /// How long the last check of the evidence took, in milliseconds; a check of many bundles takes time.
    listing: AtomicU64,
}

impl Looks {
    fn new(every: Duration) -> Self {
        let never = || AtomicU64::new(0);
        Self { every, began: Instant::now(), terms: never(), evidence: never(), listing: never() }
    }

    fn milliseconds_of(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.began).as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Records a check of the terms that began at this time.
    pub(super) fn at_terms(&self, began: Instant) {
        self.terms.store(self.milliseconds_of(began), Ordering::Relaxed);
    }

    /// Records a check of the evidence that began at this time.
    pub(super) fn at_evidence(&self, began: Instant) {
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.listing.store(took, Ordering::Relaxed);
        self.evidence.store(self.milliseconds_of(began), Ordering::Relaxed);
    }

    /// The times since the last check of the terms and the last check of the evidence began. `None` if there was no check.
    pub(super) fn ages(&self) -> [Option<Duration>; 2] {
        let now = self.milliseconds_of(Instant::now());
        [&self.terms, &self.evidence].map(|look| match look.load(Ordering::Relaxed) {
            0 => None,
            look => Some(Duration::from_millis(now.saturating_sub(look))),
        })
    }

    /// The reason why decisions cannot rely on the last checks: there was no check, or the last one began more than two intervals
    /// ago. For the evidence, an interval includes the time that its last check took.
    pub(super) fn fault(&self) -> Option<String> {
        let listing = Duration::from_millis(self.listing.load(Ordering::Relaxed));
        let allowed = [self.every * 2, (self.every + listing) * 2];
        let words = ["the policy and the files that it refers to", "the evidence files"];
        let late = self.ages().into_iter().zip(allowed).zip(words);
        late.filter(|((age, allowed), _)| age.is_none_or(|age| age > *allowed))
            .map(|((age, _), word)| match age {
                Some(age) => format!("{word} were last checked {} seconds ago", age.as_secs()),
                None => format!("{word} have not been checked yet"),
            })
            .next()
    }

    /// The ages as text, for people and probes.
    pub(super) fn words(&self) -> String {
        let word = |age: Option<Duration>| age.map_or("never".into(), |age| format!("{:.1} s ago", age.as_secs_f64()));
        let [terms, evidence] = self.ages().map(word);
        format!("last check of the settings began: {terms}\nlast check of the evidence began: {evidence}\n")
    }
}
