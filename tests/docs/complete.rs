//! What a page must not forget.

use toml::Table;

use super::{read, root, run};

/// The words of `CODES` in src/error.rs, which the library keeps to itself.
fn error_codes() -> Vec<String> {
    let source = read(&root().join("src/error.rs"));
    let (_, table) = source.split_once("const CODES:").unwrap();
    let (table, _) = table.split_once("];").unwrap();
    table.split("(\"").skip(1).filter_map(|row| row.split('"').next()).map(|code| format!("`{code}`")).collect()
}

/// What a page must not forget: fields of the policy, dependencies, error codes.
#[test]
fn nothing_is_forgotten() {
    let template = String::from_utf8(run(&["policy", "init"], root()).stdout).unwrap();
    let fields = template.lines().filter_map(|line| {
        let (name, _) = line.trim_start_matches('#').split_once(" = ")?;
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then(|| format!("`{name}`"))
    });
    let manifest: Table = read(&root().join("Cargo.toml")).parse().unwrap();
    let crates =
        ["dependencies", "dev-dependencies"].iter().flat_map(|table| manifest[*table].as_table().unwrap().keys());
    for (page, words) in [
        ("policy.md", fields.collect::<Vec<_>>()),
        ("dependencies.md", crates.map(|name| format!("`{name}`")).collect()),
        ("troubleshooting.md", error_codes()),
    ] {
        let text = read(&root().join("docs").join(page));
        let forgotten: Vec<&String> = words.iter().filter(|word| !text.contains(word.as_str())).collect();
        assert!(words.len() > 10 && forgotten.is_empty(), "docs/{page} does not name {forgotten:?}");
    }
}
