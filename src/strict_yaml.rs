//! YAML without ambiguity: keys that stand twice, unknown tags and numbers that are none are errors; anchors, merges and depth are
//! bounded before memory is taken.
//!
//! Merge keys (`<<`) are expanded as YAML 1.1 has them, since the programs that will read these files expand them: what stands in the
//! mapping itself wins.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer};
use serde_json::Value;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

use crate::limits::Limits;
use crate::strict_json::Strict;

struct Document(Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Strict.deserialize(deserializer).map(Self)
    }
}

/// Reads every document of a YAML stream; those that are empty are left out. JSON is YAML too.
///
/// # Errors
/// In words, with the place where that is known.
pub(crate) fn documents(bytes: &[u8], limits: &Limits) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
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
    let options = serde_saphyr::options! {
        budget: budget,
        alias_limits: alias_limits,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        with_snippet: false,
    };
    let read: Result<Vec<Document>, _> = serde_saphyr::from_multiple_with_options(text, options);
    let documents = read.map_err(|error| one_line(&error.to_string()))?;
    Ok(documents.into_iter().map(|document| document.0).collect())
}

/// The first line of the parser's words, which may go on with an excerpt of the document.
fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Vec<Value>, String> {
        documents(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn documents_merges_anchors_and_json() {
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
    fn what_two_readers_could_read_differently_is_refused() {
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

    #[test]
    fn bombs_are_refused_before_they_grow() {
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
