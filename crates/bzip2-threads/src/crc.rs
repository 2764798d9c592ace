//! bzip2's CRC: CRC-32 as in Ethernet, but with the highest bit of each byte first.

use std::sync::LazyLock;

pub(super) const POLYNOMIAL: u32 = 0x04c1_1db7;
/// The number of bytes that are looked up at a time.
const TOGETHER: usize = 16;

/// For each byte value, its contribution to the CRC when 0 to 15 bytes follow it.
static BEHIND: LazyLock<[[u32; 256]; TOGETHER]> = LazyLock::new(|| {
    let step = |state: u32| if state >> 31 == 0 { state << 1 } else { state << 1 ^ POLYNOMIAL };
    let shifted = |byte: u32, steps: usize| (0..steps).fold(byte << 24, |state, _| step(state));
    std::array::from_fn(|behind| {
        std::array::from_fn(|byte| shifted(u32::try_from(byte).unwrap_or(0), 8 * (behind + 1)))
    })
});

pub(super) fn crc(bytes: &[u8]) -> u32 {
    let tables = &*BEHIND;
    let look = |table: &[u32; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or_default();
    let (pieces, rest) = bytes.as_chunks::<TOGETHER>();
    let mut state = u32::MAX;
    for piece in pieces {
        // The current state is combined with the first four bytes.
        let piece = (u128::from_be_bytes(*piece) ^ u128::from(state) << 96).to_be_bytes();
        state = piece.into_iter().zip(tables.iter().rev()).fold(0, |state, (byte, table)| state ^ look(table, byte));
    }
    for byte in rest {
        let [first, ..] = state.to_be_bytes();
        state = state << 8 ^ tables.first().map_or(0, |table| look(table, byte ^ first));
    }
    !state
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation: bit by bit.
    fn naive(bytes: &[u8]) -> u32 {
        let bit = |state: u32, bit: bool| if (state >> 31 == 1) == bit { state << 1 } else { state << 1 ^ POLYNOMIAL };
        !bytes
            .iter()
            .fold(u32::MAX, |state, byte| (0..8).rev().fold(state, |state, at| bit(state, byte >> at & 1 == 1)))
    }

    #[test]
    fn crc_has_the_published_check_value() {
        // The expected value is that of CRC-32/BZIP2 in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc(b"123456789"), 0xfc89_1918);
        assert_eq!(crc(b""), 0);
    }

    #[test]
    fn sixteen_bytes_at_a_time_give_the_same_crc_as_single_bits() {
        let bytes: Vec<u8> = (0..400u32).map(|at| ((at * at * 13) >> 2).to_le_bytes()[0]).collect();
        for end in 0..bytes.len() {
            assert_eq!(crc(&bytes[..end]), naive(&bytes[..end]), "{end} bytes");
        }
    }
}
