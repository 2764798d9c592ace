//! Tests the decoder's output and its independence from the number of threads: every test decodes on one thread and on several.

use std::io::{ErrorKind, Read};

use bzip2::Compression;
use bzip2::read::BzEncoder;

use super::bits::{self, Writer};
use super::differential::{Fault, any_bytes, compare as read};
use super::scan::{BLOCK, END};
use super::{Decoder, block};

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    BzEncoder::new(bytes, Compression::best()).read_to_end(&mut out).expect("in memory");
    out
}

/// A level 9 stream with one block for each of `pieces`. Each piece must fit into a block.
fn stream(pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = Writer::default();
    for byte in b"BZh9" {
        stream.push(u64::from(*byte), 8);
    }
    let mut combined = 0;
    for piece in pieces {
        let one = compress(piece);
        let end = end_of(&one);
        combined = block::combine(combined, bits::read(&one, 80, 32).unwrap().try_into().unwrap());
        stream.copy(&one, 32, end).unwrap();
    }
    stream.push(END >> 24, 24);
    stream.push(END, 24);
    stream.push(u64::from(combined), 32);
    stream.finish()
}

/// The bit at which the end marker of the only stream in `bytes` begins.
fn end_of(bytes: &[u8]) -> u64 {
    let last = bytes.len() as u64 * 8 - 80;
    (last - 7..=last).find(|&at| bits::read(bytes, at, 48) == Some(END)).unwrap()
}

fn noise(count: usize, mut state: u64) -> Vec<u8> {
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

fn malformed(message: &str) -> Result<Vec<u8>, Fault> {
    Err((ErrorKind::InvalidInput, message.to_owned()))
}

fn truncated() -> Result<Vec<u8>, Fault> {
    Err((ErrorKind::UnexpectedEof, "unexpected end of file".to_owned()))
}

#[test]
fn consecutive_streams_are_read_and_trailing_bytes_are_refused() {
    let one = compress(b"one");
    let both = [one.clone(), compress(b"two"), compress(b""), compress(b"!")].concat();
    assert_eq!(read(&both, 100).as_deref(), Ok(&b"onetwo!"[..]));
    for tail in [&b"B"[..], b"\0", b"BZh9", b"trailing garbage", b"BZh91AY&SY", b"BZh0\x17\x72\x45\x38\x50\x90\0\0\0\0"]
    {
        assert!(read(&[one.as_slice(), tail].concat(), 100).is_err(), "{tail:?}");
    }
    assert_eq!(read(b"", 100), truncated());
}

#[test]
fn blocks_of_different_lengths_are_joined() {
    let pieces: Vec<Vec<u8>> = (0..40).map(|number| noise(number * number * 7 + 1, 99 + number as u64)).collect();
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    assert_eq!(read(&stream(&pieces), 1 << 20), Ok(pieces.concat()));
    let large = noise(2_500_000, 5);
    assert_eq!(read(&compress(&large), 1 << 22), Ok(large));
}

#[test]
fn every_truncation_within_a_stream_is_detected() {
    let text = b"some text that is long enough ".repeat(50);
    let whole = [compress(&text), stream(&[&text, b"x", &text])].concat();
    for end in 0..whole.len() {
        if end != compress(&text).len() {
            assert_eq!(read(&whole[..end], 10_000), truncated(), "cut at {end}");
        }
    }
}

#[test]
fn a_flipped_bit_is_detected_or_changes_no_output() {
    let text = b"some text that is long enough ".repeat(50);
    let whole = stream(&[b"a", &text, b"bb", b"ccc"]);
    let content = [b"a", &text[..], b"bb", b"ccc"].concat();
    for at in 0..whole.len() * 8 {
        let mut changed = whole.clone();
        changed[at / 8] ^= 0x80 >> (at % 8);
        if let Ok(out) = read(&changed, 10_000) {
            assert_eq!(out, content, "bit {at}");
        }
    }
}

#[test]
fn block_and_stream_crcs_are_checked() {
    let good = stream(&[b"one", b"two", b"three"]);
    let mut stream_crc = good.clone();
    let at = end_of(&good) + 50;
    stream_crc[usize::try_from(at / 8).unwrap()] ^= 0x80 >> (at % 8);
    assert_eq!(read(&stream_crc, 100), malformed("bzip2: invalid data"));
    let mut block_crc = good.clone();
    block_crc[11] ^= 1;
    assert_eq!(read(&block_crc, 100), malformed("bzip2: invalid data"));
    // Each block is correct on its own, but the order of the blocks is wrong.
    let mut swapped = Writer::default();
    swapped.copy(&stream(&[b"two", b"one", b"three"]), 0, end_of(&good)).unwrap();
    swapped.copy(&good, end_of(&good), end_of(&good) + 80).unwrap();
    assert_eq!(read(&swapped.finish(), 100), malformed("bzip2: invalid data"));
}

/// A stream with one block whose unused selectors spell `magic`, so that these bits are in the middle of valid data.
fn block_that_holds(magic: u64) -> Vec<u8> {
    // With two tables, a selector is `0` or `10`; with six tables, it has up to five ones.
    // Therefore, any bits without six consecutive ones can be spelled.
    let mut out = Writer::default();
    out.push(BLOCK >> 24, 24);
    out.push(BLOCK, 24);
    out.push(0x19939b6b, 32); // CRC of "a"
    out.push(0, 1 + 24);
    out.push(1 << (15 - 6), 16); // 0x60..0x6f
    out.push(1 << (15 - 1), 16); // 'a'
    out.push(6, 3);
    let spelled: Vec<bool> = (0..48).rev().map(|bit| magic >> bit & 1 != 0).chain([false]).collect();
    let count = 1 + spelled.iter().filter(|bit| !**bit).count();
    out.push(count as u64, 15);
    out.push_bit(false);
    spelled.into_iter().for_each(|bit| out.push_bit(bit));
    for _ in 0..6 {
        out.push(2, 5); // three symbols of two bits: RUNA, RUNB, end
        out.push(0, 3);
    }
    out.push(0b00_10, 4); // RUNA once, end
    let bits = out.len();
    let mut stream = Writer::default();
    for byte in b"BZh9" {
        stream.push(u64::from(*byte), 8);
    }
    stream.copy(&out.finish(), 0, bits).unwrap();
    stream.push(END >> 24, 24);
    stream.push(END, 24);
    stream.push(0x19939b6b, 32);
    stream.finish()
}

#[test]
fn magic_numbers_inside_data_are_data() {
    for magic in [BLOCK, END] {
        let one = block_that_holds(magic);
        assert_eq!(read(&one, 100).as_deref(), Ok(&b"a"[..]));
        let sound = stream(&[&noise(5000, 1), b"two"]);
        assert_eq!(read(&[&sound[..], &one, &sound].concat(), 20_000).map(|out| out.len()), Ok(5003 + 1 + 5003));
        assert_eq!(read(&[&one[..], &sound, b"x"].concat(), 20_000), malformed("bzip2: bz2 header missing"));
        for end in 1..one.len() {
            assert_eq!(read(&one[..end], 100), truncated());
        }
    }
}

#[test]
fn randomised_blocks_are_read_as_by_libbz2() {
    let content = noise(3000, 7);
    let mut whole = stream(&[&content, &content]);
    // The bit after the CRC marks a randomised block. Setting this bit changes the decoded bytes, so the CRC no longer matches.
    whole[14] |= 0x80;
    assert_eq!(read(&whole, 10_000), malformed("bzip2: invalid data"));
}

/// The streams expand to fifty gigabytes. Decoding stops when the caller stops reading.
#[test]
fn decoding_stops_when_reading_stops() {
    let bomb = compress(&vec![0; 40_000_000]);
    assert!(bomb.len() < 100);
    assert_eq!(read(&bomb, 40_000_000).map(|out| out.len()), Ok(40_000_000));
    let (kind, _) = read(&bomb.repeat(1_250), 45_000_000).unwrap_err();
    assert_eq!(kind, ErrorKind::FileTooLarge);
    let small = stream(&[b"one", b"two"]);
    assert_eq!(read(&[&small[..], b"x"].concat(), 6), malformed("bzip2: bz2 header missing"));
}

#[test]
fn input_in_other_formats_is_refused() {
    for other in [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], b"\xfd7zXZ\0\0", &[0; 1024]] {
        assert!(matches!(read(other, 100), Err((ErrorKind::InvalidInput, _))), "{other:?}");
    }
}

#[test]
fn an_input_error_is_reported_after_the_bytes_before_it() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let whole = stream(&[b"one", &noise(100, 3), b"two"]);
    for cut in [0, 3, 30, whole.len() - 1, whole.len()] {
        let ends = [1, 2].map(|threads| {
            let mut reader = Decoder::new(whole[..cut].chain(Fails), threads);
            let mut bytes = Vec::new();
            let error = reader.read_to_end(&mut bytes).unwrap_err();
            (bytes, error.to_string())
        });
        assert_eq!(ends[0], ends[1], "cut at {cut}");
        assert_eq!(ends[0].1, "the disk is gone");
    }
}

/// The fuzz target's initial corpus and its findings.
#[test]
fn every_input_of_the_corpus_is_decoded_as_by_libbz2() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/bzip2");
    let paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty());
    for path in paths {
        eprintln!("{}", path.display());
        any_bytes(&std::fs::read(path).unwrap());
    }
}
