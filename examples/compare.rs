//! Prints what differs between two bundles, after both signatures are verified.
//!
//!     cargo run --example compare
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use hpsb_audit::compare::{Comparing, compare};
use hpsb_audit::image::tree::of_layer;
use hpsb_audit::image::{self, Source};
use hpsb_audit::{KeyRing, Limits, NamedKey, Storage, read_keys};

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let limits = Limits::default();
    let key = NamedKey::File(fixtures.join("image-good/key.pem"));
    let mut keys = KeyRing::default();
    for key in read_keys(&[key], Storage::Disk, &limits)? {
        keys.add(key);
    }
    let comparing = Comparing {
        keys: &keys,
        platform: None,
        read_image: &image::read_within,
        read_layer: &|_, image, at, limits| of_layer(image, at, limits),
        threads: 1,
        limits: &limits,
    };
    let [one, other] = ["good-rsa-2048", "image-good"].map(|name| comparing.side(&Source::Path(fixtures.join(name))));
    let comparison = compare(&one??, &other??, &comparing)?;
    for row in &comparison.rows {
        println!("{}: {}", row.part, row.word());
    }
    println!("{}", comparison.conclusion);
    Ok(())
}
