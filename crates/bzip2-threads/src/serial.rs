//! Decodes bzip2 serially with the `bzip2` crate, one block after another.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::{Decompress, Status};

/// The number of output bytes that are decoded at a time.
const PIECE: usize = 1 << 16;

/// Decompresses one or more consecutive streams, with nothing after the last.
///
/// The decoder yields the same bytes and then the same error for all buffer sizes of the caller and the input, so that parallel decoding can be
/// compared with it. To do so, it first lets libbz2 read a block without providing room for output. It then decodes the block in pieces, and the
/// first piece begins at the start of the block. If libbz2 fails within a piece, the output of that piece is lost.
pub(super) struct Serial<R> {
    input: BufReader<R>,
    decoder: Decompress,
    next: Next,
    piece: Cursor<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// A stream may begin here, or the input may end.
    Stream,
    Input,
    Output,
    /// The decoder failed. The decoder is not called again, because its next result could be different.
    Fault(bzip2::Error),
}

impl<R: Read> Serial<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            decoder: Decompress::new(false),
            next: Next::Input,
            piece: Cursor::default(),
        }
    }

    /// Lets the decoder read buffered input, at most up to the end of a block. `false` after the last stream.
    fn read_input(&mut self) -> io::Result<bool> {
        let input = loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // `buffer` below returns the same bytes again.
                input => break input.map(<[u8]>::len)?,
            }
        };
        match (input, self.next) {
            (0, Next::Stream) => return Ok(false),
            (0, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
            (_, Next::Stream) => self.decoder = Decompress::new(false),
            _ => {}
        }
        let before = self.decoder.total_in();
        self.next = match self.decoder.decompress(self.input.buffer(), &mut []) {
            Ok(Status::StreamEnd) => Next::Stream,
            Ok(_) => Next::Output,
            Err(fault) => Next::Fault(fault),
        };
        self.input.consume(usize::try_from(self.decoder.total_in() - before).unwrap_or(0));
        Ok(true)
    }

    /// Decodes the next piece of the block that was read.
    fn make_piece(&mut self) {
        let mut piece = std::mem::take(&mut self.piece).into_inner();
        piece.clear();
        piece.reserve_exact(PIECE);
        match self.decoder.decompress_vec(&[], &mut piece) {
            Ok(_) if piece.is_empty() => self.next = Next::Input,
            Ok(_) => {}
            // The piece contains the output before the fault, unless the fault is in the middle of the piece.
            Err(fault) => self.next = Next::Fault(fault),
        }
        self.piece = Cursor::new(piece);
    }
}

impl<R: Read> Read for Serial<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.next {
                Next::Output => self.make_piece(),
                Next::Fault(fault) => return Err(io::Error::new(io::ErrorKind::InvalidInput, fault)),
                Next::Stream | Next::Input => {
                    if !self.read_input()? {
                        return Ok(0);
                    }
                }
            }
        }
    }
}
