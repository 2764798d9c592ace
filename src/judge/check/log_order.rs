//! `log-order`: the log's times do not decrease, and the last is at most one second after the time in the build's name.

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::base::time::Timestamp;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "log-order",
    group: Group::Manifest,
    level: Level::Warn,
    says: "the log's times do not decrease, and the last is at most one second after the time in the build's name, if it has one",
    explanation: "The time in a build's name is the time at which the manifest is made, so the log in the manifest must end by then. If the log's \
times decrease, or the log continues after that time, the log may have been assembled from parts, or the server's clock may have been changed. All \
times are from the server's own clock.",
    known: Known::Signed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let Some(log) = evidence.log() else {
        return Outcome::not_run(Reason::NoEvidence, "the archive has no data/build.log");
    };
    let mut latest: Option<(usize, Timestamp)> = None;
    for entry in log.entries() {
        let Some(time) = entry.time else { continue };
        if let Some((line, before)) = latest
            && time < before
        {
            let message = format!("the time decreases at line {}", entry.line);
            return Outcome::fail(message).sides(format!("{before} (line {line}) or later"), time);
        }
        latest = Some((entry.line, time));
    }
    let Some((_, last)) = latest else {
        return Outcome::not_run(Reason::NoEvidence, "the log has no times");
    };
    let Some(stamp) = evidence.name().and_then(|name| name.stamp()) else {
        return Outcome::pass("the log's times do not decrease; the build's name has no time to compare with");
    };
    let (whose, known) = match evidence.signed_name() {
        Some(_) => ("the build's name", Known::Signed),
        None => ("the members' names, which are not signed", Known::Given),
    };
    let outcome = if last > stamp.plus_seconds(1) {
        Outcome::fail(format!("the log continues after the time in {whose}"))
    } else {
        Outcome::pass("the log's times do not decrease")
            .also(format!("the log's last time is at most one second after the time in {whose}"), known)
    };
    outcome.sides(format!("{stamp} plus one second, or before"), last)
}
