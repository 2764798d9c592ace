//! A registry: documents and blobs by the OCI Distribution specification, every digest checked on the way in.

use reqwest::Url;

use crate::client::access::{Lent, NamedBy};
use crate::client::bearer::{Guarded, Redirects};
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::http::{Sink, shown};
use crate::client::outside::Outside;
use crate::client::reference::ImageReference;
use crate::digest::Sha256;
use crate::error::Error;
use crate::limits::Bound;

/// Every form of manifest that is known here; a registry must not convert for us.
const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json";

/// A manifest or index as the registry gave it.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Sha256,
    pub(crate) media_type: String,
    pub(crate) origin: Origin,
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

    /// The registry's login for a trust server's questions about the image that Notary calls `gun`.
    pub(crate) fn lend(&self, gun: &str) -> Option<Lent> {
        self.guarded.lend(format!("repository:{gun}:pull"))
    }

    /// The manifest that a tag or digest names; `None` if the registry has none.
    ///
    /// # Errors
    /// [`Error::Network`], also if the bytes do not have the digest that was asked for or that the registry says.
    pub(crate) fn manifest(&self, reference: &str) -> Result<Option<Document>, Error> {
        self.document(&format!("manifests/{reference}"), Some(ACCEPT), Sha256::from_prefixed(reference))
    }

    /// What refers to a manifest; `None` if the registry does not keep such lists (Distribution specification 1.1).
    pub(crate) fn referrers(&self, digest: Sha256) -> Result<Option<Document>, Error> {
        self.document(&format!("referrers/{digest}"), Some("application/vnd.oci.image.index.v1+json"), None)
    }

    /// The signatures of a manifest by the registry's own interface; `None` if it has no such interface
    /// (containers/image, docker/docker_client.go: `X-Registry-Supports-Signatures`).
    pub(crate) fn signatures(&self, digest: Sha256) -> Result<Option<Document>, Error> {
        let bound = self.document_bound();
        let probe = self.guarded.get(&self.url_of("/v2/"), None, bound, Redirects::Followed)?;
        if probe.head.header("x-registry-supports-signatures") != Some("1") {
            return Ok(None);
        }
        let url = self.url_of(&format!("/extensions/v2/{}/signatures/{digest}", self.repository));
        self.document_at(&url, None, None)
    }

    /// Puts a blob's bytes into `sink`. `false`: the registry has no such blob.
    ///
    /// Digest and size are the caller's to compare: they are known only when the sink is full.
    pub(crate) fn blob_into(&self, digest: Sha256, bound: Bound, sink: &mut dyn Sink) -> Result<Option<Origin>, Error> {
        let url = self.url(&format!("blobs/{digest}"));
        let head = self.guarded.get_into(&url, bound, sink)?;
        match head.status {
            200 | 206 => Ok(Some(self.guarded.origin(&url, &head))),
            404 => Ok(None),
            status => Err(self.guarded.refused(&url, status, b"")),
        }
    }

    fn document(&self, path: &str, accept: Option<&str>, wanted: Option<Sha256>) -> Result<Option<Document>, Error> {
        self.document_at(&self.url(path), accept, wanted)
    }

    fn document_at(&self, url: &Url, accept: Option<&str>, wanted: Option<Sha256>) -> Result<Option<Document>, Error> {
        let answer = self.guarded.get(url, accept, self.document_bound(), Redirects::Followed)?;
        match answer.head.status {
            200 => {}
            404 => return Ok(None),
            status => return Err(self.guarded.refused(url, status, &answer.body)),
        }
        let digest = Sha256::of(&answer.body);
        let said = answer.head.header("docker-content-digest").and_then(Sha256::from_prefixed);
        if let Some(expected) = wanted.or(said).filter(|expected| *expected != digest) {
            let message = format!("expected the digest {expected}, found {digest}: nothing of it is kept");
            return Err(network(
                &shown(url),
                message,
                "run it again; if it stays so, the registry or something before it is broken",
            ));
        }
        let media_type = answer.head.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        let origin = self.guarded.origin(url, &answer.head);
        Ok(Some(Document { bytes: answer.body, digest, media_type, origin }))
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
