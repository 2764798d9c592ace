//! Creates a case: audits the evidence in the form that the case stores, then adds the report and `case.json`.

use std::collections::BTreeMap;

use super::record::{Asked, BundleRecord, Member, Profile, Record};
use super::{Case, REPORT, filing, tar};
use crate::base::digest::encode_hex;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::report::{BundleReport, Format, Options, Report};

/// The evidence for a new case.
#[derive(Debug)]
pub struct Contents {
    pub(crate) question: Asked,
    pub(crate) bundles: Vec<BundleRecord>,
    files: BTreeMap<String, Vec<u8>>,
    bytes_left: u64,
    members_left: u64,
}

impl Contents {
    /// Empty contents for an audit with these inputs.
    pub(crate) fn new(question: Asked, limits: &Limits) -> Self {
        let (bytes_left, members_left) = (limits.case_bytes, limits.case_members);
        Self { question, bundles: Vec::new(), files: BTreeMap::new(), bytes_left, members_left }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that a case cannot have, [`Error::OverLimit`].
    pub(crate) fn add(&mut self, name: &str, content: Vec<u8>, limits: &Limits) -> Result<(), Error> {
        if !tar::fits(name) || self.files.contains_key(name) {
            return Err(Error::Usage {
                message: format!("a case cannot have a member named {name:?}"),
                hint: "file names in a case are short and use only letters, digits and ._@+=:,- ; rename the file"
                    .into(),
            });
        }
        let size = content.len() as u64;
        self.bytes_left = limits.case_bytes().take(self.bytes_left, size, "the case")?;
        self.members_left = limits.case_members().take(self.members_left, 1, "the case")?;
        self.files.insert(name.into(), content);
        Ok(())
    }

    /// Audits the evidence and creates a case from it.
    ///
    /// # Errors
    /// Any error that stops the audit of a bundle, because a case needs a verdict.
    pub fn seal(
        self,
        profile: Profile,
        retain_until: Option<String>,
        threads: usize,
        limits: &Limits,
    ) -> Result<(Case, Report), Error> {
        let mut record = Record::new(profile, self.question);
        record.bundles = self.bundles;
        record.retain_until = retain_until;
        let attached = BTreeMap::new();
        let mut case = Case { record, record_bytes: Vec::new(), members: self.files, attached };
        let terms = case.own_terms(limits)?;
        let report = case.audit(&terms, threads, limits)?;
        if let Some(error) = report.bundles.iter().find_map(|bundle| bundle.error.clone()) {
            return Err(error);
        }
        for (bundle, audited) in case.record.bundles.iter_mut().zip(&report.bundles) {
            bundle.build_name.clone_from(&audited.build_name);
            (bundle.archive_sha256, bundle.signature) = signed(audited);
        }
        case.record.secrets_seen = filing::secrets_seen(&case, &terms, limits)?;
        case.record.verdict = report.verdict().word().into();
        case.record.exit_code = report.exit_code();
        case.members.insert(REPORT.into(), as_json(&report)?);
        if profile == Profile::Filing {
            case.record.left_out = filing::leave_out(&mut case.members, &case.record.bundles);
        }
        case.record.members = case.members.iter().map(|(name, content)| Member::of(name, content)).collect();
        case.record_bytes = case.record.to_json()?;
        Ok((case, report))
    }
}

/// The case's entry for a signed archive: its digest and the signature over the digest, so that a case for filing
/// shows both without the bundle.
pub(super) fn signed(audited: &BundleReport) -> (Option<String>, Option<String>) {
    let seal = audited.seal.as_ref();
    seal.map(|(digest, signature)| (digest.hex(), encode_hex(signature.as_bytes()))).unzip()
}

/// The report, as stored in `report.json`.
pub(super) fn as_json(report: &Report) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    let written = report.write(Format::Json, &Options::default(), &mut page);
    written.map_err(|error| Error::Unwritable { path: REPORT.into(), message: error.to_string() })?;
    Ok(page)
}
