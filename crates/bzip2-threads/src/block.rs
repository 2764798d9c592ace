//! One block as a decoding job, and blocks with a chosen CRC.

use super::bits::{self, Reader, Writer};
use super::crc::POLYNOMIAL;
use super::scan::{END, MAGIC_BITS};

/// The number of bits in a stream header: `BZh` and a digit.
pub(super) const HEADER_BITS: u64 = 32;
/// The number of bits in a CRC.
pub(super) const CRC_BITS: u32 = 32;
/// The maximum block size of a stream: the digit in its header, in units of 100,000 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level(u8);

impl Level {
    /// Reads a stream header.
    pub(super) fn of_header(header: u64) -> Option<Self> {
        let [.., b'B', b'Z', b'h', digit @ b'1'..=b'9'] = header.to_be_bytes() else { return None };
        Some(Self(digit))
    }

    pub(super) fn header(self) -> u64 {
        u64::from(u32::from_be_bytes([b'B', b'Z', b'h', self.0]))
    }

    /// The maximum number of bytes in a block, before runs are expanded.
    pub(super) fn bytes(self) -> usize {
        usize::from(self.0 - b'0') * 100_000
    }
}

/// A block to decode.
pub(super) struct Job {
    pub(super) level: Level,
    /// The bytes that contain the block's bits, followed by padding with zeros.
    bytes: Vec<u8>,
    /// The position, within the first byte, of the bit at which the block begins.
    start: u32,
    /// The number of bits after the end of the block, including padding.
    behind: u64,
}

impl Job {
    /// The block between the bits `start` and `end` of `bytes`, and the CRC stored in the block.
    pub(super) fn new(level: Level, bytes: &[u8], start: u64, end: u64) -> Option<(Self, u32)> {
        let crc = bits::read(bytes, start + MAGIC_BITS, CRC_BITS)?;
        let first = usize::try_from(start / 8).ok()?;
        let own = bytes.get(first..usize::try_from(end.div_ceil(8)).ok()?)?;
        let mut bytes = Vec::with_capacity(own.len() + Reader::PADDING);
        bytes.extend_from_slice(own);
        bytes.extend_from_slice(&[0; Reader::PADDING]);
        let behind = (first as u64 + bytes.len() as u64) * 8 - end;
        Some((Self { level, bytes, start: u32::try_from(start % 8).ok()?, behind }, u32::try_from(crc).ok()?))
    }

    pub(super) fn reader(&self) -> Option<Reader<'_>> {
        Reader::new(&self.bytes, self.start)
    }

    /// Whether the block ends exactly at the reader's position.
    pub(super) fn ends(&self, reader: &Reader<'_>) -> bool {
        reader.remaining() == self.behind
    }
}

/// A stream header followed by a block whose CRC is `crc`, and the block's content. The block ends just before bit `end_bit` of a byte, so that the
/// rest of a stream can be appended without shifting its bits.
pub(super) fn with_crc(level: Level, crc: u32, end_bit: u64) -> Option<(Writer, [u8; 4])> {
    let content = content_with_crc(crc);
    let mut stream = vec![0; 1024];
    let mut encoder = bzip2::Compress::new(bzip2::Compression::fast(), 0);
    encoder.compress(&content, &mut stream, bzip2::Action::Finish).ok()?;
    stream.truncate(usize::try_from(encoder.total_out()).ok()?);
    let last = (stream.len() as u64 * 8).checked_sub(u64::from(CRC_BITS) + MAGIC_BITS)?;
    let end = (last.saturating_sub(7)..=last).find(|&at| bits::read(&stream, at, 48) == Some(END))?;

    // The block is padded with unused selectors: zero bits after the existing selectors.
    let map = HEADER_BITS + MAGIC_BITS + u64::from(CRC_BITS) + 1 + 24;
    let count_at = map + 16 + 16 * u64::from(bits::read(&stream, map, 16)?.count_ones()) + 3;
    let count = bits::read(&stream, count_at, 15)?;
    let mut selectors_end = count_at + 15;
    for _ in 0..count {
        while bits::read(&stream, selectors_end, 1)? == 1 {
            selectors_end += 1;
        }
        selectors_end += 1;
    }
    let more = (end_bit + 8 - end % 8) % 8;
    let mut out = Writer::default();
    out.push(level.header(), 32);
    out.copy(&stream, HEADER_BITS, count_at)?;
    out.push(count + more, 15);
    out.copy(&stream, count_at + 15, selectors_end)?;
    out.push(0, u32::try_from(more).ok()?);
    out.copy(&stream, selectors_end, end)?;
    Some((out, content))
}

/// The four bytes whose CRC-32, as bzip2 computes it, is `crc`. The bytes are found by running the 32 steps of the CRC backwards.
fn content_with_crc(crc: u32) -> [u8; 4] {
    let mut state = !crc;
    for _ in 0..32 {
        state = if state & 1 == 0 { state >> 1 } else { (state ^ POLYNOMIAL) >> 1 | 1 << 31 };
    }
    (!state).to_be_bytes()
}

/// The CRC of a stream after one more block.
pub(super) fn combine(combined: u32, crc: u32) -> u32 {
    combined.rotate_left(1) ^ crc
}

#[cfg(test)]
mod tests {
    use super::super::decode::Desk;
    use super::super::scan::BLOCK;
    use super::*;

    #[test]
    fn a_block_can_have_any_crc_and_end_at_any_bit() {
        let level = Level::of_header(u64::from(u32::from_be_bytes(*b"BZh7"))).unwrap();
        for crc in [0, 1, 0xffff_ffff, 0x8000_0000, 0x1234_5678, 0x3141_5926, 0xdead_beef] {
            for end_bit in 0..8 {
                let (block, content) = with_crc(level, crc, end_bit).unwrap();
                assert_eq!(block.len() % 8, end_bit);
                let (end, bytes) = (block.len(), block.finish());
                assert_eq!(bits::read(&bytes, HEADER_BITS, 48), Some(BLOCK));
                let (job, found) = Job::new(level, &bytes, HEADER_BITS, end).unwrap();
                assert_eq!((found, Desk::new().unwrap().decode(&job)), (crc, Some(content.to_vec())));
            }
        }
    }
}
