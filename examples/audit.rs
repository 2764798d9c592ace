//! Audits one bundle with all evidence next to it, and prints the verdict and each check that did not pass.
//!
//!     cargo run --example audit
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};

use hpsb_audit::{
    Dossier, Handed, Limits, NamedKey, Policy, Status, Storage, Terms, Timestamp, audit, image, read_keys,
};

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/image-good");
    let limits = Limits::default();
    let now = Timestamp::from_rfc3339("2026-03-10T00:00:00Z").ok_or("not a time")?;

    // Trust comes from the auditor: only this key is used, regardless of the files next to the bundle.
    let named = read_keys(&[NamedKey::File(folder.join("key.pem"))], Storage::Disk, &limits)?;
    let handed =
        Handed { image: Some(image::Source::LayoutArchive(folder.join("image.tar"), None)), ..Handed::default() };
    let terms = Terms::new(Policy::default(), named, handed)?;
    let question = terms.question(now, 2, &limits);

    let paths: Vec<PathBuf> = Storage::Disk.find_bundles(&[folder], &limits)?;
    for path in &paths {
        let report = audit(Dossier::open(path, &question, Storage::Disk, &image::read_within), &question);
        println!("{}: {}", report.verdict.word(), report.build_name.as_deref().unwrap_or("without a name"));
        for finding in report.findings.iter().filter(|finding| finding.status != Status::Pass) {
            println!("  {}: {}", finding.check, finding.message);
        }
    }
    Ok(())
}
