//! docs/generated/hostile-input.md is generated from `tests/hostile-input.toml`: every hostile input with its answer and the cases that show it. Each
//! listed fixture has that answer, and each listed test exists.

use std::fs;

use serde::Deserialize;
use toml::Table;

use super::{generated, read, root};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    class: Vec<Class>,
    section: Vec<Section>,
}

/// A category of faults in published verifiers, and what prevents such faults in this program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    part: String,
    name: String,
    answer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    name: String,
    row: Vec<Row>,
}

/// Inputs with the same result. A case is a directory of fixtures/, or a test as `file` or `file::function`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    input: String,
    answer: String,
    #[serde(default)]
    classes: Vec<usize>,
    cases: Vec<String>,
}

fn tables() -> Tables {
    toml::from_str(&read(&root().join("tests/hostile-input.toml"))).unwrap()
}

fn is_fixture(case: &str) -> bool {
    !case.contains('/')
}

fn page(tables: &Tables) -> String {
    let mut page = String::from(
        "# Hostile and broken input\n\nThe answer to each hostile or malformed input, with the fixture or the test (`file::function`) that shows it. \
         [threat-model.md](../threat-model.md) says who could make such input. Made from `tests/hostile-input.toml` by `tests/run update`; tests \
         check the answer of every fixture.\n\n## Classes\n\nFaults of published verifiers, and the sections with cases of each.\n\n\
         | | part | class | sections | answered by |\n| --- | --- | --- | --- | --- |\n",
    );
    for (number, class) in (1..).zip(&tables.class) {
        let having =
            tables.section.iter().filter(|section| section.row.iter().any(|row| row.classes.contains(&number)));
        let links: Vec<String> = having
            .map(|section| {
                format!("[{}](#{})", section.name, section.name.to_lowercase().replace(',', "").replace(' ', "-"))
            })
            .collect();
        page.push_str(&format!(
            "| {number} | {} | {} | {} | {} |\n",
            class.part,
            class.name,
            links.join(", "),
            class.answer
        ));
    }
    for section in &tables.section {
        page.push_str(&format!(
            "\n## {}\n\n| class | input | answer | shown by |\n| --- | --- | --- | --- |\n",
            section.name
        ));
        for row in &section.row {
            let classes: Vec<String> = row.classes.iter().map(usize::to_string).collect();
            let cases: Vec<String> = row
                .cases
                .iter()
                .map(|case| match is_fixture(case) {
                    true => format!("[{}](../../fixtures/{case}/)", case.trim_end_matches("_fail")),
                    false => format!("`{case}`"),
                })
                .collect();
            page.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                classes.join(", "),
                row.input,
                row.answer,
                cases.join(", ")
            ));
        }
    }
    page
}

#[test]
fn generated_page_of_hostile_input_is_up_to_date() {
    generated::compare("hostile-input.md", &page(&tables()));
}

/// Whether `place` is a file of tests or a test, written as `file::function`.
fn is_test(place: &str) -> Result<(), String> {
    let (file, function) = place.split_once("::").map_or((place, None), |(file, function)| (file, Some(function)));
    let text = fs::read_to_string(root().join(file)).map_err(|error| format!("{place}: {error}"))?;
    let Some(function) = function else { return Ok(()) };
    let (before, _) = text.split_once(&format!("fn {function}()")).ok_or(format!("{place}: no such function"))?;
    // The text before an indented function ends with its indentation.
    let mut above = before.trim_end_matches(' ').lines().rev().take_while(|line| line.trim_start().starts_with("#["));
    above.any(|line| line.trim() == "#[test]").then_some(()).ok_or(format!("{place} is not a test"))
}

#[test]
fn every_row_of_hostile_input_has_a_test() {
    let tables = tables();
    let rows: Vec<&Row> = tables.section.iter().flat_map(|section| &section.row).collect();
    let mut faults: Vec<String> =
        rows.iter().filter(|row| row.cases.is_empty()).map(|row| format!("no case: {}", row.input)).collect();
    let tests = rows.iter().flat_map(|row| &row.cases).filter(|case| !is_fixture(case));
    faults.extend(tests.filter_map(|place| is_test(place).err()));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.len() > 300, "only {} rows were found", rows.len());
}

/// Each class has a row, and its answer names only existing checks, besides exit codes.
#[test]
fn every_class_of_hostile_input_has_rows_and_an_answer() {
    let tables = tables();
    let checks: Vec<&str> = hpsb_audit::check::CHECKS.iter().map(|check| check.name).collect();
    let named: Vec<usize> =
        tables.section.iter().flat_map(|section| &section.row).flat_map(|row| row.classes.clone()).collect();
    for (number, class) in (1..).zip(&tables.class) {
        assert!(named.contains(&number), "class {number} has no row");
        for answer in class.answer.split('`').skip(1).step_by(2) {
            assert!(checks.contains(&answer) || answer.starts_with("exit "), "class {number}: {answer} is unknown");
        }
    }
    assert_eq!(tables.class.len(), 26);
    assert!(named.iter().all(|number| (1..=26).contains(number)));
}

/// If a failing fixture had no row, readers could not look up its answer.
#[test]
fn every_failing_fixture_is_in_a_row() {
    let tables = tables();
    let cases: Vec<&String> =
        tables.section.iter().flat_map(|section| &section.row).flat_map(|row| &row.cases).collect();
    let fixtures = fs::read_dir(root().join("fixtures")).unwrap();
    let names = fixtures.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let lost: Vec<String> = names.filter(|name| name.ends_with("_fail") && !cases.contains(&name)).collect();
    assert!(lost.is_empty(), "tests/hostile-input.toml does not name {lost:?}");
}

/// The answer of a row is the answer of each of its fixtures: `exit 3, malformed`, `exit 0` or `log-image: fail`.
#[test]
fn fixtures_have_the_answer_of_their_row() {
    let tables = tables();
    let mut count = 0;
    for row in tables.section.iter().flat_map(|section| &section.row) {
        let answer = row.answer.replace('`', "");
        for name in row.cases.iter().filter(|case| is_fixture(case)) {
            let case: Table = read(&root().join("fixtures").join(name).join("case.toml")).parse().unwrap();
            let expect = case["expect"].as_table().unwrap();
            let exit = format!("exit {}", expect["exit"]);
            let error = expect.get("error").and_then(toml::Value::as_str);
            let whole = error.map_or(exit.clone(), |error| format!("{exit}, {error}"));
            let mut checks = expect.get("checks").and_then(toml::Value::as_table).into_iter().flatten();
            let is_so = answer.split(" or ").any(|one| one == whole)
                || checks.any(|(check, status)| answer == format!("{check}: {}", status.as_str().unwrap()));
            assert!(is_so, "{name}: the row has {answer:?}, the fixture {whole:?} {:?}", expect.get("checks"));
            count += 1;
        }
    }
    assert!(count > 600, "only {count} fixtures are named");
}
