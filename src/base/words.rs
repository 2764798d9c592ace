//! Words of enums: one table for each, from which its word, its reader, its list and the text of its errors come.
//!
//! To add a word: a variant of the enum and a line in its table. A variant without a line does not compile.

use std::fmt::Display;

/// `ALL`, `word` and `from_word` of an enum. A variant that holds something stands with what it holds when it is read.
macro_rules! words {
    ($(#[$what:meta])* $visible:vis $name:ident { $($variant:ident $(($held:expr))? = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every one, in the order of lists.
            $visible const ALL: [Self; [$($word),+].len()] = [$(Self::$variant $(($held))?),+];

            $(#[$what])*
            $visible fn word(self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word),+
                }
            }

            /// Reads the word.
            $visible fn from_word(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.word() == word)
            }
        }
    };
}

pub(crate) use words;

/// `a, b or c`, for messages.
pub(crate) fn any_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// `1 bundle`, `2 bundles`.
pub(crate) fn counted(count: impl Display + PartialEq + From<u8>, one: &str, several: &str) -> String {
    let noun = if count == 1.into() { one } else { several };
    format!("{count} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Size {
        Small,
        Other(u8),
    }

    words! {
        /// Its word.
        Size { Small = "small", Other(7) = "other" }
    }

    #[test]
    fn every_variant_has_its_word_and_is_read_by_it() {
        assert_eq!(Size::ALL, [Size::Small, Size::Other(7)]);
        assert_eq!((Size::Small.word(), Size::Other(1).word()), ("small", "other"));
        assert_eq!(
            ["small", "other", "Small", ""].map(Size::from_word),
            [Some(Size::Small), Some(Size::Other(7)), None, None]
        );
    }

    #[test]
    fn one_is_not_several() {
        let packs = |count: usize| counted(count, "pack", "packs");
        assert_eq!([0, 1, 2].map(packs), ["0 packs", "1 pack", "2 packs"]);
        assert_eq!(counted(1_u64, "entry", "entries"), "1 entry");
    }

    #[test]
    fn lists_in_messages() {
        assert_eq!([&[][..], &["a"], &["a", "b"], &["a", "b", "c"]].map(any_of), ["", "a", "a or b", "a, b or c"]);
    }
}
