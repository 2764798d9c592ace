//! Closed-world tables: every key that a form defines at a position, and the key's meaning.
//!
//! A single traversal reads a value with its table. A key that is not in the table is reported as unknown, because a program that supports the key
//! might find an image in it or run something. `null` counts as absent, as in the programs that read these forms, but a key that is not in the table
//! is reported even if its value is `null`.

use serde_json::{Map, Value};

use super::{Images, below, kind_of};

/// What a key means at its position in a form.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    /// An image that runs.
    Image,
    /// The key runs or fetches software that no image name in the file identifies. The string describes this software
    /// and contains advice.
    Runs(&'static str),
    /// A string that determines what other keys mean. Only these strings and null are accepted; a variable, any other string and any other type are
    /// reported as unknown.
    Decisive(&'static [&'static str]),
    /// A mapping, read with this table.
    Mapping(&'static Table),
    /// A list of mappings, each read with this table.
    List(&'static Table),
    /// A mapping from names that the owner chooses to values that are read with this table.
    Named(&'static Table),
    /// A separate rule for a value with several forms. The rule receives the value and its position.
    Special(fn(&Value, &str, &mut Images)),
    /// The key does not cause anything to run, and nothing in its value is an image that runs.
    Harmless,
}

/// Every key that a form defines at one position.
pub(super) struct Table {
    /// The object that the keys belong to, for messages: "a service".
    pub(super) name: &'static str,
    /// The keys in the order of the schema.
    pub(super) keys: &'static [(&'static str, Meaning)],
    /// Prefixes of keys that the form reserves for its users.
    pub(super) extensions: &'static [&'static str],
    /// The advice for an unrecognised key.
    pub(super) advice: &'static str,
}

impl Table {
    /// Reads a value that should be a mapping.
    pub(super) fn read(&self, value: &Value, place: &str, images: &mut Images) {
        match value {
            Value::Null => {}
            Value::Object(fields) => self.read_fields(fields, place, images),
            other => images.unknown(place, format!("expected a mapping, found {}", kind_of(other))),
        }
    }

    /// Reads a mapping. If the table has only one image key, the image is reported at the position of the mapping
    /// itself.
    pub(super) fn read_fields(&self, fields: &Map<String, Value>, place: &str, images: &mut Images) {
        let single = self.keys.iter().filter(|(_, meaning)| matches!(meaning, Meaning::Image)).count() == 1;
        for (key, value) in fields {
            match self.meaning(key) {
                Some(Meaning::Image) if single => Meaning::Image.read(key, value, place, images),
                Some(meaning) => meaning.read(key, value, &below(place, key), images),
                None if self.extensions.iter().any(|prefix| key.starts_with(prefix)) => {}
                None => {
                    let why = match self.in_other_letters(key) {
                        Some(name) => format!(
                            "malformed: `{key}` differs from `{name}` only in case, so programs written in Go read it as `{name}`: correct the spelling"
                        ),
                        None => format!("{} does not have the key `{key}`: {}", self.name, self.advice),
                    };
                    images.unknown(below(place, key), why);
                }
            }
        }
    }

    /// The key in the table that equals this key after both are folded: see [`folded`].
    fn in_other_letters(&self, key: &str) -> Option<&'static str> {
        let folded = folded(key);
        self.keys.iter().map(|(name, _)| *name).find(|name| self::folded(name) == folded)
    }

    /// The meaning of a key; `None` if the key is not in the table.
    pub(super) fn meaning(&self, key: &str) -> Option<Meaning> {
        self.keys.iter().find(|(name, _)| *name == key).map(|(_, meaning)| *meaning)
    }
}

/// Folds a key as Go's `encoding/json` does before it compares the key with field names: ASCII letters become lower
/// case, U+017F becomes `s`, and U+212A becomes `k`.
pub(super) fn folded(key: &str) -> String {
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).collect()
}

impl Meaning {
    /// Reads the value of a key.
    pub(super) fn read(self, key: &str, value: &Value, place: &str, images: &mut Images) {
        match (self, value) {
            (Self::Harmless, _) | (_, Value::Null) => {}
            (Self::Special(rule), _) => rule(value, place, images),
            (Self::Image, Value::String(text)) => images.name(place, text),
            (Self::Runs(why), _) => images.unknown(place, why),
            (Self::Decisive(words), Value::String(text)) if words.contains(&text.as_str()) => {}
            (Self::Decisive(words), other) => images.unknown(place, undecided(key, words, other)),
            (Self::Mapping(table), _) => table.read(value, place, images),
            (Self::List(table), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    table.read(item, &format!("{place}[{at}]"), images);
                }
            }
            (Self::Named(table), Value::Object(named)) => {
                for (name, item) in named {
                    table.read(item, &below(place, name), images);
                }
            }
            (Self::Image, other) => expected(key, "a string", other, place, images),
            (Self::List(_), other) => expected(key, "a list", other, place, images),
            (Self::Named(_), other) => expected(key, "a mapping", other, place, images),
        }
    }
}

fn expected(key: &str, what: &str, found: &Value, place: &str, images: &mut Images) {
    images.unknown(place, format!("`{key}` is {}, expected {what}", kind_of(found)));
}

/// The reason why a string that determines the meaning of other keys is not accepted.
fn undecided(key: &str, words: &[&str], found: &Value) -> String {
    let found = found.as_str().map_or_else(|| kind_of(found).to_owned(), |text| format!("{text:?}"));
    format!("`{key}` determines what runs: expected {} (without variables), found {found}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static PART: Table =
        Table { name: "a part", keys: &[("image", Meaning::Image)], extensions: &[], advice: "remove it" };
    static WHOLE: Table = Table {
        name: "a whole",
        keys: &[
            ("image", Meaning::Image),
            ("build", Meaning::Runs("it is built")),
            ("type", Meaning::Decisive(&["bind", "volume"])),
            ("part", Meaning::Mapping(&PART)),
            ("parts", Meaning::List(&PART)),
            ("named", Meaning::Named(&PART)),
            ("own", Meaning::Special(|value, place, images| images.unknown(place, value.to_string()))),
            ("labels", Meaning::Harmless),
        ],
        extensions: &["x-"],
        advice: "remove it",
    };
    static TWO: Table = Table {
        name: "a pair",
        keys: &[("first", Meaning::Image), ("second", Meaning::Image)],
        extensions: &[],
        advice: "remove it",
    };

    fn read(table: &Table, value: &Value) -> Vec<(String, Result<String, String>)> {
        let mut images = Images::for_tests();
        table.read(value, "top", &mut images);
        images.found.into_iter().map(|one| (one.place, one.image.map(|image| image.text))).collect()
    }

    fn one(value: &Value) -> (String, Result<String, String>) {
        let mut found = read(&WHOLE, value);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        found.remove(0)
    }

    #[test]
    fn images_are_found_in_nested_mappings_and_lists() {
        for (value, place) in [
            (json!({"image": "a"}), "top"),
            (json!({"part": {"image": "a"}}), "top.part"),
            (json!({"parts": [null, {"image": "a"}]}), "top.parts[1]"),
            (json!({"named": {"x": {"image": "a"}, "y": null}}), "top.named.x"),
        ] {
            assert_eq!(one(&value), (place.into(), Ok("a".into())), "{value}");
        }
        // If the table has two image keys, the position includes the key.
        let found = read(&TWO, &json!({"first": "a", "second": "b"}));
        assert_eq!(found, [("top.first".into(), Ok("a".into())), ("top.second".into(), Ok("b".into()))]);
    }

    #[test]
    fn unknown_values_are_reported_with_their_place() {
        for (value, place, words) in [
            (json!({"other": 1}), "top.other", "a whole does not have the key `other`: remove it"),
            (json!({"Image": "a"}), "top.Image", "malformed: `Image` differs from `image` only in case"),
            (json!({"label\u{17f}": 1}), "top.label\u{17f}", "differs from `labels` only in case"),
            (json!({"other": null}), "top.other", "does not have the key"),
            (json!({"part": {"x-a": 1}}), "top.part.x-a", "a part does not have the key `x-a`"),
            (json!({"build": "."}), "top.build", "it is built"),
            (json!({"type": "image"}), "top.type", "expected bind, volume (without variables), found \"image\""),
            (json!({"type": "${T:-bind}"}), "top.type", "found \"${T:-bind}\""),
            (json!({"type": ["bind"]}), "top.type", "found a list"),
            (json!({"image": 1}), "top", "`image` is a number, expected a string"),
            (json!({"part": "${P}"}), "top.part", "expected a mapping, found a string"),
            (json!({"parts": {"image": "a"}}), "top.parts", "`parts` is a mapping, expected a list"),
            (json!({"parts": ["a"]}), "top.parts[0]", "expected a mapping, found a string"),
            (json!({"named": [{"image": "a"}]}), "top.named", "`named` is a list, expected a mapping"),
            (json!({"named": {"x": "a"}}), "top.named.x", "expected a mapping, found a string"),
            (json!({"own": 7}), "top.own", "7"),
        ] {
            let (found, why) = one(&value);
            assert_eq!(found, place, "{value}");
            assert!(why.as_ref().is_err_and(|why| why.contains(words)), "{value}: {why:?}");
        }
        assert!(read(&WHOLE, &json!(["image"])).iter().any(|(place, image)| place == "top" && image.is_err()));
    }

    #[test]
    fn harmless_keys_are_ignored() {
        for value in [
            json!(null),
            json!({"x-image": "a", "labels": {"image": "a"}, "type": "bind"}),
            json!({"image": null, "build": null, "type": null, "part": null, "parts": null, "named": null, "own": null}),
            json!({"parts": [], "named": {}, "part": {}}),
        ] {
            assert_eq!(read(&WHOLE, &value), [], "{value}");
        }
    }
}
