//! What the service holds: the index and the terms that it was made under, or why there is none.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::metrics::Metrics;
use super::{Edges, Terms};
use crate::admission::Index;
use crate::limits::Limits;

/// The service, without its wire.
pub struct Service {
    pub(super) edges: Edges,
    pub(super) limits: Limits,
    /// Namespaces in which a denial is a warning.
    pub(super) warn: BTreeSet<String>,
    pub(super) metrics: Metrics,
    pub(super) log: Mutex<Box<dyn Write + Send>>,
    /// Is somebody keeping the index up to date?
    pub(super) kept: AtomicBool,
    standing: RwLock<Arc<Standing>>,
}

/// Whether questions can be answered.
pub(super) enum Standing {
    /// They cannot: why.
    Absent(String),
    /// They can.
    Ready(Box<Ready>),
}

/// An index and what it was made under.
pub(super) struct Ready {
    pub(super) terms: Terms,
    pub(super) index: Index,
}

impl Service {
    /// A service that has looked at nothing yet. `log` gets a line of JSON for each decision and each change.
    pub fn new(edges: Edges, limits: Limits, warn: BTreeSet<String>, log: Box<dyn Write + Send>) -> Self {
        let standing = RwLock::new(Arc::new(Standing::Absent("the evidence is being audited".into())));
        Self {
            edges,
            limits,
            warn,
            metrics: Metrics::default(),
            log: Mutex::new(log),
            kept: AtomicBool::new(true),
            standing,
        }
    }

    pub(super) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, standing: Standing) {
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(standing);
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(*self.standing(), Standing::Ready(_))
    }
}
