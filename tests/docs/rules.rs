//! Tests the numbered rules of the specification: every fixture names the rules that it covers, every rule has a fixture or is listed as having
//! none, and docs/generated/rules.md shows the answers of each rule's fixtures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use toml::Table;

use super::generated::compare;
use super::{read, root, run};

/// The pages with rules, the letter of each page's rules, and its heading in rules.md.
const PAGES: [(&str, char, &str); 6] = [
    ("format.md", 'F', "The bundle"),
    ("git-proof.md", 'G', "The clone"),
    ("policy.md", 'P', "Policy and verdict"),
    ("trust.md", 'T', "Images and their signatures"),
    ("keys.md", 'K', "Key records"),
    ("reports.md", 'R', "Reports"),
];

/// The beginning of the paragraph of format.md that lists rules without a fixture.
const WITHOUT: &str = "Rules without a fixture ";

fn page(name: &str) -> String {
    read(&root().join("docs").join(name))
}

/// `F12`: the letter and the number, if that is the whole text.
fn number_of(text: &str) -> Option<(char, u32)> {
    let letter = text.chars().next()?;
    let number = text.strip_prefix(letter)?;
    let known = PAGES.iter().any(|(_, known, _)| *known == letter);
    (known && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| Some((letter, number.parse().ok()?))).flatten()
}

/// The rules of a page in the page's order, each with its text.
fn rules_in(page: &str) -> Vec<((char, u32), String)> {
    let parts: Vec<&str> = page.split("**").collect();
    let mut rules = Vec::new();
    for (at, part) in parts.iter().enumerate().skip(1) {
        let Some(rule) = number_of(part) else { continue };
        let text = parts[at + 1..].join("**");
        let text = text.split("\n\n").next().unwrap().split(" | ").next().unwrap();
        rules.push((rule, text.trim().replace('\n', " ")));
    }
    rules
}

/// Every rule, by number, with its text.
fn rules() -> BTreeMap<(char, u32), String> {
    let mut rules = BTreeMap::new();
    for (name, letter, _) in PAGES {
        for (rule, text) in rules_in(&page(name)) {
            assert_eq!(rule.0, letter, "{name} has the rule {}{}", rule.0, rule.1);
            assert!(rules.insert(rule, text).is_none(), "two rules {}{}", rule.0, rule.1);
        }
    }
    rules
}

/// Every fixture with the rules that it names and its answer.
fn fixtures() -> Vec<(String, Vec<String>, String)> {
    let mut fixtures = Vec::new();
    for entry in fs::read_dir(root().join("fixtures")).unwrap() {
        let folder = entry.unwrap().path();
        let file = folder.join("case.toml");
        if !file.is_file() {
            continue;
        }
        let case: Table = read(&file).parse().unwrap();
        let list = case.get("rule").and_then(toml::Value::as_array);
        let rules = list.into_iter().flatten().map(|rule| rule.as_str().unwrap().to_owned()).collect();
        fixtures.push((folder.file_name().unwrap().to_str().unwrap().to_owned(), rules, answer(&case)));
    }
    fixtures.sort();
    fixtures
}

/// `exit 3, malformed`, `source-tree: fail` or `accepted`: the first failed check decides, or else the first unknown one, or else
/// the first that was not run.
fn answer(case: &Table) -> String {
    let expect = case["expect"].as_table().unwrap();
    if let Some(error) = expect.get("error").and_then(toml::Value::as_str) {
        return format!("exit {}, {error}", expect["exit"]);
    }
    let checks = expect.get("checks").and_then(toml::Value::as_table).into_iter().flatten();
    let checks: Vec<(&String, &str)> = checks.map(|(check, status)| (check, status.as_str().unwrap())).collect();
    let of = |wanted: &str| checks.iter().find(|(_, status)| status.starts_with(wanted));
    match of("fail").or_else(|| of("unknown")).or_else(|| of("not-run")) {
        Some((check, status)) => format!("{check}: {status}"),
        None if expect["exit"].as_integer() == Some(0) => "accepted".into(),
        None => "rejected".into(),
    }
}

/// The rules that format.md lists as having no fixture.
fn without_fixture() -> BTreeSet<String> {
    let page = page("format.md");
    let line =
        page.lines().find(|line| line.starts_with(WITHOUT)).expect("format.md lists the rules without a fixture");
    let (_, list) = line.split_once(": ").unwrap();
    list.trim_end_matches('.').split(", ").map(ToOwned::to_owned).collect()
}

#[test]
fn every_fixture_names_existing_rules_and_every_rule_has_a_fixture_or_is_listed() {
    let known: BTreeSet<String> = rules().keys().map(|(letter, number)| format!("{letter}{number}")).collect();
    let (mut faults, mut named) = (Vec::new(), BTreeSet::new());
    for (name, rules, _) in fixtures() {
        if rules.is_empty() {
            faults.push(format!(
                "{name} names no rule: add it to tests/support/rules.toml and run the example make-fixtures"
            ));
        }
        faults.extend(rules.iter().filter(|rule| !known.contains(*rule)).map(|rule| format!("{name}: no rule {rule}")));
        named.extend(rules);
    }
    let exceptions = without_fixture();
    faults.extend(exceptions.iter().filter(|rule| !known.contains(*rule)).map(|rule| format!("no rule {rule}")));
    faults.extend(
        exceptions.intersection(&named).map(|rule| format!("{rule} has a fixture, but format.md says it has none")),
    );
    let lost = known.iter().filter(|rule| !named.contains(*rule) && !exceptions.contains(*rule));
    faults.extend(lost.map(|rule| format!("no fixture names {rule}")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Each fixture of `rules.toml` exists.
#[test]
fn every_line_of_the_rules_table_is_a_fixture() {
    let table: Table = read(&root().join("tests/support/rules.toml")).parse().unwrap();
    let lost: Vec<&String> = table.keys().filter(|name| !root().join("fixtures").join(name).is_dir()).collect();
    assert!(lost.is_empty(), "tests/support/rules.toml names {lost:?}");
}

/// In pages with rules, a rule is referred to only by a number that exists.
#[test]
fn every_rule_that_a_page_with_rules_refers_to_exists() {
    let rules = rules();
    for (name, ..) in PAGES {
        let text = page(name);
        let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '#')));
        for word in words.map(|word| word.trim_end_matches(['.', '-'])) {
            assert!(number_of(word).is_none_or(|rule| rules.contains_key(&rule)), "{name} refers to {word}");
        }
    }
}

/// The first sentence of a rule, without links.
fn first_sentence(text: &str) -> String {
    let mut plain = String::new();
    for (at, part) in text.split("](").enumerate() {
        let rest = if at == 0 { part } else { part.split_once(')').map_or("", |(_, rest)| rest) };
        plain.push_str(rest);
    }
    let plain = plain.replace(['[', ']'], "").replace("**", "").replace('|', "\\|");
    let ends = plain.match_indices(". ").map(|(at, _)| at);
    let begins = |at: &usize| plain[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '`');
    let end = ends.filter(begins).chain(plain.find(":    ")).min().unwrap_or(plain.len());
    plain[..end].trim_end_matches(['.', ':']).to_owned()
}

#[test]
fn generated_page_of_rules_is_up_to_date() {
    let fixtures = fixtures();
    let mut made = String::from(
        "# Rules\n\nThe numbered rules of the specification, and the answers of the [fixtures](../../fixtures) that cover them. `exit 3` means no verdict; \
`accepted` means that no check rejects; an answer such as `source-tree: fail` is that of a failed check, or else of an unknown one, or else of one that was not run. Made by `tests/run update`; a test compares it.\n",
    );
    for (name, letter, title) in PAGES {
        let _ = write!(
            made,
            "\n## {title}\n\nRules of [{name}](../{name}).\n\n| rule | begins | answers of fixtures |\n| --- | --- | --- |\n"
        );
        for ((_, number), text) in rules().into_iter().filter(|((of, _), _)| *of == letter) {
            let rule = format!("{letter}{number}");
            let mut answers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (fixture, rules, answer) in &fixtures {
                if rules.contains(&rule) {
                    answers.entry(answer).or_default().push(fixture);
                }
            }
            let cell = |(answer, names): (&str, Vec<&str>)| format!("`{answer}`: {}", names.join(", "));
            let cells: Vec<String> = answers.into_iter().map(cell).collect();
            let _ = writeln!(made, "| {rule} | {} | {} |", first_sentence(&text), cells.join("<br>"));
        }
    }
    compare("rules.md", &made);
}

#[test]
fn generated_page_of_limits_is_up_to_date() {
    let printed = run(&["explain", "limits"], root());
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    let mut made = String::from(
        "# Bounds\n\nEvery bound on untrusted input, as `hpsb-audit explain limits` prints it. Made by `tests/run update`; a test compares it.\n\n\
| bound | value | reason |\n| --- | --- | --- |\n",
    );
    for line in text.lines().filter_map(|line| line.strip_prefix("  ")) {
        let (name, rest) = line.split_once(' ').unwrap();
        let (value, reason) = rest.trim_start().split_once("  ").unwrap();
        let _ = writeln!(made, "| `{name}` | {value} | {} |", reason.replace('|', "\\|"));
    }
    compare("limits.md", &made);
}
