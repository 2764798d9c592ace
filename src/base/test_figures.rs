//! Compares the figures in docs/generated/suites.md with those that the tests count. Each test that runs a public suite checks the suite's row.

use std::fs;
use std::path::Path;

/// Asserts that the row of docs/generated/suites.md that begins with `name` contains these numbers in its other cells, in this order.
pub(crate) fn assert_documented(name: &str, counted: &[usize]) {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/generated/suites.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&format!("| {name} |"))).collect();
    let [row] = rows.as_slice() else {
        panic!("docs/generated/suites.md has {} rows for {name}; counted: {counted:?}", rows.len())
    };
    let said: Vec<usize> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    assert_eq!(said, counted, "{name}: docs/generated/suites.md, compared with the counts");
}
