//! The part of the move-to-front list after its first sixteen bytes. Each step removes one byte and puts a new byte in front.
//!
//! In a plain list, each byte before the removed one moves by one position. Here the list is cut into sixteen rows, and only the row of the
//! removed byte closes its gap; the earlier rows keep their bytes and are counted as one position farther back. The first row receives the
//! new bytes and grows; the others only shrink. When the first row is full, two other rows are merged, and an empty
//! row is put in front. No other branch depends on the bytes' positions, so the processor seldom mispredicts one.

/// The number of rows in the list, including the growing row.
const ROWS: usize = 16;
/// The initial length of every row except the first.
const CUT: usize = 16;
/// The capacity of a row. There are always two neighbouring rows that fit into one; otherwise, all rows together would have more than 240 bytes.
const FULL: usize = 32;
/// The list. Everything that one step reads is aligned for the fast vector instructions of x86-64.
#[repr(align(64))]
pub(super) struct Rows {
    /// Each row is stored with its last byte first, so that adding a byte in front does not move any other byte. The second half exists only for
    /// reads beyond a row's end.
    rows: [[u8; 2 * FULL]; ROWS],
    /// For each position in a row, a mask of the bytes that move down when the position becomes free.
    moved: [[u8; FULL]; FULL],
    /// The number of bytes before each row; from entry [`ROWS`] onward, the length of the list. The first row's entry is 255, which no
    /// position reaches.
    before: [u8; 2 * ROWS],
    /// The first eight entries of `before` plus the second eight, added as 64-bit numbers.
    total: u64,
}

impl Default for Rows {
    fn default() -> Self {
        let moved = |place| std::array::from_fn(|at| if at >= place { 0xff } else { 0 });
        Self { rows: [[0; 2 * FULL]; ROWS], moved: std::array::from_fn(moved), before: [0; 2 * ROWS], total: 0 }
    }
}

impl Rows {
    /// Replaces the list with `list`, padded with zeros.
    pub(super) fn set(&mut self, list: &[u8]) {
        self.before = std::array::from_fn(|row| row.min(ROWS).wrapping_sub(1).wrapping_mul(CUT).to_le_bytes()[0]);
        let [none, ..] = &mut self.before;
        *none = u8::MAX;
        self.total = self.total();
        let mut list = list.iter().copied().chain(std::iter::repeat(0));
        for row in self.rows.iter_mut().skip(1) {
            row.iter_mut().take(CUT).rev().zip(&mut list).for_each(|(slot, byte)| *slot = byte);
        }
    }

    /// Removes the byte at `place`, which is below 240, and puts `top` in front.
    #[inline(always)]
    pub(super) fn take(&mut self, place: u8, top: u8) -> u8 {
        let row = self.reach(place);
        let behind = self.before.get(row + 1).copied().unwrap_or_default();
        let at = usize::from(behind.wrapping_sub(place).wrapping_sub(1)) % FULL;
        let byte = self.close(row, at);
        let [_, held, ..] = self.before;
        let [growing, ..] = &mut self.rows;
        if let Some(slot) = growing.get_mut(usize::from(held.wrapping_sub(1)) % FULL) {
            *slot = top;
        }
        if usize::from(held) == FULL {
            self.begin_row();
        }
        byte
    }

    /// The row that contains `place`. Afterwards, this row and the rows before it, except the
    /// first, are counted as one position farther back.
    #[inline(always)]
    fn reach(&mut self, place: u8) -> usize {
        for before in self.before.iter_mut().take(ROWS) {
            *before += u8::from(*before <= place);
        }
        // Each byte of `grown` represents two entries of `before`, and counts how many of them grew. The sum of these bytes is the row's index.
        let total = self.total();
        let grown = total.wrapping_sub(std::mem::replace(&mut self.total, total));
        (grown.wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize % ROWS
    }

    /// Removes the byte at position `at` from a row.
    #[inline(always)]
    fn close(&mut self, row: usize, at: usize) -> u8 {
        let (Some(row), Some(moved)) = (self.rows.get_mut(row), self.moved.get(at)) else { return 0 };
        let byte = row.get(at).copied().unwrap_or_default();
        let [_, next @ ..] = *row;
        for ((byte, next), moved) in row.iter_mut().zip(next).zip(moved) {
            *byte ^= (*byte ^ next) & moved;
        }
        byte
    }

    /// Makes the full first row the second row, and makes room for it by merging two other rows.
    #[cold]
    #[inline(never)]
    fn begin_row(&mut self) {
        let before = self.before;
        let fits = |ends: &[u8]| matches!(ends, [start, _, end] if usize::from(end.wrapping_sub(*start)) <= FULL);
        // The first of the two rows to merge. Neither row is the full one.
        let first = before.get(1..=ROWS).and_then(|ends| ends.windows(3).position(fits)).map_or(ROWS - 2, |at| at + 1);
        if let Some([front, back]) = self.rows.get_mut(first..first + 2)
            && let [.., middle, end] = before.get(..first + 3).unwrap_or_default()
            && let Some(free) = back.get_mut(usize::from(end.wrapping_sub(*middle))..)
        {
            free.iter_mut().zip(front).take(FULL).for_each(|(slot, byte)| *slot = *byte);
        }
        self.rows.copy_within(..first, 1);
        self.before.copy_within(1..=first, 2);
        let [_, held, ..] = &mut self.before;
        *held = 0;
        self.total = self.total();
    }

    #[inline(always)]
    fn total(&self) -> u64 {
        let (words, _) = self.before.as_chunks::<8>();
        words.iter().take(ROWS / 8).fold(0, |total, word| total.wrapping_add(u64::from_ne_bytes(*word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plain list, and the same list stored as rows.
    fn both() -> (Vec<u8>, Rows) {
        let list: Vec<u8> = (0..240u8).map(|at| at.wrapping_mul(11)).collect();
        let mut rows = Rows::default();
        rows.set(&[9; 240]);
        rows.set(&list);
        (list, rows)
    }

    fn same(places: impl Iterator<Item = u8>) {
        let (mut list, mut rows) = both();
        for (step, place) in places.enumerate() {
            let top = (step * 3).to_le_bytes()[0];
            let byte = list.remove(place.into());
            list.insert(0, top);
            assert_eq!(rows.take(place, top), byte, "place {place} in step {step}");
        }
    }

    #[test]
    fn rows_give_the_same_bytes_as_a_plain_list() {
        for place in 0..240 {
            same(std::iter::repeat_n(place, 300));
        }
        same((0..240).chain((0..240).rev()).cycle().take(10_000));
        let noise =
            std::iter::successors(Some(1u32), |state| Some(state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f)));
        same(noise.map(|value| ((value >> 16) % 240).to_le_bytes()[0]).take(100_000));
    }

    #[test]
    fn a_short_list_is_padded_with_zeros() {
        let mut rows = Rows::default();
        rows.set(&[5, 6, 7]);
        assert_eq!(
            [rows.take(2, 1), rows.take(2, 2), rows.take(1, 3), rows.take(4, 4), rows.take(200, 5)],
            [7, 6, 1, 0, 0]
        );
    }
}
