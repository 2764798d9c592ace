//! What is said of a case beside the reports on its bundles: is it whole, who vouches for it, since when it is there. These structs are
//! also the form in the JSON report.

use serde::{Deserialize, Serialize};

use crate::base::escape::for_terminal;

/// A case that was taken apart and found whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct CaseReport {
    /// The file as it was named.
    pub path: String,
    /// The case's digest: `sha256:` and 64 hexadecimal digits, over its case.json.
    pub digest: String,
    /// `full`, or `filing`.
    pub profile: String,
    /// The moment that it was sealed for, RFC 3339.
    pub sealed_for: String,
    /// The verdict that was sealed.
    pub sealed_verdict: String,
    /// The moment that it was judged for here; null where there is no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_for: Option<String>,
    /// What came of the audit with the case's own policy, moment and keys.
    pub repeated: Repetition,
    /// Where it gives other answers than those that were sealed: `CHECK: sealed ANSWER, today ANSWER`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_answers: Vec<String>,
    /// Whose word the verdict below rests on.
    pub vouched_by: Voucher,
    /// The seal's signature.
    pub seal: Option<SealReport>,
    /// Time-stamps, the first one first.
    pub timestamps: Vec<StampReport>,
    /// When the case was there, by a time-stamp that counts.
    pub existed_by: Option<String>,
    /// Until when it should be stamped again: its newest authority's certificate ends then.
    pub timestamp_again_by: Option<String>,
    /// Who prepared and who reviewed it.
    pub sign_offs: Vec<SignOffReport>,
    /// The day until which it is to be kept, `YYYY-MM-DD`.
    pub retain_until: Option<String>,
    /// What a reader must know beside all that.
    pub remarks: Vec<String>,
}

/// What came of repeating the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Repetition {
    /// The same report, byte for byte.
    SameReport,
    /// The same verdict and answers; the program or its limits are others, and so are words.
    SameAnswers,
    /// Other answers, by another program or with other limits.
    OtherAnswers,
    /// The evidence was left out, or this version refuses the case's own policy.
    NotRepeated,
}

/// Whose word a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Voucher {
    /// The reader's own keys and policy.
    Reader,
    /// The sealer, whose key the reader named.
    Seal,
    /// Nobody whom the reader named.
    Nobody,
}

/// The seal's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct SealReport {
    /// Fingerprint of the key that the reader named and that signed it; null where none was named.
    pub key: Option<String>,
}

/// One time-stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct StampReport {
    /// The moment that it names, accuracy included, RFC 3339.
    pub at: String,
    /// The subject of the certificate that signed it, where it was verified.
    pub authority: Option<String>,
    /// The end of that certificate, RFC 3339.
    pub certificate_ends: Option<String>,
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
    /// The policy's name for the key; null for a key that it does not list.
    pub name: Option<String>,
    /// The key's fingerprint.
    pub key: String,
    /// When, by the signer's own clock, RFC 3339.
    pub at: String,
    /// `not-repeated`: the sign-off does not state that its signer repeated the audit. No sign-off of this version does. Reports of
    /// versions before 0.2.0 do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<String>,
}

impl SignOffReport {
    /// What every sign-off of this version says of the audit.
    pub const NOT_REPEATED: &'static str = "not-repeated";

    /// When, and what it does not say.
    pub(super) fn when(&self) -> String {
        let audit = match self.audit.as_deref() {
            Some(Self::NOT_REPEATED) => ", without a repetition of the audit",
            _ => "",
        };
        format!("{}, by their clock{audit}", self.at)
    }
}

impl Repetition {
    fn words(self, profile: &str) -> &'static str {
        match self {
            Self::SameReport => "the same report, byte for byte",
            Self::SameAnswers => "the same answers of all checks; another program or other limits, and other words",
            Self::OtherAnswers => "OTHER ANSWERS, by another program or with other limits than those that sealed it",
            Self::NotRepeated if profile == "full" => "not repeated: this version refuses the case's own policy",
            Self::NotRepeated => "not repeated: the evidence was left out (profile filing)",
        }
    }
}

impl CaseReport {
    /// For people: label and text, safe for a terminal.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("case", for_terminal(&self.path)),
            ("digest", self.digest.clone()),
            ("profile", self.profile.clone()),
            ("sealed", format!("for {}, verdict {}", self.sealed_for, self.sealed_verdict)),
        ];
        lines.extend(self.judged_for.iter().map(|moment| ("judged", format!("for {moment}"))));
        lines.push(("repeated", self.repeated.words(&self.profile).to_owned()));
        lines.extend(self.other_answers.iter().map(|answer| ("", for_terminal(answer))));
        lines.push(("vouched by", self.voucher().to_owned()));
        lines.push(match &self.seal {
            None => ("seal", "not signed".to_owned()),
            Some(SealReport { key: Some(key) }) => ("seal", format!("signed by {key}, which --seal-key names")),
            Some(SealReport { key: None }) => ("seal", "signed; by whom is not known without --seal-key".to_owned()),
        });
        lines.extend(self.timestamps.iter().map(|stamp| match &stamp.authority {
            Some(name) => ("timestamp", format!("{} by {}", stamp.at, for_terminal(name))),
            None => ("timestamp", format!("{}, not verified: no --tsa-ca was named", stamp.at)),
        }));
        lines.extend(self.existed_by.iter().map(|moment| ("existed by", format!("{moment} [timestamped]"))));
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

    fn voucher(&self) -> &'static str {
        match self.vouched_by {
            Voucher::Reader => "you: your own keys and policy, and the evidence in the case",
            Voucher::Seal => "the sealer, whose key you named: the keys and policy in the case",
            Voucher::Nobody => "nobody whom you named",
        }
    }
}
