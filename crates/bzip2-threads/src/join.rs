//! Joins the walked segments into the text of a block.

use super::walk::Walk;

/// The text of a block of `length` bytes. The text equals the reversed output of one walk from the start, because a walk yields the end of the text
/// first. `None` if the segments do not lead back to the start.
///
/// If a text consists of repetitions or a block was crafted, the walk can return to the start before it has visited all bytes. The text then consists
/// of the visited bytes, repeated.
pub(super) fn join(walk: &Walk, length: usize) -> Option<Vec<u8>> {
    let mut way = Vec::new();
    let (mut seed, mut left) = (0, length);
    loop {
        let (bytes, next) = walk.segment(seed)?;
        // Every segment has at least one byte, so this loop ends.
        left = left.checked_sub(bytes.len()).filter(|_| !bytes.is_empty())?;
        way.push(bytes);
        seed = next;
        if seed == 0 {
            break;
        }
    }
    let mut text = Vec::with_capacity(length);
    for bytes in way.into_iter().rev() {
        let (rest, eights) = bytes.as_rchunks::<8>();
        text.extend(eights.iter().rev().flat_map(|eight| u64::from_le_bytes(*eight).to_be_bytes()));
        text.extend(rest.iter().rev());
    }
    while text.len() < length {
        // Doubles the text in each step.
        text.extend_from_within(..text.len().min(length - text.len()));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::links::Links;
    use super::super::links::tests::{set, sort};
    use super::super::seeds::Seeds;
    use super::*;

    /// The text that libbz2 decodes from a column in one walk, from the beginning of the text to its end.
    fn serial(column: &[u8], start: u32) -> Vec<u8> {
        let mut rows: Vec<usize> = (0..column.len()).collect();
        rows.sort_by_key(|&row| column[row]);
        let mut row = start as usize;
        (0..column.len())
            .map(|_| {
                row = rows[row];
                column[row]
            })
            .collect()
    }

    /// Decodes one block after another with the same memory.
    fn same(columns: impl IntoIterator<Item = (Vec<u8>, u32)>) {
        let (mut links, mut walk) = (Links::new().unwrap(), Walk::new());
        for (column, start) in columns {
            set(&mut links, &column);
            let expected = serial(&column, start);
            let seeds = Seeds::mark(&mut links, start).unwrap();
            walk.walk(&links, seeds);
            assert!(join(&walk, column.len()) == Some(expected), "start {start} of {}", column.len());
        }
    }

    fn noise(count: usize, values: u32) -> Vec<u8> {
        let next = |state: &u32| Some(state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f));
        let states = std::iter::successors(Some(u32::try_from(count).unwrap()), next);
        states.map(|state| ((state >> 8) % values).to_le_bytes()[0]).take(count).collect()
    }

    #[test]
    fn text_is_restored_from_its_sorted_column() {
        let (mut links, mut walk) = (Links::new().unwrap(), Walk::new());
        for text in [b"banana".to_vec(), b"a".to_vec(), noise(3000, 256), noise(2000, 3), b"some words ".repeat(99)] {
            let (column, start) = sort(&text);
            set(&mut links, &column);
            let seeds = Seeds::mark(&mut links, start).unwrap();
            walk.walk(&links, seeds);
            assert_eq!(join(&walk, text.len()), Some(text));
        }
    }

    /// The links of any column form a permutation, and most permutations have many cycles.
    #[test]
    fn invalid_columns_give_the_same_result_as_with_one_lane() {
        same((1..600).map(|count| (noise(count, 256), 0)));
        same((1..600).map(|count| (noise(count * 30, 2), u32::try_from(count).unwrap() - 1)));
        same([0, 511, 512, 513, 99_999].map(|start| (noise(100_000, 256), start)));
        same([(noise(900_000, 256), 77), (noise(10, 2), 3), (noise(900_000, 7), 899_999)]);
    }

    #[test]
    fn cycles_of_different_lengths_are_walked() {
        // In this column, each row leads to itself.
        same([0, 1, 4999].map(|start| (vec![7; 5000], start)));
        // The cycles of these columns have from 1 to 2742 rows.
        let rising = |count: usize, step: usize| (0..count).map(|at| (at / step).to_le_bytes()[0]).collect::<Vec<_>>();
        same([1, 2, 3, 700, 5000].map(|step| (rising(5000, step), 1234)));
        // Rotating a sorted column by one row results in a cycle of all rows except 999.
        let mut turned = rising(200_000, 1000);
        turned.rotate_right(1);
        same([0, 512, 199_999].map(|start| (turned.clone(), start)));
    }
}
