//! The question of a run, and the terms for evaluating bundles.

use super::handed::{Handed, NOTHING};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::gate::verify::{KeyRing, TrustedKey};
use crate::judge::policy::Policy;
use crate::report::{Depth, QuestionReport, Report};

/// The question about every bundle of a run.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// What is trusted, expected and required.
    pub policy: &'a Policy,
    /// The keys for verification: see [`Policy::keys_for`].
    pub keys: &'a KeyRing,
    /// Evidence supplied for the run, in addition to the bundles.
    pub handed: &'a Handed,
    /// Number of threads for one bundle. The number of threads does not change the result.
    pub threads: usize,
    /// The time as of which the audit is made.
    pub now: Timestamp,
    /// The time by which the bundle existed, from a verified time-stamp from an authority that the auditor specified.
    pub existed_by: Option<Timestamp>,
    /// The limits.
    pub limits: &'a Limits,
    /// How much to check.
    pub depth: Depth,
}

impl<'a> Question<'a> {
    /// A full audit with these four arguments, on one thread, with no supplied evidence.
    pub fn new(policy: &'a Policy, keys: &'a KeyRing, now: Timestamp, limits: &'a Limits) -> Self {
        let depth = Depth::Everything;
        Self { policy, keys, handed: &NOTHING, threads: 1, now, existed_by: None, limits, depth }
    }

    /// A report that states the question and has no bundles.
    pub fn report(&self) -> Report {
        let groups = self.handed.groups();
        Report {
            policy: self.policy.source.clone(),
            question: Some(QuestionReport::of(self.depth, self.policy, self.keys, &groups, self.limits)),
            ..Report::new(Some(self.now))
        }
    }
}

/// The terms for evaluating bundles: what is trusted, expected and required, and the supplied evidence.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What is trusted, expected and required.
    pub policy: Policy,
    /// The keys supplied for the run, or else the policy's keys.
    pub keys: KeyRing,
    /// The supplied evidence.
    pub handed: Handed,
}

impl Terms {
    /// Combines a policy with `named`, the keys supplied for the run, and with supplied evidence.
    ///
    /// # Errors
    /// The errors of [`Policy::keys_for`].
    pub fn new(policy: Policy, named: Vec<TrustedKey>, handed: Handed) -> Result<Self, Error> {
        Ok(Self { keys: policy.keys_for(named)?, policy, handed })
    }

    /// The question about a bundle under these terms, as of this time.
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
