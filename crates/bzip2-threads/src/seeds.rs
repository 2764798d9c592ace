//! The seeds at which the lanes of a walk begin: the start of the text, and evenly spaced rows. Because the rows are sorted, these rows can be
//! anywhere in the text.

use std::ops::Range;

use super::links::Links;

/// The base-2 logarithm of the number of rows between two seeds. Each additional seed costs time; fewer seeds leave lanes idle at the end.
const SHIFT: u32 = 9;

/// The seeds of a block. The start of the text is seed 0; the other seeds are numbered from 1.
#[derive(Debug, Clone)]
pub(super) struct Seeds {
    start: u32,
    /// Seeds not yet assigned to a lane.
    waiting: Range<u32>,
}

impl Seeds {
    /// Marks the links of a block's seeds. `None` if the block has no row `start`.
    pub(super) fn mark(links: &mut Links, start: u32) -> Option<Self> {
        let rows = u32::try_from(links.rows()).ok().filter(|rows| start < *rows)?;
        let seeds = Self { start, waiting: 0..1 + rows.div_ceil(1 << SHIFT) };
        seeds.waiting.clone().for_each(|number| links.mark(seeds.row(number)));
        Some(seeds)
    }

    /// The greatest seed number plus one.
    pub(super) fn end(&self) -> usize {
        self.waiting.end as usize
    }

    fn row(&self, number: u32) -> u32 {
        number.checked_sub(1).map_or(self.start, |before| before << SHIFT)
    }

    /// The seed number of a marked row.
    pub(super) fn number(&self, row: u32) -> u32 {
        if row == self.start { 0 } else { (row >> SHIFT) + 1 }
    }

    /// The next seed: its number and its row.
    pub(super) fn next(&mut self) -> Option<(u32, u32)> {
        loop {
            let number = self.waiting.next()?;
            let row = self.row(number);
            // If the start of the text is one of the evenly spaced rows, that row is skipped here, because it is already seed 0.
            if self.number(row) == number {
                return Some((number, row));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::links::tests::set;
    use super::*;

    #[test]
    fn seeds_are_marked_and_found_by_row() {
        let column = vec![7; 5000];
        for (start, rows) in [(0, 1), (0, 5000), (512, 5000), (4999, 5000), (77, 512), (512, 513), (1, 2)] {
            let mut links = Links::new().unwrap();
            set(&mut links, &column[..rows as usize]);
            assert!(Seeds::mark(&mut links, rows).is_none());
            let mut seeds = Seeds::mark(&mut links, start).unwrap();
            let (end, mut rows_found) = (seeds.end(), Vec::new());
            while let Some((number, row)) = seeds.next() {
                assert_eq!((seeds.number(row), (number as usize) < end), (number, true));
                rows_found.push(row);
            }
            assert_eq!(rows_found[0], start);
            rows_found.sort_unstable();
            let marked: Vec<u32> = (0..rows).filter(|&row| links.get(row).is_marked()).collect();
            assert_eq!(rows_found, marked);
            let even = (0..rows).step_by(512).filter(|&row| row != start).count();
            assert_eq!(marked.len(), even + 1);
        }
    }
}
