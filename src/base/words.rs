//! Words for enums: one table per enum, from which its words, parser, list and error messages are derived.
//!
//! To add a word, add a variant to the enum and a line to its table. If a variant has no line, the code does not
//! compile.

/// Defines `ALL`, `word` and `from_word` for an enum. A variant with a value is listed with the value that it has after
/// parsing.
macro_rules! words {
    ($(#[$what:meta])* $visible:vis $name:ident { $($variant:ident $(($held:expr))? = $word:literal),+ $(,)? }) => {
        impl $name {
            /// All variants, in the order used in lists.
            $visible const ALL: [Self; [$($word),+].len()] = [$(Self::$variant $(($held))?),+];

            $(#[$what])*
            $visible fn word(self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word),+
                }
            }

            /// The variant for this word.
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

/// `1 pack`, `2 packs`, `1 entry`, `2 entries`.
pub(crate) fn counted(count: impl TryInto<u64>, thing: &str) -> String {
    let several = thing.strip_suffix('y').map_or_else(|| format!("{thing}s"), |stem| format!("{stem}ies"));
    counted_as(count, thing, &several)
}

/// `1 object is`, `2 objects are`.
pub(crate) fn counted_as(count: impl TryInto<u64>, one: &str, several: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        count => format!("{count} {several}"),
    }
}

/// `; did you mean "x"?` if one of the words is similar to `typed`, otherwise nothing.
pub(crate) fn did_you_mean<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    let typed = typed.to_lowercase();
    // Up to a third of the letters may differ, but at least one and at most three.
    let most = (typed.chars().count() / 3).clamp(1, 3);
    let near = words.into_iter().map(|word| (distance(&typed, word), word)).filter(|(far, _)| *far <= most);
    near.min_by_key(|(far, _)| *far).map(|(_, word)| format!("; did you mean {word:?}?")).unwrap_or_default()
}

/// The suggestion of [`did_you_mean`] for serde's message about an unknown field: "unknown field `x`, expected one of `a`, `b`".
pub(crate) fn meant_field(message: &str) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return String::new() };
    // If the text is split at backticks, every second piece is a field name.
    let mut names = rest.split('`').step_by(2);
    let typed = names.next().unwrap_or_default();
    did_you_mean(typed, names.filter(|name| !name.is_empty()))
}

/// Longer words are not compared: the time for a comparison grows with the product of both lengths.
const COMPARED_CHARACTERS: usize = 64;

/// The minimum number of letters to insert, delete, replace or swap with the next letter (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().max(other.len()) > COMPARED_CHARACTERS {
        return usize::MAX;
    }
    // The last two rows of the table.
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut next = vec![at.saturating_add(1)];
        for (to, found) in other.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let exchanged = cell(&row, to).saturating_add(usize::from(letter != found));
            let changed = cell(&row, to.saturating_add(1)).min(cell(&next, to)).saturating_add(1);
            let is_swap = at > 0 && to > 0 && one.get(at - 1) == Some(found) && other.get(to - 1) == Some(letter);
            let swapped = if is_swap { cell(&before, to - 1).saturating_add(1) } else { usize::MAX };
            next.push(exchanged.min(changed).min(swapped));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(usize::MAX)
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
        /// The word for this variant.
        Size { Small = "small", Other(7) = "other" }
    }

    #[test]
    fn every_variant_can_be_parsed_from_its_word() {
        assert_eq!(Size::ALL, [Size::Small, Size::Other(7)]);
        assert_eq!((Size::Small.word(), Size::Other(1).word()), ("small", "other"));
        assert_eq!(
            ["small", "other", "Small", ""].map(Size::from_word),
            [Some(Size::Small), Some(Size::Other(7)), None, None]
        );
    }

    #[test]
    fn only_similar_words_are_suggested() {
        let words = ["manifest-signature", "manifest-key", "manifest-name", "source-tree", "json", "html"];
        for (typed, expected) in [
            ("manifest-signatur", "; did you mean \"manifest-signature\"?"),
            ("mainfest-key", "; did you mean \"manifest-key\"?"),
            ("Source-Tree", "; did you mean \"source-tree\"?"),
            ("jsno", "; did you mean \"json\"?"),
            ("htm", "; did you mean \"html\"?"),
            ("text", ""),
            ("xyzzy", ""),
            ("", ""),
        ] {
            assert_eq!(did_you_mean(typed, words), expected, "{typed}");
        }
        assert_eq!(did_you_mean(&"a".repeat(100_000), words), "");
        assert_eq!([distance("ab", "ba"), distance("abc", ""), distance("kitten", "sitting")], [1, 3, 3]);
    }

    #[test]
    fn a_similar_field_from_serdes_message_is_suggested() {
        for (message, expected) in [
            ("unknown field `max-agee`, expected one of `branch`, `max-age`", "; did you mean \"max-age\"?"),
            ("unknown field `versoin`, expected `version`", "; did you mean \"version\"?"),
            ("unknown field `x`, expected one of `branch`, `commit`", ""),
            ("missing field `version`", ""),
        ] {
            assert_eq!(meant_field(message), expected, "{message}");
        }
    }

    #[test]
    fn counts_use_the_right_singular_or_plural() {
        let words = [counted(0_usize, "pack"), counted(1_u64, "pack"), counted(2_u32, "pack"), counted(2_u8, "entry")];
        assert_eq!(words, ["0 packs", "1 pack", "2 packs", "2 entries"]);
        let objects = [1_u64, 2].map(|count| counted_as(count, "object is", "objects are"));
        assert_eq!(objects, ["1 object is", "2 objects are"]);
    }

    #[test]
    fn the_last_item_of_a_list_in_a_message_follows_or() {
        assert_eq!([&[][..], &["a"], &["a", "b"], &["a", "b", "c"]].map(any_of), ["", "a", "a or b", "a, b or c"]);
    }
}
