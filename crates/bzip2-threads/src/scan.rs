//! Where blocks and streams may begin and end: the two magic numbers of bzip2, at any bit.

/// What a block begins with: the digits of pi, 48 bits.
pub(super) const BLOCK: u64 = 0x3141_5926_5359;
/// What a stream ends with, before its CRC: the digits of the square root of pi.
pub(super) const END: u64 = 0x1772_4538_5090;
/// Bits of either.
pub(super) const MAGIC_BITS: u64 = 48;

/// Bytes that a magic number touches, at most.
const SPAN: usize = 7;

/// A magic number. Data of a block can hold the same bits by chance, or by intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its first bit.
    pub(super) at: u64,
    pub(super) is: Magic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Magic {
    Block,
    End,
}

/// For each value of a byte inside of a magic number, the shifts at which it can stand there: eight bits for [`BLOCK`], eight for
/// [`END`]. Two bytes in a row leave one place of some thousand to be looked at.
pub(super) struct Scanner {
    third: [u16; 256],
    fourth: [u16; 256],
}

impl Scanner {
    pub(super) fn new() -> Self {
        let table = |from_top: u32| {
            std::array::from_fn(|value| {
                let fits = |magic: u64, shift: u32| magic >> (40 - from_top + shift) & 0xff == value as u64;
                let shifts =
                    |magic| (0..8).filter(|&shift| fits(magic, shift)).fold(0, |mask, shift| mask | 1 << shift);
                shifts(BLOCK) | shifts(END) << 8
            })
        };
        Self { third: table(16), fourth: table(24) }
    }

    /// Every mark in `bytes`, of which the first is byte number `start`, in order. A mark in the last six bytes may be left for
    /// the next call: the number of bytes that are done is the answer.
    pub(super) fn scan(&self, bytes: &[u8], start: u64, mut found: impl FnMut(Mark)) -> usize {
        for (at, window) in bytes.windows(SPAN).enumerate() {
            let &[_, _, third, fourth, ..] = window else { continue };
            let shifts = |table: &[u16; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or_default();
            if shifts(&self.third, third) & shifts(&self.fourth, fourth) != 0 {
                let bits = window.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
                for shift in 0..8 {
                    let is = match bits >> (8 - shift) & ((1 << MAGIC_BITS) - 1) {
                        BLOCK => Magic::Block,
                        END => Magic::End,
                        _ => continue,
                    };
                    found(Mark { at: (start + at as u64) * 8 + shift, is });
                }
            }
        }
        (bytes.len() + 1).saturating_sub(SPAN)
    }
}
