//! Decodes one block with this crate's own code.
//!
//! The format is the same as libbz2's. If anything is unusual, such as a randomised block, an invalid code or a run without a count, this code
//! returns no result, and libbz2 decodes the rest of the input. Each thread decodes one block at a time: the links of one block take four megabytes,
//! and a second block would push them out of the cache.

use super::block::Job;
use super::crc::crc;
use super::header::{Header, Tables};
use super::join::join;
use super::links::Links;
use super::rows::Rows;
use super::runs::expand;
use super::seeds::Seeds;
use super::symbols;
use super::walk::Walk;

/// Blocks that expand to more than this are left to the serial decoder: 900,000 bytes are usual, 46 million are possible.
const BLOCK_BYTES_MAX: usize = 8 << 20;

/// The memory of a decoding thread: four megabytes for links, and about one megabyte for walked segments.
pub(super) struct Desk {
    tables: Box<Tables>,
    list: Box<Rows>,
    links: Links,
    walk: Walk,
}

impl Desk {
    /// `None` if [`Links::new`] returns `None`.
    pub(super) fn new() -> Option<Self> {
        Some(Self { tables: Box::default(), list: Box::default(), links: Links::new()?, walk: Walk::new() })
    }

    /// The content of a block. `None` if the block does not end exactly where expected, if its CRC is wrong, if its content is larger than
    /// [`BLOCK_BYTES_MAX`], or if anything else about the block is unusual.
    pub(super) fn decode(&mut self, job: &Job) -> Option<Vec<u8>> {
        let mut reader = job.reader()?;
        let header = Header::read(&mut reader, &mut self.tables)?;
        let most = job.level.bytes();
        symbols::read(&mut reader, &self.tables, &header.list, most, &mut self.list, &mut self.links)?;
        if !job.ends(&reader) {
            return None;
        }
        let seeds = Seeds::mark(&mut self.links, header.start)?;
        self.walk.walk(&self.links, seeds);
        let content = expand(join(&self.walk, self.links.rows())?, BLOCK_BYTES_MAX)?;
        (crc(&content) == header.crc).then_some(content)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use bzip2::Compression;
    use bzip2::read::BzEncoder;

    use super::super::block::{HEADER_BITS, Level};
    use super::super::scan::END;
    use super::super::{bits, scan};
    use super::*;

    /// The only block of a stream, followed by `behind` extra bits.
    fn job(stream: &[u8], behind: u64) -> Job {
        let level = Level::of_header(bits::read(stream, 0, 32).unwrap()).unwrap();
        let last = stream.len() as u64 * 8 - 32 - scan::MAGIC_BITS;
        let end = (last - 7..=last).find(|&at| bits::read(stream, at, 48) == Some(END)).unwrap();
        Job::new(level, stream, HEADER_BITS, end + behind).unwrap().0
    }

    fn compress(content: &[u8], level: u32) -> Vec<u8> {
        let mut stream = Vec::new();
        BzEncoder::new(content, Compression::new(level)).read_to_end(&mut stream).unwrap();
        stream
    }

    fn noise(count: usize, values: u32) -> Vec<u8> {
        let next = |state: &u32| Some(state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f));
        let states = std::iter::successors(Some(7), next);
        states.map(|state| ((state >> 12) % values).to_le_bytes()[0]).take(count).collect()
    }

    /// Decodes all jobs with the same memory and without libbz2.
    #[test]
    fn blocks_of_all_kinds_are_decoded() {
        let mut desk = Desk::new().unwrap();
        let long_run = vec![0; 4_000_000];
        let words: Vec<u8> = noise(300_000, 90).chunks(7).flat_map(|word| word.repeat(2)).collect();
        let squares: Vec<u8> = (0..3000u32).flat_map(|at| [((at * at) >> 8).to_le_bytes()[0], 1, 2]).collect();
        let contents: Vec<Vec<u8>> =
            vec![noise(890_000, 256), words, vec![1], noise(99, 2), squares, long_run, b"ab".repeat(40_000)];
        for content in &contents {
            let stream = compress(content, 9);
            assert!(desk.decode(&job(&stream, 0)).as_ref() == Some(content), "{} bytes", content.len());
            assert_eq!((desk.decode(&job(&stream, 1)), desk.decode(&job(&stream, 9))), (None, None));
        }
        for level in 1..=9 {
            let content = noise(level as usize * 100_000 - 1000, 17);
            assert!(desk.decode(&job(&compress(&content, level), 0)) == Some(content), "level {level}");
        }
    }

    #[test]
    fn a_block_that_expands_beyond_the_limit_is_refused() {
        let mut desk = Desk::new().unwrap();
        assert_eq!(desk.decode(&job(&compress(&vec![0; BLOCK_BYTES_MAX + 1], 9), 0)), None);
        assert!(desk.decode(&job(&compress(&vec![0; BLOCK_BYTES_MAX], 9), 0)).is_some());
    }

    #[test]
    fn a_changed_block_is_refused_or_decodes_to_the_same_content() {
        let mut desk = Desk::new().unwrap();
        let content = noise(2000, 40);
        let stream = compress(&content, 1);
        let start = 80;
        for bit in start..stream.len() * 8 - 90 {
            let mut changed = stream.clone();
            changed[bit / 8] ^= 0x80 >> (bit % 8);
            // A change to an unused selector or code may have no effect.
            assert!(desk.decode(&job(&changed, 0)).is_none_or(|found| found == content), "bit {bit}");
        }
        assert_eq!(desk.decode(&job(&stream, 0)), Some(content));
    }
}
