//! Inventories are lists of what runs. Inventories are *given*: no code here can determine whether an inventory is complete.

use serde_json::Value;

use super::pods::Found;
use crate::base::budget::{Budget, Work};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::strict_csv;
use crate::base::strict_json;
use crate::base::strict_yaml;
use crate::workload::{ImageReference, KindsWithoutImages, Password, SkippedKinds, UsedImage, Workload, nodes};

/// The running images, according to one file.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The file's path as specified.
    pub path: String,
    /// SHA-256 of the file's bytes.
    pub sha256: Sha256,
    /// The file's size in bytes.
    pub size: u64,
    /// `pods`, `csv`, or a workload's form; `kubernetes` for Pods with other resources.
    pub form: &'static str,
    /// Every image that the file lists.
    pub images: Vec<UsedImage>,
    /// The objects that run nothing only according to the policy.
    pub skipped: SkippedKinds,
    /// The number of Pods in the file.
    pub pods: usize,
    /// The number of Pods that have a container for which the Pod's status lists no digest. For these containers, the Pod's spec is used.
    pub pods_by_spec: usize,
}

impl Inventory {
    /// Reads an inventory; its content determines its form. A Pod's status states what runs, wherever the Pod appears
    /// in the file: in the output of `kubectl get pods` or `kubectl get all`, in joined documents or in nested lists.
    /// Other resources are read as manifests. CSV needs a header line with the columns `place` and `image`; other
    /// columns are ignored. Workloads (see [`Workload::read`]) are also accepted as inventories, which then
    /// state what was requested to run. `passwords` may decrypt encrypted sections of contracts. `kinds` comes from
    /// the policy.
    ///
    /// # Errors
    /// [`Error::OverLimit`]; [`Error::OwnFile`] if the file has none of these forms or is one page of a longer list.
    pub fn read(
        path: &str,
        bytes: &[u8],
        passwords: &[Password],
        kinds: &KindsWithoutImages,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Self::read_within(path, bytes, passwords, kinds, limits, &Budget::of_audit(bytes.len() as u64, limits))
    }

    /// Like [`Inventory::read`], but within a budget that other inputs share.
    ///
    /// # Errors
    /// The errors of [`Inventory::read`].
    pub fn read_within(
        path: &str,
        bytes: &[u8],
        passwords: &[Password],
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, Error> {
        limits.inventory_bytes().check(bytes.len() as u64, path)?;
        let malformed = |message: String| Error::OwnFile { what: format!("the inventory {path}"), message, hint: HINT };
        let mut inventory = Self {
            path: path.into(),
            sha256: Sha256::of(bytes),
            size: bytes.len() as u64,
            form: "csv",
            images: Vec::new(),
            skipped: SkippedKinds::new(),
            pods: 0,
            pods_by_spec: 0,
        };
        let documents = documents(bytes, limits).map_err(malformed)?;
        let found = Found::of(&documents).map_err(malformed)?;
        if !documents.is_empty() && found.is_of_pods() {
            budget.spend(Work::Bytes(bytes.len() as u64), path)?;
            budget.spend(Work::Nodes(documents.iter().map(nodes).sum()), path)?;
            inventory.add_pods(&found, kinds, limits, budget)?;
        } else if is_csv(bytes) {
            budget.spend(Work::Bytes(bytes.len() as u64), path)?;
            inventory.images = rows(bytes).map_err(malformed)?;
        } else if let Some(header) = other_table(bytes) {
            return Err(malformed(format!(
                "expected comma-separated CSV with a header line that has the columns place and image; found the line {header:?}"
            )));
        } else {
            let workload = Workload::read_within(path, bytes, passwords, kinds, limits, budget)?;
            (inventory.form, inventory.images) = (workload.form.word(), workload.images);
            inventory.skipped = workload.skipped;
        }
        limits.inventory_entries().check(inventory.images.len() as u64, path)?;
        budget.spend(Work::Nodes(inventory.images.len() as u64), path)?;
        Ok(inventory)
    }

    /// The form, the number of Pods, and how many of them were evaluated from their spec.
    pub(super) fn what(&self) -> String {
        match self.pods {
            0 => self.form.to_owned(),
            pods => format!(
                "{}; Pods: {pods}; Pods evaluated from their spec, because their status lacks a digest: {}",
                self.form, self.pods_by_spec
            ),
        }
    }

    fn add_pods(
        &mut self,
        found: &Found<'_>,
        kinds: &KindsWithoutImages,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), Error> {
        let running = found.running();
        (self.images, self.pods, self.pods_by_spec) = (running.images, running.pods, running.judged_by_spec);
        self.form = if found.others.is_empty() { "pods" } else { "kubernetes" };
        self.images.extend(Workload::doubts_of_pods(&self.path, found.whole_pods(), kinds, limits, budget)?);
        let (images, skipped) = Workload::images_of_resources(&self.path, &found.others, kinds, limits, budget)?;
        self.images.extend(images);
        self.skipped = skipped;
        Ok(())
    }
}

/// The documents in the input if it is JSON or YAML; otherwise none, or an error if the input begins with `{`. Input is
/// parsed as YAML only if it is within the limits for YAML.
fn documents(bytes: &[u8], limits: &Limits) -> Result<Vec<Value>, String> {
    let as_yaml = || {
        let fits = bytes.len() as u64 <= limits.workload_bytes;
        fits.then(|| strict_yaml::documents(bytes, limits).ok()).flatten()
    };
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(as_yaml().unwrap_or_default());
    }
    match strict_json::parse(bytes) {
        Ok(document) => Ok(vec![document]),
        // JSON documents separated by `---` lines form a YAML stream.
        Err(error) => as_yaml().ok_or_else(|| {
            format!("{error}; expected one JSON document or several separated by --- lines; specify further files with --inventory")
        }),
    }
}

const COLUMNS: [&str; 2] = ["place", "image"];
const HINT: &str = "expected Pods as printed by `kubectl get pods -A -o json`, comma-separated CSV with the columns place and image, or a workload";

fn is_csv(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let line = bytes.get(..end).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let header = line.and_then(|line| strict_csv::records(line).ok());
    header.and_then(|lines| lines.into_iter().next()).is_some_and(|names| columns(&names).is_some())
}

/// The positions of the two columns, if each appears exactly once.
fn columns(header: &[String]) -> Option<[usize; 2]> {
    let at = |name: &str| {
        let mut found = header.iter().enumerate().filter(|(_, column)| column.as_str() == name).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    let [place, image] = COLUMNS.map(at);
    Some([place?, image?])
}

/// The first line, if it looks like the header of a table that is not CSV or lacks the columns `place` and `image`.
fn other_table(bytes: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(bytes.split(|byte| *byte == b'\n').next()?).trim().to_owned();
    let is_word = COLUMNS.iter().any(|column| line.eq_ignore_ascii_case(column));
    let is_table = line.contains([',', ';', '\t']) && !line.contains([':', '{', '[', '#']);
    (is_word || is_table).then(|| line.chars().take(200).collect())
}

fn rows(bytes: &[u8]) -> Result<Vec<UsedImage>, String> {
    let mut records = strict_csv::records(bytes)?.into_iter();
    let header = records.next().unwrap_or_default();
    let [place_at, image_at] = columns(&header).ok_or("expected the columns place and image")?;
    let read = |(number, record): (usize, Vec<String>)| {
        if record.len() != header.len() {
            return Err(format!("record {number}: expected {} fields, found {}", header.len(), record.len()));
        }
        let cell = |at: usize| record.get(at).map(|text| text.trim()).unwrap_or_default();
        let image = match cell(image_at) {
            "" => Err("the cell is empty".to_owned()),
            text => ImageReference::parse(text),
        };
        Ok(UsedImage { place: format!("record {number}, {}", cell(place_at)), image })
    };
    (1..).zip(records).map(read).collect()
}
