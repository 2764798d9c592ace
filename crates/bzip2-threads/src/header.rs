//! What a block says before its symbols: its CRC, where its text begins, the bytes that occur, and tables of codes.

use super::bits::Reader;
use super::huffman::{CODE_BITS_MAX, Codes, SYMBOLS_MAX};

/// libbz2 keeps no more selectors, and passes over those behind them.
const SELECTORS_MAX: usize = 18_002;
/// A block has two tables at least, and this many at most.
const TABLES_MAX: usize = 6;

/// What a block says before its symbols.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// The CRC of what the block holds.
    pub(super) crc: u32,
    /// Where the text begins, in sorted order.
    pub(super) start: u32,
    /// The bytes that occur, in order, and then zeros.
    pub(super) list: [u8; 256],
}

/// The codes of a block, and which of them are used when. One is enough for a thread: its memory is used again for each block.
#[derive(Default)]
pub(super) struct Tables {
    codes: [Codes; TABLES_MAX],
    selectors: Vec<u8>,
}

impl Header {
    /// Reads a block up to its first symbol. `None` if there is anything odd about it, such as that it is randomised.
    pub(super) fn read(reader: &mut Reader<'_>, tables: &mut Tables) -> Option<Self> {
        // The magic number: it has been looked at.
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

/// The bytes that occur, in order, and how many they are.
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
    /// The tables of the groups of symbols, one after the other.
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

    /// Selectors are places in a list of tables, of which the one that is named moves to the front.
    fn read_selectors(&mut self, reader: &mut Reader<'_>, tables: usize, count: usize) -> Option<()> {
        let mut order = [0, 1, 2, 3, 4, 5];
        self.selectors.clear();
        for _ in 0..count {
            let mut at = 0;
            while reader.read(1)? == 1 {
                at += 1;
                if at >= tables {
                    return None;
                }
            }
            order.get_mut(..=at)?.rotate_right(1);
            self.selectors.extend(order.first());
        }
        self.selectors.truncate(SELECTORS_MAX);
        Some(())
    }
}

/// The lengths of codes: each begins at the one before and says how often it is one more or one less.
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
