//! Keeps the index up to date: looks at policy, approvals and evidence again and again, and audits what is new.
//!
//! Terms that changed end the old index at once: until everything is audited under them, nothing new is let in. A bundle that came or changed
//! is audited while the old index answers; one that went is gone before anything else is audited.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::metrics::add;
use super::state::{Ready, Standing};
use super::{AUDIT_AGAIN, Service, Terms};
use crate::admission::Index;
use crate::digest::Sha256;
use crate::error::Error;
use crate::report::BundleReport;
use crate::time::Timestamp;

/// Bundles between two looks at the terms: those that are revoked while much is audited must not wait for the end.
const AT_A_TIME: usize = 8;

/// What was seen and audited so far.
#[derive(Default)]
pub(super) struct Keeper {
    terms: Option<Terms>,
    known: BTreeMap<PathBuf, Known>,
    /// The fault that was said last, so that it is said once.
    fault: Option<String>,
}

struct Known {
    mark: Sha256,
    audited: Timestamp,
    report: BundleReport,
}

impl Keeper {
    /// Looks once. What cannot be read leaves the service without an index: it denies, and says why.
    pub(super) fn look(&mut self, service: &Service) {
        match self.update(service) {
            Ok(()) => {
                self.fault = None;
                let now = (service.edges.now)().map_or(0, |now| now.unix_seconds());
                service.metrics.looked.store(u64::try_from(now).unwrap_or(0), Ordering::Relaxed);
            }
            Err(error) => {
                self.terms = None;
                self.known.clear();
                let why = error.to_string();
                service.set(Standing::Absent(why.clone()));
                if self.fault.as_ref() != Some(&why) {
                    add(&service.metrics.faults, 1);
                    service.say("fault", json!({ "error": error.code(), "message": why, "hint": error.hint() }));
                    self.fault = Some(why);
                }
            }
        }
    }

    fn update(&mut self, service: &Service) -> Result<(), Error> {
        let terms = (service.edges.terms)()?;
        if !self.terms.as_ref().is_some_and(|known| are_same(known, &terms)) {
            self.known.clear();
            service.set(Standing::Absent("the policy is new, and the evidence is being audited under it".into()));
        }
        self.terms = Some(terms.clone());
        let now = (service.edges.now)()?;
        let found: BTreeMap<PathBuf, Sha256> = (service.edges.bundles)()?.into_iter().collect();
        let before = self.known.len();
        self.known.retain(|path, _| found.contains_key(path));
        let gone = before - self.known.len();
        if gone > 0 && service.is_ready() {
            self.publish(service, &terms);
        }
        let old = now.plus_seconds(-i64::try_from(AUDIT_AGAIN.as_secs()).unwrap_or(i64::MAX));
        let is_stale = |(path, mark): &(&PathBuf, &Sha256)| {
            !self.known.get(*path).is_some_and(|known| known.mark == **mark && known.audited > old)
        };
        let stale: Vec<PathBuf> = found.iter().filter(is_stale).map(|(path, _)| path.clone()).collect();
        if stale.is_empty() && gone == 0 && service.is_ready() {
            return Ok(());
        }
        for few in stale.chunks(AT_A_TIME) {
            let audited = (service.edges.audit)(few, &terms, now)?;
            add(&service.metrics.audits, few.len() as u64);
            self.keep(service, &found, few, audited, now);
            if !are_same(&(service.edges.terms)()?, &terms) {
                return self.update(service);
            }
        }
        self.publish(service, &terms);
        add(&service.metrics.reloads, 1);
        let policy = terms.policy.source.as_ref().map(|source| source.sha256.hex());
        service.say(
            "index",
            json!({ "bundles": self.known.len(), "audited": stale.len(), "gone": gone, "policy_sha256": policy }),
        );
        Ok(())
    }

    /// Takes over what was audited. What is not accepted is said once, with the reason: it is no evidence.
    fn keep(
        &mut self,
        service: &Service,
        found: &BTreeMap<PathBuf, Sha256>,
        stale: &[PathBuf],
        audited: Vec<BundleReport>,
        now: Timestamp,
    ) {
        let mut met = BTreeSet::new();
        for (path, report) in stale.iter().zip(audited) {
            let Some(mark) = found.get(path).copied() else { continue };
            met.insert(path.clone());
            if report.exit_code() != 0 {
                let error = report.error.iter().map(Error::to_string);
                let findings = report.rejecting().map(|finding| format!("{}: {}", finding.check, finding.message));
                let because: Vec<String> = error.chain(findings).collect();
                service.say(
                    "bundle-not-accepted",
                    json!({ "bundle": report.path, "verdict": report.verdict.word(), "because": because }),
                );
            }
            // Answers about images need no facts and no list of what was read.
            let report = BundleReport { evidence: Vec::new(), inputs: Vec::new(), ..report };
            self.known.insert(path.clone(), Known { mark, audited: now, report });
        }
        // A bundle without an answer is no evidence.
        for path in stale.iter().filter(|path| !met.contains(*path)) {
            self.known.remove(path);
        }
    }

    fn publish(&self, service: &Service, terms: &Terms) {
        let reports = self.known.values().map(|known| known.report.clone()).collect();
        let index = Index::of(reports, &terms.policy);
        service.set(Standing::Ready(Box::new(Ready { terms: terms.clone(), index })));
    }
}

/// Are they read from the same bytes?
fn are_same(one: &Terms, other: &Terms) -> bool {
    let approvals = |terms: &Terms| terms.approvals.clone().map(|list| (list.sha256, list.signature));
    one.policy.source == other.policy.source && approvals(one) == approvals(other)
}
