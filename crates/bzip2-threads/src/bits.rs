//! Bits of bytes, the highest of each byte first, as bzip2 counts them.

/// `count` bits, 56 at most, from bit `at` on; `None` where the bytes end before.
pub(super) fn read(bytes: &[u8], at: u64, count: u32) -> Option<u64> {
    let first = usize::try_from(at / 8).ok()?;
    let end = at % 8 + u64::from(count);
    let span = bytes.get(first..)?.get(..usize::try_from(end.div_ceil(8)).ok()?)?;
    let bits = span.iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
    Some(bits >> (span.len() as u64 * 8 - end) & ((1 << count) - 1))
}

/// Bits that become bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not taken.
    free: u32,
}

impl Writer {
    /// The lowest `count` bits of `value`, 32 at most.
    pub(super) fn push(&mut self, value: u64, count: u32) {
        for at in (0..count).rev() {
            self.push_bit(value >> at & 1 != 0);
        }
    }

    pub(super) fn push_bit(&mut self, bit: bool) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << self.free;
        }
    }

    /// The bits from `start` to before `end` of `bytes`. `None` where there are none.
    pub(super) fn copy(&mut self, bytes: &[u8], start: u64, end: u64) -> Option<()> {
        let mut at = start;
        // Only the first bits of all are copied in bulk: what is made here begins with them, or with whole bytes.
        if self.free == 0 {
            let whole = usize::try_from(end.checked_sub(start)? / 8).ok()?;
            let from = bytes.get(usize::try_from(start / 8).ok()?..)?;
            match start % 8 {
                0 => self.bytes.extend_from_slice(from.get(..whole)?),
                shift => {
                    let pairs = from.get(..whole)?.iter().zip(from.get(1..=whole)?);
                    self.bytes.extend(pairs.map(|(high, low)| high << shift | low >> (8 - shift)));
                }
            }
            at += whole as u64 * 8;
        }
        while at < end {
            self.push_bit(read(bytes, at, 1)? != 0);
            at += 1;
        }
        Some(())
    }

    /// How many bits there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64 * 8 - u64::from(self.free)
    }

    /// The bytes; missing bits of the last are zero.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
