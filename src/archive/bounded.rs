//! Decompresses bzip2 with bounded output.

use std::io::{self, Read};

use bzip2_threads::Decoder;

use crate::base::error::Error;
use crate::base::limits::Bound;

/// Decompresses `input` on `threads` threads: one or more concatenated bzip2 streams, with nothing after the last stream.
///
/// Block and stream CRCs are checked. If the output exceeds `bound`, the reader fails with [`Error::OverLimit`]: a few bytes can expand to gigabytes.
/// The output and any error do not depend on `threads` or on the sizes of reads.
pub(crate) fn decompress<R: Read>(input: R, threads: usize, what: &str, bound: Bound) -> impl Read + use<R> {
    Capped { inner: Decoder::new(input, threads), left: bound.allowed, error: bound.exceeded(what) }
}

struct Capped<R> {
    inner: R,
    left: u64,
    error: Error,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(self.error.clone().into()),
            };
        }
        let want = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.inner.read(buffer.get_mut(..want).unwrap_or_default())?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use bzip2::Compression;
    use bzip2::read::BzEncoder;

    use super::*;
    use crate::base::limits::Limits;

    fn compress(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        BzEncoder::new(bytes, Compression::best()).read_to_end(&mut out).unwrap();
        out
    }

    /// Returns the number of decompressed bytes or the error, which must be the same with one thread and with three.
    fn count(bytes: &[u8], expanded_bytes: u64) -> Result<u64, Error> {
        let bound = Limits { expanded_bytes, ..Limits::default() }.expanded_bytes();
        let counts = [1, 3].map(|threads| {
            let mut expanded = decompress(bytes, threads, "test", bound);
            io::copy(&mut expanded, &mut io::sink()).map_err(|error| Error::from_read("test", error))
        });
        assert_eq!(counts[0], counts[1]);
        counts.into_iter().next().unwrap()
    }

    #[test]
    fn a_decompression_bomb_stops_at_the_limit() {
        let over = |expanded_bytes| {
            let limits = Limits { expanded_bytes, ..Limits::default() };
            Err(limits.expanded_bytes().exceeded("test"))
        };
        let bomb = compress(&vec![0; 40_000_000]);
        assert!(bomb.len() < 100);
        assert_eq!(count(&bomb, 1_000_000), over(1_000_000));
        assert_eq!(count(&bomb, 39_999_999), over(39_999_999));
        assert_eq!(count(&bomb, 40_000_000), Ok(40_000_000));
        // Fifty gigabytes of concatenated streams: decompression stops at the bound.
        assert_eq!(count(&bomb.repeat(1_250), 45_000_000), over(45_000_000));
        let small = [compress(b"one"), compress(b"two")].concat();
        assert_eq!(count(&small, 6), Ok(6));
        assert_eq!(count(&small, 5), over(5));
        let tail = Err(Error::malformed("test", "bzip2: bz2 header missing"));
        assert_eq!(count(&[&small[..], b"x"].concat(), 6), tail);
        assert_eq!(count(&small[..small.len() - 1], 6), Err(Error::Truncated { what: "test".into() }));
    }
}
