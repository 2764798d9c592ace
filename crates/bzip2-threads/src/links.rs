//! Links from each byte of a block to the byte before it in the text.
//!
//! A block stores the last column of the sorted rotations of its text. In the text, the last byte of a row comes before its first byte. Rows that
//! begin with the same byte are sorted by what follows that byte, and equal bytes of the column are in the order of these rows. For example, the
//! third `a` of the column is the first byte of the third row that begins with `a`, and the column's byte in that row is the byte before this `a`.
//!
//! Following the links therefore yields the text from its end to its beginning. Following forward links would take the same number of steps, but each
//! forward link would have to be written at the row that the backward link leads to, so the writes would be scattered over four megabytes. Backward
//! links are written sequentially while the column is read. A link contains the number of equal bytes in earlier rows. The first row that begins with
//! the byte is added when the link is followed, because that row is known only after all bytes are counted.

/// The capacity in rows, which is more than a block can have and makes every twenty-bit number a valid index.
const PLACES: usize = 1 << 20;
/// The bit that marks a link.
const MARK: u32 = 1 << 8;
/// The number of bits below the count in a link.
const BELOW: u32 = 12;
/// The number of a row that does not exist in any block.
const NOWHERE: u32 = (1 << 20) - 1;
/// The number of links of a run that are written at once.
const BLIND: usize = 16;

/// The links of a block. The memory of the links is reused for each block.
pub(super) struct Links {
    /// For each row, the column's byte in the lowest eight bits, and the number of equal bytes in earlier rows in the highest twenty.
    links: Box<[u32; PLACES]>,
    rows: usize,
    /// For each byte value, the next link for that value while the column is read.
    next: [u32; 256],
    /// For each byte value, the first row that begins with it, shifted like the count in a link.
    first: [u32; 256],
}

/// Writes links. This state is separate from [`Links`], so that a loop can keep it in registers.
pub(super) struct Writer<'l> {
    links: &'l mut [u32; PLACES],
    next: &'l mut [u32; 256],
    rows: usize,
}

/// A single link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(u32);

impl Link {
    /// A link to a row that does not exist in any block. The link stored for that row is this same link.
    pub(super) const NOWHERE: Self = Self(NOWHERE << BELOW);

    #[inline(always)]
    pub(super) fn byte(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    #[inline(always)]
    pub(super) fn is_marked(self) -> bool {
        self.0 & MARK != 0
    }
}

impl Writer<'_> {
    /// Writes the link of the next row, whose byte is `byte`. `None` if there is no room for the link.
    #[inline(always)]
    pub(super) fn one(&mut self, byte: u8) -> Option<()> {
        let next = self.next.get_mut(usize::from(byte))?;
        *self.links.get_mut(self.rows)? = *next;
        *next = next.wrapping_add(1 << BELOW);
        self.rows += 1;
        Some(())
    }

    /// Writes the links of the next `copies` rows, whose byte is `byte`. `None` if there is no room
    /// for these links or for sixteen.
    ///
    /// This function always writes at least sixteen links, so that no branch depends on `copies`. Later links overwrite the surplus ones.
    #[inline(always)]
    pub(super) fn run(&mut self, byte: u8, copies: u32) -> Option<()> {
        let next = self.next.get_mut(usize::from(byte))?;
        let blind = self.links.get_mut(self.rows..)?.first_chunk_mut::<BLIND>()?;
        for (number, link) in (0u32..).zip(blind) {
            *link = next.wrapping_add(number << BELOW);
        }
        let rows = copies as usize;
        if rows > BLIND {
            fill(self.links.get_mut(self.rows..)?.get_mut(..rows)?, *next);
        }
        *next = next.wrapping_add(copies << BELOW);
        self.rows += rows;
        Some(())
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }
}

#[cold]
#[inline(never)]
fn fill(links: &mut [u32], mut next: u32) {
    for link in links {
        *link = next;
        next = next.wrapping_add(1 << BELOW);
    }
}

impl Links {
    /// `None` if the array has the wrong length, which cannot happen. If the memory cannot be allocated, the process is aborted.
    pub(super) fn new() -> Option<Self> {
        let links = vec![0; PLACES].into_boxed_slice().try_into().ok()?;
        Some(Self { links, rows: 0, next: [0; 256], first: [0; 256] })
    }

    /// Begins the links of a block. After the last link, call [`Self::finish`] with the number of links.
    pub(super) fn writer(&mut self) -> Writer<'_> {
        for (byte, next) in (0u32..).zip(&mut self.next) {
            *next = byte;
        }
        Writer { links: &mut self.links, next: &mut self.next, rows: 0 }
    }

    /// Computes the first row of each byte value in a block of `rows` rows, each of which has a link.
    pub(super) fn finish(&mut self, rows: usize) {
        let mut sum = 0;
        for (first, next) in self.first.iter_mut().zip(&self.next) {
            *first = sum << BELOW;
            sum += next >> BELOW;
        }
        self.rows = rows;
        self.put(NOWHERE, Link::NOWHERE.0);
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The link of a row.
    #[inline(always)]
    pub(super) fn get(&self, row: u32) -> Link {
        Link(self.links.get(row as usize).copied().unwrap_or_default())
    }

    /// The row that a link leads to.
    #[inline(always)]
    pub(super) fn follow(&self, link: Link) -> u32 {
        let first = self.first.get(usize::from(link.byte())).copied().unwrap_or_default();
        link.0.wrapping_add(first) >> BELOW
    }

    /// The link of a row, without its mark.
    pub(super) fn get_unmarked(&self, row: u32) -> Link {
        Link(self.get(row).0 & !MARK)
    }

    pub(super) fn mark(&mut self, row: u32) {
        self.put(row, self.get(row).0 | MARK);
    }

    fn put(&mut self, row: u32, link: u32) {
        if let Some(slot) = self.links.get_mut(row as usize) {
            *slot = link;
        }
    }
}

/// Helpers shared with the tests of the walk.
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The column from which links were made.
    pub(in super::super) fn column(links: &Links) -> Vec<u8> {
        links.links[..links.rows].iter().map(|&link| Link(link).byte()).collect()
    }

    /// Makes links from a column.
    pub(in super::super) fn set(links: &mut Links, column: &[u8]) {
        let mut writer = links.writer();
        column.iter().for_each(|&byte| writer.one(byte).unwrap());
        let rows = writer.rows();
        links.finish(rows);
    }

    /// The last column of the sorted rotations of `text`, and the row of the text itself.
    pub(in super::super) fn sort(text: &[u8]) -> (Vec<u8>, u32) {
        let mut rows: Vec<usize> = (0..text.len()).collect();
        let rotation = |at: usize| text[at..].iter().chain(&text[..at]);
        rows.sort_by(|&a, &b| rotation(a).cmp(rotation(b)));
        let last = |&at: &usize| text[(at + text.len() - 1) % text.len()];
        let start = rows.iter().position(|&at| at == 0).unwrap();
        (rows.iter().map(last).collect(), u32::try_from(start).unwrap())
    }

    #[test]
    fn following_the_links_gives_the_text_backwards() {
        let (column, start) = sort(b"banana");
        assert_eq!((column.as_slice(), start), (&b"nnbaaa"[..], 3));
        let mut links = Links::new().unwrap();
        set(&mut links, b"an earlier column");
        set(&mut links, &column);
        let (mut row, mut text) = (start, Vec::new());
        for _ in 0..6 {
            text.push(links.get(row).byte());
            row = links.follow(links.get(row));
        }
        assert_eq!((text.as_slice(), row, links.rows()), (&b"ananab"[..], start, 6));
    }

    #[test]
    fn writing_a_run_gives_the_same_links_as_writing_single_bytes() {
        let (mut links, mut single) = (Links::new().unwrap(), Links::new().unwrap());
        let mut writer = links.writer();
        let mut column = Vec::new();
        for (byte, copies) in (0..200u32).map(|at| ((at * at % 11).to_le_bytes()[0], at * at % 37 + 1)) {
            writer.run(byte, copies).unwrap();
            writer.one(7).unwrap();
            column.extend(std::iter::repeat_n(byte, copies as usize).chain([7]));
        }
        let rows = writer.rows();
        links.finish(rows);
        set(&mut single, &column);
        assert!(rows == column.len() && links.links[..rows] == single.links[..rows] && links.first == single.first);
    }

    #[test]
    fn links_beyond_the_capacity_are_refused() {
        let mut links = Links::new().unwrap();
        let mut writer = links.writer();
        let most = u32::try_from(PLACES).unwrap();
        assert!(writer.run(3, most + 1).is_none() && writer.run(3, most).is_some());
        assert!(writer.run(3, 1).is_none() && writer.one(3).is_none());
    }

    #[test]
    fn marking_a_link_changes_only_its_mark() {
        let mut links = Links::new().unwrap();
        set(&mut links, &[255; 10]);
        let plain = links.get(7);
        links.mark(7);
        assert!(links.get(7).is_marked() && !plain.is_marked() && !links.get(8).is_marked());
        assert_eq!((links.follow(links.get(7)), links.get(7).byte(), links.get_unmarked(7)), (7, 255, plain));
    }

    #[test]
    fn the_nowhere_link_leads_to_itself() {
        let mut links = Links::new().unwrap();
        set(&mut links, b"\x00\x01");
        assert_eq!(links.get(links.follow(Link::NOWHERE)), Link::NOWHERE);
        assert!(!Link::NOWHERE.is_marked());
    }
}
