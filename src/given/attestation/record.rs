//! `se-checksums.txt`: lines that each contain a digest and an item, and free-form lines.

use std::collections::BTreeMap;

use crate::base::digest::Sha256;

/// The content of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    items: BTreeMap<String, Sha256>,
    /// Lines without an item (release, machine, dates), which are kept and shown.
    pub head: Vec<String>,
}

impl Record {
    /// Reads a record. A line without an item is kept. A record with a duplicate item is refused, because readers
    /// could use either digest.
    ///
    /// # Errors
    /// A message that states why the record cannot be read.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the record is not UTF-8 text".to_owned())?;
        let mut record = Self { items: BTreeMap::new(), head: Vec::new() };
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            let item = line.split_once(' ').and_then(|(hex, item)| Some((Sha256::from_hex(hex)?, item.trim_start())));
            match item {
                Some((digest, item)) => {
                    if record.items.insert(item.to_owned(), digest).is_some() {
                        return Err(format!("the record has a duplicate item {item}"));
                    }
                }
                None => record.head.push(line.to_owned()),
            }
        }
        match record.items.is_empty() {
            true => Err("the record has no items: expected lines of 64 hexadecimal digits and a name".into()),
            false => Ok(record),
        }
    }

    /// The digest of an item.
    ///
    /// # Errors
    /// A message if the record has two different digests for a contract item: one with `contract:` before the
    /// item's name, as newer images write it, and one without.
    pub fn digest(&self, item: &str) -> Result<Option<Sha256>, String> {
        let (old, new) = (self.items.get(item), self.items.get(&format!("contract:{item}")));
        match (old, new) {
            (Some(old), Some(new)) if old != new => Err(format!("the record has two digests for {item}")),
            (old, new) => Ok(new.or(old).copied()),
        }
    }
}
