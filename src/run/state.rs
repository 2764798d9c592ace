//! Saves finished reports in a file, so that an interrupted run can be resumed. Like a saved report, the file belongs to the caller and is not
//! evidence.
//!
//! The first line identifies the run. Each other line is a bundle's report with the digest of the bundle and of the files next to it. If the bundle
//! changed, or a key, response or signature next to it was changed, added or removed, the saved report is not used. Bundles with an image are always
//! audited, because checking whether the image is unchanged would take as long as an audit.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::queue::Audited;
use crate::base::digest::{HashingReader, Sha256, encode_hex};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::system::slashed;
use crate::base::time::Timestamp;
use crate::disk::folder;
use crate::dossier::{Beside, Question, Storage};
use crate::gate::signature::Signature;
use crate::report::{BundleReport, Format, Options, Report};

const FORMAT: &str = "hpsb-audit state 2";
/// The format of 0.1.0, whose verdicts follow different rules.
const FORMAT_1: &str = "hpsb-audit state 1";
/// The beginning of every state file, of any version.
const BEGINNING: &[u8] = b"{\"format\":\"hpsb-audit state ";

/// The first line: the audit time, and a digest of the question, this time and all supplied evidence.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    now: String,
    question: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    path: String,
    /// Digest of the bundle and of the files next to it.
    looked_at: String,
    /// Digest of the signed archive and the signature over it.
    archive: Option<(String, String)>,
    report: Value,
}

impl Line {
    /// `frame` is the run's report; its bundles are ignored.
    pub(super) fn of(name: &str, frame: &Report, looked_at: Sha256, report: &BundleReport) -> Result<Self, Error> {
        let one = Report { bundles: vec![report.clone()], ..frame.without_bundles() };
        let mut page = Vec::new();
        let failed = |error| Error::unwritable(name, &error);
        one.write(Format::Json, &Options::default(), &mut page).map_err(failed)?;
        Ok(Self {
            path: report.path.clone(),
            looked_at: looked_at.hex(),
            archive: report.seal.as_ref().map(|(digest, signature)| (digest.hex(), encode_hex(signature.as_bytes()))),
            report: serde_json::from_slice(&page).map_err(|error| failed(error.into()))?,
        })
    }
}

/// A bundle as it was before the audit.
pub(super) struct LookedAt {
    path: String,
    /// Digest and size of the bundle file.
    bundle: (Sha256, u64),
    all: Sha256,
    beside: Vec<(String, crate::gate::key::PublicKey)>,
}

/// The file of finished reports.
#[derive(Debug)]
pub struct State {
    name: String,
    /// The run's report without bundles.
    frame: Report,
    finished: BTreeMap<(String, Sha256), BundleReport>,
    file: Mutex<File>,
}

impl State {
    /// The audit time of an interrupted run.
    ///
    /// # Errors
    /// [`Error::Usage`] for a file of version 0.1.0; [`Error::Malformed`]; errors from reading the file.
    pub fn moment(path: &Path, limits: &Limits) -> Result<Option<Timestamp>, Error> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = folder::read_file(path, limits.state_bytes())?;
        let Some(first) = lines(&bytes).next() else { return Ok(None) };
        let name = slashed(path);
        let head: Head = parsed(&format!("the state {name}"), first)?;
        if head.format == FORMAT_1 {
            return Err(Error::Usage {
                message: format!("{name} was saved by version 0.1.0, whose verdicts follow different rules"),
                hint: "specify a new file with --state, and audit again; the old file can be deleted".into(),
            });
        }
        Ok(Timestamp::from_rfc3339(&head.now))
    }

    /// Opens the file, or creates it. `frame` is the run's report without bundles.
    ///
    /// # Errors
    /// [`Error::Usage`] if the file is for a different question; [`Error::Malformed`] if it is not a state file; errors from reading and writing.
    pub fn open(path: &Path, frame: &Report, question: &Question<'_>) -> Result<Self, Error> {
        let (name, limits) = (slashed(path), question.limits);
        let policy = question.policy.source.iter().flat_map(|source| source.files.iter().map(|(_, digest)| *digest));
        let given: Vec<Sha256> = policy.chain(question.handed.digests()).collect();
        let head = head(frame, &given)?;
        let bytes = if path.exists() { folder::read_file(path, limits.state_bytes())? } else { Vec::new() };
        let mut known = lines(&bytes);
        let is_new = match known.next() {
            None => true,
            Some(first) if parsed::<Head>(&name, first)? == head => false,
            Some(_) => {
                return Err(Error::Usage {
                    message: format!(
                        "{name} belongs to a different run: keys, policy, evidence, limits, time or program differ"
                    ),
                    hint: "use the same settings, or specify a new file with --state".into(),
                });
            }
        };
        // If a state file was cut off within its first line, a new one is started. Any other file
        // without a line ending must not be emptied.
        if is_new && !BEGINNING.iter().zip(&bytes).all(|(one, other)| one == other) {
            return Err(Error::malformed(format!("the state {name}"), "not a state file"));
        }
        let mut finished = BTreeMap::new();
        for line in known {
            let what = format!("the state {name}");
            let line: Line = parsed(&what, line)?;
            let (path, looked_at, report) = restored(&what, line, limits)?;
            finished.insert((path, looked_at), report);
        }
        let failed = |error| Error::unwritable(&name, &error);
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        // Remove a line that was cut off.
        let whole = lines(&bytes).map(|line| line.len() as u64 + 1).sum();
        file.set_len(whole).map_err(failed)?;
        if is_new {
            writeln!(file, "{}", text(&name, &head)?).map_err(failed)?;
        }
        Ok(Self { name, frame: frame.without_bundles(), finished, file: Mutex::new(file) })
    }

    /// Digests of a bundle and the files next to it. `None` if the bundle's report is not saved,
    /// because the bundle has an image or cannot be read.
    pub(super) fn look_at(&self, path: &Path, question: &Question<'_>, storage: Storage<'_>) -> Option<LookedAt> {
        let limits = question.limits;
        let beside = Beside::of(path, question.handed, storage, limits).ok()?;
        if question.handed.image.is_some() || beside.image.is_some() {
            return None;
        }
        let mut bundle = HashingReader::new(storage.open(path).ok()?.take(limits.bundle_bytes));
        std::io::copy(&mut bundle, &mut std::io::sink()).ok()?;
        let bundle = bundle.finish();
        let parts = std::iter::once(("bundle".to_owned(), bundle.0)).chain(beside.digests());
        let list: String = parts.map(|(name, digest)| format!("{} {name:?}\n", digest.hex())).collect();
        let (path, beside) = (slashed(path), beside.named_keys());
        Some(LookedAt { path, bundle, all: Sha256::of(list.as_bytes()), beside })
    }

    /// The saved report on the same bytes, if any.
    pub(super) fn finished(&self, looked: &LookedAt) -> Option<Audited> {
        let report = self.finished.get(&(looked.path.clone(), looked.all))?;
        Some((report.clone(), looked.beside.clone()))
    }

    /// Adds a report to the file. `looked` is the state of the files before the audit, and `after` is the current state. If a file changed in
    /// between, it is unclear which version the report is about, and nothing is added.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the file cannot be written.
    pub(super) fn keep(&self, looked: &LookedAt, after: Option<&LookedAt>, report: &BundleReport) -> Result<(), Error> {
        if report.file != Some(looked.bundle) || after.is_none_or(|after| after.all != looked.all) {
            return Ok(());
        }
        let line = Line::of(&self.name, &self.frame, looked.all, report)?;
        let line = text(&self.name, &line)? + "\n";
        // The line is written in one call, so that an interruption leaves complete lines and at most one truncated line.
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes())
            .map_err(|error| Error::unwritable(&self.name, &error))
    }
}

/// The complete lines; a line that was cut off is ignored.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

pub(super) fn parsed<T: for<'de> Deserialize<'de>>(name: &str, line: &[u8]) -> Result<T, Error> {
    let malformed = |error: serde_json::Error| Error::malformed(name, error.to_string());
    serde_json::from_value(strict_json::parse(line).map_err(malformed)?).map_err(malformed)
}

pub(super) fn text<T: Serialize>(name: &str, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::unwritable(name, &error.into()))
}

fn head(frame: &Report, handed: &[Sha256]) -> Result<Head, Error> {
    let mut page = Vec::new();
    let failed = |error| Error::unwritable("the state", &error);
    // The auditor's reference is not part of the question.
    let asked = Report { reference: None, ..frame.without_bundles() };
    asked.write(Format::Json, &Options::default(), &mut page).map_err(failed)?;
    page.extend(handed.iter().flat_map(|digest| *digest.as_bytes()));
    let now = frame.now.map(|now| now.to_string()).unwrap_or_default();
    Ok(Head { format: FORMAT.into(), now, question: Sha256::of(&page).hex() })
}

pub(super) fn restored(name: &str, line: Line, limits: &Limits) -> Result<(String, Sha256, BundleReport), Error> {
    let malformed = |message: &str| Error::malformed(name, message);
    let looked_at = Sha256::from_hex(&line.looked_at).ok_or_else(|| malformed("looked_at is not a SHA-256 digest"))?;
    let document = serde_json::to_vec(&line.report).map_err(|error| malformed(&error.to_string()))?;
    let mut bundles = Report::from_json(name, &document, limits)?.bundles;
    let (Some(mut report), None) = (bundles.pop(), bundles.pop()) else {
        return Err(malformed("a line does not contain exactly one bundle"));
    };
    if let Some((digest, signature)) = line.archive {
        let digest = Sha256::from_hex(&digest).ok_or_else(|| malformed("archive is not a SHA-256 digest"))?;
        report.seal = Some((digest, Signature::from_member(signature.as_bytes(), limits)?));
    }
    Ok((line.path, looked_at, report))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::gate::verify::KeyRing;
    use crate::judge::policy::Policy;

    /// A file may change between two reads, and a replaced file must not get a different file's report.
    #[test]
    fn a_report_on_bytes_that_changed_meanwhile_is_not_saved() {
        let top = std::env::temp_dir().join(format!("hpsb-audit-state-{}", std::process::id()));
        fs::create_dir_all(&top).unwrap();
        let (bundle, file, limits) = (top.join("a.sig.tbz"), top.join("state"), Limits::default());
        fs::write(&bundle, "bytes").unwrap();
        let (policy, keys) = (Policy::default(), KeyRing::default());
        let now = Timestamp::from_rfc3339("2026-03-09T00:00:00Z").unwrap();
        let question = Question::new(&policy, &keys, now, &limits);
        let state = State::open(&file, &Report::new(None), &question).unwrap();
        let look = || state.look_at(&bundle, &question, Storage::Disk);
        let lines = || fs::read_to_string(&file).unwrap().lines().count();
        let looked = look().unwrap();
        let report = |bytes: &[u8]| {
            let file = Some((Sha256::of(bytes), bytes.len() as u64));
            BundleReport { file, ..BundleReport::of_nothing(looked.path.clone(), Vec::new()) }
        };
        state.keep(&looked, look().as_ref(), &report(b"other")).unwrap();
        assert_eq!(lines(), 1);
        state.keep(&looked, look().as_ref(), &report(b"bytes")).unwrap();
        assert_eq!(lines(), 2);
        // A file is added next to the bundle.
        fs::write(top.join("status.json"), "{}").unwrap();
        state.keep(&looked, look().as_ref(), &report(b"bytes")).unwrap();
        assert_eq!(lines(), 2);
        drop(state);
        fs::remove_dir_all(top).unwrap();
    }
}
