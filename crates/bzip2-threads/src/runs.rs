//! Undoes bzip2's initial run-length encoding: four equal bytes are followed by a count of further equal bytes.

/// The number of positions that are examined together.
const TOGETHER: usize = 64;
/// The number of equal bytes before a count.
const RUN: usize = 4;

/// Expands the text of a block. `None` if a run has no count, or if the result has more than `most` bytes.
pub(super) fn expand(text: Vec<u8>, most: usize) -> Option<Vec<u8>> {
    let Some(mut run) = find(&text) else { return (text.len() <= most).then_some(text) };
    let mut content = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    loop {
        let (plain, tail) = rest.split_at_checked(run + RUN)?;
        let (count, tail) = tail.split_first()?;
        content.extend_from_slice(plain);
        content.resize(content.len() + usize::from(*count), *plain.last()?);
        if content.len() > most {
            return None;
        }
        rest = tail;
        match find(rest) {
            Some(next) => run = next,
            None => break,
        }
    }
    content.extend_from_slice(rest);
    (content.len() <= most).then_some(content)
}

/// The first position at which four equal bytes begin.
fn find(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(piece) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if let Some(found) = find_in(piece) {
            return Some(at + found);
        }
        at += TOGETHER;
    }
    let four = |four: &[u8]| matches!(four, [a, b, c, d] if a == b && b == c && c == d);
    bytes.get(at..)?.windows(RUN).position(four).map(|found| at + found)
}

/// The first position in a piece at which four equal bytes begin. The function examines all positions, regardless of the bytes, so that the compiled
/// code can process sixteen at a time.
#[inline(always)]
fn find_in(piece: &[u8; TOGETHER + RUN - 1]) -> Option<usize> {
    let (a, [_, b @ ..]) = (piece.first_chunk::<TOGETHER>()?, piece);
    let ([_, c @ ..], d) = (b, piece.last_chunk::<TOGETHER>()?);
    let mut equal = [0; TOGETHER];
    for ((((equal, a), b), c), d) in equal.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *equal = u8::from((a == b) & (b == c) & (c == d));
    }
    let (words, _) = equal.as_chunks::<8>();
    let (number, word) = words.iter().map(|word| u64::from_le_bytes(*word)).enumerate().find(|(_, word)| *word != 0)?;
    Some(number * 8 + word.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation: byte by byte.
    fn naive(text: &[u8]) -> Option<Vec<u8>> {
        let (mut content, mut equal, mut bytes) = (Vec::new(), 0, text.iter());
        while let Some(&byte) = bytes.next() {
            equal = if content.last() == Some(&byte) && equal > 0 { equal + 1 } else { 1 };
            content.push(byte);
            if equal == 4 {
                content.extend(std::iter::repeat_n(byte, usize::from(*bytes.next()?)));
                equal = 0;
            }
        }
        Some(content)
    }

    #[test]
    fn runs_are_found_at_every_position() {
        for (before, behind) in (0..200).flat_map(|before| [0, 1, 2, 70].map(move |behind| (before, behind))) {
            let mut text: Vec<u8> = (0..before).map(|at: u8| at % 7).collect();
            text.extend([9, 9, 9, 9, 3]);
            text.extend((0..behind).map(|at: u8| at % 5));
            let content = expand(text.clone(), 1000).unwrap();
            assert_eq!((content.len(), Some(content)), (text.len() + 2, naive(&text)));
        }
    }

    #[test]
    fn adjacent_runs_are_expanded_separately() {
        for text in [&b"aaaa\0aaaa\x02b"[..], b"aaaaaaaa\0", b"aaa", b"", b"bbaaaa\x61aaaa\x01", b"aaaa", b"xaaaa"] {
            assert_eq!(expand(text.to_vec(), 1 << 10), naive(text), "{text:?}");
        }
        let mut state = 1u32;
        for length in (0..3000).map(|length| length % 300) {
            let next = |_| {
                state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
                u8::from(state >> 30 == 0)
            };
            let text: Vec<u8> = (0..length).map(next).collect();
            assert_eq!(expand(text.clone(), 1 << 10), naive(&text), "{text:?}");
        }
    }

    #[test]
    fn text_that_expands_beyond_the_limit_is_refused() {
        let bomb = [0, 0, 0, 0, 255].repeat(1000);
        assert_eq!(expand(bomb.clone(), 259_000).map(|content| content.len()), Some(259_000));
        assert_eq!(expand(bomb, 258_999), None);
        assert_eq!(expand(vec![1, 2, 3], 2), None);
    }
}
