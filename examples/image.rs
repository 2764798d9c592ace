//! Reads an image from an archive, and prints its contents and whether its layers match its manifest and configuration.
//!
//!     cargo run --example image
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use hpsb_audit::image::{self, Choice, Source};
use hpsb_audit::{Limits, image_facts};

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/image-good/image.tar");
    let source = Source::parse(&format!("oci-archive:{}", archive.display()))?;
    // An archive may contain several images; `decided` is an error if the choice leaves more than one image.
    let image = image::read(&source, &Choice::default(), &Limits::default())?.decided()?;
    for fact in image_facts(&image) {
        println!("{}: {}", fact.fact, fact.value);
    }
    let faults = image.contradictions();
    println!("{} contradictions", faults.len());
    Ok(())
}
