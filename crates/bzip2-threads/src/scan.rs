//! Finds the two magic numbers of bzip2, at any bit. They mark the positions at which a block may begin or a stream may end.

/// The 48 bits with which a block begins: digits of pi.
pub(super) const BLOCK: u64 = 0x3141_5926_5359;
/// The 48 bits that end a stream, before its CRC: digits of the square root of pi.
pub(super) const END: u64 = 0x1772_4538_5090;
/// The number of bits in each magic number.
pub(super) const MAGIC_BITS: u64 = 48;

/// The maximum number of bytes that a magic number touches.
const SPAN: usize = 7;

/// A magic number. The data of a block can also contain these bits, by chance or on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The position of its first bit.
    pub(super) at: u64,
    pub(super) is: Magic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Magic {
    Block,
    End,
}

/// Searches for magic numbers.
///
/// Regardless of the bit at which a magic number begins, its bits fill the second to sixth bytes that it touches. One of the four byte pairs among
/// them begins at a multiple of four, and that pair can have only 64 values. Therefore, a test of one pair in every four bytes leaves only one
/// position in a thousand for a closer check.
pub(super) struct Scanner {
    /// One bit for each possible pair of bytes, which states whether the pair can be part of a magic number.
    pairs: Box<[u64; 1 << 10]>,
}

impl Scanner {
    pub(super) fn new() -> Self {
        let mut pairs = Box::new([0; 1 << 10]);
        for bits in (0..32).flat_map(|from_end| [BLOCK >> from_end, END >> from_end]) {
            let pair = usize::from((bits & 0xffff) as u16);
            if let Some(word) = pairs.get_mut(pair / 64) {
                *word |= 1 << (pair % 64);
            }
        }
        Self { pairs }
    }

    /// Finds every magic number in `bytes`, in order; the first byte is byte number `start` of the input. A magic number that begins in the
    /// last six bytes is left for the next call. Returns the number of bytes searched.
    pub(super) fn scan(&self, bytes: &[u8], start: u64, mut found: impl FnMut(Mark)) -> usize {
        let done = (bytes.len() + 1).saturating_sub(SPAN);
        let mut looked_at = 0;
        let (fours, _) = bytes.as_chunks::<4>();
        for (number, _) in fours.iter().enumerate().filter(|(_, four)| self.fits(**four)) {
            let pair = number * 4;
            looked_at = pair.min(done);
            (pair.saturating_sub(4)..looked_at).for_each(|place| look(bytes, place, start, &mut found));
        }
        // The end of `bytes`, which the loop above does not cover.
        (looked_at.max(done.saturating_sub(4))..done).for_each(|place| look(bytes, place, start, &mut found));
        done
    }

    #[inline(always)]
    fn fits(&self, [first, second, ..]: [u8; 4]) -> bool {
        let pair = usize::from(u16::from_be_bytes([first, second]));
        self.pairs.get(pair / 64).is_some_and(|word| word >> (pair % 64) & 1 != 0)
    }
}

/// The magic numbers that begin in the byte `place`.
#[cold]
fn look(bytes: &[u8], place: usize, start: u64, found: &mut impl FnMut(Mark)) {
    let Some(span) = bytes.get(place..).and_then(|rest| rest.first_chunk::<SPAN>()) else { return };
    let bits = span.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    for shift in 0..8 {
        let is = match bits >> (8 - shift) & ((1 << MAGIC_BITS) - 1) {
            BLOCK => Magic::Block,
            END => Magic::End,
            _ => continue,
        };
        found(Mark { at: (start + place as u64) * 8 + shift, is });
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::{Writer, read};
    use super::*;

    /// The reference implementation: bit by bit.
    fn naive(bytes: &[u8], start: u64) -> Vec<Mark> {
        let is = |at| match read(bytes, at, 48) {
            Some(BLOCK) => Some(Magic::Block),
            Some(END) => Some(Magic::End),
            _ => None,
        };
        let found = |at| is(at).map(|is| Mark { at: start * 8 + at, is });
        (0..bytes.len() as u64 * 8).filter_map(found).collect()
    }

    /// Scans the input in pieces of `piece` bytes, as a window does.
    fn scan(bytes: &[u8], start: u64, piece: usize) -> Vec<Mark> {
        let (scanner, mut marks, mut done) = (Scanner::new(), Vec::new(), 0);
        for end in (0..bytes.len()).step_by(piece).chain([bytes.len()]) {
            done += scanner.scan(&bytes[done..end.max(done)], start + done as u64, |mark| marks.push(mark));
        }
        marks
    }

    #[test]
    fn magic_numbers_are_found_at_every_bit() {
        for before in 0..100 {
            for magic in [BLOCK, END] {
                let mut out = Writer::default();
                (0..before).for_each(|at| out.push_bit(at % 3 == 0));
                out.push(magic >> 24, 24);
                out.push(magic, 24);
                out.push(0x5a5a, before % 19);
                out.push(magic >> 24, 24);
                out.push(magic, 24);
                let bytes = out.finish();
                let mut expected = naive(&bytes, 77);
                // A magic number that begins in the last six bytes is not found. In a stream, at least a CRC follows each magic number.
                expected.retain(|mark| mark.at / 8 + 7 <= 77 + bytes.len() as u64);
                assert!(!expected.is_empty());
                for piece in [1, 3, 7, 8, 1000] {
                    assert_eq!(scan(&bytes, 77, piece), expected, "{before} bits before, {piece} bytes at a time");
                }
            }
        }
    }

    #[test]
    fn a_magic_number_with_one_wrong_bit_is_not_found() {
        for bit in 0..48 {
            let mut out = Writer::default();
            out.push(0, 5);
            out.push((BLOCK ^ 1 << bit) >> 24, 24);
            out.push(BLOCK ^ 1 << bit, 24);
            out.push(0, 32);
            assert_eq!(scan(&out.finish(), 0, 1000), []);
        }
    }
}
