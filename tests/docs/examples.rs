//! Tests that the pages in docs/examples are those that the program writes. `docs/examples/make` rewrites the pages and prints them to
//! PDF.

#![cfg(not(any(feature = "fetch", feature = "openpgp", feature = "serve", feature = "sigstore")))]

use std::process::Command;

use super::{PROGRAM, read, root, scratch};

/// A report lists the program's features, and the pages are made with the default features.
#[test]
fn the_example_pages_are_up_to_date() {
    let (examples, made) = (root().join("docs/examples"), scratch("examples"));
    let mut make = Command::new(examples.join("make"));
    let output = make.arg("--to").arg(&made).env("HPSB_AUDIT", PROGRAM).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["accepted.html", "rejected.html", "case.html"] {
        assert!(read(&made.join(name)) == read(&examples.join(name)), "{name} is out of date: docs/examples/make");
    }
}
