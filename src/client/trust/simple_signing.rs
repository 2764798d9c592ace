//! Simple signing: signatures stored separately from the image, on a lookaside server or in a registry with an API for them.
//!
//! Source: containers/image, docs/signature-protocols.md and docker/docker_client.go.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use reqwest::Url;
use serde_json::Value;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::client::access::Access;
use crate::client::address::checked_url;
use crate::client::answers::{Absence, Asked, Came, Meaning, is_html};
use crate::client::bearer::{Guarded, Redirects};
use crate::client::disk::Place;
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::http::{shown, shown_as_given};
use crate::client::json::read_json;
use crate::client::outside::Outside;
use crate::client::reference::ImageReference;
use crate::client::registry::{Document, Found, Registry};
use crate::client::run::Saver;
use crate::client::step::Source;

const PLACE: &str = "trust/simple-signing";

/// Assigns the names `signature-1`, `signature-2`, …: each signature is kept only once, even if several sources have it, and a number that is already
/// used is not used again.
struct Numbered {
    known: Vec<(Sha256, Place)>,
    names: BTreeSet<String>,
    next: u64,
}

impl Numbered {
    fn open(saver: &Saver<'_>) -> Result<Self, Error> {
        let known = saver.folder.contents_below(&Place::new(PLACE)?)?;
        let names = known.iter().map(|(_, place)| place.as_str().to_owned()).collect();
        Ok(Self { known, names, next: 1 })
    }

    fn keep(&mut self, saver: &mut Saver<'_>, bytes: &[u8], origin: Origin) {
        let digest = Sha256::of(bytes);
        if let Some((_, place)) = self.known.iter().find(|(known, _)| *known == digest) {
            let place = place.as_str().to_owned();
            return saver.keep(&place, bytes, origin);
        }
        let mut name = format!("{PLACE}/signature-{}", self.next);
        while !self.names.insert(name.clone()) {
            self.next = self.next.saturating_add(1);
            name = format!("{PLACE}/signature-{}", self.next);
        }
        saver.keep(&name, bytes, origin);
        if let Ok(place) = Place::new(name) {
            self.known.push((digest, place));
        }
    }
}

/// Saves the signatures from the lookaside, then the registry's signatures that the lookaside does not have.
pub(crate) fn save(
    saver: &mut Saver<'_>,
    outside: &Outside<'_>,
    registry: &Registry<'_>,
    (image, from): (&ImageReference, &str),
    digest: Sha256,
    lookaside: Option<&str>,
) {
    let mut numbered = match Numbered::open(saver) {
        Ok(numbered) => numbered,
        Err(error) => {
            let place = format!("{PLACE}/registry");
            return saver.step(Source::RegistrySignatures, from, |saver| saver.fault(&place, from, error));
        }
    };
    if let Some(base) = lookaside {
        let from = shown_as_given(base);
        saver.step(Source::Lookaside, &from, |saver| {
            let saved = from_lookaside(saver, &mut numbered, outside, base, image, digest);
            saved.unwrap_or_else(|(what, error)| saver.fault(&format!("{PLACE}/{what}"), &from, error));
        });
    }
    saver.step(Source::RegistrySignatures, from, |saver| match registry.signatures(digest) {
        Ok(Found::Here(list, _)) => from_list(saver, &mut numbered, from, &list),
        Ok(Found::Absent(absence)) => saver.absent(&format!("{PLACE}/registry"), from, absence),
        Err(error) => saver.fault(&format!("{PLACE}/registry"), from, error),
    });
}

/// Reads `<base>/<repository>@sha256=<hex>/signature-1` and the following numbers until one is missing.
fn from_lookaside(
    saver: &mut Saver<'_>,
    numbered: &mut Numbered,
    outside: &Outside<'_>,
    base: &str,
    image: &ImageReference,
    digest: Sha256,
) -> Result<(), (String, Error)> {
    let all = |error| ("lookaside".to_owned(), error);
    let base = checked_url(base, "the lookaside's address (--lookaside)").map_err(all)?;
    let server = Guarded::new(outside.run, outside.http(&base).map_err(all)?, Access::default());
    let limits = outside.run.limits;
    let mut left = limits.trust_source_bytes;
    for number in 1..=limits.trust_signatures {
        let at = |error| (format!("lookaside-{number}"), error);
        let mut url: Url = base.clone();
        let folder = base.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{folder}/{}@sha256={}/signature-{number}", image.repository, digest.hex()));
        let answer = server.get(&url, None, limits.trust_file_bytes(), Redirects::Answers).map_err(at)?;
        let status = answer.head.status;
        match Asked::Lookaside.judge(Came { status, content_type: "", body: &answer.body }) {
            Meaning::Here => {}
            Meaning::Absent => {
                if number == 1 {
                    let absence = Absence::of("the server", &BTreeSet::from([status]));
                    saver.absent(&format!("{PLACE}/lookaside"), &shown(&url), absence);
                } else {
                    saver.received(&format!("{PLACE}/lookaside"));
                }
                return Ok(());
            }
            Meaning::Refused => return Err(at(server.refused(&url, status, &answer.body))),
        }
        let origin = server.origin(&url, &answer.head);
        let bytes = answer.whole_body(&shown(&url)).map_err(at)?;
        if is_html(&bytes) {
            let error = network(&shown(&url), "expected a signature, found an HTML page", "run the command again");
            return Err(at(error));
        }
        left = limits.trust_source_bytes().take(left, bytes.len() as u64, "the lookaside").map_err(at)?;
        numbered.keep(saver, &bytes, origin);
        saver.received(&format!("{PLACE}/lookaside-{number}"));
    }
    Err(all(limits.trust_signatures().exceeded("the lookaside")))
}

/// Reads `{"signatures":[{"schemaVersion":2,"name":…,"type":"atomic","content":"<base64>"}]}`. Entries of other types
/// are meant for other tools.
fn from_list(saver: &mut Saver<'_>, numbered: &mut Numbered, from: &str, list: &Document) {
    let limits = saver.run.limits;
    let place = format!("{PLACE}/registry");
    let entries = match entries_of(list, limits) {
        Ok(entries) => entries,
        Err(error) => return saver.fault(&place, from, error),
    };
    if entries.is_empty() {
        return saver.absent(&place, from, "the registry's list contains no simple signature");
    }
    let mut bad = 0_u64;
    for content in entries.iter().take(usize::try_from(limits.trust_signatures).unwrap_or(usize::MAX)) {
        match content {
            Some(bytes) => numbered.keep(saver, bytes, list.origin.clone()),
            None => bad += 1,
        }
    }
    if bad > 0 {
        let message = format!("signatures that are not base64: {bad} of {}", entries.len());
        saver.fault(&place, from, Error::malformed("the registry's list of signatures", message));
    }
    match limits.trust_signatures().check(entries.len() as u64, "the registry's list of signatures") {
        Err(error) => saver.fault(&place, from, error),
        Ok(()) if bad == 0 => saver.received(&place),
        Ok(()) => {}
    }
}

/// The signatures; `None` for a signature that is not base64.
fn entries_of(list: &Document, limits: &Limits) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let fail = |message: &str| Error::malformed("the registry's list of signatures", message);
    let value = read_json(&list.bytes, limits).map_err(|error| fail(&error))?;
    let entries = value.get("signatures").and_then(Value::as_array).ok_or_else(|| fail("expected signatures"))?;
    let atomic = entries.iter().filter(|entry| entry.get("type").and_then(Value::as_str) == Some("atomic"));
    let content = atomic.map(|entry| {
        let text = entry.get("content").and_then(Value::as_str)?.replace(['\r', '\n'], "");
        Base64::decode_vec(&text).ok()
    });
    Ok(content.collect())
}
