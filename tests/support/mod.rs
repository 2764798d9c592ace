//! Makes the fixtures; also contains code that tests share.
//!
//! A case describes what is wrong with a bundle, and the expected answer; all cases are in `cases/`. To add a case, add a [`Case`] to a list
//! in `cases/` and a line to `rules.toml`, then run `cargo run --example make-fixtures`.
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

/// The rules of the specification that a fixture covers: its line in `rules.toml`.
pub fn rules_of(name: &str) -> Vec<String> {
    static RULES: std::sync::LazyLock<toml::Table> =
        std::sync::LazyLock::new(|| include_str!("rules.toml").parse().unwrap());
    let rules = RULES.get(name).and_then(toml::Value::as_array);
    rules.into_iter().flatten().map(|rule| rule.as_str().unwrap().to_owned()).collect()
}

/// The fixtures' folder, from the root of the repository.
pub const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
