//! Pages in docs/generated/ that a test generates from the program's text and from the source. `tests/run update` rewrites them.

use std::fs;
use std::path::Path;

use super::{read, root, run};

/// Compares a page with its generated text. With `HPSB_UPDATE=1`, writes the page first.
pub(super) fn compare(page: &str, made: &str) {
    let path = root().join("docs/generated").join(page);
    if std::env::var_os("HPSB_UPDATE").is_some() {
        fs::write(&path, made).unwrap();
    }
    assert!(read(&path) == made, "docs/generated/{page} is out of date: tests/run update");
}

#[test]
fn generated_page_of_checks_is_up_to_date() {
    let printed = run(&["checks", "--format", "markdown"], root());
    assert!(printed.status.success());
    compare("checks.md", &String::from_utf8(printed.stdout).unwrap());
}

/// The first sentence of a file's documentation.
fn first_sentence(path: &Path) -> Option<String> {
    let text = read(path);
    let lines = text.lines().take_while(|line| line.starts_with("//! "));
    let paragraph = lines.map(|line| line.trim_start_matches("//! ")).collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split_once(". ").map_or(paragraph.as_str(), |(first, _)| first).trim_end_matches('.');
    (!sentence.is_empty()).then(|| format!("{}.", sentence.replace('|', "\\|")))
}

/// The Rust files of a folder and its subfolders, sorted by path.
fn rust_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn generated_page_of_modules_is_up_to_date() {
    let mut page = String::from(
        "# Files\n\nThe purpose of each source file and each test: the first sentence of its documentation. Made by `tests/run update`; a test compares it.\n",
    );
    for folder in ["src", "tests"] {
        page.push_str(&format!("\n## {folder}/\n\n| file | purpose |\n| --- | --- |\n"));
        for file in rust_files(&root().join(folder)) {
            if let Some(sentence) = first_sentence(&root().join(&file)) {
                page.push_str(&format!("| [{0}](../../{0}) | {sentence} |\n", file));
            }
        }
    }
    compare("modules.md", &page);
}
