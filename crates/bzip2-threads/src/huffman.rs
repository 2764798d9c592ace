//! Huffman codes of a block.
//!
//! One table lookup of the next ten bits gives a symbol and its code length. A slower search handles all other cases: longer codes, invalid
//! codes, and the end of the block, so that the fast path does not have to test for them.

/// The number of bits in one table lookup.
const LOOK_BITS: u32 = 10;
/// The maximum code length.
pub(super) const CODE_BITS_MAX: u32 = 20;
/// The maximum number of symbols: 255 list positions for 256 byte values, two run digits, and the end.
pub(super) const SYMBOLS_MAX: usize = 258;

/// A decoded symbol with its code length. From the lowest bit: six bits of code length, one bit that marks a run digit, one bit for the
/// larger digit, and the list position, which is 0 for a digit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Symbol(u16);

impl Symbol {
    const DIGIT: u16 = 1 << 6;
    const LARGER: u16 = 1 << 7;
    /// The end symbol: `LARGER` without `DIGIT`.
    const END: u16 = Self::LARGER;

    /// The symbol with this number. Numbers 0 and 1 are the run digits 1 and 2, the following numbers are the list positions from 1 onward, and the
    /// last number is the end symbol.
    fn new(number: u16, is_last: bool, bits: u16) -> Self {
        Self(match number {
            _ if is_last => bits | Self::END,
            0 => bits | Self::DIGIT,
            1 => bits | Self::DIGIT | Self::LARGER,
            _ => bits | (number - 1) << 8,
        })
    }

    /// The length of the symbol's code; 0 if [`Codes::find`] must search for the symbol.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        u32::from(self.0 & 63)
    }

    #[inline(always)]
    pub(super) fn is_digit(self) -> bool {
        self.0 & Self::DIGIT != 0
    }

    /// The number of bits by which to shift a digit's weight to multiply the weight by the digit: 0 for the digit 1, and 1 for the digit 2.
    #[inline(always)]
    pub(super) fn shift(self) -> u32 {
        u32::from(self.0 >> 7 & 1)
    }

    /// The position in the list.
    #[inline(always)]
    pub(super) fn place(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    pub(super) fn is_end(self) -> bool {
        self.0 & (Self::DIGIT | Self::LARGER) == Self::END
    }
}

/// One table of codes.
pub(super) struct Codes {
    /// For the next [`LOOK_BITS`] bits: a symbol, or 0 if [`Codes::find`] must search.
    look: [u16; 1 << LOOK_BITS],
    lengths: [Length; CODE_BITS_MAX as usize + 1],
    /// All symbols, in the order of their codes.
    symbols: [u16; SYMBOLS_MAX],
}

/// The codes of one length: the first code, their number, and where their symbols begin.
#[derive(Debug, Clone, Copy, Default)]
struct Length {
    first: u32,
    count: u32,
    start: u32,
}

impl Default for Codes {
    /// A table without codes.
    fn default() -> Self {
        Self { look: [0; 1 << LOOK_BITS], lengths: Default::default(), symbols: [0; SYMBOLS_MAX] }
    }
}

impl Codes {
    /// Sets the code lengths of the symbols from 0 onward, each from 1 to [`CODE_BITS_MAX`] bits. `None` if there are more codes than these
    /// lengths allow.
    pub(super) fn set(&mut self, lengths: &[u8]) -> Option<()> {
        self.lengths = Default::default();
        for &length in lengths {
            self.lengths.get_mut(usize::from(length))?.count += 1;
        }
        let (mut code, mut start) = (0u32, 0);
        for (length, codes) in (0u32..).zip(&mut self.lengths) {
            code <<= 1;
            *codes = Length { first: code, count: codes.count, start };
            code += codes.count;
            start += codes.count;
            if code > 1 << length {
                return None;
            }
        }
        self.look.fill(0);
        // The number of symbols of each length so far.
        let mut seen = [0u32; CODE_BITS_MAX as usize + 1];
        for (number, &length) in (0u16..).zip(lengths) {
            let seen = seen.get_mut(usize::from(length))?;
            let codes = self.lengths.get(usize::from(length))?;
            let (code, at) = (codes.first + *seen, codes.start + *seen);
            *seen += 1;
            let is_last = usize::from(number) + 1 == lengths.len();
            let symbol = Symbol::new(number, is_last, u16::from(length));
            *self.symbols.get_mut(at as usize)? = symbol.0;
            if let Some(spare) = LOOK_BITS.checked_sub(u32::from(length))
                && !is_last
            {
                let from = (code << spare) as usize;
                self.look.get_mut(from..from + (1 << spare))?.fill(symbol.0);
            }
        }
        Some(())
    }

    /// The symbol whose code is at the start of `bits`, if one lookup is enough: see [`Symbol::bits`].
    #[inline(always)]
    pub(super) fn look(&self, bits: u64) -> Symbol {
        // The index has ten bits and is therefore always within the table.
        Symbol(self.look.get((bits >> (64 - LOOK_BITS)) as usize).copied().unwrap_or_default())
    }

    /// The symbol whose code is at the start of `bits`, if there is one.
    #[cold]
    #[inline(never)]
    pub(super) fn find(&self, bits: u64) -> Option<Symbol> {
        for (length, codes) in (0u32..).zip(&self.lengths).skip(1) {
            // There are at most 20 bits, so nothing is truncated.
            let number = ((bits >> 32 >> (32 - length)) as u32).wrapping_sub(codes.first);
            if number < codes.count {
                return self.symbols.get((codes.start + number) as usize).copied().map(Symbol);
            }
        }
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn codes(lengths: &[u8]) -> Option<Codes> {
        let mut codes = Codes::default();
        codes.set(&[1, 2, 3, 3]).unwrap();
        codes.set(lengths).map(|()| codes)
    }

    /// Codes sorted by length and number and assigned one by one. Each entry has the code's bits, highest first, the code's length, and the symbol's
    /// number.
    pub(in super::super) fn naive(lengths: &[u8]) -> Vec<(u64, u8, usize)> {
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&number| lengths[number]);
        let (mut next, mut out) = (0, Vec::new());
        for number in order {
            out.push((next << (64 - 20), lengths[number], number));
            next += 1 << (20 - lengths[number]);
        }
        out
    }

    fn expected(number: usize, last: usize, bits: u8) -> Symbol {
        Symbol::new(number.try_into().unwrap(), number == last, bits.into())
    }

    #[test]
    fn every_code_is_found_and_only_short_codes_are_in_the_lookup_table() {
        let mut long: Vec<u8> = (1..=20).collect();
        long.push(20);
        for lengths in [vec![2, 2, 2, 2], vec![8; 256], vec![9; 258], vec![1, 3, 3, 3, 3], long] {
            let codes = codes(&lengths).unwrap();
            for (code, bits, number) in naive(&lengths) {
                let symbol = expected(number, lengths.len() - 1, bits);
                let tail = u64::MAX >> bits >> 1;
                assert_eq!((codes.find(code), codes.find(code | tail)), (Some(symbol), Some(symbol)));
                let at_once = bits <= 10 && number + 1 < lengths.len();
                assert_eq!(
                    codes.look(code | tail),
                    if at_once { symbol } else { Symbol(0) },
                    "{number} of {lengths:?}"
                );
            }
        }
    }

    #[test]
    fn invalid_codes_are_not_found() {
        let codes = codes(&[3, 3, 3]).unwrap();
        assert_eq!((codes.find(3 << 61), codes.look(3 << 61)), (None, Symbol(0)));
        assert_eq!(codes.find(u64::MAX), None);
    }

    #[test]
    fn tables_with_too_many_codes_are_refused() {
        assert!(codes(&[1, 1, 1]).is_none());
        assert!(codes(&[1, 2, 2, 20]).is_none());
        assert!(codes(&[1, 2, 2]).is_some());
        assert!(codes(&[21, 1]).is_none());
    }

    #[test]
    fn symbols_report_their_kind() {
        let [one, two, first, last, end] = [(0, false), (1, false), (2, false), (0, false), (1, true)]
            .map(|(number, is_last)| Symbol::new(number, is_last, 9));
        assert!(one.is_digit() && two.is_digit() && !first.is_digit() && !end.is_digit());
        assert_eq!([one.shift(), two.shift(), one.place().into(), two.place().into()], [0, 1, 0, 0]);
        assert!(end.is_end() && ![one, two, first, last].iter().any(|symbol| symbol.is_end()));
        assert_eq!((first.place(), Symbol::new(256, false, 20).place(), first.bits()), (1, 255, 9));
    }
}
