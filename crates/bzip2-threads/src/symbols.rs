//! From symbols to the last column of the sorted block: Huffman codes, runs of the front byte, moves to the front.
//!
//! Nearly all of the time is spent in one loop, so it does the same for every symbol. A digit of a run takes the byte at the
//! front, which changes nothing in the list, and writes it as often as its weight says; any other symbol takes its byte and writes it once. Sixteen
//! copies are written blindly, and what is too much is overwritten by the next symbol. Reader, front of the list, weight and length are local variables.

use super::bits::Reader;
use super::front::{Behind, Front};
use super::header::Tables;
use super::huffman::Symbol;
use super::rows::Rows;

/// Symbols that are read with one table, before the next selector.
const GROUP: usize = 50;
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

/// What changes from symbol to symbol.
#[derive(Clone, Copy)]
struct State<'b> {
    reader: Reader<'b>,
    front: Front,
    length: usize,
    /// What the next digit of a run counts.
    weight: usize,
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
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        tables: &Tables,
        list: &[u8; 256],
        most: usize,
    ) -> Option<()> {
        let behind = Behind::get();
        self.counts = [0; 256];
        let front = Front::new(list, &mut self.rows);
        let mut state = State { reader: *reader, front, length: 0, weight: 1 };
        for codes in tables.groups() {
            for _ in 0..GROUP / 2 {
                state.reader.fill()?;
                for _ in 0..2 {
                    let mut symbol = codes.look(state.reader.peek());
                    if symbol.bits() == 0 {
                        symbol = codes.find(state.reader.peek())?;
                        if symbol.is_end() {
                            state.reader.skip(symbol.bits());
                            *reader = state.reader;
                            self.length = state.length;
                            return (state.length <= most).then_some(());
                        }
                    }
                    state.reader.skip(symbol.bits());
                    self.write(symbol, &mut state, behind, most)?;
                }
            }
            // A group writes a few hundred bytes blindly: that many are always free.
            if state.length > most {
                return None;
            }
        }
        None
    }

    /// Carries out a symbol. `None` if it is part of a run that is longer than a block.
    #[inline(always)]
    fn write(&mut self, symbol: Symbol, state: &mut State<'_>, behind: &Behind, most: usize) -> Option<()> {
        let byte = state.front.take(symbol.place(), behind, &mut self.rows);
        let copies = if symbol.is_digit() { state.weight << symbol.shift() } else { 1 };
        state.weight = if symbol.is_digit() { state.weight << 1 } else { 1 };
        *self.bytes.get_mut(state.length..)?.first_chunk_mut::<BLIND>()? = [byte; BLIND];
        if copies > BLIND {
            self.write_run(byte, state.length, copies, most)?;
        }
        state.length += copies;
        if let Some(count) = self.counts.get_mut(usize::from(byte)) {
            // No more than the places: see above.
            *count += copies as u32;
        }
        Some(())
    }

    #[cold]
    #[inline(never)]
    fn write_run(&mut self, byte: u8, at: usize, copies: usize, most: usize) -> Option<()> {
        if copies > most {
            return None;
        }
        self.bytes.get_mut(at..at + copies)?.fill(byte);
        Some(())
    }
}
