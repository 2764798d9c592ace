//! Huffman codes of a block, and the bits they are read from.

/// Bits that one look decides.
const LOOK_BITS: u32 = 10;
/// No code is longer.
pub(super) const CODE_BITS_MAX: u32 = 20;

/// Reads bits from the first on. Behind the end it reads zeros, and [`Self::position`] tells.
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    /// Bytes that have gone into the buffer.
    taken: usize,
    /// The next bits, the first one highest.
    buffer: u64,
    /// How many of them count.
    left: u32,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, taken: 0, buffer: 0, left: 0 }
    }

    /// The next `count` bits, 32 at most.
    pub(super) fn read(&mut self, count: u32) -> u32 {
        self.fill();
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// How many bits have been read.
    pub(super) fn position(&self) -> u64 {
        self.taken as u64 * 8 - u64::from(self.left)
    }

    /// Makes that at least 56 bits are there.
    #[inline]
    fn fill(&mut self) {
        if let Some((next, _)) = self.bytes.get(self.taken..).and_then(|rest| rest.split_first_chunk::<8>()) {
            self.buffer |= u64::from_be_bytes(*next) >> self.left;
            self.taken += (63 - self.left as usize) / 8;
            self.left |= 56;
        } else {
            while self.left < 56 {
                let next = self.bytes.get(self.taken).copied().unwrap_or(0);
                self.buffer |= u64::from(next) << (56 - self.left);
                self.taken += 1;
                self.left += 8;
            }
        }
    }

    #[inline]
    fn peek(&self, count: u32) -> u32 {
        // 32 bits at most: nothing is cut off.
        (self.buffer >> 32 >> (32 - count)) as u32
    }

    #[inline]
    fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        self.left -= count;
    }
}

/// One table of codes.
pub(super) struct Codes {
    /// For the next [`LOOK_BITS`] bits: a symbol, and the length of its code in the lowest five bits; 0 where the code is longer or none.
    look: [u16; 1 << LOOK_BITS],
    /// For each length: the first code, how many there are, and where their symbols begin.
    lengths: [(u32, u32, u32); CODE_BITS_MAX as usize + 1],
    /// All symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Codes {
    /// The code that has `lengths` for the symbols from 0 on. `None` where there are more codes than bits can tell apart.
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let mut codes =
            Self { look: [0; 1 << LOOK_BITS], lengths: [(0, 0, 0); CODE_BITS_MAX as usize + 1], symbols: Vec::new() };
        let mut code = 0u32;
        for length in 1..=CODE_BITS_MAX {
            let first = (code, codes.symbols.len());
            for (symbol, _) in (0u16..).zip(lengths).filter(|(_, own)| u32::from(**own) == length) {
                if code >> length != 0 {
                    return None;
                }
                if let Some(spare) = LOOK_BITS.checked_sub(length) {
                    let start = (code << spare) as usize;
                    let fitting = codes.look.get_mut(start..start + (1 << spare))?;
                    fitting.fill(symbol << 5 | u16::try_from(length).ok()?);
                }
                codes.symbols.push(symbol);
                code += 1;
            }
            *codes.lengths.get_mut(length as usize)? = (first.0, code - first.0, u32::try_from(first.1).ok()?);
            code <<= 1;
        }
        Some(codes)
    }

    /// The next symbol.
    #[inline]
    pub(super) fn next(&self, reader: &mut Reader<'_>) -> Option<u16> {
        reader.fill();
        let entry = *self.look.get(reader.peek(LOOK_BITS) as usize)?;
        if entry != 0 {
            reader.skip(u32::from(entry & 31));
            return Some(entry >> 5);
        }
        self.next_long(reader)
    }

    #[inline(never)]
    fn next_long(&self, reader: &mut Reader<'_>) -> Option<u16> {
        for length in LOOK_BITS + 1..=CODE_BITS_MAX {
            let (first, count, start) = *self.lengths.get(length as usize)?;
            let number = reader.peek(length).wrapping_sub(first);
            if number < count {
                reader.skip(length);
                return self.symbols.get((start + number) as usize).copied();
            }
        }
        None
    }
}
