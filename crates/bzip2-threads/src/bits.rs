//! Reads and writes bits, the highest bit of each byte first, as bzip2 does.

/// Reads `count` bits, at most 56, from bit `at` onward. `None` if `bytes` is too short.
pub(super) fn read(bytes: &[u8], at: u64, count: u32) -> Option<u64> {
    let first = usize::try_from(at / 8).ok()?;
    let end = at % 8 + u64::from(count);
    let span = bytes.get(first..)?.get(..usize::try_from(end.div_ceil(8)).ok()?)?;
    let bits = span.iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
    Some(bits >> (span.len() as u64 * 8 - end) & ((1 << count) - 1))
}

/// Reads bits in sequence, from any bit onward. The reader is `Copy`, so that a loop can keep a local copy in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'b> {
    /// Bytes that are not in the buffer yet.
    rest: &'b [u8],
    /// The next bits; the first of them is the highest bit.
    buffer: u64,
    /// The number of valid bits, counted from the highest bit of the buffer. Below them, the buffer may already contain correct bits of the next
    /// byte.
    left: u32,
}

impl<'b> Reader<'b> {
    /// The number of padding bytes that must follow the data: the buffer may be eight bytes ahead, and [`Self::fill`] reads eight more.
    pub(super) const PADDING: usize = 16;

    /// Reads `bytes` from bit `start` of the first byte onward. `None` if there are fewer than eight bytes.
    pub(super) fn new(bytes: &'b [u8], start: u32) -> Option<Self> {
        let mut reader = Self { rest: bytes, buffer: 0, left: 0 };
        reader.fill()?;
        reader.skip(start & 7);
        Some(reader)
    }

    /// The next `count` bits, at most 32. `None` if [`Self::fill`] returns `None`.
    pub(super) fn read(&mut self, count: u32) -> Option<u32> {
        self.fill()?;
        // There are at most 32 bits, so nothing is truncated.
        let bits = (self.buffer >> 32 >> (32 - count)) as u32;
        self.skip(count);
        Some(bits)
    }

    /// The number of unread bits.
    pub(super) fn remaining(&self) -> u64 {
        self.rest.len() as u64 * 8 + u64::from(self.left)
    }

    /// Fills the buffer so that the highest 56 bits of [`Self::peek`] are the next ones. `None` if fewer than eight bytes are left.
    #[inline(always)]
    pub(super) fn fill(&mut self) -> Option<()> {
        self.buffer |= u64::from_be_bytes(*self.rest.first_chunk::<8>()?) >> self.left;
        // The number of whole bytes that fit. The mask tells the compiler that this number is at most seven.
        self.rest = self.rest.get(((63 - self.left) >> 3 & 7) as usize..)?;
        self.left |= 56;
        Some(())
    }

    /// The next bits; the first of them is the highest bit.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.buffer
    }

    /// Skips `count` bits, which must be available after [`Self::fill`].
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer <<= count & 63;
        self.left = self.left.wrapping_sub(count) & 63;
    }
}

/// Collects bits into bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// The number of unused bits in the last byte.
    free: u32,
}

impl Writer {
    /// Appends the lowest `count` bits of `value`, at most 32.
    pub(super) fn push(&mut self, value: u64, count: u32) {
        for at in (0..count).rev() {
            self.push_bit(value >> at & 1 != 0);
        }
    }

    pub(super) fn push_bit(&mut self, bit: bool) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << self.free;
        }
    }

    /// Appends the bits of `bytes` from `start` up to `end`. `None` if `bytes` is too short.
    pub(super) fn copy(&mut self, bytes: &[u8], start: u64, end: u64) -> Option<()> {
        let mut at = start;
        // Bulk copying needs a byte boundary in the output; anything else is copied bit by bit.
        if self.free == 0 {
            let whole = usize::try_from(end.checked_sub(start)? / 8).ok()?;
            let from = bytes.get(usize::try_from(start / 8).ok()?..)?;
            match start % 8 {
                0 => self.bytes.extend_from_slice(from.get(..whole)?),
                shift => {
                    let pairs = from.get(..whole)?.iter().zip(from.get(1..=whole)?);
                    self.bytes.extend(pairs.map(|(high, low)| high << shift | low >> (8 - shift)));
                }
            }
            at += whole as u64 * 8;
        }
        while at < end {
            self.push_bit(read(bytes, at, 1)? != 0);
            at += 1;
        }
        Some(())
    }

    /// The number of bits.
    #[cfg(test)]
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64 * 8 - u64::from(self.free)
    }

    /// The bytes. Unused bits of the last byte are zero.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_any_length_return_the_expected_bits() {
        let mut bytes: Vec<u8> = (0..200u32).map(|at| ((at * at * 77) >> 3).to_le_bytes()[0]).collect();
        bytes.extend([0; Reader::PADDING]);
        for start in 0..8 {
            let (mut reader, mut at) = (Reader::new(&bytes, start).unwrap(), u64::from(start));
            for count in (0..=32).cycle() {
                if at + u64::from(count) > 200 * 8 {
                    break;
                }
                assert_eq!(reader.read(count).map(u64::from), read(&bytes, at, count), "{count} bits at {at}");
                at += u64::from(count);
                assert_eq!(reader.remaining(), bytes.len() as u64 * 8 - at);
            }
        }
    }

    #[test]
    fn reader_stops_at_the_end_of_its_bytes() {
        assert!(Reader::new(&[1; 7], 0).is_none());
        let mut reader = Reader::new(&[0xff; 8], 7).unwrap();
        assert_eq!(reader.read(32), None);
    }

    #[test]
    fn writer_copies_any_range_of_bits() {
        let bytes: Vec<u8> = (0..40u8).map(|at| at.wrapping_mul(41)).collect();
        for (start, end) in (0..20).flat_map(|start| (start..start + 90).map(move |end| (start, end))) {
            for before in [0, 3] {
                let mut out = Writer::default();
                out.push(5, before);
                out.copy(&bytes, start, end).unwrap();
                assert_eq!(out.len(), u64::from(before) + end - start);
                let out = out.finish();
                for at in start..end {
                    assert_eq!(read(&out, u64::from(before) + at - start, 1), read(&bytes, at, 1));
                }
            }
        }
        assert!(Writer::default().copy(&bytes, 0, 321).is_none());
    }
}
