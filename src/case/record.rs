//! `case.json` describes a case and lists the digest of every other sealed member. The bytes of `case.json` identify the case, so the file has
//! exactly one valid encoding.

use serde::{Deserialize, Serialize};

use super::name::{ATTACHED, is_member_name};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::time::Timestamp;

/// The name of the first member.
pub(crate) const NAME: &str = "case.json";
const FORMAT: &str = "hpsb-audit case";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) format: String,
    pub(crate) version: u32,
    pub(crate) tool: Tool,
    pub(crate) profile: Profile,
    pub(crate) question: Asked,
    pub(crate) verdict: String,
    pub(crate) exit_code: u8,
    /// A day, `YYYY-MM-DD`.
    pub(crate) retain_until: Option<String>,
    pub(crate) bundles: Vec<BundleRecord>,
    /// Locations in the evidence that seem to contain a secret.
    pub(crate) secrets_seen: Vec<String>,
    /// Every other sealed member, sorted by name.
    pub(crate) members: Vec<Member>,
    /// Members that were audited but are not stored.
    pub(crate) left_out: Vec<Member>,
}

/// How much of the evidence a case stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Everything on which the verdict depends, so that the audit can be repeated.
    Full,
    /// The evidence except bundles, the server's responses and images, whose names, sizes and digests are listed.
    Filing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) features: Vec<String>,
}

/// The audit's inputs and the members that contain them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) now: String,
    pub(crate) require: Vec<String>,
    pub(crate) handed: Vec<String>,
    pub(crate) keys: Vec<StoredKey>,
    pub(crate) policy: Option<String>,
    /// The files that the policy refers to, under the names that the policy uses.
    pub(crate) policy_files: Vec<NamedMember>,
    pub(crate) approvals: Option<ApprovalsRecord>,
    /// Limits that differ from the program's defaults. These limits are recorded, but are never applied when the case is read.
    pub(crate) limits: Vec<(String, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredKey {
    pub(crate) fingerprint: String,
    /// Null for a key that was pinned by its fingerprint only.
    pub(crate) member: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedMember {
    pub(crate) name: String,
    pub(crate) member: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalsRecord {
    pub(crate) member: String,
    pub(crate) signature: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BundleRecord {
    /// The bundle's member name, or its name in `left_out` if it is not stored.
    pub(crate) member: String,
    /// The bundle's original file name.
    pub(crate) file_name: String,
    pub(crate) build_name: Option<String>,
    /// SHA-256 of the signed archive.
    pub(crate) archive_sha256: Option<String>,
    /// The signature over the archive's digest, in hexadecimal digits.
    pub(crate) signature: Option<String>,
    /// Key files found next to the bundle.
    pub(crate) keys_beside: Vec<NamedMember>,
    /// The folder with the build server's responses.
    pub(crate) server: Option<String>,
    /// The folder with the image's signatures.
    pub(crate) trust: Option<String>,
    /// The folder with the build server's own attestation record.
    pub(crate) builder: Option<String>,
    pub(crate) image: Option<ImageRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageRecord {
    /// A folder, or one member that is an archive.
    pub(crate) place: String,
    /// `oci`, `dir` or `docker-archive`, if the form was specified.
    pub(crate) form: Option<String>,
    pub(crate) reference: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Member {
    /// Describes a member with this content.
    pub(crate) fn of(name: &str, content: &[u8]) -> Self {
        Self { name: name.into(), size: content.len() as u64, sha256: Sha256::of(content).hex() }
    }
}

impl Record {
    /// A record that lists no members yet.
    pub(crate) fn new(profile: Profile, question: Asked) -> Self {
        let tool = crate::report::Tool::this();
        Self {
            format: FORMAT.into(),
            version: 1,
            tool: Tool { name: tool.name, version: tool.version, features: tool.features },
            profile,
            question,
            verdict: String::new(),
            exit_code: 2,
            retain_until: None,
            bundles: Vec::new(),
            secrets_seen: Vec::new(),
            members: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// The only valid encoding: these fields in this order, indented by two spaces, with one newline at the end.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| Error::malformed(NAME, error.to_string()))?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads a record, but does not compare it with the members: see [`super::Case::read`].
    pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        let fail = |message: String| Error::malformed(NAME, message);
        limits.case_record_bytes().check(bytes.len() as u64, NAME)?;
        let value = strict_json::parse(bytes).map_err(|error| fail(error.to_string()))?;
        match (value.get("format").and_then(|format| format.as_str()), value.get("version")) {
            (Some(FORMAT), Some(version)) if *version == 1 => {}
            (Some(FORMAT), version) => {
                return Err(fail(format!(
                    "version: expected 1, found {}",
                    version.unwrap_or(&serde_json::Value::Null)
                )));
            }
            _ => return Err(fail(format!("format: expected {FORMAT:?}: not an hpsb-audit case"))),
        }
        let record: Self = serde_json::from_slice(bytes).map_err(|error| fail(error.to_string()))?;
        if record.to_json()? != bytes {
            return Err(fail(
                "unexpected formatting: expected the fields in order, an indentation of two spaces and one final newline".into(),
            ));
        }
        record.check().map_err(fail)?;
        Ok(record)
    }

    fn check(&self) -> Result<(), String> {
        if Timestamp::from_rfc3339(&self.question.now).map(|now| now.to_string()).as_ref() != Some(&self.question.now) {
            return Err(format!("question.now: expected a time in UTC, found {:?}", self.question.now));
        }
        if let Some(day) = &self.retain_until
            && !is_day(day)
        {
            return Err(format!("retain_until: expected YYYY-MM-DD, found {day:?}"));
        }
        for list in [&self.members, &self.left_out] {
            let mut last = "";
            for member in list {
                let name = member.name.as_str();
                if !is_member_name(name) || name == NAME || name.starts_with(ATTACHED) {
                    return Err(format!("{name:?} cannot be the name of a sealed member"));
                }
                if name <= last {
                    return Err(format!("the member {name:?} is a duplicate or out of order"));
                }
                if Sha256::from_hex(&member.sha256).is_none() {
                    return Err(format!("the digest of {name:?} is not 64 lower-case hexadecimal digits"));
                }
                last = name;
            }
        }
        let stored = |name: &str| self.members.binary_search_by(|member| member.name.as_str().cmp(name)).is_ok();
        match self.left_out.iter().find(|member| stored(&member.name)) {
            Some(both) => Err(format!("{:?} is listed both as stored and as left out", both.name)),
            None => Ok(()),
        }
    }
}

/// Whether the text is a calendar day, `YYYY-MM-DD`.
pub fn is_day(text: &str) -> bool {
    text.len() == 10 && Timestamp::from_rfc3339(&format!("{text}T00:00:00Z")).is_some()
}
