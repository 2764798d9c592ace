//! Reads bzip2 tar archives strictly and within bounds. Outside tests, no code here accesses a file system.
//!
//! A tar archive that two readers could read differently is refused, not interpreted: see [`tar`]. [`signed`] has further rules for signed archives.

mod bounded;
mod name;
mod pax;
mod signed;
mod tar;

pub(crate) use self::bounded::decompress;
pub(crate) use self::name::MemberPath;
pub(crate) use self::signed::SignedTar;
pub(crate) use self::tar::{Member, MemberKind, TarReader};

// The fixtures' tar writer: it writes what Python's tarfile writes and, on request, malformed archives.
#[cfg(test)]
#[allow(dead_code, unreachable_pub, clippy::cast_possible_truncation)]
#[path = "../../tests/support/tar.rs"]
mod tar_writer;
#[cfg(all(test, unix))]
mod tests;
