//! JSON (RFC 8259) without duplicate keys, which parsers read differently.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Parses one JSON document. A duplicate key in an object is an error, at any depth; so is anything after the document. The parser limits nesting to
/// 128 levels.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Like [`parse`], for a document from an untrusted sender.
///
/// # Errors
/// The errors of [`parse`]; if a bound was exceeded, `bounds` records which one.
pub(crate) fn parse_within(bytes: &[u8], bounds: &Bounds) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Bounded(Some(bounds)).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Bounds on one document.
pub(crate) struct Bounds {
    /// The number of values still allowed.
    pub(crate) nodes: Cell<u64>,
    /// Bytes of memory still allowed for values and keys, not counting the text of string values.
    pub(crate) memory: Cell<u64>,
    /// The maximum number of bytes in one key.
    pub(crate) key: u64,
    /// The bound that was exceeded: one of `nodes`, `memory` and `key`.
    pub(crate) passed: Cell<Option<&'static str>>,
}

impl Bounds {
    fn take<E: serde::de::Error>(&self, key: Option<&str>) -> Result<(), E> {
        let bytes = key.map_or(0, |key| key.len() as u64);
        // Growing lists and tables have spare capacity, on average half of their contents; a key needs its text and an entry in the table.
        let value = size_of::<Value>() as u64 * 3 / 2;
        let taken = if key.is_some() { value + 80 + bytes } else { value };
        let left = |cell: &Cell<u64>, taken| cell.get().checked_sub(taken).map(|left| cell.set(left));
        let passed = match () {
            () if bytes > self.key => "key",
            () if left(&self.nodes, 1).is_none() => "nodes",
            () if left(&self.memory, taken).is_none() => "memory",
            () => return Ok(()),
        };
        self.passed.set(Some(passed));
        Err(E::custom("over a bound"))
    }
}

/// Reads any value; a duplicate key is an error.
pub(crate) struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Bounded(None).deserialize(deserializer)
    }
}

#[derive(Clone, Copy)]
struct Bounded<'b>(Option<&'b Bounds>);

impl Bounded<'_> {
    fn take<E: serde::de::Error>(self, key: Option<&str>) -> Result<(), E> {
        self.0.map_or(Ok(()), |bounds| bounds.take(key))
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(self)? {
            self.take(None)?;
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key {key:?}")));
            }
            self.take(Some(&key))?;
            map.insert(key, entries.next_value_seed(self)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        let text = br#"{"a":[1,-2,2.5,null,true,"x"],"b":{"a":{}}}"#;
        assert_eq!(parse(text).unwrap(), serde_json::from_slice::<Value>(text).unwrap());
    }

    #[test]
    fn refuses_ambiguous_json() {
        for bad in
            [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"x":{"b":1,"b":2}}]"#, "{} {}", "", "{'a':1}", "NaN"]
        {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
