//! Limits for all servers together in one run, so that a chain of responses, each within its own limit, cannot go on
//! forever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};

/// What remains of a run's limits. Clones share the same counters.
#[derive(Debug, Clone)]
pub(crate) struct Spending {
    left: Arc<Left>,
    bytes: Bound,
    questions: Bound,
}

#[derive(Debug)]
struct Left {
    bytes: AtomicU64,
    questions: AtomicU64,
}

impl Spending {
    pub(crate) fn within(limits: &Limits) -> Self {
        let left =
            Left { bytes: AtomicU64::new(limits.fetched_bytes), questions: AtomicU64::new(limits.fetch_questions) };
        Self { left: Arc::new(left), bytes: limits.fetched_bytes(), questions: limits.fetch_questions() }
    }

    /// Counts one request.
    pub(crate) fn question(&self, from: &str) -> Result<(), Error> {
        take(&self.left.questions, 1).ok_or_else(|| self.questions.exceeded(format_args!("this run, at {from}")))
    }

    /// Counts bytes of responses.
    pub(crate) fn bytes(&self, count: u64, from: &str) -> Result<(), Error> {
        take(&self.left.bytes, count).ok_or_else(|| self.bytes.exceeded(format_args!("this run, at {from}")))
    }
}

fn take(left: &AtomicU64, count: u64) -> Option<()> {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count)).ok().map(drop)
}
