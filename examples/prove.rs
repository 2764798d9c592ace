//! Proves a bundle's source a specified number of times and prints how long each proof took, in seconds, not counting the time to read the bundle.
//! `benches/compare` compares the times with git's.
//!
//!     cargo run --release --example prove BUNDLE KEY.pem THREADS TIMES
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::{self, File};
use std::time::Instant;

use hpsb_audit::git::prove;
use hpsb_audit::{Bundle, KeyRing, KeySource, Limits, Manifest, PublicKey, TrustedKey};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, key, threads, times] = arguments.as_slice() else { return Err("BUNDLE KEY.pem THREADS TIMES".into()) };
    let (threads, times): (usize, usize) = (threads.parse()?, times.parse()?);
    let limits = Limits::default();
    let key = PublicKey::from_pem(key, &fs::read(key)?, &limits)?;
    let mut ring = KeyRing::default();
    ring.add(TrustedKey {
        fingerprint: key.fingerprint(),
        key: Some(key),
        source: KeySource::CommandLine,
        name: None,
        not_before: None,
        not_after: None,
        revoked: None,
    });
    let archive =
        Bundle::from_reader(File::open(bundle)?, &limits)?.verify(&ring).map_err(|refusal| format!("{refusal:?}"))?;
    let manifest = Manifest::read(&archive, &limits)?;
    let snapshot = manifest.snapshots.first().ok_or("no snapshot")?;
    for _ in 0..times {
        let start = Instant::now();
        let proof = prove(snapshot, threads, &limits);
        println!("{:.3}", start.elapsed().as_secs_f64());
        if !proof.objects.faults.is_empty() {
            return Err(proof.objects.faults.join("\n").into());
        }
    }
    Ok(())
}
