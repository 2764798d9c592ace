//! What is to be deployed: docker-compose files, Kubernetes manifests and HPVS contracts. A reader takes bytes and answers with every image
//! that they name, each with the place where it stands. Nothing is judged here.
//!
//! A place that should name an image and does not, or that hides what it names, is in the list too: nothing that could run is left out in
//! silence.
//!
//! A form is read by a table of every key that it defines ([`table`]): a key outside it is unknown.
//!
//! To add a form: a table, one file with a function that fills [`Images`], one variant of [`Form`] with its marks ([`forms`]), one arm in
//! [`Workload::read`].

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

use serde_json::Value;

pub(crate) use self::contract::Contract;
pub(crate) use self::image_keys::{ImageKeyEntry, KeyKind};
pub use self::kubernetes::KindsWithoutImages;
pub(crate) use self::kubernetes::is_read_by_runtimes;
pub use self::reference::{ImageReference, Pin};
pub(crate) use self::sections::Content;
pub(crate) use self::signature::{ContractSignature, judge_signature};
use crate::digest::Sha256;
use crate::error::Error;
use crate::limits::Limits;
use crate::strict_yaml;

/// A file that says what is to run.
#[derive(Debug, Clone)]
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

/// Kinds of workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A docker-compose file.
    Compose,
    /// Kubernetes manifests.
    Kubernetes,
    /// A contract of IBM Hyper Protect, or one section of it.
    Contract,
}

/// A place that runs an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedImage {
    /// Where it stands.
    pub place: String,
    /// The image; or why it is not known, in words.
    pub image: Result<ImageReference, String>,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Compose, Self::Kubernetes, Self::Contract];

    /// The report's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Kubernetes => "kubernetes",
            Self::Contract => "contract",
        }
    }

    /// Reads the report's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.word() == word)
    }
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
        passwords: &[Vec<u8>],
        kinds: &KindsWithoutImages,
        limits: &Limits,
    ) -> Result<Self, Error> {
        if bytes.len() as u64 > limits.workload_bytes {
            let (what, allowed) = (path.into(), limits.workload_bytes);
            return Err(Error::OverLimit { what, limit: "workload_bytes", allowed });
        }
        let fail = |message: String| Error::OwnFile { what: format!("the workload {path}"), message, hint: HINT };
        let documents = strict_yaml::documents(bytes, limits).map_err(fail)?;
        let mut images = Images::new(limits);
        images.kinds.clone_from(kinds);
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
}

impl Workload {
    /// A Kubernetes resource as an API server shows it to a webhook, by the bytes of the whole review.
    ///
    /// # Errors
    /// [`Error::OverLimit`] with more images than are allowed.
    pub(crate) fn of_resource(
        path: &str,
        resource: &Value,
        whole: &[u8],
        kinds: &KindsWithoutImages,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let mut images = Images::new(limits);
        images.kinds.clone_from(kinds);
        images.stage = Stage::Review;
        kubernetes::read(resource, "", &mut images);
        let contract = kubernetes::ibm::open(&mut images, &[], limits);
        let machine = images.machine.take();
        let (sha256, size, images) = (Sha256::of(whole), whole.len() as u64, images.finish(path)?);
        Ok(Self { path: path.into(), sha256, size, form: Form::Kubernetes, images, contract, machine })
    }
}

/// What may be meant by the content of a password file: the bytes, or base64 of them.
pub fn password_candidates(file: &[u8]) -> Vec<Vec<u8>> {
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
    allowed: u64,
    stage: Stage,
    kinds: KindsWithoutImages,
    /// Contracts in resources, not read yet.
    carried: Vec<kubernetes::ibm::Carried>,
    machine: Option<String>,
}

impl Images {
    fn new(limits: &Limits) -> Self {
        Self {
            found: Vec::new(),
            allowed: limits.workload_images,
            stage: Stage::File,
            kinds: KindsWithoutImages::default(),
            carried: Vec::new(),
            machine: None,
        }
    }

    /// An image by its name.
    fn name(&mut self, place: impl Into<String>, text: &str) {
        let image = if text.trim().is_empty() {
            Err("the image's name is empty".to_owned())
        } else {
            Ok(ImageReference::parse(text))
        };
        self.push(UsedImage { place: place.into(), image });
    }

    /// A place whose image is not known.
    fn unknown(&mut self, place: impl Into<String>, why: impl Into<String>) {
        self.push(UsedImage { place: place.into(), image: Err(why.into()) });
    }

    fn push(&mut self, image: UsedImage) {
        // One more than is allowed, so that it can be told.
        if self.found.len() as u64 <= self.allowed {
            self.found.push(image);
        }
    }

    /// Everything that was found. A contract that was not read is unknown.
    fn close(mut self) -> Vec<UsedImage> {
        for carried in std::mem::take(&mut self.carried) {
            self.unknown(carried.place, "a contract in a resource is read in a file of resources only");
        }
        self.found
    }

    fn finish(self, path: &str) -> Result<Vec<UsedImage>, Error> {
        let allowed = self.allowed;
        let found = self.close();
        if found.len() as u64 > allowed {
            let (what, limit) = (path.to_owned(), "workload_images");
            return Err(Error::OverLimit { what, limit, allowed });
        }
        Ok(found)
    }
}

/// `place.key`, without a dot at the beginning.
fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
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
