//! What is to be deployed: docker-compose files, Kubernetes manifests and HPVS contracts. A reader takes bytes and answers with every image
//! that they name, each with the place where it stands. Nothing is judged here.
//!
//! A place that should name an image and does not, or that hides what it names, is in the list too: nothing that could run is left out in
//! silence.
//!
//! A form is read by a table of every key that it defines ([`table`]): a key outside it is unknown.
//!
//! To add a form:
//! 1. one file here, with a table of every key and a function that fills [`Images`]; its own tests show what a program could run and the file
//!    hides,
//! 2. a variant of [`Form`] in `forms.rs`, its word, and what the compiler then asks for: its marks and its sample,
//! 3. its module and its arm in [`Workload::read`], in this file,
//! 4. its rows in `docs/admission.md`: which images it names, and the source of its table.
//!
//! Then `tests/run update`. Seeds for the fuzz target `workload` are in `tests/seeds/mod.rs`.

pub(crate) mod review;

mod archive;
mod compose;
#[cfg(test)]
mod compose_schema_tests;
mod compose_table;
mod contract;
mod contract_archive;
mod contract_table;
mod forms;
mod image_keys;
mod kubernetes;
mod reference;
mod sections;
mod signature;
mod table;
mod token;
#[cfg(test)]
mod wycheproof_tests;

use std::borrow::Cow;

use serde_json::Value;

pub(crate) use self::contract::Contract;
pub use self::forms::Form;
pub(crate) use self::image_keys::{ImageKeyEntry, KeyKind};
pub use self::kubernetes::KindsWithoutImages;
pub(crate) use self::kubernetes::is_read_by_runtimes;
pub use self::reference::{ImageReference, Pin};
pub(crate) use self::sections::Content;
pub(crate) use self::signature::{ContractSignature, judge_signature};
pub use self::token::Password;
use crate::base::budget::{Budget, Work};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::base::strict_yaml;

/// A file that says what is to run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Workload {
    /// The file as it was named.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Number of its bytes.
    pub size: u64,
    /// What it is.
    pub form: Form,
    /// Every image that it names.
    pub images: Vec<UsedImage>,
    /// What else a contract says.
    pub(crate) contract: Option<Contract>,
    /// What the machine of a contract boots, where a resource of IBM's operator says it.
    pub(crate) machine: Option<String>,
}

const HINT: &str =
    "correct the file, or name plain YAML as `docker compose config`, `helm template` or `kubectl kustomize` prints it";

/// A place that runs an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsedImage {
    /// Where it stands.
    pub place: String,
    /// The image; or why it is not known, in words.
    pub image: Result<ImageReference, String>,
}

impl Workload {
    /// Reads a workload; its form is told by its own fields, not by its name. `passwords` may open the sections of a contract that are
    /// encrypted. `kinds` are the policy's.
    ///
    /// # Errors
    /// [`Error::OverLimit`]; [`Error::OwnFile`] when it is not strict YAML, or does not have the marks of exactly one form.
    pub fn read(
        path: &str,
        bytes: &[u8],
        passwords: &[Password],
        kinds: &KindsWithoutImages,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Self::read_within(path, bytes, passwords, kinds, limits, &Budget::of_audit(bytes.len() as u64, limits))
    }

    /// As [`Workload::read`], within a budget that other inputs share.
    ///
    /// # Errors
    /// As there.
    pub fn read_within(
        path: &str,
        bytes: &[u8],
        passwords: &[Password],
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, Error> {
        limits.workload_bytes().check(bytes.len() as u64, path)?;
        let fail = |message: String| Error::OwnFile { what: format!("the workload {path}"), message, hint: HINT };
        let documents = strict_yaml::documents(bytes, limits).map_err(fail)?;
        let mut images = Images::new(kinds, budget, limits);
        images.spend_on(path, bytes, &documents)?;
        let form = forms::of(&documents).map_err(fail)?;
        let mut contract = None;
        for document in &documents {
            match form {
                Form::Compose => compose::read(document, "", &mut images),
                Form::Kubernetes => kubernetes::read(document, "", &mut images),
                Form::Contract => {
                    contract = Some(Contract::read(document, bytes, passwords, &mut images, limits).map_err(fail)?);
                }
            }
        }
        if form == Form::Kubernetes {
            contract = kubernetes::ibm::open(&mut images, passwords, limits);
        }
        let machine = images.machine.take();
        let images = images.finish(path)?;
        let (sha256, size) = (Sha256::of(bytes), bytes.len() as u64);
        Ok(Self { path: path.into(), sha256, size, form, images, contract, machine })
    }

    /// A Kubernetes resource as an API server shows it to a webhook, by the bytes of the whole review and within its budget.
    ///
    /// # Errors
    /// [`Error::OverLimit`] with more images than are allowed, or more work than the budget has.
    pub(crate) fn of_resource(
        path: &str,
        resource: &Value,
        whole: &[u8],
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, Error> {
        let mut images = Images::new(kinds, budget, limits);
        images.stage = Stage::Review;
        kubernetes::read(resource, "", &mut images);
        let contract = kubernetes::ibm::open(&mut images, &[], limits);
        let machine = images.machine.take();
        let (sha256, size, images) = (Sha256::of(whole), whole.len() as u64, images.finish(path)?);
        Ok(Self { path: path.into(), sha256, size, form: Form::Kubernetes, images, contract, machine })
    }

    /// The images of Kubernetes resources that were read as part of something else.
    ///
    /// # Errors
    /// [`Error::OverLimit`] with more images than are allowed.
    pub(crate) fn images_of_resources(
        path: &str,
        resources: &[&Value],
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Vec<UsedImage>, Error> {
        let mut images = Images::new(kinds, budget, limits);
        resources.iter().for_each(|resource| kubernetes::read(resource, "", &mut images));
        images.finish(path)
    }

    /// What in these Pods of a cluster is not known to be harmless: annotations that runtimes read, and keys that no table has. Containers and
    /// their images are the caller's.
    ///
    /// # Errors
    /// [`Error::OverLimit`] with more images than are allowed.
    pub(crate) fn doubts_of_pods<'v>(
        path: &str,
        pods: impl Iterator<Item = Cow<'v, Value>>,
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Vec<UsedImage>, Error> {
        let mut images = Images::new(kinds, budget, limits);
        // Injectors have been at work.
        images.stage = Stage::Review;
        pods.for_each(|pod| kubernetes::read(&pod, "", &mut images));
        let mut doubts = images.finish(path)?;
        doubts.retain(|used| used.image.is_err());
        Ok(doubts)
    }
}

/// What may be meant by the content of a password file: the bytes, or base64 of them.
pub fn password_candidates(file: &[u8]) -> Vec<Password> {
    token::passwords(file)
}

/// Where a resource was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In a file: what injectors and controllers make of it comes later.
    File,
    /// In a review of the API server: injectors have been at work, and it is what will be stored.
    Review,
}

/// The images that were found so far, and what readers need to know beside the bytes.
struct Images {
    found: Vec<UsedImage>,
    bound: Bound,
    budget: Budget,
    /// Why reading came to an end.
    over: Option<Error>,
    stage: Stage,
    kinds: KindsWithoutImages,
    /// Contracts in resources, not read yet.
    carried: Vec<kubernetes::ibm::Carried>,
    machine: Option<String>,
}

impl Images {
    fn new(kinds: &KindsWithoutImages, budget: &Budget, limits: &Limits) -> Self {
        Self {
            found: Vec::new(),
            bound: limits.workload_images(),
            budget: budget.clone(),
            over: None,
            stage: Stage::File,
            kinds: kinds.clone(),
            carried: Vec::new(),
            machine: None,
        }
    }

    /// For the readers' own tests: no kinds of a policy, and a budget that nothing small uses up.
    #[cfg(test)]
    fn for_tests() -> Self {
        let limits = Limits::default();
        Self::new(&KindsWithoutImages::default(), &Budget::of_audit(0, &limits), &limits)
    }

    /// Spends what reading a file's documents costs.
    fn spend_on(&self, path: &str, bytes: &[u8], documents: &[Value]) -> Result<(), Error> {
        self.budget.spend(Work::Bytes(bytes.len() as u64), path)?;
        self.budget.spend(Work::Nodes(documents.iter().map(nodes).sum()), path)
    }

    /// Spends work on something that the file holds. Where nothing is left the reader goes on, finds nothing more, and fails at its end.
    fn spend(&mut self, work: Work, what: &str) {
        let spent = self.budget.spend(work, what);
        self.over = self.over.take().or(spent.err());
    }

    /// An image by its name.
    fn name(&mut self, place: impl Into<String>, text: &str) {
        let image = if text.trim().is_empty() {
            Err("the image's name is empty".to_owned())
        } else {
            ImageReference::parse(text)
        };
        self.push(UsedImage { place: place.into(), image });
    }

    /// A place whose image is not known.
    fn unknown(&mut self, place: impl Into<String>, why: impl Into<String>) {
        self.push(UsedImage { place: place.into(), image: Err(why.into()) });
    }

    fn push(&mut self, image: UsedImage) {
        let UsedImage { place, image } = image;
        let place = shortened(place, PLACE_BYTES);
        let text = image.as_ref().map_or_else(String::len, |image| image.text.len());
        self.spend(Work::Nodes(1), "the images of the workload");
        let held = self.budget.hold((2 * (place.len() + text)) as u64, "the images of the workload");
        self.over = self.over.take().or(held.err());
        // One more than is allowed, so that it can be reported.
        if self.over.is_none() && self.found.len() as u64 <= self.bound.allowed {
            self.found.push(UsedImage { place, image });
        }
    }

    /// Puts everything that was found so far into `place`.
    fn move_into(&mut self, place: &str) {
        for carried in &mut self.carried {
            carried.place = format!("{place}: {}", carried.place);
        }
        for UsedImage { place: within, image } in std::mem::take(&mut self.found) {
            self.push(UsedImage { place: format!("{place}: {within}"), image });
        }
    }

    /// Everything that was found. A contract that was not read is unknown.
    fn finish(mut self, path: &str) -> Result<Vec<UsedImage>, Error> {
        for carried in std::mem::take(&mut self.carried) {
            self.unknown(carried.place, "a contract in a resource is read in a file of resources only");
        }
        self.bound.check(self.found.len() as u64, path)?;
        self.over.map_or(Ok(self.found), Err)
    }
}

/// Bytes of a place, and of one key in it. Every image below a key has the key in its place: without a bound, a key of 100 KB above 9,000
/// images would cost a gigabyte.
const PLACE_BYTES: usize = 1_000;
const KEY_BYTES: usize = 200;

/// `place.key`, without a dot at the beginning. What is too long is shortened.
fn below(place: &str, key: &str) -> String {
    let key = shortened(key.to_owned(), KEY_BYTES);
    if place.is_empty() { key } else { shortened(format!("{place}.{key}"), PLACE_BYTES) }
}

/// The beginning, and the digest of the whole: two long texts are told apart.
fn shortened(text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    let digest = Sha256::of(text.as_bytes()).hex();
    let begin = text.get(..text.floor_char_boundary(bytes / 2)).unwrap_or_default();
    format!("{begin}...({} bytes, sha256 {})", text.len(), digest.get(..16).unwrap_or_default())
}

/// The nodes of a value: itself, and everything in it.
pub(crate) fn nodes(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(fields) => fields.values().map(nodes).sum(),
        _ => 0,
    }
}

/// What a value is, for messages.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
