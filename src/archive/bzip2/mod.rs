//! bzip2 behind a bound on what comes out.

mod bits;
mod block;
mod blocks;
mod decode;
#[cfg(any(test, fuzzing))]
mod differential;
mod huffman;
mod pool;
mod scan;
mod serial;
mod window;

use std::io::{self, Read};

use self::blocks::Blocks;
#[cfg(any(test, fuzzing))]
pub(crate) use self::differential::{compare, compare_changed};
use crate::error::Error;
use crate::limits::Bound;

/// Decompresses `input`, one bzip2 stream or several behind each other, and nothing after the last, on `threads` threads.
///
/// Block and stream CRCs are checked. After the bytes that `bound` allows the reader fails with [`Error::OverLimit`] where there is one more: a
/// few bytes can expand to gigabytes. The bytes that are delivered and the error after them do not depend on `threads`, nor on how
/// many are asked for at a time.
pub(crate) fn decompress<R: Read>(input: R, threads: usize, what: &str, bound: Bound) -> impl Read + use<R> {
    capped(Blocks::new(input, threads), what, bound)
}

fn capped<R>(inner: R, what: &str, bound: Bound) -> Capped<R> {
    Capped { inner, left: bound.allowed, error: bound.exceeded(what) }
}

struct Capped<R> {
    inner: R,
    left: u64,
    error: Error,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(self.error.clone().into()),
            };
        }
        let want = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.inner.read(buffer.get_mut(..want).unwrap_or_default())?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
