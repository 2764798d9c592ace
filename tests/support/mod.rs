//! Makes the fixtures, with what tests share.
//!
//! A case is a description in `cases/`: what is wrong with the bundle and the expected answer. To add one, add a [`Case`] to a list in `cases/`, then
//! run `cargo run --example make-fixtures`.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(unused_imports, clippy::cast_possible_truncation)]

mod case;
mod cases;
pub mod encoding;
pub mod image;
mod inputs;
pub mod keys;
pub mod objects;
pub mod signing;
pub mod tar;

pub use self::case::Case;
pub use self::cases::all;

/// The fixtures' folder, from the root of the repository.
pub const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
