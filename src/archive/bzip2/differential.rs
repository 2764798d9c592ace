//! libbz2 from front to back, beside what is done block by block: the same bytes, and the same error after them.

use std::io::Read;

use ::bzip2::Compression;
use ::bzip2::read::BzEncoder;

use super::serial::Serial;
use super::{capped, decompress};
use crate::error::Error;
use crate::limits::Limits;

/// What libbz2 makes of `input`, and that one thread and several make the same of it, whatever the buffers.
pub(crate) fn compare(input: &[u8], allowed: u64) -> Result<Vec<u8>, Error> {
    let bound = Limits { expanded_bytes: allowed, ..Limits::default() }.expanded_bytes();
    let read = |threads, piece: usize| {
        let mut reader: Box<dyn Read> = match threads {
            0 => Box::new(capped(Serial::new(input), "test", bound)),
            _ => Box::new(decompress(input, threads, "test", bound)),
        };
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return (bytes, None),
                Ok(read) => bytes.extend(buffer.iter().take(read)),
                Err(error) => return (bytes, Some(Error::from_read("test", error))),
            }
        }
    };
    let (bytes, error) = read(0, 1 << 16);
    for (threads, piece) in [(0, 1000), (1, 777), (3, 1 << 16)] {
        let (others, fault) = read(threads, piece);
        assert!(others == bytes, "{threads} threads make {} bytes, libbz2 makes {}", others.len(), bytes.len());
        assert_eq!(fault, error, "{threads} threads");
    }
    error.map_or(Ok(bytes), Err)
}

/// Compresses `bytes` behind the first four into a stream, puts another one behind it, changes the bit that the four name, and compares.
pub(crate) fn compare_changed(bytes: &[u8], allowed: u64) {
    let Some((place, content)) = bytes.split_first_chunk::<4>() else { return };
    let mut streams = Vec::new();
    for part in [content, place] {
        BzEncoder::new(part, Compression::fast()).read_to_end(&mut streams).unwrap_or_default();
    }
    let bit = u32::from_le_bytes(*place) as usize % (streams.len() * 8);
    if let Some(byte) = streams.get_mut(bit / 8) {
        *byte ^= 0x80 >> (bit % 8);
    }
    let _ = compare(&streams, allowed);
}
