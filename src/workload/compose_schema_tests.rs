//! Compares the table with the Compose Specification's own schema: the table has every key of the schema, and no harmless key contains an image.
//!
//! The schema comes from the PyPI package `check-jsonschema`: `tests/run` installs it below `target/`, in the version that the table
//! states, and `tests/schemas` sets `HPSB_COMPOSE_SCHEMA` to the newest version.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::compose_table::{EXTENDS, FILE, MODEL, MOUNT, NAMED_VOLUME, SERVICE};
use super::table::{Meaning, Table};

/// Keys that run, build or fetch software wherever they appear in the schema.
const NEVER_HARMLESS: [&str; 5] = ["image", "build", "provider", "extends", "model"];

fn schema() -> Value {
    let place = |folder: &Path| folder.join("site-packages/check_jsonschema/builtin_schemas/vendor/compose-spec.json");
    let pinned = || {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/check-jsonschema/lib");
        let folders = fs::read_dir(&top).into_iter().flatten().flatten();
        folders.map(|folder| place(&folder.path())).find(|path| path.exists())
    };
    let given = std::env::var_os("HPSB_COMPOSE_SCHEMA").map(PathBuf::from);
    let path = given.or_else(pinned).expect("check-jsonschema is needed: tests/run installs it below target/");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A schema node, the nodes that it refers to, and all its alternatives.
fn alternatives<'s>(root: &'s Value, node: &'s Value) -> Vec<&'s Value> {
    let mut found = vec![node];
    if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#')).expect(reference);
        found.extend(alternatives(root, target));
    }
    for word in ["allOf", "oneOf", "anyOf"] {
        for one in node.get(word).and_then(Value::as_array).into_iter().flatten() {
            found.extend(alternatives(root, one));
        }
    }
    found
}

fn below<'s>(root: &'s Value, node: &'s Value, word: &str) -> Vec<(&'s str, &'s Value)> {
    let maps = alternatives(root, node).into_iter().filter_map(|one| one.get(word)?.as_object());
    maps.flatten().map(|(key, value)| (key.as_str(), value)).collect()
}

struct Walk {
    root: Value,
    missing: Vec<String>,
    seen: BTreeSet<(&'static str, String)>,
}

impl Walk {
    fn table(&mut self, node: &Value, table: &'static Table, place: &str) {
        let root = self.root.clone();
        for (key, property) in below(&root, node, "properties") {
            let place = format!("{place}.{key}");
            self.seen.insert((table.name, key.to_owned()));
            match table.meaning(key) {
                None => self.missing.push(place),
                Some(meaning) => self.meaning(property, meaning, &place),
            }
        }
    }

    fn meaning(&mut self, node: &Value, meaning: Meaning, place: &str) {
        let root = self.root.clone();
        let named = |node| below(&root, node, "patternProperties").into_iter().filter(|(key, _)| *key != "^x-");
        let items = || alternatives(&root, node).into_iter().filter_map(|one| one.get("items"));
        match (meaning, place) {
            (Meaning::Mapping(table), _) => self.table(node, table, place),
            (Meaning::List(table), _) => items().for_each(|item| self.table(item, table, place)),
            (Meaning::Named(table), _) => named(node).for_each(|(_, item)| self.table(item, table, place)),
            (Meaning::Special(_), ".services" | ".jobs") => {
                named(node).for_each(|(_, item)| self.table(item, &SERVICE, place));
            }
            (Meaning::Special(_), ".models") => named(node).for_each(|(_, item)| self.table(item, &MODEL, place)),
            (Meaning::Special(_), ".volumes") => {
                named(node).for_each(|(_, item)| self.table(item, &NAMED_VOLUME, place));
            }
            (Meaning::Special(_), _) if place.ends_with(".volumes") => {
                items().for_each(|item| self.table(item, &MOUNT, place));
            }
            (Meaning::Special(_), _) if place.ends_with(".extends") => self.table(node, &EXTENDS, place),
            (Meaning::Decisive(words), _) => {
                let schema: Vec<_> =
                    node["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
                if schema != words {
                    self.missing.push(format!("{place}: {schema:?}"));
                }
            }
            (Meaning::Image, _) => assert_eq!(node["type"], "string", "{place}"),
            (Meaning::Harmless, _) => self.harmless(node, place),
            (Meaning::Runs(_) | Meaning::Special(_), _) => {}
        }
    }

    /// Checks, by key names, that nothing below this node specifies an image.
    fn harmless(&mut self, node: &Value, place: &str) {
        let root = self.root.clone();
        for one in alternatives(&root, node) {
            for (key, property) in below(&root, one, "properties") {
                let place = format!("{place}.{key}");
                if NEVER_HARMLESS.contains(&key) {
                    self.missing.push(format!("{place} is below a harmless key"));
                }
                self.harmless(property, &place);
            }
            for (_, property) in below(&root, one, "patternProperties") {
                self.harmless(property, place);
            }
            if let Some(item) = one.get("items") {
                self.harmless(item, place);
            }
        }
    }
}

#[test]
fn every_key_of_the_schema_is_in_the_table() {
    let root = schema();
    let mut walk = Walk { root: root.clone(), missing: Vec::new(), seen: BTreeSet::new() };
    walk.table(&root, &FILE, "");
    assert_eq!(walk.missing, Vec::<String>::new(), "the table needs a row for each of these");
    assert!(walk.seen.len() > 150, "{}", walk.seen.len());
    // Conversely, the table has no key that the schema lacks, except podman-compose's extensions.
    for table in [&FILE, &SERVICE, &EXTENDS, &MOUNT, &NAMED_VOLUME, &MODEL] {
        for (key, _) in table.keys.iter().filter(|(key, _)| !key.starts_with("x-podman")) {
            assert!(walk.seen.contains(&(table.name, (*key).to_owned())), "{}: {key}", table.name);
        }
    }
}
