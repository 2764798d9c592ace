//! The part of a block before its symbols: its CRC, the start of its text, the byte values in the text, and the code tables.

use super::bits::Reader;
use super::huffman::{CODE_BITS_MAX, Codes, SYMBOLS_MAX};

/// libbz2 keeps at most this many selectors and ignores the rest.
const SELECTORS_MAX: usize = 18_002;
/// The maximum number of tables in a block. The minimum is two.
const TABLES_MAX: usize = 6;

/// The fields of a block before its code tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// The CRC of the block's content.
    pub(super) crc: u32,
    /// The row of the sorted rotations at which the text begins.
    pub(super) start: u32,
    /// The byte values in the text, in ascending order, followed by zeros.
    pub(super) list: [u8; 256],
}

/// A block's code tables, and the table that each group of symbols uses. A thread reuses one [`Tables`] for all its blocks.
#[derive(Default)]
pub(super) struct Tables {
    codes: [Codes; TABLES_MAX],
    selectors: Vec<u8>,
}

impl Header {
    /// Reads a block up to its first symbol. `None` if anything about it is unusual, for example if it is randomised.
    pub(super) fn read(reader: &mut Reader<'_>, tables: &mut Tables) -> Option<Self> {
        // The magic number, which has already been checked.
        reader.read(24)?;
        reader.read(24)?;
        let crc = reader.read(32)?;
        let randomised = reader.read(1)? == 1;
        let start = reader.read(24)?;
        let (list, used) = read_alphabet(reader)?;
        if randomised || used == 0 {
            return None;
        }
        tables.read(reader, used + 2)?;
        Some(Self { crc, start, list })
    }
}

/// The byte values in the text, in ascending order, and their number.
fn read_alphabet(reader: &mut Reader<'_>) -> Option<([u8; 256], usize)> {
    let mut list = [0; 256];
    let mut used = 0;
    let rows = reader.read(16)?;
    for row in (0..16u8).filter(|row| rows >> (15 - row) & 1 == 1) {
        let columns = reader.read(16)?;
        for column in (0..16u8).filter(|column| columns >> (15 - column) & 1 == 1) {
            if let Some(slot) = list.get_mut(used) {
                *slot = row << 4 | column;
            }
            used += 1;
        }
    }
    Some((list, used))
}

impl Tables {
    /// The table of each group of symbols, in order.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Codes> {
        self.selectors.iter().filter_map(|&selector| self.codes.get(usize::from(selector)))
    }

    fn read(&mut self, reader: &mut Reader<'_>, symbols: usize) -> Option<()> {
        let count = reader.read(3)?;
        let selectors = reader.read(15)?;
        if !(2..=6).contains(&count) || selectors == 0 {
            return None;
        }
        self.read_selectors(reader, count as usize, selectors as usize)?;
        let mut lengths = [0; SYMBOLS_MAX];
        let lengths = lengths.get_mut(..symbols)?;
        for codes in self.codes.iter_mut().take(count as usize) {
            read_lengths(reader, lengths)?;
            codes.set(lengths)?;
        }
        Some(())
    }

    /// A selector is a position in a move-to-front list of tables.
    fn read_selectors(&mut self, reader: &mut Reader<'_>, tables: usize, count: usize) -> Option<()> {
        // The list has four bits per table, and the first table is in the lowest bits.
        let mut order = 0x54_3210_u32;
        self.selectors.clear();
        for _ in 0..count {
            reader.fill()?;
            let place = reader.peek().leading_ones();
            if place as usize >= tables {
                return None;
            }
            reader.skip(place + 1);
            let before = (1 << (4 * place)) - 1;
            let table = order >> (4 * place) & 15;
            order = order & !(before << 4 | 15) | (order & before) << 4 | table;
            self.selectors.push(table.to_le_bytes()[0]);
        }
        self.selectors.truncate(SELECTORS_MAX);
        Some(())
    }
}

/// Reads code lengths. Each length starts from the previous one; bits in the stream then raise or lower it one step at a time.
fn read_lengths(reader: &mut Reader<'_>, lengths: &mut [u8]) -> Option<()> {
    let mut length = reader.read(5)?;
    for slot in lengths {
        loop {
            if !(1..=CODE_BITS_MAX).contains(&length) {
                return None;
            }
            match reader.read(1)? {
                0 => break,
                _ if reader.read(1)? == 0 => length += 1,
                _ => length -= 1,
            }
        }
        *slot = u8::try_from(length).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::bits::Writer;
    use super::*;

    /// A block up to its symbols, with three byte values and tables of five codes. Its magic number is replaced with zeros.
    fn block(randomised: bool, tables: u64, selectors: &[u32], first_length: u64) -> Vec<u8> {
        let mut out = Writer::default();
        out.push(0, 24);
        out.push(0, 24);
        out.push(0xdead_beef, 32);
        out.push_bit(randomised);
        out.push(77, 24);
        out.push(1 << 9 | 1, 16);
        out.push(1 << 15, 16); // 0x60
        out.push(3, 16); // 0xfe, 0xff
        out.push(tables, 3);
        out.push(selectors.len() as u64, 15);
        for &place in selectors {
            (0..place).for_each(|_| out.push_bit(true));
            out.push_bit(false);
        }
        for _ in 0..tables {
            out.push(first_length, 5);
            // The first code is two bits shorter than `first_length`, and each of the other four is one bit shorter.
            out.push(0b11110, 5);
            out.push(0b100_000, 6);
        }
        let mut bytes = out.finish();
        bytes.extend([0; Reader::PADDING]);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<(Header, Vec<u8>)> {
        let (mut reader, mut tables) = (Reader::new(bytes, 0).unwrap(), Tables::default());
        let header = Header::read(&mut reader, &mut tables)?;
        Some((header, tables.selectors))
    }

    #[test]
    fn header_fields_are_read() {
        let (header, selectors) = read(&block(false, 6, &[5, 5, 0, 3, 2, 1, 4], 4)).unwrap();
        assert_eq!((header.crc, header.start, &header.list[..4]), (0xdead_beef, 77, &[0x60, 0xfe, 0xff, 0][..]));
        // The expected tables, from a plain list.
        let mut order: Vec<u8> = (0..6).collect();
        let plain = [5, 5, 0, 3, 2, 1, 4].map(|place| {
            let table = order.remove(place);
            order.insert(0, table);
            table
        });
        assert_eq!(selectors, plain);
    }

    #[test]
    fn invalid_headers_are_refused() {
        assert!(read(&block(false, 2, &[1, 0], 4)).is_some());
        assert!(read(&block(true, 2, &[1, 0], 4)).is_none());
        for tables in [0, 1, 7] {
            assert!(read(&block(false, tables, &[0], 4)).is_none());
        }
        assert!(read(&block(false, 2, &[], 4)).is_none());
        assert!(read(&block(false, 2, &[2], 4)).is_none());
        // These cases have a code length of 0, a code length of 21, more codes than the lengths allow, and no byte values.
        assert!(read(&block(false, 2, &[0], 2)).is_none());
        assert!(read(&block(false, 2, &[0], 21)).is_none());
        assert!(read(&block(false, 2, &[0], 3)).is_none());
        assert!(read(&[0; 100]).is_none());
    }

    #[test]
    fn selectors_beyond_the_limit_of_libbz2_are_ignored() {
        let (_, selectors) = read(&block(false, 2, &[1; 20_000], 4)).unwrap();
        assert_eq!(selectors.len(), 18_002);
    }
}
