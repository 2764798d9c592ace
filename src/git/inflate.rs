//! Inflates zlib streams (RFC 1950) whose inflated size is known or bounded.

use flate2::{Decompress, FlushDecompress, Status};

/// Why a stream cannot be inflated or does not match its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum InflateFault {
    #[error("its zlib stream is corrupt or truncated")]
    Stream,
    #[error("its inflated size is not the size in its header")]
    Size,
    #[error("it does not fit into the available memory")]
    Memory,
}

/// Content that does not have to be in memory all at once is read in pieces of this size.
const PIECE: usize = 1 << 16;

/// A decoder that is reused for many streams.
pub(super) struct Inflater {
    state: Decompress,
    piece: Vec<u8>,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(true), piece: Vec::new() }
    }

    /// Inflates one stream of exactly `size` bytes into `out`, which is cleared first. Returns the number of `input`
    /// bytes used. The caller must have compared `size` with a limit.
    pub(super) fn inflate(&mut self, input: &[u8], size: usize, out: &mut Vec<u8>) -> Result<usize, InflateFault> {
        self.state.reset(true);
        out.clear();
        // One extra byte of space makes it possible to detect a stream that is too long.
        out.try_reserve_exact(size.saturating_add(1)).map_err(|_| InflateFault::Memory)?;
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let (before_in, before_out) = (self.state.total_in(), out.len());
            let status =
                self.state.decompress_vec(rest, out, FlushDecompress::Finish).map_err(|_| InflateFault::Stream)?;
            let taken = usize::try_from(self.state.total_in() - before_in).unwrap_or(usize::MAX);
            used = used.saturating_add(taken);
            if out.len() > size {
                return Err(InflateFault::Size);
            }
            if status == Status::StreamEnd {
                return if out.len() == size { Ok(used) } else { Err(InflateFault::Size) };
            }
            if taken == 0 && out.len() == before_out {
                return Err(InflateFault::Stream);
            }
        }
    }

    /// Returns at most `length` bytes from the start of the inflated stream.
    pub(super) fn peek(&mut self, input: &[u8], length: usize) -> Result<Vec<u8>, InflateFault> {
        self.state.reset(true);
        let mut out = Vec::with_capacity(length);
        self.state.decompress_vec(input, &mut out, FlushDecompress::None).map_err(|_| InflateFault::Stream)?;
        out.truncate(length);
        Ok(out)
    }

    /// Inflates one stream of at most `most` bytes and passes them to `sink` piece by piece. Returns the number of
    /// `input` bytes used, and the number of bytes inflated.
    pub(super) fn inflate_through(
        &mut self,
        input: &[u8],
        most: u64,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(usize, u64), InflateFault> {
        self.state.reset(true);
        self.piece.resize(PIECE, 0);
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(rest, &mut self.piece, FlushDecompress::None)
                .map_err(|_| InflateFault::Stream)?;
            let taken = usize::try_from(self.state.total_in() - before_in).unwrap_or(usize::MAX);
            let given = usize::try_from(self.state.total_out() - before_out).unwrap_or(usize::MAX);
            used = used.saturating_add(taken);
            sink(self.piece.get(..given).unwrap_or_default());
            if self.state.total_out() > most {
                return Err(InflateFault::Size);
            }
            if status == Status::StreamEnd {
                return Ok((used, self.state.total_out()));
            }
            if taken == 0 && given == 0 {
                return Err(InflateFault::Stream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn deflate(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn streams_must_have_exactly_the_expected_size() {
        let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        let mut stream = deflate(&content);
        let length = stream.len();
        stream.extend_from_slice(b"next entry");
        let mut inflater = Inflater::new();
        let mut out = Vec::new();
        assert_eq!(inflater.inflate(&stream, content.len(), &mut out), Ok(length));
        assert_eq!(out, content);
        assert_eq!(inflater.inflate(&stream, content.len() - 1, &mut out), Err(InflateFault::Size));
        assert_eq!(inflater.inflate(&stream, content.len() + 1, &mut out), Err(InflateFault::Size));
        assert_eq!(inflater.inflate(&stream[..length - 1], content.len(), &mut out), Err(InflateFault::Stream));
        let mut gathered = Vec::new();
        let most = content.len() as u64;
        let answer = inflater.inflate_through(&stream, most, |piece| gathered.extend_from_slice(piece));
        assert_eq!(answer, Ok((length, most)));
        assert_eq!(gathered, content);
        assert_eq!(inflater.inflate_through(&stream, most - 1, |_| {}), Err(InflateFault::Size));
        assert_eq!(inflater.inflate_through(&stream[..length - 1], most, |_| {}), Err(InflateFault::Stream));
    }

    #[test]
    fn an_empty_object_is_accepted_and_a_broken_checksum_is_refused() {
        let mut inflater = Inflater::new();
        let mut out = Vec::new();
        let empty = deflate(b"");
        assert_eq!(inflater.inflate(&empty, 0, &mut out), Ok(empty.len()));
        let mut broken = deflate(b"hello");
        *broken.last_mut().unwrap() ^= 1;
        assert_eq!(inflater.inflate(&broken, 5, &mut out), Err(InflateFault::Stream));
    }
}
