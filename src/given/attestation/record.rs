//! `se-checksums.txt`: lines of a digest and an item, after lines of free form.

use std::collections::BTreeMap;

use crate::base::digest::Sha256;

/// A record, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    items: BTreeMap<String, Sha256>,
    /// Lines that name no item: release, machine, dates. Kept and shown.
    pub head: Vec<String>,
}

impl Record {
    /// Reads a record. A line that is no item is kept; an item that stands twice is refused, for readers would take one or the other.
    ///
    /// # Errors
    /// In words.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the record is not UTF-8 text".to_owned())?;
        let mut record = Self { items: BTreeMap::new(), head: Vec::new() };
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            let item = line.split_once(' ').and_then(|(hex, item)| Some((Sha256::from_hex(hex)?, item.trim_start())));
            match item {
                Some((digest, item)) => {
                    if record.items.insert(item.to_owned(), digest).is_some() {
                        return Err(format!("the record names {item} twice"));
                    }
                }
                None => record.head.push(line.to_owned()),
            }
        }
        match record.items.is_empty() {
            true => Err("the record names no item: expected lines of 64 hexadecimal digits and a name".into()),
            false => Ok(record),
        }
    }

    /// The digest of an item.
    ///
    /// # Errors
    /// In words, when an item of the contract stands with two digests: with `contract:` before its name, as newer images write it, and without.
    pub fn digest(&self, item: &str) -> Result<Option<Sha256>, String> {
        let (old, new) = (self.items.get(item), self.items.get(&format!("contract:{item}")));
        match (old, new) {
            (Some(old), Some(new)) if old != new => Err(format!("the record has two digests of {item}")),
            (old, new) => Ok(new.or(old).copied()),
        }
    }
}
