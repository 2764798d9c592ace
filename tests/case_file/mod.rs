//! Reads the `case.toml` of a fixture.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// A fixture's description, its arguments and the expected result.
pub struct CaseFile(Table);

impl CaseFile {
    pub const NAME: &str = "case.toml";

    pub fn read(directory: &Path) -> Self {
        let path = directory.join(Self::NAME);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// The arguments after the bundles.
    pub fn args(&self) -> Vec<String> {
        texts(&self.0, "args")
    }

    /// The time of the audit.
    pub fn now(&self) -> String {
        self.0["now"].as_str().unwrap().to_owned()
    }

    /// Cargo features without which the result differs.
    pub fn features(&self) -> Vec<String> {
        texts(&self.0, "features")
    }

    /// The expected result.
    pub fn expect(&self) -> &Table {
        self.0["expect"].as_table().unwrap()
    }

    /// The strings of a list in the expected result.
    pub fn expected_texts(&self, name: &str) -> Vec<String> {
        texts(self.expect(), name)
    }

    /// The expected statuses, by check.
    pub fn checks(&self) -> impl Iterator<Item = (&String, &str)> {
        let checks = self.expect().get("checks").and_then(Value::as_table);
        checks.into_iter().flatten().map(|(check, status)| (check, status.as_str().unwrap()))
    }
}

fn texts(table: &Table, name: &str) -> Vec<String> {
    let list = table.get(name).and_then(Value::as_array);
    list.into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Every fixture's directory.
pub fn directories() -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap();
    let mut directories: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    directories.retain(|path| path.join(CaseFile::NAME).is_file());
    directories.sort();
    directories
}
