//! `log-key`: the content-trust key id in the log is the id of the certificate in the log.

use std::collections::BTreeSet;

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::base::words::counted_as;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::manifest::build_log::{BuildLog, LogEvent};
use crate::trust::notary::key_id;

pub(super) static CHECK: Check = Check {
    name: "log-key",
    group: Group::Manifest,
    level: Level::Require,
    says: "the key id in the log is the one recomputed from the text of the public key in the log",
    explanation: "A build whose image was signed by Docker Content Trust logs the id and the certificate of the repository's root key. The id is \
recomputed from the certificate as Notary does it: SHA-256 over the canonical JSON of the key (notary, tuf/data/keys.go). The check does not show who \
holds that key, or whether the image is signed: see image-signature. Builds without content trust have no such lines. Lines count only after the last \
line that the build itself printed; if there are only earlier lines, the answer is unknown.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Function(run),
};

pub(super) fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let Some(log) = evidence.log() else {
        return Outcome::not_run(Reason::NoEvidence, "the archive has no data/build.log");
    };
    let is_key = |event: &&LogEvent| matches!(event, LogEvent::KeyId(_) | LogEvent::PublicKey(_));
    let (ids, keys) = (distinct(log, key_id_of), distinct(log, key_of));
    let ignored = log.events().filter(is_key).count().saturating_sub(log.push_events().filter(is_key).count());
    if ids.is_empty() && keys.is_empty() && ignored > 0 {
        return Outcome::unknown("no line about a content-trust key counts: the build may have printed each of them");
    }
    let mut outcome = match (ids.as_slice(), keys.as_slice()) {
        ([], []) => Outcome::not_run(Reason::NoEvidence, "no content-trust key in the log"),
        ([id], [key]) => match root_key_id(key) {
            Some(computed) if computed == *id => Outcome::pass(
                "the content-trust key id in the log is the one recomputed from the text of the public key in the log",
            )
            .sides(computed, id),
            Some(computed) => Outcome::fail("the key id is not the one recomputed from the text of the public key")
                .sides(computed, id),
            None => Outcome::fail("the key in the log is not base64 text").sides("base64 of a PEM certificate", *key),
        },
        (ids, keys) => Outcome::unknown("the log does not have exactly one key id and one key")
            .sides("one key id and one key", format!("{} and {}", ids.len(), keys.len())),
    };
    if ignored > 0 {
        let (one, several) = ("line about a key does not count", "lines about a key do not count");
        outcome = outcome.detail(format!("{}: the build may have printed them", counted_as(ignored, one, several)));
    }
    outcome
}

fn key_id_of(event: &LogEvent) -> Option<&str> {
    if let LogEvent::KeyId(id) = event { Some(id) } else { None }
}

fn key_of(event: &LogEvent) -> Option<&str> {
    if let LogEvent::PublicKey(key) = event { Some(key) } else { None }
}

/// The distinct values in the lines that count, sorted.
fn distinct(log: &BuildLog, value: fn(&LogEvent) -> Option<&str>) -> Vec<&str> {
    log.push_events().filter_map(value).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The id of a root key whose `public` is this base64 text.
fn root_key_id(public: &str) -> Option<String> {
    key_id("ecdsa-x509", public)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A public excerpt of a real build's log (IBM Hyper Protect Virtual Servers workshop, docs/securebuild-lab).
    #[test]
    fn the_key_id_in_a_public_log_is_recomputed() {
        let key = concat!(
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJmVENDQVNTZ0F3SUJBZ0lSQUt3cTlRWEZhMzRYMXdIRmZST2NJZXN3Q2dZSUtvWkl6ajBFQXdJd0pURWoKTUNFR0ExVUVBd3dhWkc5amEy",
            "VnlMbWx2TDJkdGIyNWxlVEl6TDJod2RuTmZZbU13SGhjTk1qQXdOakl6TURnegpPVFF4V2hjTk16QXdOakl4TURnek9UUXhXakFsTVNNd0lRWURWUVFEREJwa2IyTnJaWEl1YVc4dloyMXZibVY1",
            "Ck1qTXZhSEIyYzE5aVl6QlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQUJKU3ZPdWlSaHJNcjJmQVYKcmZLcHZncVRYNXZwSFlodnEvZXc1SFRuMzRMcnBrQ0xJMjBkdmxjcTUyc1Zv",
            "QjVxYkpzeEdTbkphOU5sM0tYYQpZUlRjQ2Z1ak5UQXpNQTRHQTFVZER3RUIvd1FFQXdJRm9EQVRCZ05WSFNVRUREQUtCZ2dyQmdFRkJRY0RBekFNCkJnTlZIUk1CQWY4RUFqQUFNQW9HQ0NxR1NN",
            "NDlCQU1DQTBjQU1FUUNJRlhFWE9iZTdHR1NsSjEzTzZicTR6T0IKamhoMlZSbmRYOVJYMytrSFpnVVVBaUJBWXAyNTkwTkpVelJIK1lhR2JzQ1hMRmxOUWRzT2ltWW9NMzlqR0IwRAp5dz09Ci0t",
            "LS0tRU5EIENFUlRJRklDQVRFLS0tLS0K",
        );
        let id = "0cc264a565c452ea6aca776b2787be54e94b905113e77edae00d5ec267a07ffc";
        assert_eq!(root_key_id(key).as_deref(), Some(id));
        assert_eq!(root_key_id("\",\"x\":\""), None);
    }
}
