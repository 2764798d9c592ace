//! From symbols to the last column of the sorted block: Huffman codes, runs of the front byte, moves to the front.
//!
//! Most of the time is spent here, so little of it may depend on the symbol: the processor would guess wrong. Five symbols at a time are
//! read, and then carried out. A digit of a run takes the byte at the front, which changes nothing in the list, and writes it as often as its weight says; any other
//! symbol takes its byte and writes it once. Sixteen copies are written blindly, and what is too much is overwritten by the next symbol.

use std::hint::select_unpredictable;

use super::bits::Reader;
use super::front::{Behind, Front};
use super::header::Tables;
use super::huffman::{Codes, Symbol};
use super::rows::Rows;

/// Symbols that are read with one table, before the next selector.
const GROUP: usize = 50;
/// Symbols that are read at a time: so many short codes are in what a reader holds.
const BATCH: usize = 5;
/// Places of a column: more than a block may have, and so many that a number of twenty bits is always one.
pub(super) const PLACES: usize = 1 << 20;
/// Copies of a byte that are written at once.
const BLIND: usize = 16;

/// The last column of a sorted block. Its memory is used again for each block.
pub(super) struct Column {
    bytes: Box<[u8; PLACES]>,
    length: usize,
    /// How often each byte is in it.
    counts: [u32; 256],
    rows: Rows,
}

impl Column {
    /// `None` where there is no memory of this size.
    pub(super) fn new() -> Option<Self> {
        let bytes = vec![0; PLACES].into_boxed_slice().try_into().ok()?;
        Some(Self { bytes, length: 0, counts: [0; 256], rows: Rows::default() })
    }

    /// The bytes, and how often each value is among them.
    pub(super) fn bytes(&self) -> (&[u8], &[u32; 256]) {
        (self.bytes.get(..self.length).unwrap_or_default(), &self.counts)
    }

    /// Reads the symbols of a block whose bytes are `list`, up to the one that ends it. `None` if none does, or if there are more than
    /// `most` bytes, which must leave some thousand places free.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, tables: &Tables, list: &[u8; 256], most: usize) -> Option<()> {
        self.counts = [0; 256];
        let front = Front::new(list, &mut self.rows);
        let Self { bytes, counts, rows, length: end } = self;
        let mut writer = Writer { bytes, counts, rows, behind: Behind::get(), front, length: 0, weight: 1 };
        let mut bits = *reader;
        for codes in tables.groups() {
            for _ in 0..GROUP / BATCH {
                let mut batch = [Symbol::default(); BATCH];
                let count = read_batch(&mut bits, codes, &mut batch)?;
                if count < BATCH {
                    batch.iter().take(count).try_for_each(|&symbol| writer.write(symbol))?;
                    (*reader, *end) = (bits, writer.length);
                    return (writer.length <= most).then_some(());
                }
                let [a, b, c, d, e] = batch;
                writer.write(a)?;
                writer.write(b)?;
                writer.write(c)?;
                writer.write(d)?;
                writer.write(e)?;
            }
            // A group writes a few hundred bytes blindly: that many are always free.
            if writer.length > most {
                return None;
            }
        }
        None
    }
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

/// What changes from symbol to symbol.
struct Writer<'c> {
    bytes: &'c mut [u8; PLACES],
    counts: &'c mut [u32; 256],
    rows: &'c mut Rows,
    behind: &'static Behind,
    front: Front,
    /// Bytes that were written.
    length: usize,
    /// What the next digit of a run counts.
    weight: usize,
}

impl Writer<'_> {
    /// Carries out a symbol. `None` if there are more bytes than places.
    #[inline(always)]
    fn write(&mut self, symbol: Symbol) -> Option<()> {
        let place = symbol.place();
        let Some(byte) = self.front.take(place, self.behind) else {
            let byte = self.front.take_far(place, self.rows);
            *self.bytes.get_mut(self.length)? = byte;
            self.length += 1;
            self.weight = 1;
            self.count(byte, 1);
            return Some(());
        };
        let copies = select_unpredictable(symbol.is_digit(), self.weight << symbol.shift(), 1);
        self.weight = select_unpredictable(symbol.is_digit(), self.weight << 1, 1);
        *self.bytes.get_mut(self.length..)?.first_chunk_mut::<BLIND>()? = [byte; BLIND];
        if copies > BLIND {
            self.write_run(byte, copies)?;
        }
        self.length += copies;
        self.count(byte, copies);
        Some(())
    }

    #[inline(always)]
    fn count(&mut self, byte: u8, copies: usize) {
        if let Some(count) = self.counts.get_mut(usize::from(byte)) {
            // There are no more copies than places.
            *count += copies as u32;
        }
    }

    #[cold]
    #[inline(never)]
    fn write_run(&mut self, byte: u8, copies: usize) -> Option<()> {
        self.bytes.get_mut(self.length..)?.get_mut(..copies)?.fill(byte);
        Some(())
    }
}
