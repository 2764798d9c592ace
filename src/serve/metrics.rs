//! Counters and latencies in Prometheus' text format (exposition format 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Service;
use super::state::Standing;
use crate::report::Admission;

/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS: [u64; 8] = [250, 500, 1_000, 2_500, 10_000, 50_000, 250_000, 1_000_000];

/// A decision on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Every image is accepted.
    Allowed,
    /// A request that would be denied, but does not change any image.
    Unchanged,
    /// A denial in a namespace where denials are only warnings.
    Warned,
    /// A denial.
    Denied,
}

impl Decision {
    pub(super) const ALL: [Self; 4] = [Self::Allowed, Self::Unchanged, Self::Warned, Self::Denied];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Unchanged => "unchanged",
            Self::Warned => "warned",
            Self::Denied => "denied",
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    decisions: [AtomicU64; 4],
    pub(super) refused: AtomicU64,
    pub(super) reloads: AtomicU64,
    pub(super) faults: AtomicU64,
    pub(super) audits: AtomicU64,
    buckets: [AtomicU64; 8],
    micros: AtomicU64,
}

impl Metrics {
    pub(super) fn decided(&self, decision: Decision, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for (known, counter) in Decision::ALL.into_iter().zip(&self.decisions) {
            if known == decision {
                add(counter, 1);
            }
        }
        for (_, counter) in BUCKETS.into_iter().zip(&self.buckets).filter(|(bound, _)| micros <= *bound) {
            add(counter, 1);
        }
        add(&self.micros, micros);
    }
}

pub(super) fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The metrics page. Writing to a String cannot fail.
pub(super) fn page(service: &Service) -> String {
    let metrics = &service.metrics;
    let mut page = String::new();
    let head = |name: &str, kind: &str, help: &str| {
        format!("# HELP hpsb_audit_{name} {help}\n# TYPE hpsb_audit_{name} {kind}\n")
    };
    page += &head("decisions_total", "counter", "Requests that received a decision.");
    let counts = metrics.decisions.each_ref().map(read);
    for (decision, count) in Decision::ALL.into_iter().zip(counts) {
        let _ = writeln!(page, "hpsb_audit_decisions_total{{decision=\"{}\"}} {count}", decision.word());
    }
    for (name, help, counter) in [
        ("refused_total", "Requests that were refused without a decision.", &metrics.refused),
        ("reloads_total", "Loaded changes of policy, approvals or certificate.", &metrics.reloads),
        ("faults_total", "Errors while checking for changes or auditing.", &metrics.faults),
        ("audits_total", "Audits of bundles.", &metrics.audits),
    ] {
        page += &head(name, "counter", help);
        let _ = writeln!(page, "hpsb_audit_{name} {}", read(counter));
    }
    page += &head("decision_seconds", "histogram", "Time to process a request, without network time.");
    for (bound, counter) in BUCKETS.into_iter().zip(&metrics.buckets) {
        let _ = writeln!(
            page,
            "hpsb_audit_decision_seconds_bucket{{le=\"{}.{:06}\"}} {}",
            bound / 1_000_000,
            bound % 1_000_000,
            read(counter)
        );
    }
    let (all, micros) = (counts.iter().sum::<u64>(), read(&metrics.micros));
    let _ = writeln!(page, "hpsb_audit_decision_seconds_bucket{{le=\"+Inf\"}} {all}");
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    let _ =
        writeln!(page, "hpsb_audit_decision_seconds_sum {whole}.{part:06}\nhpsb_audit_decision_seconds_count {all}");
    let standing = service.standing();
    // Without an index, for example after a change of the policy, these numbers are not known.
    if let Standing::Ready(ready) = &*standing {
        page += &head("bundles", "gauge", "Bundles in the index, by verdict.");
        for (verdict, count) in Admission::VERDICTS.into_iter().zip(ready.index.counts()) {
            let _ = writeln!(page, "hpsb_audit_bundles{{verdict=\"{}\"}} {count}", verdict.word());
        }
        page += &head("pending", "gauge", "Bundles that were found but not yet evaluated under the current policy.");
        let _ = writeln!(page, "hpsb_audit_pending {}", ready.pending);
    }
    let ages = [("terms", "policy, approvals and certificate"), ("evidence", "the evidence")];
    for ((name, what), age) in ages.into_iter().zip(service.looks.ages()) {
        let name = format!("{name}_age_seconds");
        page += &head(&name, "gauge", &format!("Time since the last check of {what} began; +Inf before the first."));
        let age = age.map_or("+Inf".to_owned(), |age| format!("{:.3}", age.as_secs_f64()));
        let _ = writeln!(page, "hpsb_audit_{name} {age}");
    }
    page += &head("ready", "gauge", "1 if /readyz returns 200, otherwise 0.");
    let _ = writeln!(page, "hpsb_audit_ready {}", u8::from(service.not_ready().is_none()));
    page
}
