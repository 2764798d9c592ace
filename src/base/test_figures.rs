//! Compares the figures in docs/generated/suites.md with what the tests count: a test that runs a public suite checks its row here.

use std::fs;
use std::path::Path;

/// Asserts that the row of docs/generated/suites.md that begins with `name` has these numbers, in this order, in its other cells.
pub(crate) fn assert_documented(name: &str, counted: &[usize]) {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/generated/suites.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&format!("| {name} |"))).collect();
    let [row] = rows.as_slice() else {
        panic!("docs/generated/suites.md has {} rows of {name}; counted: {counted:?}", rows.len())
    };
    let said: Vec<usize> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    assert_eq!(said, counted, "{name}: docs/generated/suites.md, compared with the counts");
}
