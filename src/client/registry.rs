//! Registries: reads documents and blobs according to the OCI Distribution specification, and checks the digests of documents on arrival.

use std::collections::BTreeSet;

use reqwest::Url;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Bound;
use crate::client::access::{Lent, NamedBy};
use crate::client::answers::{Absence, Asked, Came, Meaning};
use crate::client::bearer::{Guarded, Redirects};
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::http::{Answer, Sink, shown};
use crate::client::outside::Outside;
use crate::client::reference::ImageReference;

/// Lists all supported manifest formats, so that the registry does not convert manifests.
const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json";

/// A manifest or index as received from the registry.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Sha256,
    pub(crate) media_type: String,
    pub(crate) origin: Origin,
}

/// A registry's response to a request.
pub(crate) enum Found {
    /// A document and, for a list with further pages, the address of the next page.
    Here(Box<Document>, Option<Url>),
    /// The registry sent no document.
    Absent(Absence),
}

/// One repository of a registry.
pub(crate) struct Registry<'a> {
    guarded: Guarded<'a>,
    base: Url,
    repository: String,
}

impl<'a> Registry<'a> {
    pub(crate) fn open(outside: &Outside<'a>, reference: &ImageReference, named_by: NamedBy) -> Result<Self, Error> {
        let base = outside.registry_url(reference)?;
        let access = outside.registry_access(reference, named_by)?;
        let guarded = Guarded::new(outside.run, outside.http(&base)?, access);
        Ok(Self { guarded, base, repository: reference.repository.clone() })
    }

    /// The registry's login, for requests to a trust server for the repository that Notary calls `gun`.
    pub(crate) fn lend(&self, gun: &str) -> Option<Lent> {
        self.guarded.lend(format!("repository:{gun}:pull"))
    }

    /// The manifest for a tag or digest, or why it is absent.
    ///
    /// # Errors
    /// [`Error::Network`], including when the bytes do not have the requested digest or, for a tag, the digest that the
    /// registry states.
    pub(crate) fn manifest(&self, asked: Asked, reference: &str) -> Result<Result<Document, Absence>, Error> {
        let url = self.url(&format!("manifests/{reference}"));
        match self.document_at(asked, &url, Some(ACCEPT), Sha256::from_prefixed(reference))? {
            Found::Here(document, _) => Ok(Ok(*document)),
            Found::Absent(absence) => Ok(Err(absence)),
        }
    }

    /// One page of the referrers of a manifest (Distribution specification 1.1), and the next page's address. The first
    /// page is requested without `at`.
    ///
    /// # Errors
    /// The errors of [`Self::manifest`], and an error for a next page on a different server.
    pub(crate) fn referrers(&self, digest: Sha256, at: Option<&Url>) -> Result<Found, Error> {
        let first = self.url(&format!("referrers/{digest}"));
        let url = at.unwrap_or(&first);
        self.document_at(Asked::Referrers, url, Some("application/vnd.oci.image.index.v1+json"), None)
    }

    /// A manifest's signatures from the registry's API for simple signing; absent if the registry has no such API
    /// (containers/image, docker/docker_client.go: `X-Registry-Supports-Signatures`).
    pub(crate) fn signatures(&self, digest: Sha256) -> Result<Found, Error> {
        let bound = self.document_bound();
        let at = self.url_of("/v2/");
        let probe = self.guarded.get(&at, None, bound, Redirects::FollowedWithoutLogin)?;
        let has = probe.head.header("x-registry-supports-signatures") == Some("1");
        match Asked::Interface.judge(came(&probe)) {
            // As in containers/image, the header counts even if a login is required.
            Meaning::Here | Meaning::Absent if has && matches!(probe.head.status, 200 | 401) => {}
            Meaning::Here | Meaning::Absent => {
                let why = "the registry does not announce an API for simple signing".to_owned();
                return Ok(Found::Absent(Absence { status: Some(probe.head.status), why }));
            }
            Meaning::Refused => return Err(self.guarded.refused(&at, probe.head.status, &probe.body)),
        }
        let url = self.url_of(&format!("/extensions/v2/{}/signatures/{digest}", self.repository));
        self.document_at(Asked::Signatures, &url, None, None)
    }

    /// Writes a blob's bytes to `sink`; the inner error states why the blob is absent.
    ///
    /// The caller must compare digest and size, which are known only when the blob is complete.
    pub(crate) fn blob_into(
        &self,
        digest: Sha256,
        bound: Bound,
        sink: &mut dyn Sink,
    ) -> Result<Result<Origin, Absence>, Error> {
        let url = self.url(&format!("blobs/{digest}"));
        let head = self.guarded.get_into(&url, bound, sink)?;
        let status = head.recorded_status();
        match Asked::Blob.judge(Came { status, content_type: "", body: b"" }) {
            Meaning::Here => Ok(Ok(self.guarded.origin(&url, &head))),
            _ if matches!(status, 404 | 410) => Ok(Err(absence(status))),
            _ => Err(self.guarded.refused(&url, status, b"")),
        }
    }

    fn document_at(
        &self,
        asked: Asked,
        url: &Url,
        accept: Option<&str>,
        wanted: Option<Sha256>,
    ) -> Result<Found, Error> {
        let answer = self.guarded.get(url, accept, self.document_bound(), Redirects::Followed)?;
        match asked.judge(came(&answer)) {
            Meaning::Here => {}
            Meaning::Absent => {
                return Ok(Found::Absent(absence(answer.head.status)));
            }
            Meaning::Refused => return Err(self.guarded.refused(url, answer.head.status, &answer.body)),
        }
        let next = if asked == Asked::Referrers { self.next_page(url, &answer)? } else { None };
        let digest = Sha256::of(&answer.body);
        let said = answer.head.header("docker-content-digest").and_then(Sha256::from_prefixed);
        if let Some(expected) = wanted.or(said).filter(|expected| *expected != digest) {
            let message = format!("expected the digest {expected}, found {digest}: the response is not kept");
            return Err(network(
                &shown(url),
                message,
                "run the command again; if the error persists, the registry or a proxy in front of it is broken",
            ));
        }
        let media_type = came(&answer).content_type.to_owned();
        let origin = self.guarded.origin(url, &answer.head);
        Ok(Found::Here(Box::new(Document { bytes: answer.body, digest, media_type, origin }), next))
    }

    /// `Link: <address>; rel="next"` (RFC 8288), at this registry.
    fn next_page(&self, url: &Url, answer: &Answer) -> Result<Option<Url>, Error> {
        let links = answer.head.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
        let Some(link) = links.flat_map(|link| link.split(',')).find_map(next_link) else { return Ok(None) };
        let next = url.join(link).ok().filter(|next| next.origin() == self.base.origin());
        next.map(Some).ok_or_else(|| {
            network(&shown(url), "the next page is on a different server", "run the command again later")
        })
    }

    fn document_bound(&self) -> Bound {
        self.guarded.run.limits.registry_document_bytes()
    }

    /// The address of a path below the repository.
    fn url(&self, path: &str) -> Url {
        self.url_of(&format!("/v2/{}/{path}", self.repository))
    }

    fn url_of(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }
}

fn absence(status: u16) -> Absence {
    Absence::of("the registry", &BTreeSet::from([status]))
}

fn came(answer: &Answer) -> Came<'_> {
    let content_type = answer.head.header("content-type").unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    Came { status: answer.head.status, content_type, body: &answer.body }
}

/// The address in a link, if the link leads to the next page.
fn next_link(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |parameter: &str| {
        parameter.trim().split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"').split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
        })
    };
    parameters.split(';').any(is_next).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_parsed_from_a_link_header() {
        assert_eq!(next_link(r#"</v2/a/referrers/x?n=1&last=y>; rel="next""#), Some("/v2/a/referrers/x?n=1&last=y"));
        assert_eq!(next_link("<x>; title=y; REL=next"), Some("x"));
        assert_eq!(next_link(r#"<x>;rel="prev next""#), Some("x"));
        for none in ["", "x", "<x>", "<x; rel=next", "<x>; rel=prev", "<x>; title=next"] {
            assert_eq!(next_link(none), None, "{none}");
        }
    }
}
