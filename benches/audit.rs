//! Measures how long the gate, reading the verified archive, and a whole audit take, with a bundle of about 20 MB that is made at the start: `cargo
//! bench`. The bundle's content is pseudo-random but always the same.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use hpsb_audit::{
    Bundle, BundleReport, Dossier, KeyRing, KeySource, Limits, Manifest, Policy, PublicKey, Question, Timestamp,
    TrustedKey, VerifiedArchive, audit,
};
use support::Case;
use support::keys::Named;
use support::tar::Entry;

const MEGABYTE: usize = 1 << 20;

fn main() {
    let bytes = BUNDLE.len();
    assert!((19 * MEGABYTE..22 * MEGABYTE).contains(&bytes), "the bundle has {bytes} bytes");
    divan::main();
}

/// The good build with 16 incompressible files, which resemble packs, and 16 files of words, which resemble source files.
static BUNDLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let words: Vec<String> = (0..2000).map(|_| format!("{:x} ", random.next() >> (random.next() % 40 + 20))).collect();
    let members = (0..16).flat_map(|number| {
        let noise: Vec<u8> = (0..MEGABYTE / 8).flat_map(|_| random.next().to_le_bytes()).collect();
        let mut text = String::new();
        while text.len() < MEGABYTE {
            text.push_str(&words[random.next() as usize % words.len()]);
        }
        [
            Entry::file(format!("git/wallet/web/noise-{number}"), noise),
            Entry::file(format!("git/wallet/web/text-{number}"), text),
        ]
    });
    let members: Vec<Entry> = members.collect();
    Case::good("bench", "").inner(|inner| inner.extend(members)).make_bundle_bytes()
});

/// xorshift64 (Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

static KEYS: LazyLock<KeyRing> = LazyLock::new(|| {
    let key = PublicKey::from_pem("bench", Named::Server.public_pem().as_bytes(), &Limits::default()).unwrap();
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
    ring
});

fn pass_gate() -> VerifiedArchive {
    Bundle::from_reader(BUNDLE.as_slice(), &Limits::default()).unwrap().verify(&KEYS).unwrap()
}

fn whole_audit() -> BundleReport {
    let now = Timestamp::from_rfc3339("2026-03-10T00:00:00Z").unwrap();
    let (policy, limits) = (Policy::default(), Limits::default());
    audit(Dossier::new("bench", BUNDLE.as_slice()), &Question::new(&policy, &KEYS, now, &limits))
}

/// Reads the outer archive and checks its SHA-256 and signature.
#[divan::bench(sample_count = 5)]
fn gate(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(BUNDLE.len())).bench_local(pass_gate);
}

/// Reads the signed archive: members, record, log, hashes of the work tree.
#[divan::bench(sample_count = 5)]
fn unpack(bencher: Bencher<'_, '_>) {
    let archive = pass_gate();
    bencher
        .counter(BytesCount::new(BUNDLE.len()))
        .bench_local(|| Manifest::read(&archive, &Limits::default()).unwrap());
}

/// A whole audit, as in `hpsb-audit audit`.
#[divan::bench(sample_count = 5)]
fn whole(bencher: Bencher<'_, '_>) {
    assert!(whole_audit().error.is_none());
    bencher.counter(BytesCount::new(BUNDLE.len())).bench_local(whole_audit);
}
