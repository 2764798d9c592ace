//! evidence.json records the origin and time of each saved file, the last outcome for each source, and missing evidence. This program writes the
//! file, which is not signed, after each step. An interrupted run may leave files unrecorded; a further run records each of them when it requests
//! that file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::build_name::BuildName;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::base::time::Timestamp;
use crate::client::disk::replace;
use crate::client::settings::read_bounded;
use crate::client::step::{Outcome, Source};

const FILE_NAME: &str = "evidence.json";
const SCHEMA_VERSION: u32 = 1;

/// The origin of saved bytes.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The address without its user, password and query, or a file name.
    pub(crate) from: String,
    /// The content sent with the request, for example the build's name.
    pub(crate) asked: Option<String>,
    /// The HTTP status of the response.
    pub(crate) status: Option<u16>,
    /// The version identifier that the source uses, for example an ETag.
    pub(crate) version: Option<String>,
    /// The time of the response.
    pub(crate) at: Timestamp,
    /// The certificate of the TLS peer.
    pub(crate) peer: Option<Peer>,
}

/// A TLS peer's certificate. The certificate shows which server responded, never what runs on that server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    certificate_sha256: String,
    made_by: String,
}

impl Peer {
    /// The build server's certificate. The server's operator creates the CA, certificate and key.
    pub(crate) fn of_build_server(fingerprint: Sha256) -> Self {
        Self {
            certificate_sha256: fingerprint.hex(),
            made_by: "the build server's operator; the certificate proves nothing about an enclave".into(),
        }
    }

    /// The certificate of any other server.
    pub(crate) fn of_public_server(fingerprint: Sha256) -> Self {
        Self {
            certificate_sha256: fingerprint.hex(),
            made_by: "an authority that this computer trusts or --outside-ca specifies".into(),
        }
    }
}

/// Evidence that could not be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Missing {
    /// The name that the file would have in the folder.
    pub(crate) what: String,
    pub(crate) from: String,
    /// The HTTP status of the response that led to a note.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) status: Option<u16>,
    pub(crate) why: String,
    pub(crate) at: String,
    /// The step that requested the file. Records written by older versions lack this field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) source: Option<Source>,
}

/// The outcome of the last step for one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) source: Source,
    pub(crate) from: String,
    pub(crate) outcome: Outcome,
    /// The number of files from this source that are in the folder.
    pub(crate) files: u64,
    pub(crate) at: String,
}

/// A file in the folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    path: String,
    sha256: String,
    size: u64,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    asked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    version: Option<String>,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tls_peer: Option<Peer>,
}

impl Entry {
    pub(crate) fn new(path: &str, sha256: Sha256, size: u64, origin: Origin) -> Self {
        let Origin { from, asked, status, version, at, peer } = origin;
        let (path, sha256, at) = (path.to_owned(), sha256.hex(), at.to_string());
        Self { path, sha256, size, from, asked, status, version, at, tls_peer: peer }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: String,
    version: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: u32,
    tool: Tool,
    build_name: String,
    /// Records written by older versions lack this field.
    #[serde(default)]
    sources: Vec<Step>,
    files: Vec<Entry>,
    not_saved: Vec<Missing>,
}

/// The contents of one build's evidence.json.
#[derive(Debug)]
pub(crate) struct EvidenceRecord {
    build_name: BuildName,
    steps: BTreeMap<Source, Step>,
    files: BTreeMap<String, Entry>,
    missing: BTreeMap<String, Missing>,
}

impl EvidenceRecord {
    /// Reads evidence.json in `folder`. If there is no such file, the record is empty.
    pub(crate) fn read(folder: &Path, build_name: &BuildName, limits: &Limits) -> Result<Self, Error> {
        let mut record = Self {
            build_name: build_name.clone(),
            steps: BTreeMap::new(),
            files: BTreeMap::new(),
            missing: BTreeMap::new(),
        };
        let path = folder.join(FILE_NAME);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(record);
        }
        let text = read_bounded(&path, limits.evidence_record_bytes())?;
        let what = || slashed(&path);
        let document: Document = crate::base::strict_json::parse(&text)
            .and_then(serde_json::from_value)
            .map_err(|error| Error::malformed(what(), format!("not an hpsb-audit evidence record: {error}")))?;
        if document.schema_version != SCHEMA_VERSION || document.build_name != build_name.as_str() {
            let message = format!("expected schema version {SCHEMA_VERSION} and the build {build_name}");
            return Err(Error::malformed(what(), message));
        }
        record.steps = document.sources.into_iter().map(|step| (step.source, step)).collect();
        record.files = document.files.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
        record.missing = document.not_saved.into_iter().map(|missing| (missing.what.clone(), missing)).collect();
        Ok(record)
    }

    /// Adds a file. If the same bytes are already recorded, the first entry is kept.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.missing.retain(|what, _| !covers(what, &entry.path));
        match self.files.get(&entry.path) {
            Some(known) if known.sha256 == entry.sha256 => {}
            _ => drop(self.files.insert(entry.path.clone(), entry)),
        }
    }

    /// Whether a file at `path` is recorded.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Adds the outcome of a step and replaces the step's list of missing evidence. A file that an earlier run saved in the folder does not count as
    /// missing. If the outcome is unchanged, its earlier time is kept.
    pub(crate) fn end_step(&mut self, step: Step, missing: Vec<Missing>) {
        let before: Vec<Missing> = {
            let of_step = |missing: &Missing| missing.source == Some(step.source);
            let (gone, kept) = std::mem::take(&mut self.missing).into_iter().partition(|(_, missing)| of_step(missing));
            self.missing = kept;
            let gone: BTreeMap<String, Missing> = gone;
            gone.into_values().collect()
        };
        for missing in missing {
            if self.files.keys().any(|path| covers(&missing.what, path)) {
                continue;
            }
            let same = |known: &&Missing| {
                (&known.what, &known.why, &known.from) == (&missing.what, &missing.why, &missing.from)
            };
            let known = before.iter().find(same).cloned();
            self.missing.insert(missing.what.clone(), known.unwrap_or(missing));
        }
        let first = self
            .steps
            .get(&step.source)
            .filter(|known| (&known.from, known.outcome, known.files) == (&step.from, step.outcome, step.files));
        if first.is_none() {
            self.steps.insert(step.source, step);
        }
    }

    /// Digest and size of the file at `path`, if evidence.json records that `from` provided this version of the file.
    pub(crate) fn content_of(&self, path: &str, from: &str, version: &str) -> Option<(Sha256, u64)> {
        let entry = self.files.get(path)?;
        let same = entry.from == from && entry.version.as_deref() == Some(version);
        same.then_some((Sha256::from_hex(&entry.sha256)?, entry.size))
    }

    /// Writes evidence.json, completely or not at all.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        let document = Document {
            schema_version: SCHEMA_VERSION,
            tool: Tool { name: "hpsb-audit".into(), version: env!("CARGO_PKG_VERSION").into() },
            build_name: self.build_name.to_string(),
            sources: self.steps.values().cloned().collect(),
            files: self.files.values().cloned().collect(),
            not_saved: self.missing.values().cloned().collect(),
        };
        let path = folder.join(FILE_NAME);
        let mut text =
            serde_json::to_vec_pretty(&document).map_err(|error| super::disk::unwritable(&path, &error.into()))?;
        text.push(b'\n');
        replace(&path, &text)
    }
}

/// Whether the file at `path` is the missing evidence: the file itself, a file inside a folder with that name, or a file with that name followed by
/// an extension.
fn covers(what: &str, path: &str) -> bool {
    path.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
}
