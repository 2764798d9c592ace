//! YAML without ambiguity: duplicate keys, unrecognised tags and non-finite numbers are errors; anchors, merges and depth are bounded before memory
//! is allocated.
//!
//! Merge keys (`<<`) are expanded as in YAML 1.1 (a key in the mapping itself takes precedence), because the programs that will read these files
//! expand them. Programs disagree on the details: in kubectl, a merge overrides keys before it; in kubectl and PyYAML, the second of two merges
//! takes precedence; docker compose refuses two merges. A document that depends on these differences is refused.
//!
//! Programs also disagree on what a merge is: PyYAML and kubectl treat a key `<<` with the tag `!` as a merge, but the parser here does not. A key
//! `<<` that was not merged is refused in every spelling, including quoted ones.

mod words;

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer};
use serde_json::Value;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

use crate::base::limits::Limits;
use crate::base::strict_json::Strict;

/// Characters that are line breaks in YAML 1.1 but not in YAML 1.2. kubectl, docker compose and PyYAML read YAML 1.1; the parser here reads YAML 1.2.
/// In a comment, one of these characters starts a new line for those programs, but not for the parser here.
const LINE_ENDS_OF_1_1: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

struct Document(Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Strict.deserialize(deserializer).map(Self)
    }
}

/// Reads every document in a YAML stream and drops empty documents. JSON is also YAML.
///
/// # Errors
/// A human-readable message, with the position if it is known.
pub(crate) fn documents(bytes: &[u8], limits: &Limits) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    if let Some(end) = text.chars().find(|letter| LINE_ENDS_OF_1_1.contains(letter)) {
        let code = u32::from(end);
        return Err(format!(
            "it contains the character U+{code:04X}, which ends a line (even in a comment) in YAML 1.1 but not in YAML 1.2"
        ));
    }
    let bound = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let nodes = bound(limits.yaml_nodes);
    let budget = serde_saphyr::budget! {
        max_events: nodes.saturating_mul(2),
        max_nodes: nodes,
        max_depth: bound(limits.yaml_depth),
        max_documents: bound(limits.yaml_documents),
        max_aliases: 1_000,
        max_anchors: 1_000,
        max_merge_keys: 1_000,
        max_recorded_anchor_events: nodes,
        max_recorded_anchor_bytes: bound(limits.workload_bytes),
        max_total_scalar_bytes: bound(limits.workload_bytes),
    };
    let alias_limits = serde_saphyr::alias_limits! { max_total_replayed_events: nodes, max_replay_stack_depth: 16 };
    let read = |merge_keys: MergeKeyPolicy| {
        let options = serde_saphyr::options! {
            budget: budget.clone(),
            alias_limits: alias_limits,
            duplicate_keys: DuplicateKeyPolicy::Error,
            merge_keys: merge_keys,
            strict_booleans: true,
            reject_unsupported_tags: true,
            non_finite_float_policy: NonFiniteFloatPolicy::Reject,
            with_snippet: false,
        };
        let read: Result<Vec<Document>, _> = serde_saphyr::from_multiple_with_options(text, options);
        let documents = read.map_err(|error| words::of(&error, text))?;
        Ok::<Vec<Value>, String>(documents.into_iter().map(|document| document.0).collect())
    };
    let merged = read(MergeKeyPolicy::Merge)?;
    if merged.iter().any(has_merge_key) {
        return Err("a key << that only some programs treat as a merge: use << without quotes or a tag".into());
    }
    // A merge that is spelled differently from << (with escapes) has a tag. For other tags, the second read is unnecessary but harmless.
    if text.contains(MERGE) || text.contains('!') {
        read(MergeKeyPolicy::AsOrdinary)?.iter().try_for_each(check_merges)?;
    }
    Ok(merged)
}

const MERGE: &str = "<<";

fn has_merge_key(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_merge_key),
        Value::Object(fields) => fields.iter().any(|(key, value)| key == MERGE || has_merge_key(value)),
        _ => false,
    }
}

/// Checks that no merge adds a key that is already before it: parsers expand such a merge differently. `value` was read with merge keys as ordinary
/// keys, so two merges in one mapping have already been refused as duplicate keys.
fn check_merges(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(check_merges),
        Value::Object(fields) => {
            if let Some(merged) = fields.get(MERGE) {
                let mut brought = HashSet::new();
                add_keys(merged, &mut brought);
                let mut before = fields.keys().take_while(|key| *key != MERGE);
                if let Some(key) = before.find(|key| brought.contains(key.as_str())) {
                    return Err(format!(
                        "{key:?} comes before a merge (<<) of a mapping that also has this key: move the merge before the key"
                    ));
                }
            }
            fields.values().try_for_each(check_merges)
        }
        _ => Ok(()),
    }
}

/// The keys that a merge adds: the keys of a mapping or of a list of mappings, including keys from nested merges.
fn add_keys<'v>(merged: &'v Value, keys: &mut HashSet<&'v str>) {
    match merged {
        Value::Array(items) => items.iter().for_each(|item| add_keys(item, keys)),
        Value::Object(fields) => {
            keys.extend(fields.keys().map(String::as_str));
            if let Some(inner) = fields.get(MERGE) {
                add_keys(inner, keys);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Vec<Value>, String> {
        documents(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn documents_merges_anchors_and_json_are_read() {
        assert_eq!(read("a: 1\n---\n---\nb: [x, 'y']\n").unwrap(), [json!({"a": 1}), json!({"b": ["x", "y"]})]);
        assert_eq!(
            read("base: &b {image: x, tty: true}\none: {<<: *b, image: z}\n").unwrap(),
            [json!({"base": {"image": "x", "tty": true}, "one": {"image": "z", "tty": true}})]
        );
        assert_eq!(read(r#"{"a": {"b": null}}"#).unwrap(), [json!({"a": {"b": null}})]);
        assert_eq!(read("80: x\n").unwrap(), [json!({"80": "x"})]);
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn ambiguous_yaml_is_refused() {
        for bad in [
            "image: a\nimage: b\n",
            "a: {image: x, \"image\": y}",
            "a: {image: x, \"im\\u0061ge\": y}",
            "{\"a\": 1, \"a\": 2}",
            "a: !reset x",
            "a: .nan",
            "a: *nobody",
            "a: [1",
            "a: b: c",
        ] {
            assert!(read(bad).is_err(), "{bad}: {:?}", read(bad));
        }
        assert!(documents(&[0xff, 0xfe], &Limits::default()).is_err());
    }

    /// `kubectl patch --local` and PyYAML find two containers in each of these documents.
    #[test]
    fn a_line_end_that_only_some_readers_recognize_is_refused() {
        let text = |end: &str| format!("containers:\n- image: a\n  # note{end}- image: b\n");
        for end in ["\u{85}", "\u{2028}", "\u{2029}"] {
            assert!(read(&text(end)).unwrap_err().contains("which ends a line"), "{end:?}");
        }
        // These are line breaks in YAML 1.1 and 1.2.
        for end in ["\r", "\r\n", "\n"] {
            assert_eq!(read(&text(end)).unwrap(), [json!({"containers": [{"image": "a"}, {"image": "b"}]})], "{end:?}");
        }
    }

    /// In each refused document, kubectl or PyYAML reads a different image, or docker compose reads no image.
    #[test]
    fn merges_that_readers_expand_differently_are_refused() {
        let with =
            |last: &str| read(&format!("x: &x {{image: x}}\ny: &y {{image: y}}\nz: &z {{<<: *x}}\nlast: {last}\n"));
        for bad in [
            "{<<: *y, <<: *x}",
            "{image: y, <<: *x}",
            "{image: y, <<: *z}",
            "{image: y, <<: [{a: 1}, *z]}",
            "[{image: y, <<: *x}]",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
        for (good, image) in [("{<<: [*y, *x]}", "y"), ("{<<: *x, image: y}", "y"), ("{a: 1, <<: *z}", "x")] {
            assert_eq!(with(good).unwrap()[0]["last"]["image"], image, "{good}");
        }
        // With the merge type's tag, the key is a merge.
        for good in
            ["{!!merge <<: *x}", "{!!merge \"\\x3c<\": *x}", "{!<tag:yaml.org,2002:merge> <<: *x}", "{? << : *x}"]
        {
            assert_eq!(with(good).unwrap()[0]["last"]["image"], "x", "{good}");
        }
        for bad in ["{!!merge \"\\x3c<\": *x, !!merge \"\\x3c<\": *y}", "{image: y, !!merge \"\\x3c<\": *x}"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    /// PyYAML and kubectl (go-yaml v2) merge the first three keys; neither merges the others, which have no meaning.
    #[test]
    fn a_key_that_only_some_readers_merge_is_refused() {
        for spelled in ["! <<", "! \"<<\"", "! \"\\x3c<\"", "!!str <<", "\"<<\"", "'<<'", "\"\\x3c\\u003c\""] {
            for text in [
                format!("x: &x {{a: 1}}\nb: {{{spelled} : *x}}"),
                format!("- a\n- b:\n  - c:\n    {spelled}: {{d: 1}}\n"),
            ] {
                let error = read(&text).unwrap_err();
                assert!(error.contains("use << without quotes"), "{text}: {error}");
            }
        }
    }

    #[test]
    fn yaml_bombs_are_refused_before_they_expand() {
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            laughs.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert!(read(&laughs).is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"- ".repeat(10_000)).is_err());
        assert!(read(&"a: 1\n---\n".repeat(5_000)).is_err());
    }
}
