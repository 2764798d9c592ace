//! Files that specify what to deploy: docker-compose files, Kubernetes manifests and HPVS contracts. A reader accepts bytes and returns every image
//! in them, each with its position. The reader does not decide anything.
//!
//! The list also includes every position that should have an image but has none, and every position that hides its image's name, so that what could
//! run is not omitted silently.
//!
//! Each form is read with a table of every key that it defines ([`table`]). A key that is not in the table is reported as unknown; in a custom
//! resource, its value is searched.
//!
//! To add a form, follow these steps:
//!
//! 1. Write a file in this folder, with a table of every key and a function that fills [`Images`]. Its tests cover the ways in which a file of this
//!    form can hide what runs.
//!
//! 2. Add a variant of [`Form`] in `forms.rs` with its name, its identifying keys and its sample; the compiler reports what is missing.
//!
//! 3. In this file, add its module and its arm in [`Workload::read`].
//!
//! 4. Describe the form: state in `docs/admission.md` which images are read, and in `docs/generated/workloads.md` where the table comes from.
//!
//! 5. Add a simple function that finds the form's images to `fuzz/plain.rs` and `fuzz/properties.rs`, and a seed to `tests/seeds/mod.rs`.
//!
//! Then run `tests/run update`.

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
use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::contract::Contract;
pub use self::forms::Form;
pub(crate) use self::image_keys::{ImageKeyEntry, KeyKind};
pub use self::kubernetes::KindsWithoutImages;
pub(crate) use self::kubernetes::is_read_by_runtimes;
pub use self::reference::{ImageReference, Pin};
pub(crate) use self::sections::Content;
pub(crate) use self::signature::{ContractSignature, Reading, judge_signature};
pub use self::token::Password;
use crate::base::budget::{Budget, Work};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::base::strict_yaml;

/// A file that specifies what to run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Workload {
    /// The file's path, as specified by the user.
    pub path: String,
    /// SHA-256 of the file's bytes.
    pub sha256: Sha256,
    /// The number of bytes in the file.
    pub size: u64,
    /// The file's form.
    pub form: Form,
    /// Every image in the file.
    pub images: Vec<UsedImage>,
    /// The objects that run nothing only according to the policy (`kinds-without-images`): how many of each kind.
    pub skipped: SkippedKinds,
    /// The contents of a contract, except its images.
    pub(crate) contract: Option<Contract>,
    /// The image that a contract's machine boots, if a resource of IBM's operator specifies it.
    pub(crate) machine: Option<String>,
}

const HINT: &str =
    "correct the file, or use plain YAML as printed by `docker compose config`, `helm template` or `kubectl kustomize`";

/// How many objects of each kind, `GROUP/Kind`, run nothing only according to the policy.
pub type SkippedKinds = BTreeMap<String, usize>;

/// A position in the file that makes an image run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsedImage {
    /// The position in the file.
    pub place: String,
    /// The image, or the reason why it is unknown, as a message.
    pub image: Result<ImageReference, String>,
}

impl Workload {
    /// Reads a workload. The file's form is determined by its fields, not by its name. `passwords` are tried on a contract's encrypted sections. `kinds` is the policy's list of kinds that run nothing.
    ///
    /// # Errors
    /// [`Error::OverLimit`] if a limit is exceeded; [`Error::OwnFile`] if the file is not strict YAML, or does not have the identifying keys of
    /// exactly one form.
    pub fn read(
        path: &str,
        bytes: &[u8],
        passwords: &[Password],
        kinds: &KindsWithoutImages,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Self::read_within(path, bytes, passwords, kinds, limits, &Budget::of_audit(bytes.len() as u64, limits))
    }

    /// Like [`Workload::read`], but within a budget that other inputs share.
    ///
    /// # Errors
    /// As [`Workload::read`].
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
        let (machine, skipped) = (images.machine.take(), std::mem::take(&mut images.skipped));
        let images = images.finish(path)?;
        let (sha256, size) = (Sha256::of(bytes), bytes.len() as u64);
        Ok(Self { path: path.into(), sha256, size, form, images, skipped, contract, machine })
    }

    /// Reads a Kubernetes resource as an API server sends it to a webhook. `whole` is the entire review, and `budget` is the review's
    /// budget.
    ///
    /// # Errors
    /// [`Error::OverLimit`] for more images than the limit, or for more work than the budget allows.
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
        let (machine, skipped) = (images.machine.take(), std::mem::take(&mut images.skipped));
        let (sha256, size, images) = (Sha256::of(whole), whole.len() as u64, images.finish(path)?);
        Ok(Self { path: path.into(), sha256, size, form: Form::Kubernetes, images, skipped, contract, machine })
    }

    /// Reads the images of Kubernetes resources that are part of a different input.
    ///
    /// # Errors
    /// [`Error::OverLimit`] for more images than the limit, or for more work than the budget allows.
    pub(crate) fn images_of_resources(
        path: &str,
        resources: &[&Value],
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(Vec<UsedImage>, SkippedKinds), Error> {
        let mut images = Images::new(kinds, budget, limits);
        resources.iter().for_each(|resource| kubernetes::read(resource, "", &mut images));
        let skipped = std::mem::take(&mut images.skipped);
        Ok((images.finish(path)?, skipped))
    }

    /// Finds everything that is not known to be harmless in these Pods of a cluster: annotations that runtimes read, and unrecognised keys. The
    /// caller handles containers and their images.
    ///
    /// # Errors
    /// [`Error::OverLimit`] for more images than the limit, or for more work than the budget allows.
    pub(crate) fn doubts_of_pods<'v>(
        path: &str,
        pods: impl Iterator<Item = Cow<'v, Value>>,
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Vec<UsedImage>, Error> {
        let mut images = Images::new(kinds, budget, limits);
        // Injectors have already changed these pods.
        images.stage = Stage::Review;
        pods.for_each(|pod| kubernetes::read(&pod, "", &mut images));
        let mut doubts = images.finish(path)?;
        doubts.retain(|used| used.image.is_err());
        Ok(doubts)
    }
}

/// The objects of all files that run nothing only according to the policy.
pub(crate) fn all_skipped<'s>(of_files: impl Iterator<Item = &'s SkippedKinds>) -> SkippedKinds {
    let mut all = SkippedKinds::new();
    for (kind, count) in of_files.flatten() {
        *all.entry(kind.clone()).or_default() += count;
    }
    all
}

/// The possible passwords in a password file: its bytes, and its bytes decoded from base64.
pub fn password_candidates(file: &[u8]) -> Vec<Password> {
    token::passwords(file)
}

/// The source of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The resource comes from a file: injectors and controllers may still change it.
    File,
    /// The resource comes from an API server review: injectors have already run, and this object will be stored.
    Review,
}

/// The images found so far, and the data that readers need in addition to the bytes.
struct Images {
    found: Vec<UsedImage>,
    bound: Bound,
    budget: Budget,
    /// The error that stopped reading.
    over: Option<Error>,
    stage: Stage,
    kinds: KindsWithoutImages,
    skipped: SkippedKinds,
    /// Contracts in resources; these contracts have not been read yet.
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
            skipped: SkippedKinds::new(),
            carried: Vec::new(),
            machine: None,
        }
    }

    /// For the readers' tests, no kinds are listed, and small inputs do not exhaust the budget.
    #[cfg(test)]
    fn for_tests() -> Self {
        let limits = Limits::default();
        Self::new(&KindsWithoutImages::default(), &Budget::of_audit(0, &limits), &limits)
    }

    /// Charges the cost of reading a file's documents to the budget.
    fn spend_on(&self, path: &str, bytes: &[u8], documents: &[Value]) -> Result<(), Error> {
        self.budget.spend(Work::Bytes(bytes.len() as u64), path)?;
        self.budget.spend(Work::Nodes(documents.iter().map(nodes).sum()), path)
    }

    /// Charges work on a section of the file to the budget. If the budget is exhausted, the reader continues, finds nothing more, and fails at the
    /// end.
    fn spend(&mut self, work: Work, what: &str) {
        let spent = self.budget.spend(work, what);
        self.over = self.over.take().or(spent.err());
    }

    /// Adds an image by its name.
    fn name(&mut self, place: impl Into<String>, text: &str) {
        let image = if text.trim().is_empty() {
            Err("the image's name is empty".to_owned())
        } else {
            ImageReference::parse(text)
        };
        self.push(UsedImage { place: place.into(), image });
    }

    /// Adds a position whose image is unknown.
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
        // The list may exceed the limit by one entry, so that the excess can be reported.
        if self.over.is_none() && self.found.len() as u64 <= self.bound.allowed {
            self.found.push(UsedImage { place, image });
        }
    }

    /// Prefixes the position of everything found so far with `place`.
    fn move_into(&mut self, place: &str) {
        for carried in &mut self.carried {
            carried.place = format!("{place}: {}", carried.place);
        }
        for UsedImage { place: within, image } in std::mem::take(&mut self.found) {
            self.push(UsedImage { place: format!("{place}: {within}"), image });
        }
    }

    /// Returns everything found. A contract that was not read is reported as unknown.
    fn finish(mut self, path: &str) -> Result<Vec<UsedImage>, Error> {
        for carried in std::mem::take(&mut self.carried) {
            self.unknown(carried.place, "this contract was not read: a contract in a resource is read only if the resource is passed in its own file");
        }
        self.bound.check(self.found.len() as u64, path)?;
        self.over.map_or(Ok(self.found), Err)
    }
}

/// Maximum length of a position, and of one key in it, in bytes. The position of every image below a key includes the key: without a limit, a
/// key of 100 KB above 9,000 images would use a gigabyte.
const PLACE_BYTES: usize = 1_000;
const KEY_BYTES: usize = 200;

/// `place.key`, without a leading dot. A key or position that is too long is shortened.
fn below(place: &str, key: &str) -> String {
    let key = shortened(key.to_owned(), KEY_BYTES);
    if place.is_empty() { key } else { shortened(format!("{place}.{key}"), PLACE_BYTES) }
}

/// The string or, if it is too long, its start and the digest of the whole string, so that two long strings remain distinguishable.
fn shortened(text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    let digest = Sha256::of(text.as_bytes()).hex();
    let begin = text.get(..text.floor_char_boundary(bytes / 2)).unwrap_or_default();
    format!("{begin}...({} bytes, sha256 {})", text.len(), digest.get(..16).unwrap_or_default())
}

/// The number of nodes in a value: the value itself and everything in it.
pub(crate) fn nodes(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(fields) => fields.values().map(nodes).sum(),
        _ => 0,
    }
}

/// The type of a value, for messages.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
