//! The first step of bzip2, backwards: four equal bytes are followed by the number of more of them.

/// Places that are looked at together.
const TOGETHER: usize = 64;
/// Equal bytes that have a count behind them.
const RUN: usize = 4;

/// What the text of a block says. `None` where a run has no count, or where there are more than `most` bytes.
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

/// Where the first four equal bytes are.
fn find(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(piece) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if any(piece)? {
            break;
        }
        at += TOGETHER;
    }
    let four = |four: &[u8]| matches!(four, [a, b, c, d] if a == b && b == c && c == d);
    bytes.get(at..)?.windows(RUN).position(four).map(|found| at + found)
}

/// Do four equal bytes begin at one of the places that a piece has? Nothing here depends on the bytes, and the compiler looks at many at once.
#[inline(always)]
fn any(piece: &[u8; TOGETHER + RUN - 1]) -> Option<bool> {
    let (a, [_, b @ ..]) = (piece.first_chunk::<TOGETHER>()?, piece);
    let ([_, c @ ..], d) = (b, piece.last_chunk::<TOGETHER>()?);
    let equal = a.iter().zip(b).zip(c).zip(d).map(|(((a, b), c), d)| u8::from((a == b) & (b == c) & (c == d)));
    Some(equal.fold(0, |any, one| any | one) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte by byte.
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
    fn runs_are_found_at_every_place() {
        for (before, behind) in (0..200).flat_map(|before| [0, 1, 2, 70].map(move |behind| (before, behind))) {
            let mut text: Vec<u8> = (0..before).map(|at: u8| at % 7).collect();
            text.extend([9, 9, 9, 9, 3]);
            text.extend((0..behind).map(|at: u8| at % 5));
            let content = expand(text.clone(), 1000).unwrap();
            assert_eq!((content.len(), Some(content)), (text.len() + 2, naive(&text)));
        }
    }

    #[test]
    fn runs_that_touch_are_counted_as_libbz2_does() {
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
    fn no_more_comes_out_than_is_held() {
        let bomb = [0, 0, 0, 0, 255].repeat(1000);
        assert_eq!(expand(bomb.clone(), 259_000).map(|content| content.len()), Some(259_000));
        assert_eq!(expand(bomb, 258_999), None);
        assert_eq!(expand(vec![1, 2, 3], 2), None);
    }
}
