//! From symbols to the column of the sorted block: Huffman codes, runs of the front byte, moves to the front.
//!
//! Most of the time is spent here, so little of it may depend on the symbol: the processor would guess wrong. Five symbols at a time are
//! read, and then carried out. A digit of a run takes the byte at the front, which changes nothing in the list, and writes it as often as its weight says; any other
//! symbol takes its byte and writes it once.

use std::hint::select_unpredictable;

use super::bits::Reader;
use super::front::{Behind, Front};
use super::header::Tables;
use super::huffman::{Codes, Symbol};
use super::links::{Links, Writer};
use super::rows::Rows;

/// Symbols that are read with one table, before the next selector.
const GROUP: usize = 50;
/// Symbols that are read at a time: so many short codes are in what a reader holds.
const BATCH: usize = 5;
/// Reads the symbols of a block whose bytes are `list`, up to the one that ends it. `None` if none does, or if there are more than
/// `most` bytes, which must leave some thousand places free.
pub(super) fn read(
    bits: &mut Reader<'_>,
    tables: &Tables,
    list: &[u8; 256],
    most: usize,
    rows: &mut Rows,
    links: &mut Links,
) -> Option<()> {
    let front = Front::new(list, rows);
    let mut column = Column { links: links.writer(), rows, behind: Behind::get(), front, weight: 1 };
    let mut reader = *bits;
    for codes in tables.groups() {
        for _ in 0..GROUP / BATCH {
            let mut batch = [Symbol::default(); BATCH];
            let count = read_batch(&mut reader, codes, &mut batch)?;
            if count < BATCH {
                batch.iter().take(count).try_for_each(|&symbol| column.write(symbol))?;
                *bits = reader;
                let length = column.links.rows();
                links.finish(length);
                return (length <= most).then_some(());
            }
            let [a, b, c, d, e] = batch;
            column.write(a)?;
            column.write(b)?;
            column.write(c)?;
            column.write(d)?;
            column.write(e)?;
        }
        // Short runs of a group write some thousand links blindly at most: that many are always free.
        if column.links.rows() > most {
            return None;
        }
    }
    None
}

/// Reads symbols up to the end of the block: how many. `None` for bits that are no code.
#[inline(always)]
fn read_batch(bits: &mut Reader<'_>, codes: &Codes, batch: &mut [Symbol; BATCH]) -> Option<usize> {
    bits.fill()?;
    for (count, slot) in batch.iter_mut().enumerate() {
        let mut symbol = codes.look(bits.peek());
        if symbol.bits() == 0 {
            bits.fill()?;
            symbol = codes.find(bits.peek())?;
            bits.skip(symbol.bits());
            bits.fill()?;
            if symbol.is_end() {
                return Some(count);
            }
        } else {
            bits.skip(symbol.bits());
        }
        *slot = symbol;
    }
    Some(BATCH)
}

/// What symbols make: the column of the block, as links.
struct Column<'c> {
    links: Writer<'c>,
    rows: &'c mut Rows,
    behind: &'static Behind,
    front: Front,
    /// What the next digit of a run counts.
    weight: usize,
}

impl Column<'_> {
    /// Carries out a symbol. `None` if there are more bytes than a block may have.
    #[inline(always)]
    fn write(&mut self, symbol: Symbol) -> Option<()> {
        let place = symbol.place();
        let Some(byte) = self.front.take(place, self.behind) else {
            self.weight = 1;
            return self.links.one(self.front.take_far(place, self.rows));
        };
        let copies = select_unpredictable(symbol.is_digit(), self.weight << symbol.shift(), 1);
        self.weight = select_unpredictable(symbol.is_digit(), self.weight << 1, 1);
        self.links.run(byte, copies)
    }
}
