//! Every case, with one file for each subject.

use super::case::Case;

mod bzip2;
mod git;
mod good;
mod image;
mod inner;
mod keys;
mod log;
mod notary;
mod openpgp;
mod outer;
mod policy;
mod record;
mod server;
mod signature;
mod sigstore;
mod source;
mod text;
mod trust;
mod verdict;

/// All cases.
pub fn all() -> Vec<Case> {
    [
        good::cases(),
        keys::cases(),
        bzip2::cases(),
        outer::cases(),
        signature::cases(),
        inner::cases(),
        record::cases(),
        log::cases(),
        policy::cases(),
        source::cases(),
        git::cases(),
        server::cases(),
        text::cases(),
        trust::cases(),
        verdict::cases(),
        notary::cases(),
        openpgp::cases(),
        sigstore::cases(),
        image::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The log with one or more messages (separated by newlines) before the first line that contains
/// `needle`; each message gets that line's time.
fn insert_before(log: &str, needle: &str, messages: &str) -> String {
    let (at, line) = log.split_inclusive('\n').enumerate().find(|(_, line)| line.contains(needle)).unwrap();
    // `2026-03-02 10:15:30,123  root       INFO    `
    let head = &line[..44];
    let mut lines: Vec<String> = log.split_inclusive('\n').map(str::to_owned).collect();
    lines.splice(at..at, messages.split('\n').map(|message| format!("{head}{message}\n")));
    lines.concat()
}

/// The log without the lines that contain one of `needles`.
fn without(log: &str, needles: &[&str]) -> String {
    log.split_inclusive('\n').filter(|line| !needles.iter().any(|needle| line.contains(needle))).collect()
}

/// A policy that trusts the recorded key, followed by `more`.
pub fn policy_with(more: &str) -> String {
    policy::with(more)
}
