//! The checks: a file for each check or for several related ones, and one table that lists all checks. A check examines evidence under a policy and
//! returns one outcome. A check does no I/O, reads no clock, and does not decide how its answer affects the verdict.
//!
//! To add a check, follow these steps:
//!
//! 1. Write a file in this folder with a `pub(super) static CHECK: Check` and a function `run`. [`Check`] contains everything that reports,
//!    levels, the chain and the controls need.
//!
//! 2. List each control of the check in `report/controls.toml`.
//!
//! 3. In this file, declare the check's module, and add the check to [`CHECKS`], next to the other checks of its group.
//!
//! 4. If the policy defines what the check expects, add a field and a row in `policy/expect.rs`.
//!
//! 5. Add a fixture in `tests/support/cases/` in which the check fails.
//!
//! 6. Add a row for that fixture to `tests/hostile-input.toml`.
//!
//! Then run `tests/run update`, which writes the fixture, `docs/generated/checks.md`, the table in `docs/policy.md` and the expected answers that
//! list every check. If good builds may lack the evidence for a check, also list the check in `tests.rs` of this folder. If a step is forgotten,
//! the compiler or a test reports it.

mod attestation_record;
mod base_image;
mod build_age;
mod build_server;
mod build_status;
mod builder_record;
mod contract_signature;
mod definition;
mod history_entry;
mod image_config;
mod image_digest;
mod image_evidence;
mod image_history;
mod image_key;
mod image_labels;
mod image_layers;
mod image_platform;
mod image_signature;
mod image_tag;
mod key_record;
mod log_image;
mod log_key;
mod log_order;
mod manifest_key;
mod manifest_name;
mod manifest_signature;
mod outcome;
mod root_ssh;
mod server_record;
mod source_approved;
mod source_commit;
mod source_dockerfile;
mod source_objects;
mod source_repository;
mod source_signature;
mod source_tree;
mod trust_freshness;
mod trust_reports;
mod workload_image;
mod workload_key;
mod workload_pinned;

use crate::base::words::did_you_mean;
use crate::gate::key::Fingerprint;
use crate::gate::verify::Refusal;
use crate::judge::deployment::Deployment;
use crate::judge::evidence::Evidence;
use crate::judge::finding::{Demand, Effect, Finding, Group, Level, Reason, Status};
use crate::judge::policy::Policy;

pub(crate) use self::base_image::base_images;
pub(crate) use self::build_server::parse_version;
use self::definition::RunOnBuild;
pub(crate) use self::definition::{ChainLink, Run};
pub use self::definition::{Check, Expected};
pub(crate) use self::image_evidence::built_image;
use self::outcome::Outcome;
pub(crate) use self::source_commit::HEAD;
pub(crate) use self::source_dockerfile::shows as log_shows;
pub(crate) use self::source_tree::ALLOWED as UNTRACKED_ALLOWED;
pub(crate) use self::trust_reports::trust_facts;
pub(crate) use self::workload_image::ALSO_IN;
pub(crate) use self::workload_pinned::{NOT_RESOLVED, PUSHED_AS};

pub(crate) use self::manifest_signature::{TRIED, UNTRUSTED, refused_key};
pub(crate) use crate::judge::finding::MANIFEST_SIGNATURE;

/// All checks, in the order of reports.
pub static CHECKS: &[&Check] = &[
    &manifest_signature::CHECK,
    &manifest_key::CHECK,
    &key_record::CHECK,
    &manifest_name::CHECK,
    &build_status::CHECK,
    &build_server::CHECK,
    &build_age::CHECK,
    &root_ssh::CHECK,
    &log_image::CHECK,
    &log_key::CHECK,
    &log_order::CHECK,
    &server_record::CHECK,
    &source_objects::CHECK,
    &source_commit::CHECK,
    &source_tree::CHECK,
    &source_repository::CHECK,
    &source_approved::CHECK,
    &source_signature::CHECK,
    &source_dockerfile::CHECK,
    &base_image::CHECK,
    &image_digest::CHECK,
    &image_config::CHECK,
    &image_layers::CHECK,
    &image_platform::CHECK,
    &image_tag::CHECK,
    &image_labels::CHECK,
    &image_history::CHECK,
    &image_signature::CHECK,
    &image_key::CHECK,
    &trust_freshness::CHECK,
    &builder_record::RECORD,
    &builder_record::WORKLOAD,
    &builder_record::IMAGE,
    &builder_record::KEY_BINDING,
    &workload_image::CHECK,
    &workload_pinned::CHECK,
    &workload_key::CHECK,
    &contract_signature::CHECK,
    &attestation_record::CHECK,
];

/// Checks that other modules refer to.
pub(crate) static BUILD_AGE: &Check = &build_age::CHECK;
pub(crate) static BUILDER_RECORD: &Check = &builder_record::RECORD;
pub(crate) static BUILDER_WORKLOAD: &Check = &builder_record::WORKLOAD;
pub(crate) static IMAGE_DIGEST: &Check = &image_digest::CHECK;
pub(crate) static IMAGE_SIGNATURE: &Check = &image_signature::CHECK;
pub(crate) static LOG_IMAGE: &Check = &log_image::CHECK;
pub(crate) static MANIFEST_KEY: &Check = &manifest_key::CHECK;
pub(crate) static SOURCE_APPROVED: &Check = &source_approved::CHECK;
pub(crate) static BASE_IMAGE: &Check = &base_image::CHECK;
pub(crate) static SERVER_RECORD: &Check = &server_record::CHECK;
pub(crate) static SOURCE_TREE: &Check = &source_tree::CHECK;
pub(crate) static TRUST_FRESHNESS: &Check = &trust_freshness::CHECK;
pub(crate) static WORKLOAD_IMAGE: &Check = &workload_image::CHECK;
pub(crate) static WORKLOAD_PINNED: &Check = &workload_pinned::CHECK;

/// The check with this name.
pub fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.name == name)
}

/// A hint that contains the most similar check name. The hint is empty if no name is similar.
pub fn near(name: &str) -> String {
    did_you_mean(name, CHECKS.iter().map(|check| check.name))
}

/// The result of verifying the signature, before the checks run.
pub(crate) enum Gate<'a> {
    /// The signature is valid, and this is the evidence.
    Open(&'a Evidence<'a>),
    /// The signature is valid, and only the signature was to be checked.
    SignatureOnly,
    /// The signature verifies under no trusted key.
    Refused {
        /// For each key, why the signature does not verify under it.
        refusal: &'a Refusal,
        /// A key next to the bundle under which the signature verifies: its file name and fingerprint. The key is not trusted.
        beside: Option<(&'a str, Fingerprint)>,
    },
    /// The audit ended with an error, before or after the signature was verified.
    NoVerdict {
        /// Whether the signature is valid.
        signed: bool,
    },
}

/// One finding per check, in the table's order, without the checks on workloads. `handed` lists the groups whose evidence a flag supplied; `in_play`
/// is the result of [`in_play`].
pub(crate) fn run_all(gate: &Gate<'_>, policy: &Policy, handed: &[Group], in_play: &[Group]) -> Vec<Finding> {
    let runs = CHECKS.iter().filter_map(|check| match check.run {
        Run::Function(run) => Some((check, run)),
        Run::Workload(_) => None,
    });
    runs.map(|(check, run)| {
        let level = match gate {
            Gate::SignatureOnly if check.name != MANIFEST_SIGNATURE => Level::Off,
            _ => policy.level(check),
        };
        let outcome = match level {
            Level::Off => Outcome::not_run(Reason::Off, "this check is off"),
            _ if !in_play.contains(&check.group) => Outcome::not_run(
                Reason::NoEvidence,
                format!("no evidence for the group {} was read", check.group.word()),
            ),
            Level::Require | Level::Warn => answer(check, run, gate, policy),
        };
        finding(check, level, outcome, policy.demand(check, handed))
    })
    .collect()
}

/// One finding per check on workloads, in the table's order.
pub(crate) fn run_workload(deployment: &Deployment<'_>, policy: &Policy) -> Vec<Finding> {
    let runs = CHECKS.iter().filter_map(|check| match check.run {
        Run::Workload(run) => Some((check, run)),
        Run::Function(_) => None,
    });
    runs.map(|(check, run)| {
        let level = policy.level(check);
        let outcome = match level {
            Level::Off => Outcome::not_run(Reason::Off, "this check is off"),
            Level::Require | Level::Warn => run(deployment, policy),
        };
        finding(check, level, outcome, policy.demand(check, &[Group::Workload]))
    })
    .collect()
}

fn finding(check: &Check, level: Level, outcome: Outcome, demand: Demand) -> Finding {
    let outcome = outcome.shown();
    let says = outcome.says(check.known);
    Finding {
        says,
        check: check.name,
        group: check.group,
        level,
        status: outcome.status,
        caused_by: outcome.caused_by,
        message: outcome.message(),
        expected: outcome.expected.map(String::from),
        found: outcome.found.map(String::from),
        details: outcome.details,
        demand,
        missing_evidence: check.missing_evidence,
        waiver: None,
        effect: Effect::None,
    }
}

/// The groups of a bundle that are in play: the two groups about the signed archive, every group whose evidence was supplied by a flag or found next
/// to the bundle, and every required group. The group `workload` is never among them, because its checks do not examine a bundle.
pub(crate) fn in_play(policy: &Policy, handed: &[Group], beside: &[Group]) -> Vec<Group> {
    let always = [Group::Manifest, Group::Source];
    let asked = |group: &Group| handed.contains(group) || beside.contains(group) || policy.require.contains(group);
    Group::OF_BUNDLES.into_iter().filter(|group| always.contains(group) || asked(group)).collect()
}

/// Whether evidence of the group was read, whatever the checks of the group answer.
pub(crate) fn has_evidence(group: Group, evidence: &Evidence<'_>, policy: &Policy) -> bool {
    match group {
        Group::Manifest | Group::Source => true,
        Group::Image => evidence.image.is_some(),
        Group::Trust => trust_reports::has_signatures(evidence, policy),
        Group::Builder => evidence.builder.is_some(),
        Group::Workload => false,
    }
}

fn answer(check: &Check, run: RunOnBuild, gate: &Gate<'_>, policy: &Policy) -> Outcome {
    let is_signature = check.name == MANIFEST_SIGNATURE;
    match gate {
        Gate::Open(evidence) => run(evidence, policy),
        Gate::SignatureOnly => manifest_signature::accepted_alone(),
        Gate::NoVerdict { signed: true } if is_signature => manifest_signature::accepted_alone(),
        Gate::NoVerdict { .. } => Outcome::not_run(Reason::Refused, "not examined: no verdict could be reached"),
        Gate::Refused { refusal, beside } if is_signature => manifest_signature::refused(refusal, *beside),
        Gate::Refused { .. } => Outcome::caused_by(
            &manifest_signature::CHECK,
            "not examined: the signature was not verified with a trusted key",
        ),
    }
}

/// The status as tables show it: `not-run` with its reason.
pub(crate) fn status_text(status: Status) -> String {
    match status.reason() {
        Some(reason) => format!("not-run: {reason}"),
        None => status.word().to_owned(),
    }
}

/// The page docs/generated/checks.md.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Checks\n\nGenerated by `hpsb-audit checks --format markdown`; a test compares this page with the program.\n\n\
         A check answers `pass`, `fail`, `unknown` (examined, but could not decide) or `not-run` with its reason. Its level sets the effect: \
         at `require` the answer affects the verdict, at `warn` it is only shown, at `off` the check is only listed. docs/policy.md explains how \
         to change a level.\n\n\
         | check | group | level | a pass means |\n| --- | --- | --- | --- |\n",
    );
    for check in CHECKS {
        let (name, group, level) = (check.name, check.group.word(), check.level.word());
        page.push_str(&format!("| [{name}](#{name}) | {group} | {level} | {} |\n", check.says));
    }
    for check in CHECKS {
        page.push_str(&format!("\n## {}\n\n{}\n", check.name, check.explanation));
    }
    page
}

#[cfg(test)]
mod tests;
