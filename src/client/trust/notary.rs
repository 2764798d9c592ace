//! Notary v1 metadata of a repository: one consistent set, and all earlier roots that the server still has.
//!
//! Source: notaryproject/notary, server/server.go (addresses), tuf/data (documents). The timestamp contains the hash of
//! the snapshot, and the snapshot contains the hashes of root, targets and delegations. Files whose hash is known are
//! requested by hash if the server supports that.

use base64ct::{Base64, Encoding};
use reqwest::Url;
use serde_json::Value;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::client::access::{Access, Lent, NamedBy};
use crate::client::address::checked_url;
use crate::client::answers::{Absence, Asked, Came, Meaning};
use crate::client::bearer::{Guarded, Redirects};
use crate::client::disk::Place;
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::folder::FileSet;
use crate::client::http::shown;
use crate::client::json::read_json;
use crate::client::outside::{NAMED_BY_ANSWER, Outside};
use crate::client::reference::ImageReference;
use crate::client::run::Saver;
use crate::client::trust::TrustServer;

const PLACE: &str = "trust/notary";
const OWN_LOGIN: &str =
    "add the trust server's own login to a login file (--registry-auth), under its HOST or HOST:PORT";

/// A Notary server, for one repository.
pub(crate) struct Notary<'a> {
    guarded: Guarded<'a>,
    base: Url,
    gun: String,
}

/// A role's file, whose hash is listed in another file.
struct Named {
    role: String,
    sha256: Sha256,
}

impl<'a> Notary<'a> {
    /// `lent` is the registry's login, for use only with the registry's own token server.
    pub(crate) fn open(
        outside: &Outside<'a>,
        image: &ImageReference,
        server: &TrustServer,
        lent: Option<Lent>,
    ) -> Result<Self, Error> {
        let base = checked_url(&server.address, "the Notary server's address (--trust-server)")?;
        let gun = image.name();
        let access = match server.named_by {
            NamedBy::User => {
                let host = base.host_str().unwrap_or_default();
                let name = base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
                Access { own: outside.login_of(&name, &gun)?, lent, hint: Some(OWN_LOGIN) }
            }
            NamedBy::Answer => Access { hint: Some(NAMED_BY_ANSWER), ..Access::default() },
        };
        Ok(Self { guarded: Guarded::new(outside.run, outside.http(&base)?, access), base, gun })
    }

    /// Saves the whole set or nothing. Each file is written to disk as it arrives.
    pub(crate) fn save(&self, saver: &mut Saver<'_>) {
        let from = shown(&self.url("timestamp.json"));
        match self.load(saver, &from) {
            Ok(Ok(set)) => saver.keep_set(PLACE, &from, &set),
            Ok(Err(absence)) => saver.absent(PLACE, &from, absence),
            Err(error) => saver.fault(PLACE, &from, error),
        }
    }

    fn load(&self, saver: &mut Saver<'_>, from: &str) -> Result<Result<FileSet, Absence>, Error> {
        let limits = saver.run.limits;
        let mut left = limits.trust_source_bytes;
        let timestamp = match self.file(Asked::Timestamp, "timestamp.json", None)? {
            Ok(timestamp) => timestamp,
            Err(status) => return Ok(Err(absence([status]).and(&format!("for the timestamp of {}", self.gun)))),
        };
        let mut set = saver.folder.file_set(&Place::new(PLACE)?)?;
        let mut add = |place: &str, (bytes, origin): (Vec<u8>, Origin)| {
            left = limits.trust_source_bytes().take(left, bytes.len() as u64, "content trust metadata")?;
            set.add(Place::new(place)?, &bytes, origin).map(|()| bytes)
        };
        let timestamp = add("timestamp.json", timestamp)?;
        let named = named_in(&timestamp, "timestamp.json", limits)?;
        let snapshot = named.into_iter().find(|named| named.role == "snapshot");
        let snapshot = snapshot.ok_or_else(|| Error::malformed("timestamp.json", "it lists no snapshot"))?;
        let snapshot = add("snapshot.json", self.named(&snapshot)?)?;
        let roles = named_in(&snapshot, "snapshot.json", limits)?;
        let bound = limits.trust_files();
        bound.check(roles.len() as u64, "snapshot.json")?;
        let mut root = None;
        for role in roles.iter().filter(|named| is_wanted(&named.role)) {
            let bytes = add(&format!("{}.json", role.role), self.named(role)?)?;
            if role.role == "root" {
                root = Some(version_of(&bytes, limits)?);
            }
        }
        let version = root.ok_or_else(|| Error::malformed("snapshot.json", "it lists no root"))?;
        bound.check(version, "root versions")?;
        let mut lost = Vec::new();
        for version in 1..=version {
            let name = format!("{version}.root.json");
            // A server that was reinstalled may have lost the early roots.
            match self.file(Asked::OldRoot, &name, None)? {
                Ok(file) => drop(add(&name, file)?),
                Err(status) => lost.push((version, status)),
            }
        }
        if let (Some((first, _)), Some((last, _))) = (lost.first(), lost.last()) {
            let which = match first == last {
                true => format!("for root version {first}"),
                false => format!("for {} root versions between {first} and {last}", lost.len()),
            };
            let why = absence(lost.iter().map(|(_, status)| *status)).and(&which).why;
            saver.report.notes.push(format!("{PLACE} lacks earlier roots: {why}"));
            for (version, status) in &lost {
                let why = absence([*status]).and(&format!("for root version {version}"));
                saver.lacks(&format!("{PLACE}/{version}.root.json"), from, why);
            }
        }
        Ok(Ok(set))
    }

    /// Loads a file by its hash, or by its plain name if the server does not support names with hashes.
    fn named(&self, named: &Named) -> Result<(Vec<u8>, Origin), Error> {
        let by_hash = format!("{}.{}.json", named.role, named.sha256.hex());
        // If the name with a hash is not found, the plain name is tried; a missing plain name is an error.
        let found = self.file(Asked::OldRoot, &by_hash, Some(named.sha256))?;
        let found = match found {
            Ok(file) => Ok(file),
            Err(_) => self.file(Asked::Named, &format!("{}.json", named.role), Some(named.sha256))?,
        };
        found.map_err(|status| Error::malformed(by_hash, absence([status]).why))
    }

    /// A file, or the status of the response if the server does not send the file.
    fn file(&self, asked: Asked, name: &str, wanted: Option<Sha256>) -> Result<Result<(Vec<u8>, Origin), u16>, Error> {
        let url = self.url(name);
        let limits = self.guarded.run.limits;
        let answer = self.guarded.get(&url, None, limits.trust_file_bytes(), Redirects::Answers)?;
        match asked.judge(Came { status: answer.head.status, content_type: "", body: &answer.body }) {
            Meaning::Here => {}
            Meaning::Absent => return Ok(Err(answer.head.status)),
            Meaning::Refused => return Err(self.guarded.refused(&url, answer.head.status, &answer.body)),
        }
        let found = Sha256::of(&answer.body);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            let message =
                format!("expected {wanted}, found {found}: the metadata changed in the meantime, or was tampered with");
            return Err(network(&shown(&url), message, "run the command again"));
        }
        // A body that is not JSON may come from a proxy, and must not be kept as metadata.
        read_json(&answer.body, limits)
            .map_err(|error| network(&shown(&url), format!("expected JSON: {error}"), "run the command again"))?;
        Ok(Ok((answer.body, self.guarded.origin(&url, &answer.head))))
    }

    fn url(&self, name: &str) -> Url {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v2/{}/_trust/tuf/{name}", self.gun));
        url
    }
}

fn absence(statuses: impl IntoIterator<Item = u16>) -> Absence {
    Absence::of("the server", &statuses.into_iter().collect())
}

/// Whether the role is root, targets, or a delegation with a valid name (tuf/data/roles.go: `[-a-z0-9_/]`, shorter than 256 characters).
fn is_wanted(role: &str) -> bool {
    let delegation = |name: &str| {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'/');
        name.len() < 256 && name.bytes().all(allowed) && name.split('/').all(|part| !part.is_empty())
    };
    matches!(role, "root" | "targets") || (role.starts_with("targets/") && delegation(role))
}

/// The files that `signed.meta` in a timestamp or snapshot lists with a SHA-256.
fn named_in(bytes: &[u8], what: &str, limits: &Limits) -> Result<Vec<Named>, Error> {
    let fail = |message: &str| Error::malformed(what, message);
    let document = read_json(bytes, limits).map_err(|error| fail(&error))?;
    let meta = document.get("signed").and_then(|signed| signed.get("meta")).and_then(Value::as_object);
    let meta = meta.ok_or_else(|| fail("expected signed.meta"))?;
    let named = meta.iter().map(|(role, file)| {
        let hash = file.get("hashes").and_then(|hashes| hashes.get("sha256")).and_then(Value::as_str);
        let bytes = hash.and_then(|hash| Base64::decode_vec(hash).ok());
        let hex = bytes.map(|bytes| crate::base::digest::encode_hex(&bytes));
        let sha256 = hex.and_then(|hex| Sha256::from_hex(&hex)).ok_or_else(|| fail("a file has no SHA-256"))?;
        Ok(Named { role: role.clone(), sha256 })
    });
    named.collect()
}

fn version_of(root: &[u8], limits: &Limits) -> Result<u64, Error> {
    let document = read_json(root, limits).ok();
    let version =
        document.as_ref().and_then(|document| document.get("signed")).and_then(|signed| signed.get("version"));
    version.and_then(Value::as_u64).ok_or_else(|| Error::malformed("root.json", "expected signed.version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_role_names_are_requested() {
        for good in ["root", "targets", "targets/releases", "targets/a/b-c_1"] {
            assert!(is_wanted(good), "{good}");
        }
        for bad in [
            "timestamp",
            "snapshot",
            "targets/",
            "targets//a",
            "targets/../root",
            "targets/A",
            "targets/a.b",
            "other",
            &format!("targets/{}", "a".repeat(250)),
        ] {
            assert!(!is_wanted(bad), "{bad}");
        }
    }

    #[test]
    fn hashes_are_base64_of_32_bytes() {
        let meta = |hash: &str| {
            format!(r#"{{"signed":{{"meta":{{"snapshot":{{"hashes":{{"sha256":"{hash}"}},"length":1}}}}}}}}"#)
        };
        // `printf one | openssl dgst -sha256 -binary | base64`
        let found =
            named_in(meta("dpLDrTVAu4A8Ags67mbNiIcSMjTqDG5xQ8Ct1z/0Me0=").as_bytes(), "x", &Limits::default()).unwrap();
        assert_eq!((found[0].role.as_str(), found[0].sha256), ("snapshot", Sha256::of(b"one")));
        for bad in ["", "dpLD", "not base64"] {
            assert!(named_in(meta(bad).as_bytes(), "x", &Limits::default()).is_err(), "{bad}");
        }
        assert!(named_in(b"{}", "x", &Limits::default()).is_err());
    }
}
