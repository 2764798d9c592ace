//! Counts the inputs that are listed for public Dockerfiles, for the page docs/generated/dockerfiles.md. Run by `tests/dockerfiles`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::{Inputs, KINDS, Kind, forms};
use crate::manifest::dockerfile::{Dockerfile, read_whole};

/// Commands that use the network, found by plain text search.
const WELL_KNOWN: [&str; 22] = [
    "curl",
    "wget",
    "apt-get install",
    "apt-get update",
    "apt install",
    "apk add",
    "yum install",
    "dnf install",
    "microdnf install",
    "zypper install",
    "git clone",
    "pip install",
    "pip3 install",
    "npm install",
    "npm ci",
    "yarn install",
    "go get",
    "go mod download",
    "cargo build",
    "mvn",
    "gem install",
    "composer install",
];

#[derive(Default)]
struct Counted {
    read: usize,
    skipped: usize,
    silent: usize,
    kinds: BTreeMap<&'static str, usize>,
    /// Unknown programs, each with the number of files that use it.
    programs: BTreeMap<String, usize>,
    /// Programs that run a script, each with the number of files that use it.
    scripts: BTreeMap<String, usize>,
    with_unknown: usize,
    overlooked: Vec<String>,
}

/// The program that a line reports.
fn name_in(sentence: &str) -> String {
    let name = sentence.strip_prefix("may use the network: ").unwrap_or(sentence);
    name.strip_suffix(", which runs a script").unwrap_or(name).to_owned()
}

fn count(file: &Dockerfile, counted: &mut Counted) {
    let mut inputs = Inputs::new();
    inputs.read_file(file);
    let mut all = 0;
    for ((kind, name), found) in KINDS.iter().zip(&inputs.kinds) {
        *counted.kinds.entry(name).or_default() += found.seen.len();
        all += found.seen.len();
        let names = match kind {
            Kind::Program => &mut counted.programs,
            Kind::Script => &mut counted.scripts,
            _ => continue,
        };
        counted.with_unknown += usize::from(*kind == Kind::Program && !found.shown.is_empty());
        for sentence in &found.shown {
            *names.entry(name_in(sentence)).or_default() += 1;
        }
    }
    counted.silent += usize::from(all == 0);
}

/// Finds RUN steps in which the plain search finds a command but no line reports network use.
fn overlooked(file: &Dockerfile, counted: &mut Counted) {
    let mut stages = forms::Stages::new(file.escape);
    for instruction in &file.instructions {
        let mut inputs = Inputs::new();
        forms::read(&instruction.text, &instruction.documents, &mut stages, &mut inputs);
        let words: Vec<&str> =
            instruction.text.split(|letter: char| !(letter.is_alphanumeric() || "-_./=:".contains(letter))).collect();
        let text = format!(" {} ", words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
        let found = WELL_KNOWN.iter().find(|command| text.contains(&format!(" {command} ")));
        let run = KINDS.iter().position(|(kind, _)| *kind == Kind::Run).and_then(|at| inputs.kinds.get(at));
        if let Some(command) = found.filter(|_| text.starts_with(" RUN ") && run.is_none_or(|run| run.seen.is_empty()))
        {
            counted.overlooked.push(format!("{command}: {}", super::shortened(&instruction.text)));
        }
    }
}

fn most(names: &BTreeMap<String, usize>, shown: usize) -> String {
    let mut sorted: Vec<(&String, &usize)> = names.iter().collect();
    sorted.sort_by_key(|(name, files)| (std::cmp::Reverse(**files), name.as_str()));
    let mut text = String::from("| program | files |\n| --- | --- |\n");
    for (name, files) in sorted.into_iter().take(shown) {
        let name = if name.contains('`') { "a backtick".to_owned() } else { format!("`{}`", name.replace('|', "\\|")) };
        writeln!(text, "| {name} | {files} |").unwrap();
    }
    text
}

/// `HPSB_DOCKERFILES` is the path of a file with one Dockerfile path per line. The counts are written to the file at `HPSB_COUNTED`.
#[test]
#[ignore = "needs public repositories"]
fn public_dockerfiles_are_read_and_counted() {
    let list = fs::read_to_string(std::env::var("HPSB_DOCKERFILES").unwrap()).unwrap();
    let mut counted = Counted::default();
    for path in list.lines().collect::<BTreeSet<_>>() {
        match read_whole(&fs::read(path).unwrap()) {
            Ok(file) => {
                counted.read += 1;
                count(&file, &mut counted);
                overlooked(&file, &mut counted);
            }
            Err(_) => counted.skipped += 1,
        }
    }
    let mut page = format!(
        "{} Dockerfiles were read, as if a policy specified each of them; {} more could not be read: templates, snippets or deliberately wrong files.\n\n| listed | sentences |\n| --- | --- |\n",
        counted.read, counted.skipped
    );
    for (_, name) in KINDS {
        writeln!(page, "| {name} | {} |", counted.kinds.get(name).copied().unwrap_or_default()).unwrap();
    }
    writeln!(page, "\n- Nothing is listed for {} files.", counted.silent).unwrap();
    writeln!(
        page,
        "- {} files ({} of 100) have an unknown program; there are {} unknown programs in total, most of them scripts in the repository itself.",
        counted.with_unknown,
        counted.with_unknown * 100 / counted.read.max(1),
        counted.programs.len()
    )
    .unwrap();
    writeln!(
        page,
        "- A plain search for {} well-known commands that use the network finds {} RUN steps that the list does not report as using the network.",
        WELL_KNOWN.len(),
        counted.overlooked.len()
    )
    .unwrap();
    let (programs, scripts) = (most(&counted.programs, 20), most(&counted.scripts, 10));
    writeln!(page, "\nThe twenty most frequent unknown programs:\n\n{programs}\nThe ten most frequent programs that run a script:\n\n{scripts}").unwrap();
    fs::write(std::env::var("HPSB_COUNTED").unwrap(), page).unwrap();
    for line in counted.overlooked {
        println!("not reported: {line}");
    }
}
