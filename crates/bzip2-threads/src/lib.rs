//! Decodes bzip2 on one thread or several, with the same output and errors as libbz2.
//!
//! [`Decoder`] wraps a reader of compressed bytes and is itself a reader of the decompressed bytes:
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
//! A few bytes of bzip2 can expand to gigabytes, and this crate does not bound the output: add a bound, such as the `take` above.
//!
//! # How it works, in reading order
//!
//! Around blocks:
//!
//! - `scan` finds the magic numbers with which blocks begin and streams end, at any bit; `window` holds the current part of the input.
//! - The bits between two magic numbers are a job (`block`) that a thread of the `pool` decodes ahead, one block at a time.
//! - `blocks` collects the results in order, and uses a result only if the block's CRC is correct and the block begins where the previous one ended.
//! - Otherwise, and if a stream's CRC is wrong, `serial`, which uses the `bzip2` crate, decodes the rest of the input, and its result is final.
//!
//! Within a block (`decode`), stage by stage:
//!
//! - `bits` and `huffman`: bits are read 56 at a time, and one table lookup of ten bits gives a symbol. `header` reads the part before
//!   the symbols.
//! - `symbols` reads five symbols, then executes them with almost no branch that depends on their values. `front` is the move-to-front
//!   list: sixteen bytes in two words, and the rest in `rows`, which remove a byte without moving every byte before it.
//! - `links`: each byte of the resulting column is written as a link to the row of the byte before it in the text. This is the inverse
//!   Burrows-Wheeler transform, in the direction in which links are written sequentially.
//! - `seeds` and `walk`: following the links means many reads, each of which waits for memory. Thirty-two lanes walk parts of the chain at
//!   once, each from a seed up to the next seed on the chain.
//! - `join` puts the parts in order, from the last to the first, and reverses them.
//! - `runs` undoes the initial run-length encoding, and `crc` computes the check value of the content.

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
