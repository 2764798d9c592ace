//! Decodes bzip2 block by block, on one thread or several. The blocks of a stream depend on each other only through the stream's CRC.
//!
//! A block begins with a magic number, at any bit. The bits between two magic numbers are assumed to be a block, which is decoded ahead and
//! independently of other blocks. The result is used only if the block begins where the previous one ended, ends exactly at the next magic number and
//! matches its stored CRC. The output is then the same as that of [`Serial`]. In any other case, and if a stream's CRC does not match its blocks,
//! `Serial` decodes the rest of the input and its result is final, so that output and errors do not depend on the number of threads. Examples are a
//! magic number inside data, a wrong CRC, anything unusual in a block, a truncation, trailing bytes, and a block that expands beyond the limit.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Chain, Cursor, Read};

use super::block::{self, CRC_BITS, HEADER_BITS, Job, Level};
use super::pool::{Pool, Ticket};
use super::scan::{MAGIC_BITS, Magic, Mark};
use super::serial::Serial;
use super::window::{Remaining, Window};

/// The maximum number of threads. With more threads, the gain in speed would not justify the memory for their blocks.
const THREADS_MAX: usize = 8;

/// Decompresses the bytes that `R` reads: one or more consecutive bzip2 streams, with nothing after the last.
///
/// The CRCs of blocks and streams are checked. The output and the error after it are those of libbz2; they depend neither on the number of
/// threads nor on the sizes of the caller's reads. Neither the output size nor the input size is bounded.
///
/// # Errors
///
/// [`Read::read`] fails with
/// - [`io::ErrorKind::UnexpectedEof`] if the input is empty or ends within a stream;
/// - [`io::ErrorKind::InvalidInput`] for anything else that is not valid bzip2: a different format, a wrong CRC, bytes after the last
///   stream;
/// - the input's own error, after all bytes that can be decoded from the input before the error.
pub struct Decoder<R> {
    window: Window<R>,
    pool: Pool,
    /// The maximum number of steps in `plan`.
    ahead: usize,
    /// The steps that were found but not yet carried out.
    plan: VecDeque<Step>,
    /// The position at which to look for the next step.
    place: Place,
    /// The combined CRC of the current stream's blocks so far.
    combined: u32,
    content: Cursor<Vec<u8>>,
    rest: Option<Rest<R>>,
}

type Rest<R> = Serial<Chain<Cursor<Vec<u8>>, Chain<Cursor<Vec<u8>>, Remaining<R>>>>;

#[derive(Debug, Clone, Copy)]
enum Place {
    /// A stream may begin at this byte.
    Stream(u64),
    /// A block or the end of the stream begins here.
    Mark(Mark, Level),
    Nowhere,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Block {
        at: u64,
        level: Level,
        crc: u32,
        ticket: Ticket,
    },
    StreamEnd {
        at: u64,
        level: Level,
        crc: u32,
    },
    /// The input is decoded serially from this bit onward. The bit is within a stream or before one.
    Doubt {
        at: u64,
        within: Option<Level>,
    },
}

impl Step {
    fn at(self) -> u64 {
        match self {
            Self::Block { at, .. } | Self::StreamEnd { at, .. } | Self::Doubt { at, .. } => at,
        }
    }
}

impl<R: Read> Decoder<R> {
    /// Decodes on `threads` threads, including the caller's. The number is clamped to 1 through 8. Nothing is read and no thread is started before
    /// the first read. If there are several threads, each of them uses about 13 MB; a single thread uses 15 MB. The thread that drops the decoder
    /// keeps about 5 MB of this memory for its next decoder.
    pub fn new(input: R, threads: usize) -> Self {
        let threads = threads.clamp(1, THREADS_MAX);
        Self {
            window: Window::new(input),
            pool: Pool::new(threads),
            // In addition to one block per thread, half that number of blocks may wait, so that the other threads have work while the caller uses a
            // block.
            ahead: threads + threads / 2,
            plan: VecDeque::new(),
            place: Place::Stream(0),
            combined: 0,
            content: Cursor::default(),
            rest: None,
        }
    }

    fn look_ahead(&mut self) {
        while self.plan.len() < self.ahead {
            let Some(step) = self.next_step() else { break };
            self.plan.extend(step);
        }
        self.pool.start();
    }

    /// Examines the current position. `Some(None)` if there is nothing to do at this position. `None` if there are no more steps.
    fn next_step(&mut self) -> Option<Option<Step>> {
        match self.place {
            Place::Nowhere => None,
            Place::Stream(byte) if byte > 0 && self.window.ends_at(byte) => {
                self.place = Place::Nowhere;
                None
            }
            Place::Stream(byte) => {
                let at = byte * 8;
                let level = self.window.bits(at, 32).and_then(Level::of_header);
                let mark = self.window.mark_from(at + HEADER_BITS).filter(|mark| mark.at == at + HEADER_BITS);
                Some(match (level, mark) {
                    (Some(level), Some(mark)) => {
                        self.place = Place::Mark(mark, level);
                        None
                    }
                    _ => Some(self.doubt(at, None)),
                })
            }
            Place::Mark(mark, level) => {
                let step = match mark.is {
                    Magic::Block => self.block(mark.at, level),
                    Magic::End => self.stream_end(mark.at, level),
                };
                Some(Some(step.unwrap_or_else(|| self.doubt(mark.at, Some(level)))))
            }
        }
    }

    fn block(&mut self, at: u64, level: Level) -> Option<Step> {
        let next = self.window.mark_from(at + 1)?;
        let (bytes, start) = self.window.bytes();
        let (job, crc) = Job::new(level, bytes, at - start, next.at - start)?;
        self.place = Place::Mark(next, level);
        Some(Step::Block { at, level, crc, ticket: self.pool.submit(job) })
    }

    fn stream_end(&mut self, at: u64, level: Level) -> Option<Step> {
        let crc = u32::try_from(self.window.bits(at + MAGIC_BITS, CRC_BITS)?).ok()?;
        self.place = Place::Stream((at + MAGIC_BITS + u64::from(CRC_BITS)).div_ceil(8));
        Some(Step::StreamEnd { at, level, crc })
    }

    fn doubt(&mut self, at: u64, within: Option<Level>) -> Step {
        self.place = Place::Nowhere;
        Step::Doubt { at, within }
    }

    /// Carries out the next step; `false` if there is none.
    fn step(&mut self) -> io::Result<bool> {
        self.look_ahead();
        let Some(step) = self.plan.pop_front() else { return Ok(false) };
        self.window.forget(step.at());
        match step {
            Step::Block { at, level, crc, ticket } => match self.pool.take(ticket) {
                Some(content) => {
                    self.combined = block::combine(self.combined, crc);
                    self.content = Cursor::new(content);
                }
                None => self.go_on_serially(at, Some(level))?,
            },
            Step::StreamEnd { crc, .. } if crc == self.combined => self.combined = 0,
            Step::StreamEnd { at, level, .. } => self.go_on_serially(at, Some(level))?,
            Step::Doubt { at, within } => self.go_on_serially(at, within)?,
        }
        Ok(true)
    }

    /// Passes the input from bit `at` onward to the serial decoder. Within a stream, that decoder must begin with the CRC of the blocks so far, so a
    /// block with exactly this CRC is put before the rest of the input, and the content of this block is dropped. The block ends at the bit position
    /// within a byte at which the rest of the input begins, so that the rest does not have to be shifted.
    fn go_on_serially(&mut self, at: u64, within: Option<Level>) -> io::Result<()> {
        self.plan.clear();
        self.pool = Pool::new(1);
        let mut input = self.window.take_from(at / 8);
        let Some(level) = within else {
            self.rest = Some(Serial::new(Cursor::new(Vec::new()).chain(input)));
            return Ok(());
        };
        let (mut before, dropped) = block::with_crc(level, self.combined, at % 8).ok_or(io::ErrorKind::Unsupported)?;
        if !at.is_multiple_of(8) {
            let mut shared = [0];
            input.read_exact(&mut shared)?;
            before.copy(&shared, at % 8, 8);
        }
        let mut rest = Serial::new(Cursor::new(before.finish()).chain(input));
        let mut content = [0; 4];
        rest.read_exact(&mut content)?;
        if content != dropped {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.rest = Some(rest);
        Ok(())
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.content.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if let Some(rest) = &mut self.rest {
                return rest.read(buffer);
            }
            if !self.step()? {
                return Ok(0);
            }
        }
    }
}

impl<R> fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}
