//! The part of the compressed input that is being decoded.

use std::collections::VecDeque;
use std::io::{self, Chain, Cursor, Read};

use super::bits;
use super::scan::{Mark, Scanner};

/// The number of bytes that are read at a time.
const PIECE: u64 = 1 << 18;
/// The maximum size of a compressed block: 900,000 symbols of up to 20 bits each, and the code tables.
const BLOCK_BYTES_MAX: u64 = 3 << 20;

/// Compressed bytes, beginning at some position in the input, and the magic numbers in these bytes. Bits are counted from the start of the input.
pub(super) struct Window<R> {
    input: Remaining<R>,
    bytes: Vec<u8>,
    /// The number of input bytes before the window.
    start: u64,
    ended: bool,
    scanner: Scanner,
    /// The number of input bytes that have been searched for magic numbers.
    scanned: u64,
    marks: VecDeque<Mark>,
}

/// The rest of the input after the window. An error that occurred while reading ahead is reported first.
pub(super) struct Remaining<R> {
    input: Option<R>,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Remaining<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.failed.take(), &mut self.input) {
            (Some(error), _) => Err(error),
            (None, Some(input)) => input.read(buffer),
            (None, None) => Ok(0),
        }
    }
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: Remaining { input: Some(input), failed: None },
            bytes: Vec::new(),
            start: 0,
            ended: false,
            scanner: Scanner::new(),
            scanned: 0,
            marks: VecDeque::new(),
        }
    }

    /// `count` bits from `at` onward. `None` if the input ends, or reading it fails, before the last of these bits.
    pub(super) fn bits(&mut self, at: u64, count: u32) -> Option<u64> {
        loop {
            if let Some(bits) = bits::read(&self.bytes, at - self.start * 8, count) {
                return Some(bits);
            }
            self.read_more()?;
        }
    }

    /// Whether the input ends without an error at or before the byte `at`.
    pub(super) fn ends_at(&mut self, at: u64) -> bool {
        while self.end() <= at {
            if self.read_more().is_none() {
                return self.input.failed.is_none();
            }
        }
        false
    }

    /// The first magic number at or after the bit `at`, if it is within the maximum size of a block.
    pub(super) fn mark_from(&mut self, at: u64) -> Option<Mark> {
        loop {
            while self.marks.pop_front_if(|mark| mark.at < at).is_some() {}
            if let Some(mark) = self.marks.front() {
                return Some(*mark);
            }
            if self.scanned > at / 8 + BLOCK_BYTES_MAX {
                return None;
            }
            self.read_more()?;
        }
    }

    /// The bytes, and the position of their first bit.
    pub(super) fn bytes(&self) -> (&[u8], u64) {
        (&self.bytes, self.start * 8)
    }

    /// Drops the bytes before the bit `at` if there are enough of them to justify moving the rest.
    pub(super) fn forget(&mut self, at: u64) {
        let done = usize::try_from(at / 8 - self.start).unwrap_or(0);
        if done as u64 >= PIECE.max(self.bytes.len() as u64 / 2) && done <= self.bytes.len() {
            self.bytes.drain(..done);
            self.start = at / 8;
        }
    }

    /// The input from the byte `at` onward.
    pub(super) fn take_from(&mut self, at: u64) -> Chain<Cursor<Vec<u8>>, Remaining<R>> {
        let done = usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.bytes.len());
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.drain(..done);
        let rest = Remaining { input: self.input.input.take(), failed: self.input.failed.take() };
        Cursor::new(bytes).chain(rest)
    }

    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn read_more(&mut self) -> Option<()> {
        if self.ended {
            return None;
        }
        match (&mut self.input).take(PIECE).read_to_end(&mut self.bytes) {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) => {
                self.input.failed = Some(error);
                self.ended = true;
            }
        }
        let from = usize::try_from(self.scanned - self.start).ok()?;
        let fresh = self.bytes.get(from..)?;
        self.scanned += self.scanner.scan(fresh, self.scanned, |mark| self.marks.push_back(mark)) as u64;
        Some(())
    }
}
