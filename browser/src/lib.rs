//! The audit as a WebAssembly module: it receives and returns plain memory, and has no imports.
//!
//! Three functions are exported. The page calls [`allocate`] once for the question (JSON, see `question.rs`) and once for each file in the
//! question's order, and copies the bytes to the returned addresses. [`run`] processes the question. [`answer`] returns the address of the
//! response: the length of its JSON and the total length of its files, four bytes each (little-endian), then the JSON and the files.
//! The page starts a new instance for each question.
//!
//! The module has no clock, no random numbers, no network and no files. The module uses the library in the same way as the command line, with the
//! same [`Request`].
//!
//! [`Request`]: hpsb_audit::Request
#![deny(unsafe_code)]

mod answer;
mod question;
mod work;

use std::panic;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::answer::Answer;

/// The data that the page has copied into the module, in order: the question, then the files.
static GIVEN: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Allocates `length` bytes and returns their address, or 0 if there is not enough memory.
// The attribute is needed to export the function; the function itself is safe.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> usize {
    let mut room = Vec::new();
    if room.try_reserve_exact(length).is_err() {
        return 0;
    }
    room.resize(length, 0);
    let place = room.as_mut_ptr().expose_provenance();
    locked(&GIVEN).push(room);
    place
}

/// Answers the question. If this function traps, [`answer`] returns the reason, unless memory is exhausted.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn run() {
    panic::set_hook(Box::new(|defect| keep(&Answer::defect(&defect.to_string()))));
    let given = std::mem::take(&mut *locked(&GIVEN));
    keep(&work::answer(given));
}

/// The address of the response. An address below 8 means that there is no response.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> usize {
    locked(&ANSWER).as_ptr().expose_provenance()
}

fn keep(answer: &Answer) {
    *locked(&ANSWER) = answer.framed();
}

/// getrandom 0.2 calls this function for random numbers. This implementation always fails, because verification needs no random numbers.
#[cfg(feature = "openpgp")]
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "Rust" fn __getrandom_custom(_: *mut u8, _: usize) -> u32 {
    getrandom02::Error::UNSUPPORTED.code().get()
}
