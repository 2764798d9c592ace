//! Tests that the pages mention everything they must.

use toml::Table;

use super::{read, root, run};

/// The codes in `CODES` in src/base/error.rs, which is private to the library.
fn error_codes() -> Vec<String> {
    let source = read(&root().join("src/base/error.rs"));
    let (_, table) = source.split_once("const CODES:").unwrap();
    let (table, _) = table.split_once("];").unwrap();
    table.split("(\"").skip(1).filter_map(|row| row.split('"').next()).map(|code| format!("`{code}`")).collect()
}

fn words_of_policies() -> Vec<String> {
    use hpsb_audit::{Grade, Group, Level, RevocationReason};
    let groups = Group::ALL.map(Group::word).into_iter();
    let words = groups.chain(Level::ALL.map(Level::word)).chain(Grade::ALL.map(Grade::word));
    let reasons = RevocationReason::ALL.map(|reason| format!("reason = \"{}\"", reason.word()));
    words.map(|word| format!("`{word}`")).chain(reasons).collect()
}

/// Pages must mention the policy's fields and values, dependencies, error codes, and formats.
#[test]
fn pages_mention_every_field_dependency_error_code_and_format() {
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
        ("policy.md", words_of_policies()),
        ("reports.md", hpsb_audit::Format::ALL.map(|format| format!("| `{}` |", format.word())).to_vec()),
    ] {
        let text = read(&root().join("docs").join(page));
        let forgotten: Vec<&String> = words.iter().filter(|word| !text.contains(word.as_str())).collect();
        assert!(words.len() >= 10 && forgotten.is_empty(), "docs/{page} does not mention {forgotten:?}");
    }
}

#[test]
fn every_command_is_in_the_readme() {
    let help = String::from_utf8(run(&["--help"], root()).stdout).unwrap();
    let (_, commands) = help.split_once("\nCommands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    let page = read(&root().join("README.md"));
    let forgotten: Vec<&&str> =
        names.iter().filter(|name| ![' ', '`'].iter().any(|end| page.contains(&format!("`{name}{end}")))).collect();
    assert!(names.len() > 20 && forgotten.is_empty(), "README.md does not mention {forgotten:?}");
}

/// For each form of workload, the page states which images are read and where the table of keys comes from.
#[test]
fn every_form_of_workload_is_described() {
    let page = read(&root().join("docs/admission.md"));
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    for form in hpsb_audit::Form::ALL {
        let is_own = |row: &&&str| row.split('|').nth(1).is_some_and(|cell| cell.to_lowercase().contains(form.word()));
        let own = rows.iter().filter(is_own).count();
        assert!(own >= 2, "docs/admission.md: {own} of 2 rows for {}", form.word());
    }
}
