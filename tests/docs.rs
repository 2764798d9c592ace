//! The pages say what the program does: `docs/checks.md` is the program's, links lead somewhere, commands print what is shown,
//! policies are read, and every fixture in the threat model answers as the table says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use toml::Table;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hpsb-audit");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README, the pages next to it, and those in docs/.
fn pages() -> Vec<PathBuf> {
    pages_in(&[root().to_path_buf(), root().join("docs")])
}

fn pages_in(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    assert!(pages.len() > 3, "{pages:?}");
    pages
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn run(arguments: &[&str], folder: &Path) -> Output {
    Command::new(PROGRAM).args(arguments).current_dir(folder).output().unwrap()
}

/// An empty folder that finds the fixtures where the pages name them.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    symlink(root().join("fixtures"), folder.join("fixtures")).unwrap();
    folder
}

/// The lines of every fenced block in this language, with the number of its first line.
fn blocks(page: &str, language: &str) -> Vec<(usize, Vec<String>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, bool, Vec<String>)> = None;
    for (at, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(found)) => open = Some((at + 2, found == language, Vec::new())),
            (Some(_), Some(_)) => {
                let (at, wanted, lines) = open.take().unwrap();
                if wanted {
                    blocks.push((at, lines));
                }
            }
            (Some((_, _, lines)), None) => lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block without an end");
    blocks
}

/// `HPSB_UPDATE=1 cargo test` writes the page anew.
#[test]
fn the_page_of_checks_is_the_programs() {
    let printed = run(&["checks", "--format", "markdown"], root());
    assert!(printed.status.success());
    let path = root().join("docs/checks.md");
    if std::env::var_os("HPSB_UPDATE").is_some() {
        fs::write(&path, &printed.stdout).unwrap();
    }
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(read(&path) == printed, "docs/checks.md is out of date: run with HPSB_UPDATE=1");
}

/// As GitHub makes them: lower case, blanks as `-`, punctuation dropped.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#'));
    headings
        .map(|heading| {
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut lost = Vec::new();
    for page in pages().into_iter().chain(pages_in(&[root().join("docs/generated")])) {
        let text = read(&page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            let path = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let found = path.exists() && anchor.is_none_or(|anchor| anchors(&read(&path)).iter().any(|a| a == anchor));
            if !found {
                lost.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(lost.is_empty(), "links that lead nowhere:\n{}", lost.join("\n"));
}

/// A command with what the page shows after it.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
    exit: Option<i32>,
}

/// `$ command`, with `> ` before further lines of it, then what it prints; `$ echo $?` and a number are its exit code.
fn shown(first_line: usize, block: &[String]) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for (at, line) in block.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            all.push(Shown { line: first_line + at, command: command.into(), output: Vec::new(), exit: None });
        } else if let Some(more) = line.strip_prefix("> ").filter(|_| all.last().unwrap().output.is_empty()) {
            all.last_mut().unwrap().command.push_str(&format!("\n{more}"));
        } else {
            all.last_mut().expect("a block begins with a command").output.push(line.clone());
        }
    }
    let mut commands: Vec<Shown> = Vec::new();
    for command in all {
        if command.command == "echo $?" {
            commands.last_mut().unwrap().exit = Some(command.output[0].parse().unwrap());
        } else {
            commands.push(command);
        }
    }
    commands
}

/// Do the lines stand in the output, one after the other, with gaps only where a line is `...`?
fn agree(shown: &[String], printed: &str) -> Result<(), String> {
    let mut rest: Vec<&str> = printed.trim_end().lines().collect();
    let mut gap = false;
    for line in shown {
        if line.trim() == "..." {
            gap = true;
            continue;
        }
        let at = rest.iter().position(|found| found == line).filter(|at| gap || *at == 0);
        let Some(at) = at else {
            return Err(format!("expected: {line}\nfound:    {}", rest.first().unwrap_or(&"the end")));
        };
        rest.drain(..=at);
        gap = false;
    }
    if gap || rest.is_empty() { Ok(()) } else { Err(format!("not shown: {}", rest[0])) }
}

#[test]
fn the_commands_do_what_the_pages_show() {
    let programs = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut faults = Vec::new();
    let mut count = 0;
    for page in pages() {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        let folder = scratch(&format!("docs-{name}"));
        for (line, block) in blocks(&read(&page), "console") {
            for shown in shown(line, &block) {
                count += 1;
                let command = shown.command.replace("cargo run --release -- ", "hpsb-audit ");
                let output = Command::new("bash")
                    .args(["-c", &format!("exec 2>&1\n{command}")])
                    .current_dir(&folder)
                    .env("PATH", &path)
                    .output()
                    .unwrap();
                let printed = String::from_utf8_lossy(&output.stdout);
                let exit = (shown.exit.unwrap_or(0), output.status.code().unwrap_or(101));
                let code = if exit.0 == exit.1 { Ok(()) } else { Err(format!("exit code {}", exit.1)) };
                if let Err(fault) = agree(&shown.output, &printed).and(code) {
                    faults.push(format!("{name}:{}: {}\n{fault}", shown.line, shown.command));
                }
            }
        }
    }
    assert!(count > 10, "only {count} commands were found");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Every TOML block is a policy, or goes on after the two lines that each policy needs.
#[test]
fn the_policies_are_read() {
    let folder = scratch("docs-policies");
    fs::create_dir(folder.join("keys")).unwrap();
    for (from, name) in [
        ("good-rsa-2048/key.pem", "a.pem"),
        ("good-rsa-2048/key.pem", "cosign.pub"),
        ("inputs/trust/simple-signing/ada.asc", "ada.asc"),
        ("inputs/trust/sigstore/root.json", "trusted_root.json"),
    ] {
        fs::copy(root().join("fixtures").join(from), folder.join("keys").join(name)).unwrap();
    }
    let mut count = 0;
    for page in ["README.md", "docs/policy.md", "docs/trust.md"].map(|page| root().join(page)) {
        for (line, block) in blocks(&read(&page), "toml") {
            let mut policy = block.join("\n");
            if !policy.contains("version = ") {
                policy = format!("version = 1\nrequire = [\"manifest\"]\n{policy}");
            }
            fs::write(folder.join("policy.toml"), policy).unwrap();
            let read = run(&["policy", "check", "policy.toml"], &folder);
            assert!(read.status.success(), "{}:{line}: {}", page.display(), String::from_utf8_lossy(&read.stderr));
            count += 1;
        }
    }
    assert!(count > 4, "only {count} policies were found");
}

/// The words of `CODES` in src/error.rs, which the library keeps to itself.
fn error_codes() -> Vec<String> {
    let source = read(&root().join("src/error.rs"));
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

/// What a page must not forget: fields of the policy, dependencies, source files, error codes.
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
    let sources = fs::read_dir(root().join("src")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() { format!("`{name}/`") } else { format!("`{name}`") }
    });
    for (page, words) in [
        ("policy.md", fields.collect::<Vec<_>>()),
        ("dependencies.md", crates.map(|name| format!("`{name}`")).collect()),
        ("architecture.md", sources.collect()),
        ("troubleshooting.md", error_codes()),
        ("policy.md", words_of_policies()),
        ("reports.md", hpsb_audit::Format::ALL.map(|format| format!("| `{}` |", format.word())).to_vec()),
    ] {
        let text = read(&root().join("docs").join(page));
        let forgotten: Vec<&String> = words.iter().filter(|word| !text.contains(word.as_str())).collect();
        assert!(words.len() >= 10 && forgotten.is_empty(), "docs/{page} does not name {forgotten:?}");
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
    assert!(names.len() > 20 && forgotten.is_empty(), "README.md does not name {forgotten:?}");
}

/// Each form of workload: which images of it are read, and where its table of keys comes from.
#[test]
fn every_form_of_workload_is_described() {
    let page = read(&root().join("docs/admission.md"));
    let rows = rows(&page, "Workloads");
    for form in hpsb_audit::Form::ALL {
        let own = rows.iter().filter(|row| row[0].to_lowercase().contains(form.word())).count();
        assert!(own >= 2, "docs/admission.md, Workloads: {own} of 2 rows for {}", form.word());
    }
}

/// The rows of a section's tables, by their cells, without heads.
fn rows<'p>(page: &'p str, section: &str) -> Vec<Vec<&'p str>> {
    let (_, text) = page.split_once(&format!("\n## {section}\n")).expect("the section");
    let text = text.split("\n## ").next().unwrap();
    let cells = |line: &'p str| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: Option<&&str>| line.is_some_and(|line| line.starts_with("| ---"));
    let is_row = |at: &usize| lines[*at].starts_with('|') && !is_rule(lines.get(*at)) && !is_rule(lines.get(at + 1));
    (0..lines.len()).filter(is_row).map(|at| cells(lines[at])).collect()
}

/// Is `place` a file of tests, or in one `file::function` a test?
fn is_test(place: &str) -> Result<(), String> {
    let (file, function) = place.split_once("::").map_or((place, None), |(file, function)| (file, Some(function)));
    let text = fs::read_to_string(root().join(file)).map_err(|error| format!("{place}: {error}"))?;
    let Some(function) = function else { return Ok(()) };
    let (before, _) =
        text.split_once(&format!("fn {function}()")).ok_or(format!("{place}: there is no such function"))?;
    // An indented function has its blanks at the end of what stands before it.
    let mut above = before.trim_end_matches(' ').lines().rev().take_while(|line| line.trim_start().starts_with("#["));
    above.any(|line| line.trim() == "#[test]").then_some(()).ok_or(format!("{place} is no test"))
}

/// Every row names its cases: fixtures by links, tests by their file, or by `file::function`.
#[test]
fn every_row_of_the_threat_model_has_a_case() {
    let page = read(&root().join("docs/threat-model.md"));
    let mut faults = Vec::new();
    let rows = rows(&page, "What is answered how");
    for row in &rows {
        let [_, _, cases] = row.as_slice() else {
            faults.push(format!("expected three cells: {row:?}"));
            continue;
        };
        let tests: Vec<&str> = cases.split('`').skip(1).step_by(2).collect();
        faults.extend(tests.iter().filter_map(|place| is_test(place).err()));
        if tests.is_empty() && !cases.contains("](../fixtures/") {
            faults.push(format!("no fixture and no test: {}", row[0]));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.len() > 150, "only {} rows were found", rows.len());
}

/// Classes are numbered without a gap; each leads to sections, to the rows that it quotes there, and to checks that exist.
#[test]
fn every_class_of_the_threat_model_leads_to_its_rows() {
    let page = read(&root().join("docs/threat-model.md"));
    let answered = rows(&page, "What is answered how");
    let checks: Vec<&str> = hpsb_audit::check::CHECKS.iter().map(|check| check.name).collect();
    let classes = rows(&page, "Classes");
    for (number, class) in (1..).zip(&classes) {
        let [found, _, places, answers] = class.as_slice() else { panic!("expected four cells: {class:?}") };
        assert_eq!(*found, number.to_string(), "classes are numbered in order");
        assert!(places.contains("](#"), "class {number} leads to no section");
        for quoted in places.split('"').skip(1).step_by(2) {
            let is_there = answered.iter().any(|row| row[0].starts_with(quoted));
            assert!(is_there, "class {number}: no row begins {quoted:?}");
        }
        for answer in answers.split('`').skip(1).step_by(2) {
            let known = checks.contains(&answer) || answer.starts_with("exit ");
            assert!(known, "class {number}: {answer} is no check and no exit code");
        }
    }
    assert_eq!(classes.len(), 26);
}

/// A fixture that must fail and stands in no row is an answer that nobody can look up.
#[test]
fn every_failing_fixture_is_in_the_threat_model() {
    let page = read(&root().join("docs/threat-model.md"));
    let fixtures = fs::read_dir(root().join("fixtures")).unwrap();
    let names = fixtures.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let lost: Vec<String> =
        names.filter(|name| name.ends_with("_fail") && !page.contains(&format!("](../fixtures/{name}/)"))).collect();
    assert!(lost.is_empty(), "docs/threat-model.md does not name {lost:?}");
}

/// A row of the threat model with links to fixtures: its answer is each fixture's, as `exit 3, malformed`, `exit 0` or
/// `log-image: fail`.
#[test]
fn the_threat_models_fixtures_answer_so() {
    let page = read(&root().join("docs/threat-model.md"));
    let mut named = Vec::new();
    for row in page.lines().filter(|line| line.contains("](../fixtures/")) {
        let answer = row.trim_matches('|').split(" | ").nth(1).unwrap_or_default().trim().replace('`', "");
        for target in row.split("](../fixtures/").skip(1) {
            let name = target.split(['/', ')']).next().unwrap();
            let expect: Table = read(&root().join("fixtures").join(name).join("expect.toml")).parse().unwrap();
            let exit = format!("exit {}", expect["exit"]);
            let error = expect.get("error").and_then(toml::Value::as_str);
            let whole = error.map_or(exit.clone(), |error| format!("{exit}, {error}"));
            let mut checks = expect.get("checks").and_then(toml::Value::as_table).into_iter().flatten();
            let is_so = answer.split(" or ").any(|one| one == whole)
                || checks.any(|(check, status)| answer == format!("{check}: {}", status.as_str().unwrap()));
            assert!(is_so, "{name}: the page says {answer:?}, the fixture {whole:?} {:?}", expect.get("checks"));
            named.push(name.to_owned());
        }
    }
    assert!(named.len() > 60, "only {} fixtures are named", named.len());
}
