//! bzip2 behind a bound on what comes out.

use std::io::{self, BufReader, Read};

use ::bzip2::bufread::MultiBzDecoder;

use crate::error::Error;

/// Decompresses `input`, one bzip2 stream or several behind each other, and nothing after the last.
///
/// Block and stream CRCs are checked by the decoder. After `allowed` bytes the reader fails with
/// [`Error::OverLimit`], before more is produced: a few bytes can expand to gigabytes.
pub(crate) fn decompress<R: Read>(input: R, what: &str, limit: &'static str, allowed: u64) -> impl Read + use<R> {
    let decoder = MultiBzDecoder::new(BufReader::with_capacity(1 << 16, input));
    Capped { inner: decoder, left: allowed, error: Error::OverLimit { what: what.into(), limit, allowed } }
}

struct Capped<R> {
    inner: R,
    left: u64,
    error: Error,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(self.error.clone().into()),
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::bzip2::Compression;
    use ::bzip2::read::BzEncoder;

    fn compress(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        BzEncoder::new(bytes, Compression::best()).read_to_end(&mut out).expect("in memory");
        out
    }

    fn read(input: &[u8], allowed: u64) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let mut reader = decompress(input, "test", "expanded_bytes", allowed);
        reader.read_to_end(&mut out).map_err(|error| Error::from_read("test", error))?;
        Ok(out)
    }

    #[test]
    fn streams_behind_each_other_are_read_and_tails_are_not() {
        let one = compress(b"one");
        let both = [one.clone(), compress(b"two")].concat();
        assert_eq!(read(&both, 100).as_deref(), Ok(&b"onetwo"[..]));
        for tail in [&b"B"[..], b"\0", b"BZh9", b"trailing garbage"] {
            assert!(read(&[one.as_slice(), tail].concat(), 100).is_err(), "{tail:?}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = compress(&b"some text that is long enough ".repeat(50));
        for end in 1..whole.len() {
            assert!(read(&whole[..end], 10_000).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_changed_byte_is_noticed_by_a_crc_or_changes_nothing() {
        let text = b"some text that is long enough ".repeat(50);
        let whole = compress(&text);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x40;
            if let Ok(out) = read(&changed, 10_000) {
                assert_eq!(out, text, "byte {at}");
            }
        }
    }

    #[test]
    fn a_bomb_ends_at_the_bound() {
        let bomb = compress(&vec![0; 40_000_000]);
        assert!(bomb.len() < 100);
        assert_eq!(
            read(&bomb, 1_000_000),
            Err(Error::OverLimit { what: "test".into(), limit: "expanded_bytes", allowed: 1_000_000 })
        );
    }

    #[test]
    fn other_formats_are_malformed() {
        for other in [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], b"\xfd7zXZ\0\0", &[0; 1024]] {
            assert!(matches!(read(other, 100), Err(Error::Malformed { .. })), "{other:?}");
        }
    }
}
