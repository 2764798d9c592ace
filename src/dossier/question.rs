//! What is asked of bundles, and on whose terms.

use super::handed::{Handed, NOTHING};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::gate::verify::{KeyRing, TrustedKey};
use crate::judge::policy::Policy;
use crate::report::{Depth, QuestionReport, Report};

/// What is asked of every bundle of a run.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// What is trusted, expected and required.
    pub policy: &'a Policy,
    /// The keys to verify with: see [`Policy::keys_for`].
    pub keys: &'a KeyRing,
    /// What was given for the run, beside its bundles.
    pub handed: &'a Handed,
    /// Threads that one bundle may use. They change no answer.
    pub threads: usize,
    /// The moment that the audit is for.
    pub now: Timestamp,
    /// When an authority that the auditor named had seen the bundle, by a verified time-stamp.
    pub existed_by: Option<Timestamp>,
    /// The bounds.
    pub limits: &'a Limits,
    /// How far to look.
    pub depth: Depth,
}

impl<'a> Question<'a> {
    /// Everything that these four answer, on one thread, with nothing given beside the bundles.
    pub fn new(policy: &'a Policy, keys: &'a KeyRing, now: Timestamp, limits: &'a Limits) -> Self {
        let depth = Depth::Everything;
        Self { policy, keys, handed: &NOTHING, threads: 1, now, existed_by: None, limits, depth }
    }

    /// A report that says what is asked, and nothing of a bundle yet.
    pub fn report(&self) -> Report {
        let groups = self.handed.groups();
        Report {
            policy: self.policy.source.clone(),
            question: Some(QuestionReport::of(self.depth, self.policy, self.keys, &groups, self.limits)),
            ..Report::new(Some(self.now))
        }
    }
}

/// On whose terms bundles are judged: what is trusted, expected and required, and what was given for it.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What is trusted, expected and required.
    pub policy: Policy,
    /// The policy's keys, and those that were named beside it.
    pub keys: KeyRing,
    /// What was given.
    pub handed: Handed,
}

impl Terms {
    /// These terms; `named` are keys that were named beside the policy.
    ///
    /// # Errors
    /// As [`Policy::keys_for`].
    pub fn new(policy: Policy, named: Vec<TrustedKey>, handed: Handed) -> Result<Self, Error> {
        Ok(Self { keys: policy.keys_for(named)?, policy, handed })
    }

    /// What is asked of a bundle under them, for this moment.
    pub fn question<'a>(&'a self, now: Timestamp, threads: usize, limits: &'a Limits) -> Question<'a> {
        Question {
            policy: &self.policy,
            keys: &self.keys,
            handed: &self.handed,
            threads,
            now,
            existed_by: None,
            limits,
            depth: Depth::Everything,
        }
    }
}
