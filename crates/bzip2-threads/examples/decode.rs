//! Decompresses a file to standard output on several threads, as `bzip2 -dc` does on one thread. `benches/compare` compares its speed with that of
//! lbzip2.
//!
//!     cargo run --release -p bzip2-threads --example decode FILE THREADS

use std::fs::File;
use std::io::{self, Read, Write};

use bzip2_threads::Decoder;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, threads] = arguments.as_slice() else { return Err(io::Error::other("FILE THREADS")) };
    let threads = threads.parse().map_err(io::Error::other)?;
    let mut decoder = Decoder::new(File::open(file)?, threads);
    let mut output = io::stdout().lock();
    let mut piece = vec![0; 1 << 18];
    loop {
        match decoder.read(&mut piece)? {
            0 => return Ok(()),
            read => output.write_all(piece.get(..read).unwrap_or_default())?,
        }
    }
}
