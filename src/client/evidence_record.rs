//! evidence.json records the origin and time of each saved file, the last outcome for each source, and missing evidence. This program writes the
//! file, which is not signed, after each step. An interrupted run may leave files unrecorded; a further run records each of them when it requests
//! that file.

use std::collections::{BTreeMap, BTreeSet};
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
/// The origin of files that this program writes itself.
const OWN: &str = "hpsb-audit";

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
    /// Scheme, host and port of the server that answered, whose certificate `peer` is, if a redirect led to it from the server in `from`.
    pub(crate) redirected_to: Option<String>,
}

impl Origin {
    /// The origin of bytes that did not come as a response.
    pub(crate) fn without_request(from: impl Into<String>, at: Timestamp) -> Self {
        Self { from: from.into(), asked: None, status: None, version: None, at, peer: None, redirected_to: None }
    }

    /// The origin of a file that this program wrote, such as the index of a layout.
    pub(crate) fn own(at: Timestamp) -> Self {
        Self::without_request(OWN, at)
    }
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

/// Evidence that could not be saved, or that was saved and then removed from the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Missing {
    /// The name that the file or folder would have, or a name for a request such as `trust/cosign/referrers`.
    pub(crate) what: String,
    pub(crate) from: String,
    /// The HTTP status of the response that led to a note.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) status: Option<u16>,
    pub(crate) why: String,
    pub(crate) at: String,
    /// The step that requested the file. There is none for a file that was removed, or in a record of an older version.
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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    redirected_to: Option<String>,
}

impl Missing {
    /// One entry is kept for each item and step: the latest reason, and the time since which it applies.
    fn key(&self) -> (String, Option<Source>) {
        (self.what.clone(), self.source)
    }
}

impl Entry {
    pub(crate) fn new(path: &str, sha256: Sha256, size: u64, origin: Origin) -> Self {
        let Origin { from, asked, status, version, at, peer, redirected_to } = origin;
        let (path, sha256, at) = (path.to_owned(), sha256.hex(), at.to_string());
        Self { path, sha256, size, from, asked, status, version, at, tls_peer: peer, redirected_to }
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
    missing: BTreeMap<(String, Option<Source>), Missing>,
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
        record.missing = document.not_saved.into_iter().map(|missing| (missing.key(), missing)).collect();
        Ok(record)
    }

    /// Adds a file. If the same bytes are already recorded, the first entry is kept.
    pub(crate) fn add(&mut self, entry: Entry) {
        match self.files.get_mut(&entry.path) {
            Some(known) if known.sha256 == entry.sha256 => {
                // Older versions recorded files of this program as responses of the registry.
                if entry.from == OWN && known.from != OWN {
                    *known = Entry { at: known.at.clone(), ..entry };
                }
            }
            _ => drop(self.files.insert(entry.path.clone(), entry)),
        }
    }

    /// Adds the outcome of a step and the evidence that it did not receive. An entry for missing evidence is kept until `is_here` finds the evidence in
    /// the folder or a step has `received` it: a later answer, such as "not found", must not hide that something was missing before. If an outcome or a
    /// reason is unchanged, its earlier time is kept.
    pub(crate) fn end_step(
        &mut self,
        step: Step,
        missing: Vec<Missing>,
        received: &BTreeSet<String>,
        is_here: &dyn Fn(&str) -> bool,
    ) {
        let (files, gone) = std::mem::take(&mut self.files).into_iter().partition(|(path, _)| is_here(path));
        self.files = files;
        let gone: BTreeMap<String, Entry> = gone;
        let gone = gone.into_values().map(|Entry { path, sha256, from, at, .. }| {
            let why = format!("it was saved on {at} (sha256:{sha256}) and is no longer in the folder");
            Missing { what: path, from, status: None, why, at: step.at.clone(), source: None }
        });
        for missing in gone.chain(missing) {
            let known = self.missing.get(&missing.key());
            if known.is_none_or(|known| (&known.why, &known.from) != (&missing.why, &missing.from)) {
                self.missing.insert(missing.key(), missing);
            }
        }
        self.missing.retain(|(what, source), _| {
            let came = received.contains(what) && source.is_none_or(|source| source == step.source);
            !came && !is_here(what)
        });
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
