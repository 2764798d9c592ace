//! The object store to which a build server may upload bundles, but not their keys.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use reqwest::header::HeaderName;

use crate::base::build_name::BuildName;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::client::address::checked_url;
use crate::client::answers::{Asked, Came, Meaning};
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
use crate::client::step::Source;

/// A bucket, or only its objects whose keys begin with `prefix`.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The store's address, for example `https://s3.us-south.cloud-object-storage.appdomain.cloud`.
    pub endpoint: String,
    /// The bucket's name.
    pub name: String,
    /// The prefix of the keys to save; empty for all keys.
    pub prefix: String,
    /// The region for signatures; by default, the region in the endpoint's name or, if there is none, `us-east-1`.
    pub region: Option<String>,
    /// HMAC keys; without them, requests are unsigned, which only public buckets accept.
    pub keys: Option<StoreKeys>,
    /// The number of bundles that are downloaded in parallel.
    pub parallel: usize,
}

impl Bucket {
    /// Parses `s3://bucket/prefix` into the bucket's name and the prefix.
    pub fn parse_address(text: &str) -> Option<(String, String)> {
        let rest = text.strip_prefix("s3://")?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let good = (1..=255).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed);
        good.then(|| (name.to_owned(), prefix.to_owned()))
    }

    /// The address of the listing, for display.
    pub(crate) fn address(&self) -> String {
        let prefix =
            if self.prefix.is_empty() { String::new() } else { format!(" (keys beginning with {})", self.prefix) };
        crate::base::escape::for_terminal(&format!("{}/{}{prefix}", self.endpoint.trim_end_matches('/'), self.name))
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

/// A bucket, ready for requests.
struct Store<'a> {
    run: Run<'a>,
    http: &'a Http,
    bucket: &'a Bucket,
    base: Url,
    region: String,
}

/// Saves the correctly named bundles whose keys begin with the prefix. The reports state the outcome for each build, sorted by build name.
pub(crate) fn save_bundles(
    run: Run<'_>,
    http: &Http,
    bucket: &Bucket,
    root: &EvidenceFolder,
    report: &mut FetchReport,
) -> Result<(), Error> {
    let base = checked_url(&bucket.endpoint, "the store's address (--endpoint)")?;
    let store = Store { run, http, bucket, base, region: bucket.region() };
    let mut listed = Listed::default();
    let whole = store.list(&mut listed);
    let Listed { builds, misnamed, misnamed_count } = listed;
    for key in &misnamed {
        let message = format!("the object {key} is not named manifest.<build_name>.sig.tbz, so it is not saved");
        let hint = "download it manually and check it with `hpsb-audit inspect`";
        report.faults.push(network(&bucket.address(), message, hint));
    }
    let more = misnamed_count.saturating_sub(misnamed.len() as u64);
    if more > 0 {
        let message = format!("further objects that are not named manifest.<build_name>.sig.tbz: {more}");
        report.faults.push(network(&bucket.address(), message, "check the bucket's listing"));
    }
    if builds.is_empty() && report.faults.is_empty() && whole.is_ok() {
        return Err(Error::NothingToVerify { paths: bucket.address() });
    }
    // Bundles that were listed before an error are still saved.
    if let Err(error) = whole {
        report.faults.push(error);
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

/// The objects in a listing.
#[derive(Default)]
struct Listed {
    builds: BTreeMap<BuildName, Vec<Object>>,
    misnamed: Vec<String>,
    misnamed_count: u64,
}

impl Listed {
    fn add(&mut self, object: Object, limits: &Limits) -> Result<(), Error> {
        let name = object.key.rsplit('/').next().unwrap_or_default();
        if !name.ends_with(".sig.tbz") {
            return Ok(());
        }
        match BuildName::from_file_name(name, ".sig.tbz") {
            Some(build) => {
                let objects = self.builds.entry(build).or_default();
                limits.kept_beside().check(objects.len() as u64 + 1, "objects of one build")?;
                objects.push(object);
                limits.bundles().check(self.builds.len() as u64, "the bucket")?;
            }
            None => {
                self.misnamed_count += 1;
                if self.misnamed_count <= limits.misnamed_objects {
                    self.misnamed.push(excerpt(object.key.as_bytes()));
                }
            }
        }
        Ok(())
    }
}

impl Store<'_> {
    /// Reads the listing page by page. If an error occurs, `listed` contains the objects that were read before the error.
    fn list(&self, listed: &mut Listed) -> Result<(), Error> {
        let limits = self.run.limits;
        let mut token: Option<String> = None;
        let (mut seen, mut objects) = (BTreeSet::new(), 0_u64);
        let mut left = limits.listing_total_bytes;
        for page in 1_u64.. {
            limits.listing_pages().check(page, self.bucket.address())?;
            let mut url = self.url("")?;
            // The parameters are sorted by name, as the signature requires.
            let mut query = String::new();
            if let Some(token) = &token {
                query = format!("continuation-token={}&", percent_encoded(token, Slash::Encoded));
            }
            let prefix = percent_encoded(&self.bucket.prefix, Slash::Encoded);
            url.set_query(Some(&format!("{query}encoding-type=url&list-type=2&prefix={prefix}")));
            (self.run.hear)(&Event::Asking(format!("the listing of {}", self.bucket.address())));
            let sign = || self.signed(&url);
            let question = Question { sign: Some(&sign), ..Question::new(&url) };
            let answer = self.http.get(&question, limits.listing_bytes())?;
            let status = answer.head.status;
            if Asked::Listing.judge(Came { status, content_type: "", body: &answer.body }) != Meaning::Here {
                return Err(self.refused(status, &answer.body));
            }
            left = limits.listing_total_bytes().take(left, answer.body.len() as u64, self.bucket.address())?;
            let page = read_page(&answer.body)?;
            objects = objects.saturating_add(page.objects.len() as u64);
            limits.listed_objects().check(objects, self.bucket.address())?;
            for object in page.objects {
                limits
                    .object_key_bytes()
                    .check(object.key.len().max(object.etag.len()) as u64, "an object key in the bucket")?;
                listed.add(object, limits)?;
            }
            let Some(next) = page.next else { return Ok(()) };
            limits.object_key_bytes().check(next.len() as u64, "the address of the bucket's next page")?;
            // The token's digest is enough to recognize a repeated token.
            if !seen.insert(Sha256::of(next.as_bytes())) {
                return Err(Error::malformed("the bucket's listing", "the list's pages form a loop"));
            }
            token = Some(next);
        }
        Ok(())
    }

    fn save_build(&self, root: &EvidenceFolder, name: &BuildName, objects: &[Object]) -> Result<BuildReport, Error> {
        let mut saver = Saver::open(self.run, root, name)?;
        let place = format!("manifest.{name}.sig.tbz");
        saver.step(Source::ObjectStore, &self.bucket.address(), |saver| {
            for object in objects {
                let kept = self.save_object(saver, &place, object);
                saver.remember(&place, &self.from(object), kept);
            }
        });
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
        let url = self.url(&object.key)?;
        (self.run.hear)(&Event::Asking(from.clone()));
        let sign = || self.signed(&url);
        // Require the listed version, because parts of different versions must not be joined.
        let headers = vec![(HeaderName::from_static("if-match"), object.etag.clone())];
        let question = Question { headers, sign: Some(&sign), ..Question::new(&url) };
        let mut draft = saver.folder.draft(&place)?;
        let mut listening = Listening::new(self.run, from.clone(), Some(object.size), &mut draft);
        // Allow one byte more than expected: receiving it is enough to detect a different object.
        let bound = Bound { allowed: object.size.saturating_add(1), ..bound };
        let longer = |error| match error {
            Error::OverLimit { .. } => {
                network(&from, format!("expected {} bytes, found more", object.size), "run the command again")
            }
            other => other,
        };
        let head = self.http.get_into(&question, bound, &mut listening).map_err(longer)?;
        let status = head.recorded_status();
        if Asked::Object.judge(Came { status, content_type: "", body: b"" }) != Meaning::Here {
            return Err(self.refused(status, b""));
        }
        if draft.held() != object.size {
            let message = format!("expected {} bytes, found {}", object.size, draft.held());
            return Err(network(&from, message, "run the command again"));
        }
        let origin = Origin {
            from,
            asked: None,
            status: Some(head.recorded_status()),
            version: Some(object.etag.clone()),
            at: (self.run.clock)(),
            peer: head.peer.map(Peer::of_public_server),
            redirected_to: None,
        };
        saver.folder.keep_draft(&place, draft, origin)
    }

    fn from(&self, object: &Object) -> String {
        let key = crate::base::escape::for_terminal(&object.key);
        format!("{}/{}/{key}", self.bucket.endpoint.trim_end_matches('/'), self.bucket.name)
    }

    /// The address of an object. The bucket and key are in its path, so that no DNS name per bucket is needed.
    ///
    /// # Errors
    /// An error if the key would change the address: with `..` as a folder, for example, the signed request could go to a different bucket.
    fn url(&self, key: &str) -> Result<Url, Error> {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        let slash = if key.is_empty() { "" } else { "/" };
        let wanted = format!("{base}/{}{slash}{}", self.bucket.name, percent_encoded(key, Slash::Kept));
        url.set_path(&wanted);
        if url.path() == wanted {
            return Ok(url);
        }
        let message = format!(
            "the object {} cannot be requested: URL normalisation would change its address",
            excerpt(key.as_bytes())
        );
        Err(network(&self.bucket.address(), message, "download that object manually"))
    }

    fn signed(&self, url: &Url) -> Vec<(HeaderName, String)> {
        let keys = self.bucket.keys.as_ref();
        keys.map(|keys| sign(url, None, keys, &self.region, system_clock())).unwrap_or_default()
    }

    fn refused(&self, status: u16, body: &[u8]) -> Error {
        let hint = match status {
            301 | 307 => "specify the endpoint of the bucket's own region",
            403 if self.bucket.keys.is_none() => {
                "supply HMAC keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials"
            }
            401 | 403 => {
                "check that the HMAC keys have read access to this bucket and that --region and this computer's clock are right"
            }
            404 => "check the bucket's name and the endpoint",
            412 => "the object changed in the meantime: run the command again",
            _ => "run the command again",
        };
        let words = if body.is_empty() { String::new() } else { format!(": {}", excerpt(body)) };
        network(&self.bucket.address(), format!("the store responded with status {status}{words}"), hint)
    }
}
