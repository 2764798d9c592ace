//! Turns symbols into the column of the sorted block: decodes Huffman codes, runs of the front byte, and moves to the front.
//!
//! Most of the time is spent here, so as few branches as possible depend on the symbol: the processor would mispredict them. Five symbols are read at
//! a time, and then executed. A run digit writes the byte at the front as many times as the digit multiplied by its weight, and does not change the
//! list. Any other symbol moves its byte to the front and writes it once.

use std::hint::select_unpredictable;

use super::bits::Reader;
use super::front::{Behind, Front};
use super::header::Tables;
use super::huffman::{Codes, Symbol};
use super::links::{Links, Writer};
use super::rows::Rows;

/// The number of symbols that are read with one table, before the next selector.
const GROUP: usize = 50;
/// The number of symbols that are read at a time: five short codes fit into a reader's buffer.
const BATCH: usize = 5;
/// Reads the symbols of a block, up to the end symbol. `list` contains the byte values in the block. `None` if a code is invalid, if there is no
/// end symbol, or if there are more than `most` bytes. `most` must leave space for about a thousand more rows in `links`.
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
        // Short runs in one group write at most about a thousand links, and there is always space for them.
        if column.links.rows() > most {
            return None;
        }
    }
    None
}

/// Reads the next symbols, at most [`BATCH`] and only up to the end symbol, and returns their number. `None` for an invalid code, or if too few
/// bits are left.
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

/// The output of the symbols: the column of the block, as links.
struct Column<'c> {
    links: Writer<'c>,
    rows: &'c mut Rows,
    behind: &'static Behind,
    front: Front,
    /// The weight of the next run digit.
    weight: u32,
}

impl Column<'_> {
    /// Executes a symbol. `None` if there are more bytes than a block may have.
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

#[cfg(test)]
mod tests {
    use super::super::bits;
    use super::super::header::Header;
    use super::super::huffman::tests::naive;
    use super::super::links::tests::column;
    use super::*;

    /// A block of the byte values from 0 onward. Even groups use the first table of code lengths, odd groups the second.
    fn block(used: usize, lengths: &[Vec<u8>; 2], symbols: &[usize]) -> Vec<u8> {
        let mut out = bits::Writer::default();
        [24, 24, 32, 25].into_iter().for_each(|count| out.push(0, count));
        (0..16).for_each(|row| out.push_bit(row * 16 < used));
        (0..used.next_multiple_of(16)).for_each(|byte| out.push_bit(byte < used));
        out.push(2, 3);
        let groups = symbols.len().div_ceil(GROUP);
        out.push(groups as u64, 15);
        out.push_bit(false);
        (1..groups).for_each(|_| out.push(0b10, 2));
        for lengths in lengths {
            let mut length = lengths[0];
            out.push(length.into(), 5);
            for &next in lengths {
                (length..next).for_each(|_| out.push(0b10, 2));
                (next..length).for_each(|_| out.push(0b11, 2));
                out.push_bit(false);
                length = next;
            }
        }
        let codes = lengths.each_ref().map(|lengths| naive(lengths));
        for (at, symbol) in symbols.iter().enumerate() {
            let (code, length, _) = codes[at / GROUP % 2].iter().find(|(_, _, number)| number == symbol).unwrap();
            out.push(code >> (64 - length), (*length).into());
        }
        let mut bytes = out.finish();
        bytes.extend([0; Reader::PADDING]);
        bytes
    }

    /// The reference implementation: symbol by symbol, with a plain list.
    fn plain(used: usize, symbols: &[usize]) -> Vec<u8> {
        let mut list: Vec<u8> = (0..used).map(|byte| byte.to_le_bytes()[0]).collect();
        let (mut column, mut weight) = (Vec::new(), 1);
        for &symbol in symbols.iter().take_while(|symbol| **symbol <= used) {
            if symbol < 2 {
                column.extend(std::iter::repeat_n(list[0], weight << symbol));
                weight *= 2;
            } else {
                let byte = list.remove(symbol - 1);
                list.insert(0, byte);
                column.push(byte);
                weight = 1;
            }
        }
        column
    }

    fn decode(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
        let (mut reader, mut tables) = (Reader::new(bytes, 0)?, Tables::default());
        let header = Header::read(&mut reader, &mut tables)?;
        let (mut rows, mut links) = (Rows::default(), Links::new()?);
        read(&mut reader, &tables, &header.list, most, &mut rows, &mut links)?;
        assert!(reader.remaining() / 8 == Reader::PADDING as u64, "everything is read up to the padding");
        Some(column(&links))
    }

    /// The first table has two short codes, and all its other codes have the same length. The codes in the second table are too long for one lookup.
    fn lengths(used: usize) -> [Vec<u8>; 2] {
        let long = used.next_power_of_two().ilog2() + 1;
        let long = u8::try_from(long).unwrap();
        [[vec![2, 2], vec![long; used]].concat(), vec![12; used + 2]]
    }

    #[test]
    fn symbols_give_the_same_column_as_a_plain_list() {
        let mut state = 1u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            (state >> 8) as usize % below
        };
        for used in [1, 2, 3, 15, 16, 17, 40, 255, 256] {
            for count in [0, 1, 4, 5, 49, 50, 51, 99, 5000] {
                // Random sequences of up to four digits. If there are several byte values, a random list position follows each sequence.
                let mut symbols: Vec<usize> = Vec::new();
                while symbols.len() < count {
                    let digits = random(5).min(count - symbols.len());
                    symbols.extend((0..digits).map(|_| random(2)));
                    if symbols.len() < count && used > 1 {
                        symbols.push(2 + random(used - 1));
                    }
                    if used == 1 && symbols.len() > 9 {
                        break;
                    }
                }
                symbols.push(used + 1);
                let expected = plain(used, &symbols);
                let bytes = block(used, &lengths(used), &symbols);
                assert!(decode(&bytes, 900_000).as_ref() == Some(&expected), "{count} symbols of {used}");
                if !expected.is_empty() {
                    assert_eq!(decode(&bytes, expected.len() - 1), None);
                }
            }
        }
    }

    #[test]
    fn runs_of_every_length_are_written() {
        for length in (1..200).chain([65_535, 65_536, 900_000]) {
            // The length is written with the digits 1 and 2, lowest digit first.
            let (mut symbols, mut left) = (vec![3], length);
            while left > 0 {
                symbols.push(if left % 2 == 1 { 0 } else { 1 });
                left = (left - 1) / 2;
            }
            symbols.extend([2, 0, 4]);
            let expected = [vec![2], vec![2; length], vec![0, 0]].concat();
            assert_eq!(plain(3, &symbols), expected);
            let bytes = block(3, &lengths(3), &symbols);
            assert!(decode(&bytes, 900_003).as_ref() == Some(&expected), "{length}");
        }
    }

    #[test]
    fn blocks_that_do_not_end_or_are_too_long_are_refused() {
        let digits = |count| [vec![1; count], vec![4]].concat();
        for count in [20, 21, 30, 49, 50, 2000] {
            assert_eq!(decode(&block(3, &lengths(3), &digits(count)), 900_000), None, "{count} digits");
        }
        assert!(decode(&block(3, &lengths(3), &digits(18)), 900_000).is_some());
        // The first block has no end symbol in any group, and the second has an invalid code.
        assert_eq!(decode(&block(3, &lengths(3), &[2; 50]), 900_000), None);
        let mut endless = block(3, &lengths(3), &[2, 4]);
        let end = endless.len() - Reader::PADDING;
        endless[end - 3..].fill(0xff);
        assert_eq!(decode(&endless, 900_000), None);
    }
}
