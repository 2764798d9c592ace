//! Measures a blob in one pass: digest and size of its stored bytes, and digest and size of its unpacked content (the `diff_id` of a layer, OCI image
//! specification, "Layer DiffID"). No content is kept, so memory use does not depend on the layer's size.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use crate::archive::decompress;
use crate::base::budget::{Budget, Work};
use crate::base::digest::{Sha256, Sha256Hasher};
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};

const BUFFER: usize = 1 << 16;
/// Number of leading bytes that show how a blob is compressed.
pub(super) const START: usize = 10;

/// How a blob is compressed, according to its first bytes. Container engines also use the first bytes rather than the media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed.
    Plain,
    /// RFC 1952, one or more members.
    Gzip,
    /// RFC 8878, one or more frames, including skippable ones.
    Zstd,
    /// One or more streams.
    Bzip2,
    /// This compression is recognised but not supported.
    Xz,
}

/// The message for a blob compressed with xz.
pub const XZ_UNSUPPORTED: &str = "xz compression is not supported; decompress an image archive with xz -d";

impl Compression {
    /// The name used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    /// Detects the compression from the first [`START`] bytes.
    pub(super) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A zstd frame, or a skippable frame before it (RFC 8878, 3.1.1 and 3.1.2).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // The check includes the magic number of a block or of the stream's end, because a
            // plain tar file may begin with a name like BZh9.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::Plain,
        }
    }
}

/// The measurements of one blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// SHA-256 of the stored bytes.
    pub digest: Sha256,
    /// Number of stored bytes.
    pub size: u64,
    /// The compression.
    pub compression: Compression,
    /// Digest and size of the unpacked content, or the reason why it cannot be unpacked.
    pub content: Result<(Sha256, u64), String>,
}

/// Measures the blob in `input`, reading to the end.
///
/// # Errors
/// [`Error::OverLimit`] beyond `image_layer_bytes` or `layer_expanded_bytes`, and read errors. A blob that cannot be unpacked is not an
/// error: [`Measured::content`] reports it.
pub(crate) fn measure(input: impl Read, what: &str, limits: &Limits, budget: &Budget) -> Result<Measured, Error> {
    let inner = budget.reading(input, Work::Bytes, what);
    let mut blob =
        Blob { inner, hasher: Sha256Hasher::new(), count: 0, bound: limits.image_layer_bytes(), fault: None };
    let mut hasher = Sha256Hasher::new();
    let (compression, content) = unpack(&mut blob, what, limits, budget, |piece| hasher.update(piece));
    let content = match (blob.fault.take(), content) {
        (Some(fault), _) => return Err(Error::from_read(what, fault)),
        (None, Err(Stop::Error(error))) => return Err(error),
        (None, Err(Stop::Corrupt(message))) => Err(message),
        (None, Ok(size)) => Ok((hasher.finish(), size)),
    };
    // Bytes that the decoder did not read are still part of the blob.
    let drained = io::copy(&mut blob, &mut io::sink());
    if let Some(fault) = blob.fault.take() {
        return Err(Error::from_read(what, fault));
    }
    drained.map_err(|error| Error::from_read(what, error))?;
    Ok(Measured { digest: blob.hasher.finish(), size: blob.count, compression, content })
}

/// Passes a reader of the unpacked content of `input` to `with`.
pub(super) fn with_content<T>(
    input: impl Read,
    limits: &Limits,
    budget: &Budget,
    with: impl FnOnce(&mut dyn Read) -> Result<T, Error>,
) -> Result<T, Error> {
    let what = "a layer";
    let (_, decoder) = decoder(input, limits).map_err(|error| Error::from_read(what, error))?;
    let bound = limits.layer_expanded_bytes();
    with(&mut budget.reading(Capped { inner: decoder, left: bound.allowed, what, bound }, Work::Bytes, what))
}

enum Stop {
    Error(Error),
    Corrupt(String),
}

fn unpack(
    input: impl Read,
    what: &str,
    limits: &Limits,
    budget: &Budget,
    mut sink: impl FnMut(&[u8]),
) -> (Compression, Result<u64, Stop>) {
    let (compression, mut decoder) = match decoder(input, limits) {
        Ok(parts) => parts,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            return (Compression::Xz, Err(Stop::Corrupt(error.to_string())));
        }
        Err(error) => return (Compression::Plain, Err(Stop::Corrupt(error.to_string()))),
    };
    let mut buffer = vec![0; BUFFER];
    let mut size = 0_u64;
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return (compression, Ok(size)),
            Ok(read) => {
                size = size.saturating_add(read as u64);
                // Each byte is charged twice: for decompression and for hashing.
                let spent = budget.spend(Work::Bytes(2 * read as u64), what);
                if let Err(error) = limits.layer_expanded_bytes().check(size, what).and(spent) {
                    return (compression, Err(Stop::Error(error)));
                }
                sink(buffer.get(..read).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Exceeding a limit of this program is not a fault of the blob.
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<Error>()) => {
                return (compression, Err(Stop::Error(Error::from_read(what, error))));
            }
            Err(error) => {
                let message = format!("its {} stream is corrupt: {error}", compression.word());
                return (compression, Err(Stop::Corrupt(message)));
            }
        }
    }
}

fn decoder<'r>(mut input: impl Read + 'r, limits: &Limits) -> io::Result<(Compression, Box<dyn Read + 'r>)> {
    let mut start = Vec::new();
    (&mut input).take(START as u64).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole = io::Cursor::new(start).chain(BufReader::with_capacity(BUFFER, input));
    let decoder: Box<dyn Read + 'r> = match compression {
        Compression::Plain => Box::new(whole),
        Compression::Gzip => Box::new(MultiGzDecoder::new(whole)),
        Compression::Zstd => Box::new(Frames::new(whole, limits.zstd_window_bytes())),
        Compression::Bzip2 => Box::new(decompress(whole, 1, "a layer", limits.layer_expanded_bytes())),
        Compression::Xz => return Err(io::Error::new(io::ErrorKind::Unsupported, XZ_UNSUPPORTED)),
    };
    Ok((compression, decoder))
}

/// A blob as it is read: hashed, counted and limited. Errors of the source are kept separate from errors of a decoder.
struct Blob<R> {
    inner: R,
    hasher: Sha256Hasher,
    count: u64,
    bound: Bound,
    fault: Option<io::Error>,
}

impl<R: Read> Read for Blob<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.inner.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return self.stop(error),
        };
        self.count = self.count.saturating_add(read as u64);
        if let Err(error) = self.bound.check(self.count, "a blob of the image") {
            return self.stop(error.into());
        }
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<R> Blob<R> {
    fn stop(&mut self, error: io::Error) -> io::Result<usize> {
        self.fault = Some(error);
        Err(io::Error::other("the source cannot be read"))
    }
}

struct Capped<'w, R> {
    inner: R,
    left: u64,
    what: &'w str,
    bound: Bound,
}

impl<R: Read> Read for Capped<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.bound.take(self.left, read as u64, self.what)?;
        Ok(read)
    }
}

/// Consecutive zstd frames. Skippable frames are ignored, and checksums are verified.
struct Frames<R> {
    input: R,
    decoder: FrameDecoder,
    window: Bound,
    inside: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(input: R, window: Bound) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window.allowed);
        Self { input, decoder, window, inside: false }
    }

    /// Begins the next frame that has content. Returns `false` at the end of the input.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = io::copy(&mut (&mut self.input).take(length.into()), &mut io::sink())?;
                    if skipped != u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                    return Err(self.window.exceeded("the window of a zstd frame").into());
                }
                Err(error) => return Err(corrupt(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // In the code below, a read of zero bytes means the end of a frame, so a read into an empty buffer is handled here.
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.inside {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.inside = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = ruzstd::decoding::BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.input, one).map_err(corrupt)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.inside = false;
            let (written, computed) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if written.is_some() && written != computed {
                return Err(corrupt("wrong checksum of a frame"));
            }
        }
    }
}

fn corrupt(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests;
