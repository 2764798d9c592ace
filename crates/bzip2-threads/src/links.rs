//! The way from each byte of a block to the one before it in its text.
//!
//! A block is sorted by its rotations, and the column that is stored holds the last byte of each row, which is the byte before the first one. Rows that begin with
//! the same byte are in the order of what follows it, and so are the bytes of the column: the third `a` of the column is the first byte
//! of the third row that begins with `a`, and in the column of that row is the byte before it.
//!
//! So the text comes out from its end to its beginning. The other direction is as long a way, but its links would have to be written in the order of the rows
//! that they lead to, here and there in four megabytes. In this one they are written one behind the other.

use super::symbols::PLACES;

/// For each row of the sorted block the row of the byte before, in the highest twenty bits, and the byte of its column, in the lowest
/// eight; the bit above the byte is a mark. Its memory is used again for each block.
pub(super) struct Links(Box<[u32; PLACES]>);

/// The bit of a link that marks it.
const MARK: u32 = 1 << 8;
/// Bits below the number of a row.
const BELOW: u32 = 12;
/// A row that no block has.
const NOWHERE: u32 = (1 << 20) - 1;

/// One link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(u32);

impl Link {
    /// A link to itself that is never marked.
    pub(super) const NOWHERE: Self = Self(NOWHERE << BELOW);

    #[inline(always)]
    pub(super) fn byte(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    #[inline(always)]
    pub(super) fn is_marked(self) -> bool {
        self.0 & MARK != 0
    }

    /// The row that it leads to.
    #[inline(always)]
    pub(super) fn next(self) -> u32 {
        self.0 >> BELOW
    }
}

impl Links {
    /// `None` where there is no memory of this size.
    pub(super) fn new() -> Option<Self> {
        Some(Self(vec![0; PLACES].into_boxed_slice().try_into().ok()?))
    }

    /// Links the rows of a block whose stored column is `column`, in which each byte is so often.
    pub(super) fn set(&mut self, column: &[u8], counts: &[u32; 256]) {
        let mut sum = 0;
        // The next row that begins with a byte, where a link has it, and the byte.
        let mut links = [0u32; 256];
        for (byte, (link, count)) in (0u32..).zip(links.iter_mut().zip(counts)) {
            *link = sum << BELOW | byte;
            sum += count;
        }
        for (slot, &byte) in self.0.iter_mut().zip(column) {
            if let Some(link) = links.get_mut(usize::from(byte)) {
                *slot = *link;
                // The last one is not used.
                *link = link.wrapping_add(1 << BELOW);
            }
        }
        self.put(NOWHERE, Link::NOWHERE.0);
    }

    /// The link of a row.
    #[inline(always)]
    pub(super) fn get(&self, row: u32) -> Link {
        Link(self.0.get(row as usize).copied().unwrap_or_default())
    }

    /// The link of a row, as if it were not marked.
    pub(super) fn get_unmarked(&self, row: u32) -> Link {
        Link(self.get(row).0 & !MARK)
    }

    pub(super) fn mark(&mut self, row: u32) {
        self.put(row, self.get(row).0 | MARK);
    }

    fn put(&mut self, row: u32, link: u32) {
        if let Some(slot) = self.0.get_mut(row as usize) {
            *slot = link;
        }
    }
}

/// What the tests of the walk compare with.
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A column as it is, and how often each byte is in it.
    pub(in super::super) fn counts(column: &[u8]) -> [u32; 256] {
        let mut counts = [0; 256];
        column.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
        counts
    }

    /// The last column of the sorted rotations of `text`, and the row in which the text is.
    pub(in super::super) fn sort(text: &[u8]) -> (Vec<u8>, u32) {
        let mut rows: Vec<usize> = (0..text.len()).collect();
        let rotation = |at: usize| text[at..].iter().chain(&text[..at]);
        rows.sort_by(|&a, &b| rotation(a).cmp(rotation(b)));
        let last = |&at: &usize| text[(at + text.len() - 1) % text.len()];
        let start = rows.iter().position(|&at| at == 0).unwrap();
        (rows.iter().map(last).collect(), u32::try_from(start).unwrap())
    }

    #[test]
    fn links_lead_backwards_through_the_text() {
        let (column, start) = sort(b"banana");
        assert_eq!((column.as_slice(), start), (&b"nnbaaa"[..], 3));
        let mut links = Links::new().unwrap();
        links.set(b"whatever was there before", &counts(b"whatever was there before"));
        links.set(&column, &counts(&column));
        let (mut row, mut text) = (start, Vec::new());
        for _ in 0..6 {
            text.push(links.get(row).byte());
            row = links.get(row).next();
        }
        assert_eq!((text.as_slice(), row), (&b"ananab"[..], start));
    }

    #[test]
    fn a_mark_changes_nothing_else() {
        let mut links = Links::new().unwrap();
        links.set(&[255; 10], &counts(&[255; 10]));
        let plain = links.get(7);
        links.mark(7);
        assert!(links.get(7).is_marked() && !plain.is_marked() && !links.get(8).is_marked());
        assert_eq!((links.get(7).next(), links.get(7).byte(), links.get_unmarked(7)), (7, 255, plain));
    }

    #[test]
    fn nowhere_leads_to_itself() {
        let mut links = Links::new().unwrap();
        links.set(b"a", &counts(b"a"));
        assert_eq!(links.get(Link::NOWHERE.next()), Link::NOWHERE);
        assert!(!Link::NOWHERE.is_marked());
    }
}
