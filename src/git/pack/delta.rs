//! Deltas: instructions to make an object from a base (gitformat-pack(5), "Deltified representation").

use super::entry::{next, read_size};

/// Why a delta cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum DeltaFault {
    #[error("its delta is malformed")]
    Malformed,
    #[error("its delta expects a base of a different size")]
    BaseSize,
    #[error("its delta does not produce an object of the stated size")]
    ResultSize,
    #[error("its delta produces an object over the limit git_object_bytes")]
    TooLarge,
}

/// The size that the delta states for its result.
pub(super) fn result_size(delta: &[u8]) -> Option<u64> {
    let mut rest = delta;
    read_size(&mut rest)?;
    read_size(&mut rest)
}

/// Applies `delta` to `base` and writes the result to `out`, which is cleared first.
pub(super) fn apply(base: &[u8], delta: &[u8], largest: u64, out: &mut Vec<u8>) -> Result<(), DeltaFault> {
    let mut rest = delta;
    let base_size = read_size(&mut rest).ok_or(DeltaFault::Malformed)?;
    let result_size = read_size(&mut rest).ok_or(DeltaFault::Malformed)?;
    if base_size != base.len() as u64 {
        return Err(DeltaFault::BaseSize);
    }
    let size = usize::try_from(result_size).ok().filter(|_| result_size <= largest).ok_or(DeltaFault::TooLarge)?;
    out.clear();
    out.try_reserve_exact(size).map_err(|_| DeltaFault::TooLarge)?;
    while let Some(instruction) = next(&mut rest) {
        let piece = if instruction & 0x80 != 0 {
            let (from, length) = read_copy(instruction, &mut rest).ok_or(DeltaFault::Malformed)?;
            base.get(from..from.saturating_add(length)).ok_or(DeltaFault::Malformed)?
        } else if instruction != 0 {
            let (piece, after) = rest.split_at_checked(usize::from(instruction)).ok_or(DeltaFault::Malformed)?;
            rest = after;
            piece
        } else {
            // The format reserves this instruction.
            return Err(DeltaFault::Malformed);
        };
        if piece.len() > size - out.len() {
            return Err(DeltaFault::ResultSize);
        }
        out.extend_from_slice(piece);
    }
    if out.len() == size { Ok(()) } else { Err(DeltaFault::ResultSize) }
}

/// Offset and length of a copy. The instruction's low bits specify which bytes of the offset and of the length follow.
fn read_copy(instruction: u8, rest: &mut &[u8]) -> Option<(usize, usize)> {
    let mut number = |bits: std::ops::Range<u32>| -> Option<u32> {
        let mut number = 0;
        for (place, bit) in bits.enumerate() {
            if instruction >> bit & 1 != 0 {
                number |= u32::from(next(rest)?) << (8 * place);
            }
        }
        Some(number)
    };
    let from = number(0..4)?;
    let length = match number(4..7)? {
        0 => 0x1_0000,
        length => length,
    };
    Some((usize::try_from(from).ok()?, usize::try_from(length).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, DeltaFault> {
        let mut out = Vec::new();
        apply(base, delta, 1 << 20, &mut out).map(|()| out)
    }

    #[test]
    fn copies_and_insertions_are_applied() {
        // The delta copies 3 bytes from offset 2, inserts "xy", and copies 1 byte from offset 0.
        let delta = [5, 6, 0x91, 2, 3, 2, b'x', b'y', 0x90, 1];
        assert_eq!(run(b"abcde", &delta).as_deref(), Ok(&b"cdexya"[..]));
        // A length of zero means 65,536.
        let base = vec![7; 0x1_0000];
        assert_eq!(run(&base, &[0x80, 0x80, 4, 0x80, 0x80, 4, 0x80]).as_deref(), Ok(&base[..]));
    }

    #[test]
    fn hostile_deltas_are_refused() {
        use DeltaFault::{BaseSize, Malformed, ResultSize, TooLarge};
        for (delta, fault) in [
            (&[][..], Malformed),
            (&[5], Malformed),
            (&[4, 1, 1, b'x'], BaseSize),
            (&[5, 2, 1, b'x'], ResultSize),
            (&[5, 1, 2, b'x', b'y'], ResultSize),
            (&[5, 1, 0], Malformed),
            (&[5, 2, 2, b'x'], Malformed),
            (&[5, 3, 0x91, 3, 3], Malformed),
            (&[5, 3, 0x91, 3], Malformed),
            (&[5, 0xff, 0xff, 0xff, 0xff, 0x7f], TooLarge),
        ] {
            assert_eq!(run(b"abcde", delta), Err(fault), "{delta:?}");
        }
    }
}
