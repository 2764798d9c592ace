//! Makes the fixtures; also contains code that tests share.
//!
//! A case describes what is wrong with a bundle, and the expected answer; all cases are in `cases/`. To add a case, add a [`Case`] to a list
//! in `cases/`, then run `cargo run --example make-fixtures`.
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
