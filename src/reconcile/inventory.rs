//! Inventories: what runs, as somebody wrote it down. *Given*: nothing here knows whether one is whole.

use super::pods;
use crate::digest::Sha256;
use crate::error::Error;
use crate::limits::Limits;
use crate::strict_csv;
use crate::strict_json;
use crate::strict_yaml;
use crate::workload::{ImageReference, KindsWithoutImages, UsedImage, Workload};

/// What runs, by one file.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The file as it was named.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Number of its bytes.
    pub size: u64,
    /// `pods`, `csv`, or a workload's form.
    pub form: &'static str,
    /// Every image that it names.
    pub images: Vec<UsedImage>,
}

impl Inventory {
    /// Reads an inventory; what it is shows in its content. Pods (`kubectl get pods -A -o json`) say what runs, in their status. CSV needs a
    /// header line with the columns `place` and `image`; others are passed over. Everything that [`Workload::read`] reads is an inventory
    /// too: it says what was asked for. `passwords` may open encrypted sections of contracts. `kinds` are the policy's.
    ///
    /// # Errors
    /// [`Error::OverLimit`]; [`Error::OwnFile`] when it is none of these, or one page of a longer list.
    pub fn read(
        path: &str,
        bytes: &[u8],
        passwords: &[Vec<u8>],
        kinds: &KindsWithoutImages,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let over = |limit, allowed| Error::OverLimit { what: path.into(), limit, allowed };
        if bytes.len() as u64 > limits.inventory_bytes {
            return Err(over("inventory_bytes", limits.inventory_bytes));
        }
        let malformed = |message: String| Error::OwnFile { what: format!("the inventory {path}"), message, hint: HINT };
        let (form, images) = if let Some(read) = read_pods(bytes, limits) {
            ("pods", read.map_err(malformed)?)
        } else if is_csv(bytes) {
            ("csv", rows(bytes).map_err(malformed)?)
        } else if has_other_separators(bytes) {
            return Err(malformed("the columns place and image are not separated by commas".into()));
        } else {
            let workload = Workload::read(path, bytes, passwords, kinds, limits)?;
            (workload.form.word(), workload.images)
        };
        if images.len() as u64 > limits.inventory_entries {
            return Err(over("inventory_entries", limits.inventory_entries));
        }
        Ok(Self { path: path.into(), sha256: Sha256::of(bytes), size: bytes.len() as u64, form, images })
    }
}

/// The pods in it; `None` when it is something else. YAML is tried where the bounds for YAML allow it.
fn read_pods(bytes: &[u8], limits: &Limits) -> Option<Result<Vec<UsedImage>, String>> {
    let documents = if bytes.trim_ascii_start().starts_with(b"{") {
        match strict_json::parse(bytes) {
            Ok(document) => vec![document],
            Err(error) => return Some(Err(error.to_string())),
        }
    } else if bytes.len() as u64 <= limits.workload_bytes {
        strict_yaml::documents(bytes, limits).ok()?
    } else {
        return None;
    };
    let all = !documents.is_empty() && documents.iter().all(pods::are_in);
    all.then(|| {
        let mut images = Vec::new();
        documents.iter().try_for_each(|document| pods::read(document, &mut images)).map(|()| images)
    })
}

const COLUMNS: [&str; 2] = ["place", "image"];
const HINT: &str = "give pods as `kubectl get pods -A -o json` prints them, CSV with commas and the columns place and image, or a workload";

/// CSV as spreadsheets of some countries write it.
fn has_other_separators(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().map(String::from_utf8_lossy).unwrap_or_default();
    [';', '\t', '|'].iter().any(|separator| {
        let names: Vec<_> = line.split(*separator).map(|name| name.trim().trim_matches('"')).collect();
        COLUMNS.iter().all(|column| names.contains(column))
    })
}

fn is_csv(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let line = bytes.get(..end).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let header = line.and_then(|line| strict_csv::records(line).ok());
    header.and_then(|lines| lines.into_iter().next()).is_some_and(|names| columns(&names).is_some())
}

/// Where the two columns stand, each once.
fn columns(header: &[String]) -> Option<[usize; 2]> {
    let at = |name: &str| {
        let mut found = header.iter().enumerate().filter(|(_, column)| column.as_str() == name).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    let [place, image] = COLUMNS.map(at);
    Some([place?, image?])
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
            text => Ok(ImageReference::parse(text)),
        };
        Ok(UsedImage { place: format!("record {number}, {}", cell(place_at)), image })
    };
    (1..).zip(records).map(read).collect()
}
