//! Rewrites every fixture from the recorded inputs: `cargo run --example make-fixtures`.
//!
//! The same inputs give the same bytes; `tests/fixtures_made.rs` compares them with the checked-in files.
#![allow(missing_docs, clippy::expect_used)]

use std::fs;
use std::path::Path;

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    let cases = support::all();
    let count = cases.len();
    for (name, bytes) in cases.into_iter().flat_map(support::Case::make) {
        let path = Path::new(support::FIXTURES).join(name);
        fs::create_dir_all(path.parent().expect("a fixture is in a folder")).expect("the folder can be created");
        fs::write(path, bytes).expect("the file can be written");
    }
    println!("{count} fixtures written");
}
