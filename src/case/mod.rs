//! Cases: a verdict and the evidence for it, in one file that can be kept for years. docs/case.md describes the format.
//!
//! A case is a tar file with exactly one valid encoding: first `case.json`, then the members that it lists, sorted by
//! name, then the files that were added after sealing, below `attached/`. The SHA-256 of `case.json` is the case's
//! digest: it covers every sealed member.
//!
//! A case contains evidence but does not establish trust. The author of a case chooses its policy, keys and time; the
//! reader supplies their own, or the key of a sealer whom they trust.

mod attached;
mod evidence;
mod filing;
mod gather;
mod name;
mod record;
mod repeat;
mod seal;
mod sign_off;
mod stamps;
mod tar;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

pub(crate) use self::evidence::CaseTerms;
pub use self::gather::{Sealing, gather};
use self::name::ATTACHED;
use self::record::{Member, Record};
pub use self::record::{Profile, is_day};
pub use self::repeat::{Own, Reader, repeat};
pub use self::seal::Contents;
pub use self::sign_off::{Role, SignOff};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;

/// The name of the JSON report.
const REPORT: &str = "report.json";

/// A case that has been read: every sealed member has the digest listed in `case.json`. The digests do not show who
/// created the case.
#[derive(Debug, Clone)]
pub struct Case {
    record: Record,
    record_bytes: Vec<u8>,
    members: BTreeMap<String, Vec<u8>>,
    attached: BTreeMap<String, Vec<u8>>,
}

impl Case {
    /// Whether a file that begins with these bytes looks like a case. 512 bytes are enough.
    pub fn begins_like(block: &[u8]) -> bool {
        tar::begins_like(record::NAME, block)
    }

    /// Reads a case. Errors refer to the file as `what`.
    ///
    /// This function does NOT check who created the case or verify any signature.
    ///
    /// # Errors
    /// [`Error::Malformed`], which identifies the member that was changed, added, removed, renamed or moved;
    /// [`Error::Truncated`], [`Error::OverLimit`].
    pub fn read(what: &str, input: impl Read, limits: &Limits) -> Result<Self, Error> {
        let malformed = |message: String| Error::malformed(what, message);
        let mut found = tar::read(what, input, limits)?;
        in_order(&found).map_err(malformed)?;
        if found.first().is_none_or(|(name, _)| name != record::NAME) {
            return Err(malformed("the first member is not case.json".into()));
        }
        let (_, record_bytes) = found.remove(0);
        let record = Record::read(&record_bytes, limits)?;
        let (attached, members): (BTreeMap<_, _>, BTreeMap<_, _>) =
            found.into_iter().partition(|(name, _)| name.starts_with(ATTACHED));
        for (name, content) in &members {
            let found = Member::of(name, content);
            match record.members.binary_search_by(|member| member.name.cmp(name)).map(|at| record.members.get(at)) {
                Ok(Some(listed)) if *listed == found => {}
                Ok(Some(listed)) => {
                    return Err(malformed(format!(
                        "the member {name:?} was changed: expected sha256:{} ({} bytes), found sha256:{} ({} bytes)",
                        listed.sha256, listed.size, found.sha256, found.size
                    )));
                }
                _ => return Err(malformed(format!("case.json does not list the member {name:?}"))),
            }
        }
        if let Some(missing) = record.members.iter().find(|member| !members.contains_key(&member.name)) {
            return Err(malformed(format!("the member {:?}, which case.json lists, is missing", missing.name)));
        }
        attached::check_names(&attached, limits).map_err(malformed)?;
        Ok(Self { record, record_bytes, members, attached })
    }

    /// Writes the case. The same case always produces the same bytes.
    ///
    /// # Errors
    /// Any error from writing to `out`; an error if a name or size does not fit into a header.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let rest = self.members.iter().chain(&self.attached);
        let rest = rest.map(|(name, content)| (name.as_str(), content.as_slice()));
        tar::write(std::iter::once((record::NAME, self.record_bytes.as_slice())).chain(rest), out)
    }

    /// The SHA-256 of `case.json`, which lists the digest of every sealed member. This digest does not cover the
    /// files below `attached/`.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.record_bytes)
    }

    /// The names and sizes in bytes of members that were audited but are not stored.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, u64)> {
        self.record.left_out.iter().map(|member| (member.name.as_str(), member.size))
    }

    /// The sealed verdict. This function does not check whether the verdict is genuine.
    pub fn sealed_verdict(&self) -> &str {
        &self.record.verdict
    }

    /// The time of the sealed audit, RFC 3339.
    pub fn sealed_for(&self) -> &str {
        &self.record.question.now
    }

    /// Locations in the evidence that seemed to contain a secret when the case was sealed.
    pub fn secrets_seen(&self) -> &[String] {
        &self.record.secrets_seen
    }

    /// Whether the case has a list of approvals without a signature, which does not count under a reader's own policy.
    pub fn has_unsigned_approvals(&self) -> bool {
        self.record.question.approvals.as_ref().is_some_and(|list| list.signature.is_none())
    }

    /// Whether the case stores the evidence that seems to contain a secret.
    pub fn keeps_secrets(&self) -> bool {
        self.record.profile == Profile::Full && !self.record.secrets_seen.is_empty()
    }

    fn member(&self, name: &str) -> Result<&[u8], Error> {
        let found = self.members.get(name).map(Vec::as_slice);
        found.ok_or_else(|| Error::malformed(record::NAME, format!("it refers to {name:?}, which is not a member")))
    }

    /// The members below a folder, by their paths relative to it.
    fn below<'c>(&'c self, folder: &str) -> impl Iterator<Item = (&'c str, &'c [u8])> {
        let top = format!("{folder}/");
        let names = self.members.iter();
        names.filter_map(move |(name, content)| Some((name.strip_prefix(&top)?, content.as_slice())))
    }
}

/// Checks the order: `case.json`, then the members sorted by name, then the added files sorted by name.
fn in_order(found: &[(String, Vec<u8>)]) -> Result<(), String> {
    let place = |name: &str| (name != record::NAME, name.starts_with(ATTACHED));
    for ((one, _), (next, _)) in found.iter().zip(found.iter().skip(1)) {
        if one == next {
            return Err(format!("two members are named {one:?}"));
        }
        if (place(one), one) > (place(next), next) {
            return Err(format!("the member {next:?} comes after {one:?}, so the order of members was changed"));
        }
    }
    Ok(())
}
