//! The object store that bundles may have been sent to. It holds bundles, never their keys.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::HeaderName;

use crate::build_name::BuildName;
use crate::client::address::checked_url;
use crate::client::disk::Place;
use crate::client::evidence_record::{Origin, Peer};
use crate::client::fault::network;
use crate::client::folder::{EvidenceFolder, Kept};
use crate::client::http::{Http, Question, Sink};
use crate::client::listing::{Object, read_page};
use crate::client::parallel::in_parallel;
use crate::client::run::{BuildReport, Event, FetchReport, Listening, Run, Saver, system_clock};
use crate::client::secret::excerpt;
use crate::client::signing::{Slash, StoreKeys, percent_encoded, sign};
use crate::error::Error;

/// A bucket, or the part of it whose keys begin with `prefix`.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The store's address, for example `https://s3.us-south.cloud-object-storage.appdomain.cloud`.
    pub endpoint: String,
    /// The bucket's name.
    pub name: String,
    /// What keys must begin with; empty for all.
    pub prefix: String,
    /// The region that signatures name; by default what the endpoint's name says, else `us-east-1`.
    pub region: Option<String>,
    /// HMAC keys; without them nothing is signed, which only public buckets answer.
    pub keys: Option<StoreKeys>,
    /// How many bundles are loaded at the same time.
    pub parallel: usize,
}

impl Bucket {
    /// Reads `s3://bucket/prefix`: the bucket's name and the prefix.
    pub fn parse_address(text: &str) -> Option<(String, String)> {
        let rest = text.strip_prefix("s3://")?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let good = (1..=255).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed);
        good.then(|| (name.to_owned(), prefix.to_owned()))
    }

    /// The address of the listing, to be shown.
    pub(crate) fn address(&self) -> String {
        let prefix =
            if self.prefix.is_empty() { String::new() } else { format!(" (keys beginning with {})", self.prefix) };
        crate::escape::for_terminal(&format!("{}/{}{prefix}", self.endpoint.trim_end_matches('/'), self.name))
    }

    fn region(&self) -> String {
        // s3.<region>.cloud-object-storage.appdomain.cloud, s3.<region>.amazonaws.com
        let of_name = || {
            let host = Url::parse(&self.endpoint).ok()?.host_str()?.to_owned();
            let mut labels = host
                .split('.')
                .skip_while(|label| *label != "s3")
                .skip(1)
                .filter(|label| !matches!(*label, "private" | "direct"));
            let region = labels.next()?.to_owned();
            matches!(labels.next(), Some("cloud-object-storage" | "amazonaws")).then_some(region)
        };
        self.region.clone().or_else(of_name).unwrap_or_else(|| "us-east-1".into())
    }
}

/// A bucket that can be asked.
struct Store<'a> {
    run: Run<'a>,
    http: &'a Http,
    bucket: &'a Bucket,
    base: Url,
    region: String,
}

/// Saves every bundle of the bucket. The builds' reports say what became of each; builds are returned in the keys' order.
pub(crate) fn save_bundles(
    run: Run<'_>,
    http: &Http,
    bucket: &Bucket,
    root: &EvidenceFolder,
    report: &mut FetchReport,
) -> Result<(), Error> {
    let base = checked_url(&bucket.endpoint, "the store's address (--endpoint)")?;
    let store = Store { run, http, bucket, base, region: bucket.region() };
    let mut builds: BTreeMap<BuildName, Vec<Object>> = BTreeMap::new();
    for object in store.list()? {
        let name = object.key.rsplit('/').next().unwrap_or_default();
        if !name.ends_with(".sig.tbz") {
            continue;
        }
        match BuildName::from_file_name(name, ".sig.tbz") {
            Some(build) => builds.entry(build).or_default().push(object),
            None => {
                let shown = excerpt(object.key.as_bytes());
                let message =
                    format!("the object {shown} is not called manifest.<build_name>.sig.tbz, so it is not saved");
                report.faults.push(network(
                    &bucket.address(),
                    message,
                    "load it by hand and look at it with `hpsb-audit inspect`",
                ));
            }
        }
    }
    if builds.is_empty() && report.faults.is_empty() {
        return Err(Error::NothingToVerify { paths: bucket.address() });
    }
    let builds: Vec<(BuildName, Vec<Object>)> = builds.into_iter().collect();
    let results = in_parallel(&builds, bucket.parallel, |(name, objects)| store.save_build(root, name, objects));
    for result in results {
        match result {
            Ok(build) => report.builds.push(build),
            Err(error) => report.faults.push(error),
        }
    }
    Ok(())
}

impl Store<'_> {
    fn list(&self) -> Result<Vec<Object>, Error> {
        let mut objects = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut url = self.url("");
            // In the order of their names, as the signature wants them.
            let mut query = String::new();
            if let Some(token) = &token {
                query = format!("continuation-token={}&", percent_encoded(token, Slash::Encoded));
            }
            let prefix = percent_encoded(&self.bucket.prefix, Slash::Encoded);
            url.set_query(Some(&format!("{query}encoding-type=url&list-type=2&prefix={prefix}")));
            (self.run.hear)(&Event::Asking(format!("the listing of {}", self.bucket.address())));
            let sign = || self.signed(&url);
            let question = Question { sign: Some(&sign), ..Question::new(&url) };
            let bound = self.run.limits.listing_bytes();
            let answer = self.http.get(&question, bound)?;
            if answer.head.status != 200 {
                return Err(self.refused(answer.head.status, &answer.body));
            }
            let page = read_page(&answer.body)?;
            objects.extend(page.objects);
            self.run.limits.listed_objects().check(objects.len() as u64, self.bucket.address())?;
            match page.next {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                Some(_) => return Err(Error::malformed("the bucket's listing", "it goes in circles")),
                None => return Ok(objects),
            }
        }
    }

    fn save_build(&self, root: &EvidenceFolder, name: &BuildName, objects: &[Object]) -> Result<BuildReport, Error> {
        let mut saver = Saver::open(self.run, root, name)?;
        let place = format!("manifest.{name}.sig.tbz");
        for object in objects {
            match self.save_object(&saver, &place, object) {
                Ok(kept) => saver.remember(&place, Ok(kept)),
                Err(error) => saver.fault(&place, &self.from(object), error),
            }
        }
        Ok(saver.report)
    }

    fn save_object(&self, saver: &Saver<'_>, place: &str, object: &Object) -> Result<Kept, Error> {
        let place = Place::new(place)?;
        let from = self.from(object);
        if saver.folder.holds_version(&place, &from, &object.etag)? {
            return Ok(Kept::Same);
        }
        let bound = self.run.limits.bundle_bytes();
        bound.check(object.size, &from)?;
        let url = self.url(&object.key);
        (self.run.hear)(&Event::Asking(from.clone()));
        let sign = || self.signed(&url);
        // The very version that was listed: a part of another one must not be joined to it.
        let headers = vec![(HeaderName::from_static("if-match"), object.etag.clone())];
        let question = Question { headers, sign: Some(&sign), ..Question::new(&url) };
        let mut draft = saver.folder.draft(&place)?;
        let mut listening = Listening::new(self.run, from.clone(), Some(object.size), &mut draft);
        let head = self.http.get_into(&question, bound, &mut listening)?;
        if !matches!(head.status, 200 | 206) {
            return Err(self.refused(head.status, b""));
        }
        if draft.held() != object.size {
            let message = format!("expected {} bytes, found {}", object.size, draft.held());
            return Err(network(&from, message, "run it again"));
        }
        let origin = Origin {
            from,
            asked: None,
            status: head.recorded_status(),
            version: Some(object.etag.clone()),
            at: (self.run.clock)(),
            peer: head.peer.map(Peer::of_public_server),
        };
        saver.folder.keep_draft(&place, draft, origin)
    }

    fn from(&self, object: &Object) -> String {
        let key = crate::escape::for_terminal(&object.key);
        format!("{}/{}/{key}", self.bucket.endpoint.trim_end_matches('/'), self.bucket.name)
    }

    /// Bucket and key in the path: it works for every store and needs no name service for buckets.
    fn url(&self, key: &str) -> Url {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        let slash = if key.is_empty() { "" } else { "/" };
        url.set_path(&format!("{base}/{}{slash}{}", self.bucket.name, percent_encoded(key, Slash::Kept)));
        url
    }

    fn signed(&self, url: &Url) -> Vec<(HeaderName, String)> {
        let keys = self.bucket.keys.as_ref();
        keys.map(|keys| sign(url, None, keys, &self.region, system_clock())).unwrap_or_default()
    }

    fn refused(&self, status: u16, body: &[u8]) -> Error {
        let hint = match status {
            301 | 307 => "name the endpoint of the bucket's own region",
            403 if self.bucket.keys.is_none() => {
                "give HMAC keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials"
            }
            401 | 403 => {
                "check that the HMAC keys may read this bucket, that --region is right, and this computer's clock"
            }
            404 => "check the bucket's name and the endpoint",
            412 => "the object changed meanwhile: run it again",
            _ => "run it again",
        };
        let words = if body.is_empty() { String::new() } else { format!(": {}", excerpt(body)) };
        network(&self.bucket.address(), format!("the store answers {status}{words}"), hint)
    }
}
