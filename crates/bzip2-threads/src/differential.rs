//! Checks that the decoder yields the same bytes as libbz2, followed by the same error.

use std::io::{self, Read};

use bzip2::Compression;
use bzip2::read::BzEncoder;

use super::Decoder;
use super::serial::Serial;

/// The error that stopped a decoder, as reported to its caller.
pub type Fault = (io::ErrorKind, String);

/// Decodes `input` with libbz2, and asserts that libbz2 with a smaller buffer, and this crate on one thread and on three, give the same result. More
/// than `most` bytes are an error, because a few bytes can expand to gigabytes.
pub fn compare(input: &[u8], most: u64) -> Result<Vec<u8>, Fault> {
    let read = |threads, piece: usize| {
        let mut reader: Box<dyn Read> = match threads {
            0 => Box::new(Serial::new(input).take(most + 1)),
            _ => Box::new(Decoder::new(input, threads).take(most + 1)),
        };
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return (bytes, None),
                Ok(read) => bytes.extend(buffer.iter().take(read)),
                Err(error) => return (bytes, Some((error.kind(), error.to_string()))),
            }
        }
    };
    let (bytes, fault) = read(0, 1 << 16);
    for (threads, piece) in [(0, 1000), (1, 777), (3, 1 << 16)] {
        let (others, other_fault) = read(threads, piece);
        assert!(others == bytes, "{threads} threads give {} bytes, libbz2 gives {}", others.len(), bytes.len());
        assert_eq!(other_fault, fault, "{threads} threads");
    }
    match fault {
        _ if bytes.len() as u64 > most => Err((io::ErrorKind::FileTooLarge, format!("more than {most} bytes"))),
        Some(fault) => Err(fault),
        None => Ok(bytes),
    }
}

/// The fuzz target. This function decodes `bytes` unchanged. It also compresses all bytes except the first four into a stream, appends a second
/// stream, flips the bit that the first four bytes select, and decodes the result.
pub fn any_bytes(bytes: &[u8]) {
    const MOST: u64 = 1 << 22;
    let _ = compare(bytes, MOST);
    let Some((place, content)) = bytes.split_first_chunk::<4>() else { return };
    let mut streams = Vec::new();
    for part in [content, place] {
        BzEncoder::new(part, Compression::fast()).read_to_end(&mut streams).unwrap_or_default();
    }
    let bit = u32::from_le_bytes(*place) as usize % (streams.len() * 8);
    if let Some(byte) = streams.get_mut(bit / 8) {
        *byte ^= 0x80 >> (bit % 8);
    }
    let _ = compare(&streams, MOST);
}
