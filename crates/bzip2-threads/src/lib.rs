//! Decodes bzip2 on several threads, or on one, with the bytes and the errors of libbz2.
//!
//! [`Decoder`] wraps a reader of compressed bytes and is a reader of what they hold:
//!
//! ```
//! use std::io::{Read, Write};
//!
//! let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
//! encoder.write_all(b"the same text, again and again. ".repeat(1000).as_slice())?;
//! let stream = encoder.finish()?;
//!
//! let mut text = String::new();
//! bzip2_threads::Decoder::new(stream.as_slice(), 4).take(1 << 20).read_to_string(&mut text)?;
//! assert_eq!(text.len(), 32_000);
//! # std::io::Result::Ok(())
//! ```
//!
//! A few bytes of bzip2 can expand to gigabytes, and nothing here bounds what comes out: put a bound around it, such as the
//! `take` above.
//!
//! # How it works, in reading order
//!
//! Around blocks:
//!
//! - `scan` finds the magic numbers that blocks and streams may begin with, at any bit; `window` holds the part of the input that is worked on.
//! - What lies between two marks is a job (`block`) that a thread of the `pool` decodes ahead, one block at a time.
//! - `blocks` takes the answers in order, and believes one only if it fits: the block begins where the one before it ended, and its CRC and the
//!   stream's are right.
//! - On any doubt `serial`, which is the `bzip2` crate, goes on from that very bit, and its answer is final.
//!
//! Within a block (`decode`), stage by stage:
//!
//! - `bits` and `huffman`: bits are read 56 at a time, and one look at ten of them gives a symbol. `header` is what comes before the symbols.
//! - `symbols`: five symbols are read, then carried out, with next to nothing that depends on which they are. `front` is the list of bytes that
//!   move to the front: sixteen in two words, and behind them `rows`, out of which a byte is taken without a step for each one before it.
//! - `links`: each byte of the column that comes out is written as a link to the row of the byte before it in the text. It is the inverse
//!   Burrows-Wheeler transform in the direction in which links are written one behind the other.
//! - `seeds` and `walk`: following the links is a long way of reads that each wait for memory. Thirty-two lanes walk parts of it at once, each from a
//!   seed up to where another seed's part begins.
//! - `join` puts the parts in order, from the last to the first, and turns them round.
//! - `runs` undoes the first step of bzip2, and `crc` is the check of the whole.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod bits;
mod block;
mod blocks;
mod crc;
mod decode;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod differential;
mod front;
mod header;
mod huffman;
mod join;
mod links;
mod pool;
mod rows;
mod runs;
mod scan;
mod seeds;
mod serial;
mod symbols;
mod walk;
mod window;

pub use self::blocks::Decoder;

#[cfg(test)]
mod tests;
