//! The far part of the list of bytes: take one out, put another one on top.
//!
//! In a plain list each byte before the one that is taken moves by one. Here the list is cut into sixteen rows, and only the row out of which
//! a byte is taken closes its gap; the rows before it keep their bytes and are counted as one place farther back. The first row takes
//! what is put on top and grows, the others only shrink, and when the first one is full, all is cut anew. No step depends on which byte it is, so
//! there is nothing that the processor could guess wrong.

/// Rows of the list, the growing one included.
const ROWS: usize = 16;
/// Bytes of a row, after the list was cut.
const CUT: usize = 16;
/// Bytes that a row can hold.
const FULL: usize = 32;
/// Bytes of all rows.
pub(super) const FAR: usize = (ROWS - 1) * CUT;

pub(super) struct Rows {
    /// How many bytes are before each row, and before all that is behind the last. The first row's is no number but 255, which no place
    /// is behind.
    before: [u8; 2 * ROWS],
    /// Each row with its last byte first, so that a byte on top comes last and moves none. Rows begin on lines of the cache.
    rows: [[u8; 2 * FULL]; ROWS],
    /// For each place in a row the bytes that move down when it becomes free.
    moved: [[u8; FULL]; FULL],
}

impl Default for Rows {
    fn default() -> Self {
        let moved = |place| std::array::from_fn(|at| if at >= place { 0xff } else { 0 });
        Self { before: [0; 2 * ROWS], rows: [[0; 2 * FULL]; ROWS], moved: std::array::from_fn(moved) }
    }
}

impl Rows {
    /// Makes `list` the list; what it lacks is zeros.
    pub(super) fn set(&mut self, list: &[u8]) {
        let mut backwards = [0; FAR];
        for (to, byte) in backwards.iter_mut().rev().zip(list) {
            *to = *byte;
        }
        self.cut(&backwards);
    }

    /// Takes the byte at `place`, below [`FAR`], and puts `top` on top.
    #[inline(always)]
    pub(super) fn take(&mut self, place: u8, top: u8) -> u8 {
        let mut row = 0;
        for before in self.before.iter_mut().take(ROWS) {
            let reached = u8::from(*before <= place);
            *before += reached;
            row += reached;
        }
        let row = usize::from(row) % ROWS;
        let behind = self.before.get(row + 1).copied().unwrap_or_default();
        let at = usize::from(behind.wrapping_sub(place).wrapping_sub(1)) % FULL;
        let byte = self.close(row, at);
        let [_, held, ..] = self.before;
        let [growing, ..] = &mut self.rows;
        if let Some(slot) = growing.get_mut(usize::from(held.wrapping_sub(1)) % FULL) {
            *slot = top;
        }
        if usize::from(held) == FULL {
            self.cut_again();
        }
        byte
    }

    /// Takes the byte `at` a place of a row out of it.
    #[inline(always)]
    fn close(&mut self, row: usize, at: usize) -> u8 {
        let (Some(row), Some(moved)) = (self.rows.get_mut(row), self.moved.get(at)) else { return 0 };
        let byte = row.get(at).copied().unwrap_or_default();
        let [_, next @ ..] = *row;
        for ((byte, next), moved) in row.iter_mut().zip(next).zip(moved) {
            *byte = *byte & !moved | next & moved;
        }
        byte
    }

    /// Puts the rows behind each other, and cuts them anew.
    #[inline(never)]
    fn cut_again(&mut self) {
        let mut backwards = [0; FAR];
        let ends = self.before.iter().skip(1).take(ROWS);
        for (number, (row, end)) in self.rows.iter().zip(ends).enumerate().rev() {
            // All but the first have a cut's length at most, and what is above it is overwritten by the row before.
            let length = if number == 0 { FULL } else { CUT };
            let to = backwards.get_mut(FAR.saturating_sub(usize::from(*end))..);
            if let Some((to, from)) = to.and_then(|to| to.get_mut(..length)).zip(row.get(..length)) {
                to.copy_from_slice(from);
            }
        }
        self.cut(&backwards);
    }

    /// Makes rows of a list whose last byte is the first here. The growing row is empty.
    fn cut(&mut self, backwards: &[u8; FAR]) {
        let (cuts, _) = backwards.as_chunks::<CUT>();
        for (row, cut) in self.rows.iter_mut().rev().zip(cuts) {
            if let Some(row) = row.first_chunk_mut() {
                *row = *cut;
            }
        }
        self.before = std::array::from_fn(|row| (row.min(ROWS).wrapping_sub(1).wrapping_mul(CUT)).to_le_bytes()[0]);
        let [none, ..] = &mut self.before;
        *none = u8::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list, and the same as rows.
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
    fn rows_are_a_list_whatever_is_taken() {
        for place in 0..240 {
            same(std::iter::repeat_n(place, 300));
        }
        same((0..240).chain((0..240).rev()).cycle().take(10_000));
        let noise =
            std::iter::successors(Some(1u32), |state| Some(state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f)));
        same(noise.map(|value| ((value >> 16) % 240).to_le_bytes()[0]).take(100_000));
    }

    #[test]
    fn a_short_list_ends_with_zeros() {
        let mut rows = Rows::default();
        rows.set(&[5, 6, 7]);
        assert_eq!(
            [rows.take(2, 1), rows.take(2, 2), rows.take(1, 3), rows.take(4, 4), rows.take(200, 5)],
            [7, 6, 1, 0, 0]
        );
    }
}
