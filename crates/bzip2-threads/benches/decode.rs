//! Decoding speed for noise and text, compared with the `bzip2` crate: `cargo bench -p bzip2-threads`. The content is pseudo-random but
//! always the same.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{self, Read};
use std::sync::LazyLock;

use bzip2::Compression;
use bzip2::read::{BzEncoder, MultiBzDecoder};
use bzip2_threads::Decoder;
use divan::Bencher;
use divan::counter::BytesCount;

/// The number of bytes of content, which is about ten blocks.
const CONTENT: usize = 9_000_000;

fn main() {
    divan::main();
}

/// xorshift64 (Marsaglia, 2003).
fn random() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(0x9e37_79b9_7f4a_7c15_u64), |state| {
        let state = state ^ state << 13;
        let state = state ^ state >> 7;
        Some(state ^ state << 17)
    })
}

fn compressed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    BzEncoder::new(content, Compression::best()).read_to_end(&mut out).unwrap();
    out
}

/// Incompressible content, as in git packs.
static NOISE: LazyLock<Vec<u8>> =
    LazyLock::new(|| compressed(&random().flat_map(u64::to_le_bytes).take(CONTENT).collect::<Vec<_>>()));

/// Words, as in source code.
static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let words: Vec<String> = random().take(2000).map(|value| format!("{:x} ", value >> (value % 40 + 20))).collect();
    let chosen = random().filter_map(|value| words.get(usize::try_from(value % 2000).unwrap()));
    compressed(&chosen.flat_map(|word| word.bytes()).take(CONTENT).collect::<Vec<_>>())
});

fn decode(bencher: Bencher<'_, '_>, mut reader: impl FnMut() -> Box<dyn Read>) {
    bencher.counter(BytesCount::new(CONTENT)).bench_local(|| {
        assert_eq!(io::copy(&mut reader(), &mut io::sink()).unwrap(), CONTENT as u64);
    });
}

#[divan::bench(args = [1, 2, 4])]
fn noise(bencher: Bencher<'_, '_>, threads: usize) {
    decode(bencher, || Box::new(Decoder::new(NOISE.as_slice(), threads)));
}

#[divan::bench(args = [1, 2, 4])]
fn text(bencher: Bencher<'_, '_>, threads: usize) {
    decode(bencher, || Box::new(Decoder::new(TEXT.as_slice(), threads)));
}

#[divan::bench]
fn noise_by_the_bzip2_crate(bencher: Bencher<'_, '_>) {
    decode(bencher, || Box::new(MultiBzDecoder::new(NOISE.as_slice())));
}

#[divan::bench]
fn text_by_the_bzip2_crate(bencher: Bencher<'_, '_>) {
    decode(bencher, || Box::new(MultiBzDecoder::new(TEXT.as_slice())));
}
