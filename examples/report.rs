//! Audits a folder of bundles and writes the results as JSON and as the page that an auditor files.
//!
//!     cargo run --example report
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use hpsb_audit::report::Options;
use hpsb_audit::{
    Dossier, Format, Handed, Limits, NamedKey, Policy, Storage, Terms, Timestamp, audit, image, read_keys,
};

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/good-rsa-2048");
    let limits = Limits::default();
    let now = Timestamp::from_rfc3339("2026-03-10T00:00:00Z").ok_or("not a time")?;
    let named = read_keys(&[NamedKey::File(folder.join("key.pem"))], Storage::Disk, &limits)?;
    let terms = Terms::new(Policy::default(), named, Handed::default())?;
    let question = terms.question(now, 1, &limits);

    // At first, the report has only the question; the bundles' reports are then added.
    let mut report = question.report();
    for path in Storage::Disk.find_bundles(&[folder], &limits)? {
        report.bundles.push(audit(Dossier::open(&path, &question, Storage::Disk, &image::read_within), &question));
    }
    for format in [Format::Json, Format::Html] {
        let mut page = Vec::new();
        report.write(format, &Options::default(), &mut page)?;
        println!("{}: {} bytes", format.word(), page.len());
    }
    println!("exit code {}", report.exit_code());
    Ok(())
}
