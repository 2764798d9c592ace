//! Branches and tags (gitrepository-layout(5), "refs"; git-pack-refs(1)).

use std::collections::{BTreeMap, HashMap};

use super::directory::GitDirectory;
use super::head::{RefValue, parse_ref};
use super::object_id::ObjectId;

/// Every ref with the object that it names, by its full name. Symbolic refs lead to others and are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refs {
    pub(super) named: BTreeMap<String, ObjectId>,
    pub(super) faults: Vec<String>,
}

/// Refs with faults that are named.
const FAULTS_NAMED: usize = 20;

impl Refs {
    /// Reads `refs/` and `packed-refs`. A loose ref counts before a packed one.
    pub(super) fn read(directory: &GitDirectory<'_>) -> Self {
        let mut refs = Self::default();
        let mut packed: HashMap<&[u8], &[u8]> = HashMap::new();
        for (id, name) in packed_refs(directory) {
            if packed.insert(name, id).is_some_and(|other| other != id) && refs.faults.len() < FAULTS_NAMED {
                refs.faults.push(format!("packed-refs names {} twice, with two ids", String::from_utf8_lossy(name)));
            }
            refs.add("packed-refs", name, id);
        }
        for (name, content) in directory.files_below("refs/") {
            let name = [b"refs/", name].concat();
            refs.add(&String::from_utf8_lossy(&name), &name, content);
        }
        refs
    }

    fn add(&mut self, file: &str, name: &[u8], content: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        match parse_ref(file, content) {
            Ok(RefValue::Commit(id)) => drop(self.named.insert(name, id)),
            Ok(RefValue::Symbolic(_)) => drop(self.named.remove(&name)),
            Err(fault) if self.faults.len() < FAULTS_NAMED => self.faults.push(fault.to_string()),
            Err(_) => {}
        }
    }
}

/// The lines of `packed-refs`: id and name. Comments and the peeled ids of tags are left out.
pub(super) fn packed_refs<'a>(directory: &GitDirectory<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let text = directory.file(b"packed-refs").unwrap_or_default();
    text.split(|&byte| byte == b'\n').filter(|line| !line.starts_with(b"#") && !line.starts_with(b"^")).filter_map(
        |line| {
            let space = line.iter().position(|&byte| byte == b' ')?;
            Some((line.get(..space)?, line.get(space + 1..)?))
        },
    )
}
