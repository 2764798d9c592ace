//! The report on a case, in addition to the reports on its bundles: whether the case is complete, who vouches for it, and by what time it existed. These
//! structs also define the form in the JSON report.

use serde::{Deserialize, Serialize};

use super::Report;
use crate::base::escape::for_terminal;

/// A case that was read and found complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct CaseReport {
    /// The file's path, as specified by the user.
    pub path: String,
    /// The case's digest: `sha256:` and 64 hexadecimal digits, over its case.json.
    pub digest: String,
    /// `full`, or `filing`.
    pub profile: String,
    /// The time of the sealed audit, RFC 3339.
    pub sealed_for: String,
    /// The sealed verdict.
    pub sealed_verdict: String,
    /// The time of this audit of the case; null without a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_for: Option<String>,
    /// The result of repeating the audit with the case's own policy, time and keys.
    pub repeated: Repetition,
    /// Answers that differ from the sealed answers: `CHECK: sealed ANSWER, today ANSWER`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_answers: Vec<String>,
    /// The authority on which this report's verdict rests.
    pub vouched_by: Voucher,
    /// The seal's signature.
    pub seal: Option<SealReport>,
    /// Time-stamps, in the order in which they were added.
    pub timestamps: Vec<StampReport>,
    /// The time by which the case existed, from a verified time-stamp.
    pub existed_by: Option<String>,
    /// When to time-stamp the case again: the certificate of the newest time-stamp's authority expires at this time.
    pub timestamp_again_by: Option<String>,
    /// The preparer's and the reviewers' sign-offs.
    pub sign_offs: Vec<SignOffReport>,
    /// Keep the case until this day, `YYYY-MM-DD`.
    pub retain_until: Option<String>,
    /// Other remarks for the reader.
    pub remarks: Vec<String>,
}

/// The result of repeating the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Repetition {
    /// The same report, byte for byte.
    SameReport,
    /// The same verdict and answers; messages were not compared, because the program or its limits differ.
    SameAnswers,
    /// The same statuses as in a report of version 0.1, whose levels, reasons and verdicts followed different rules.
    SameStatuses,
    /// Different answers, from a different program or with different limits.
    OtherAnswers,
    /// Not repeated: the case does not contain the evidence, or this version refuses its policy.
    NotRepeated,
}

/// The authority on which a verdict rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Voucher {
    /// The reader's own keys and policy.
    Reader,
    /// The sealer, whose key the reader supplied.
    Seal,
    /// The reader supplied no key that vouches for the verdict, or there is no verdict.
    Nobody,
}

/// The seal's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct SealReport {
    /// Fingerprint of the reader's key under which the signature verified; null if the reader supplied none.
    pub key: Option<String>,
}

/// One time-stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct StampReport {
    /// The stated time plus the stated accuracy, RFC 3339.
    pub at: String,
    /// The subject of the signing certificate, if it was verified.
    pub authority: Option<String>,
    /// When that certificate expires, RFC 3339.
    pub certificate_ends: Option<String>,
}

impl StampReport {
    /// The time, and why it does not show when the case existed: for a case without `existed_by`.
    pub(super) fn words(&self) -> String {
        match &self.authority {
            Some(name) => format!("{}, by {name}, verified, but it does not count: see the remark", self.at),
            None => format!("{}, not verified: no --tsa-ca was specified", self.at),
        }
    }
}

/// One sign-off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct SignOffReport {
    /// `prepared` or `reviewed`.
    pub role: String,
    /// The policy's name for the key; null if the policy does not list it.
    pub name: Option<String>,
    /// The key's fingerprint.
    pub key: String,
    /// The time of signing, by the signer's own clock, RFC 3339.
    pub at: String,
    /// `not-repeated`: the sign-off does not state that the signer repeated the audit. No sign-off of this version states that. Reports from
    /// versions before 0.2.0 lack this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<String>,
}

impl SignOffReport {
    /// The value of `audit` in every sign-off of this version.
    pub const NOT_REPEATED: &'static str = "not-repeated";

    /// The time of the sign-off, and what the sign-off does not state.
    pub(super) fn when(&self) -> String {
        let audit = match self.audit.as_deref() {
            Some(Self::NOT_REPEATED) => "; the sign-off does not state that the audit was repeated",
            _ => "",
        };
        format!("{}, by the signer's clock or choice{audit}", self.at)
    }
}

impl Repetition {
    fn words(self, profile: &str) -> &'static str {
        match self {
            Self::SameReport => "the same report, byte for byte",
            Self::SameAnswers => {
                "the same verdict, levels and statuses in all checks that both reports have; messages and facts were not compared, because the sealed report's program version, features or limits differ from today's"
            }
            Self::SameStatuses => {
                "the same statuses in all checks that both reports have; levels, reasons, messages and facts were not compared, because version 0.1 sealed the report"
            }
            Self::OtherAnswers => {
                "DIFFERENT ANSWERS; the sealed report's program version, features or limits differ from today's"
            }
            Self::NotRepeated if profile == "full" => "not repeated: this version refuses the case's own policy",
            Self::NotRepeated => "not repeated: the case does not contain the bundles (profile filing)",
        }
    }
}

impl CaseReport {
    /// The beginning of the remark that shows the command for the case's own time. Only a case that was rejected because time has passed has this remark.
    pub(crate) const ONLY_AGED: &'static str = "the only reason to reject is the time since sealing";

    /// Whether the case is rejected only because of the time since sealing.
    pub(super) fn is_only_aged(&self) -> bool {
        self.remarks.iter().any(|remark| remark.starts_with(Self::ONLY_AGED))
    }

    /// Labels and values for text output, safe for a terminal. `report` is the report on this case.
    pub(super) fn lines(&self, report: &Report) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("case", for_terminal(&self.path)),
            ("digest", self.digest.clone()),
            ("profile", self.profile.clone()),
            ("sealed", format!("as of {}, verdict {}", self.sealed_for, self.sealed_verdict)),
        ];
        lines.extend(self.judged_for.iter().map(|moment| ("judged", format!("as of {moment}"))));
        // If the statuses are the same, only the verdict can differ. Page one shows only this line, so this line states both verdicts.
        let other_verdict = self.other_answers.first().filter(|_| self.repeated == Repetition::SameStatuses);
        let other_verdict = other_verdict.map_or_else(String::new, |verdict| format!("; {verdict}"));
        lines.push(("repeated", format!("{}{}", self.repeated.words(&self.profile), for_terminal(&other_verdict))));
        let answers = self.other_answers.iter().filter(|_| other_verdict.is_empty());
        lines.extend(answers.map(|answer| ("", for_terminal(answer))));
        lines.push(("vouched by", self.voucher(report).to_owned()));
        lines.push(match &self.seal {
            None => ("seal", "not signed".to_owned()),
            Some(SealReport { key: Some(key) }) => ("seal", format!("signed by {key}, specified with --seal-key")),
            Some(SealReport { key: None }) => ("seal", "signed; the signer is unknown without --seal-key".to_owned()),
        });
        lines.extend(self.timestamps.iter().map(|stamp| match &stamp.authority {
            Some(name) if self.existed_by.is_some() => ("timestamp", format!("{} by {}", stamp.at, for_terminal(name))),
            _ => ("timestamp", for_terminal(&stamp.words())),
        }));
        lines.extend(
            self.existed_by
                .iter()
                .map(|moment| ("existed by", format!("{moment} [timestamped], excluding seal and sign-offs"))),
        );
        lines.extend(self.timestamp_again_by.iter().map(|end| ("stamp again", format!("before {end}"))));
        lines.extend(self.sign_offs.iter().map(|sign_off| {
            let name = sign_off.name.as_deref().map_or("UNKNOWN", |name| name);
            (
                if sign_off.role == "prepared" { "prepared" } else { "reviewed" },
                format!("{} ({}) at {}", for_terminal(name), sign_off.key, sign_off.when()),
            )
        }));
        lines.extend(self.retain_until.iter().map(|day| ("keep until", day.clone())));
        lines.extend(self.remarks.iter().map(|remark| ("remark", for_terminal(remark))));
        lines
    }

    fn voucher(&self, report: &Report) -> &'static str {
        let question = report.question.iter();
        let has_approvals = question.flat_map(|question| &question.given).any(|(flag, _)| flag == "approvals");
        match self.vouched_by {
            Voucher::Reader if has_approvals && report.policy.is_none() => {
                "you; evaluated with your key and your list of approvals, on the evidence in the case"
            }
            Voucher::Reader if has_approvals => {
                "you; evaluated with your keys, policy and list of approvals, on the case's evidence"
            }
            Voucher::Reader if report.policy.is_none() => "you; evaluated with your key, on the evidence in the case",
            Voucher::Reader => "you; evaluated with your keys and policy, on the case's evidence",
            Voucher::Seal if report.policy.is_none() => {
                "the sealer (--seal-key); evaluated with the case's keys, without a policy"
            }
            Voucher::Seal => "the sealer (--seal-key); evaluated with the case's keys and policy",
            Voucher::Nobody if self.profile == "filing" => "no key: there is no verdict",
            Voucher::Nobody => "no key: you supplied none that vouches for the verdict",
        }
    }
}
