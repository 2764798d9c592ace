//! The result of a check in the JSON report.

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::tests;
use crate::judge::finding::Finding;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(in crate::report) struct Row {
    pub(in crate::report) check: String,
    pub(in crate::report) group: String,
    #[cfg_attr(test, schemars(description = tests::levels()))]
    pub(in crate::report) level: String,
    /// `pass`, `fail`, `unknown` or `not-run`.
    pub(in crate::report) status: String,
    #[cfg_attr(test, schemars(description = format!("Why the check did not run: {}", tests::reasons())))]
    pub(in crate::report) reason: Option<String>,
    /// The check that prevented this check from deciding: this answer is only a consequence. This field is not in version 1.
    #[serde(default)]
    pub(in crate::report) caused_by: Option<String>,
    pub(in crate::report) message: String,
    pub(in crate::report) expected: Option<String>,
    pub(in crate::report) found: Option<String>,
    pub(in crate::report) details: Vec<String>,
    /// The statements of a pass, each with how it is known; `message` contains all of them. Empty for answers that are not a pass, and in reports of versions
    /// before 0.2.0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::report) says: Vec<SaidRow>,
    /// Whether this answer rejects the bundle. Never true in a report without a verdict.
    pub(in crate::report) rejects: bool,
    /// The policy's waiver, if the answer would reject the bundle without a waiver. A waiver does not change the status.
    pub(in crate::report) waiver: Option<WaiverRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(in crate::report) struct SaidRow {
    pub(in crate::report) text: String,
    #[cfg_attr(test, schemars(description = tests::known()))]
    pub(in crate::report) known: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(in crate::report) struct WaiverRow {
    pub(in crate::report) owner: String,
    pub(in crate::report) reason: String,
    /// RFC 3339.
    pub(in crate::report) expires: String,
    /// `active`: the answer does not reject the bundle. `expired`: the waiver has no effect.
    pub(in crate::report) standing: String,
}

pub(super) fn row(finding: &Finding) -> Row {
    Row {
        check: finding.check.into(),
        group: finding.group.word().into(),
        level: finding.level.word().into(),
        status: finding.status.word().into(),
        reason: finding.status.reason().map(str::to_owned),
        caused_by: finding.caused_by.map(str::to_owned),
        message: finding.message.clone(),
        expected: finding.expected.clone(),
        found: finding.found.clone(),
        details: finding.details.clone(),
        says: finding
            .says
            .iter()
            .map(|said| SaidRow { text: said.text.clone(), known: said.known.word().into() })
            .collect(),
        rejects: finding.rejects(),
        waiver: finding.waiver.as_ref().map(|waiver| WaiverRow {
            owner: waiver.owner.clone(),
            reason: waiver.reason.clone(),
            expires: waiver.expires.to_string(),
            standing: waiver.standing.word().into(),
        }),
    }
}
