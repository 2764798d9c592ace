//! The move-to-front list of bytes.
//!
//! Most moves in text use the first positions; moves in noise use all of them. Therefore, the first sixteen bytes are stored in two words, and a move
//! within these words takes only a few masks and shifts. The other 240 bytes are stored in rows (`rows`); a byte that drops out of the words becomes
//! the first byte of the rows.

use std::hint::select_unpredictable;
use std::sync::LazyLock;

use super::rows::Rows;

/// The number of bytes in the two words.
const NEAR: u8 = 16;

/// The first sixteen bytes of the list; the first byte is the lowest byte of the first word. A loop keeps these words in registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Front {
    first: u64,
    second: u64,
}

/// For each position in the words, a mask of the bytes after it, which a move from that position does not change.
pub(super) struct Behind([(u64, u64); NEAR as usize]);

impl Behind {
    pub(super) fn get() -> &'static Self {
        static BEHIND: LazyLock<Behind> = LazyLock::new(|| {
            let word = |places: usize| u64::MAX.checked_shl(8 * u32::try_from(places).unwrap_or(8)).unwrap_or(0);
            Behind(std::array::from_fn(|place| (word(place + 1), word((place + 1).saturating_sub(8)))))
        });
        &BEHIND
    }
}

impl Front {
    /// Puts the beginning of `list` into the words and the rest into `rows`.
    pub(super) fn new(list: &[u8; 256], rows: &mut Rows) -> Self {
        let (near, far) = list.split_at(usize::from(NEAR));
        rows.set(far);
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let (first, second) = near.split_at(usize::from(NEAR) / 2);
        Self { first: word(first), second: word(second) }
    }

    /// Moves the byte at `place` to the front and returns it. `None` if the byte is not in the words.
    #[inline(always)]
    pub(super) fn take(&mut self, place: u8, behind: &Behind) -> Option<u8> {
        let &(first, second) = behind.0.get(usize::from(place))?;
        let word = select_unpredictable(place < 8, self.first, self.second);
        let byte = (word >> (8 * (place & 7))).to_le_bytes()[0];
        self.second = self.second & second | (self.second << 8 | self.first >> 56) & !second;
        self.first = self.first & first | self.first << 8 & !first | u64::from(byte);
        Some(byte)
    }

    /// Moves the byte at `place`, which is after the words, to the front and returns it.
    #[inline(always)]
    pub(super) fn take_far(&mut self, place: u8, rows: &mut Rows) -> u8 {
        let byte = rows.take(place.wrapping_sub(NEAR), self.second.to_be_bytes()[0]);
        self.second = self.second << 8 | self.first >> 56;
        self.first = self.first << 8 | u64::from(byte);
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_bytes_to_the_front_works_as_in_a_plain_list() {
        let mut list: [u8; 256] = std::array::from_fn(|at| (at * 7 + 3).to_le_bytes()[0]);
        let mut rows = Rows::default();
        let mut front = Front::new(&list, &mut rows);
        let mut state = 1u32;
        for step in 0..200_000u32 {
            state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            // Choose from all positions, the first positions, those around the boundary between words and rows, or the last positions.
            let place = match step >> 8 & 3 {
                0 => state >> 24,
                1 => state >> 28,
                2 => 6 + (state >> 28),
                _ => 240 + (state >> 28),
            };
            let at = place as usize;
            let byte = list[at];
            list.copy_within(..at, 1);
            list[0] = byte;
            let place = place.try_into().unwrap();
            let found = front.take(place, Behind::get()).unwrap_or_else(|| front.take_far(place, &mut rows));
            assert_eq!(found, byte, "place {place} in step {step}");
        }
    }
}
