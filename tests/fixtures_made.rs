//! Tests that the files in `fixtures/` are identical, byte for byte, to those made from the recorded inputs.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

mod support;

/// Files in a fixture's directory that are not generated: the program's answers.
const NOT_MADE: &[&str] = &["expected.json"];

#[test]
fn every_fixture_equals_its_generated_files() {
    let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut count = 0;
    for case in support::all() {
        count += 1;
        for (name, bytes) in case.make() {
            let path = Path::new(support::FIXTURES).join(&name);
            let found =
                fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}; run the example make-fixtures"));
            assert!(found == bytes, "{name} differs from the generated file; run the example make-fixtures");
            let (directory, file) = name.split_once('/').expect("a file in a directory");
            made.entry(directory.to_owned()).or_default().insert(file.split('/').next().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(made.len(), count, "two cases have the same name");
    for entry in fs::read_dir(support::FIXTURES).expect("the fixtures") {
        let entry = entry.expect("a readable folder");
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        let is_fixture = entry.path().join("case.toml").exists();
        assert!(!is_fixture || made.contains_key(&name), "fixtures/{name} is no longer made: delete it");
    }
    for (directory, files) in made {
        for entry in fs::read_dir(Path::new(support::FIXTURES).join(&directory)).expect("it was read above") {
            let name = entry.expect("a readable folder").file_name().into_string().expect("a name in UTF-8");
            assert!(files.contains(&name) || NOT_MADE.contains(&name.as_str()), "{directory}/{name} is not generated");
        }
    }
}
