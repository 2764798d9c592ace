//! Tests of the pages: generated pages are up to date, links resolve, commands print what is shown, policies are valid, and every hostile fixture
//! has the answer in the table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod commands;
mod complete;
mod examples;
mod generated;
mod hostile_input;
mod rules;

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

/// An empty folder in which the fixtures are at the paths that the pages use.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    symlink(root().join("fixtures"), folder.join("fixtures")).unwrap();
    folder
}

/// The lines of every fenced block in this language, with the number of the first line.
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
    assert!(open.is_none(), "an unterminated block");
    blocks
}

/// Anchors in the form that GitHub makes: lower case, spaces as `-`, punctuation dropped.
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
fn every_relative_link_resolves() {
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
    assert!(lost.is_empty(), "broken links:\n{}", lost.join("\n"));
}
