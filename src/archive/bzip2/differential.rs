//! One thread beside several: the same bytes, and the same error after them.

use std::io::Read as _;

use ::bzip2::Compression;
use ::bzip2::read::BzEncoder;

use super::decompress;
use crate::error::Error;

/// What one thread makes of `input`, and that several make the same of it, whatever the buffers.
pub(crate) fn compare(input: &[u8], allowed: u64) -> Result<Vec<u8>, Error> {
    let read = |threads, piece: usize| {
        let mut reader = decompress(input, threads, "test", "expanded_bytes", allowed);
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return (bytes, None),
                Ok(read) => bytes.extend(buffer.iter().take(read)),
                Err(error) => return (bytes, Some(Error::from_read("test", error))),
            }
        }
    };
    let (bytes, error) = read(1, 1 << 16);
    for (threads, piece) in [(1, 1000), (2, 1 << 16), (3, 777)] {
        let (others, fault) = read(threads, piece);
        assert!(others == bytes, "{threads} threads make {} bytes, one {}", others.len(), bytes.len());
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
