//! bzip2 from front to back by the crate, one block after the other.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::{Decompress, Status};

/// Bytes of a block that are made at a time.
const PIECE: usize = 1 << 16;

/// Decompresses one stream or several behind each other, and nothing after the last.
///
/// Whatever the buffers of the caller and of the input, it delivers the same bytes before the same error: what is decoded in parallel can
/// then be compared with it. So a block is first read, while nothing can be made of it, and then made in pieces that begin with the
/// block: of a piece in which the decoder meets a fault nothing can be told.
pub(super) struct Serial<R> {
    input: BufReader<R>,
    decoder: Decompress,
    next: Next,
    piece: Cursor<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// A stream may begin here, or the input end.
    Stream,
    Input,
    Output,
    /// The decoder met a fault. It is not asked again: its next answer could be another one.
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

    /// Lets the decoder read, up to the end of a block. `false` at the end of all streams.
    fn read_input(&mut self) -> io::Result<bool> {
        let input = loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Asked again, it gives the same answer at once: what it holds is still there.
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

    /// Makes the next piece of the block that was read.
    fn make_piece(&mut self) {
        let mut piece = std::mem::take(&mut self.piece).into_inner();
        piece.clear();
        piece.reserve_exact(PIECE);
        match self.decoder.decompress_vec(&[], &mut piece) {
            Ok(_) if piece.is_empty() => self.next = Next::Input,
            Ok(_) => {}
            // The piece holds what was made before, unless the fault is in the midst of it.
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
