//! Reads JSON from servers strictly and within bounds, because a few megabytes of text can become hundreds of megabytes of values.

use std::cell::Cell;

use serde_json::Value;

use crate::base::limits::Limits;
use crate::base::strict_json::{Bounds, parse_within};

/// Reads one document.
///
/// # Errors
/// A message: the document is not JSON, has a duplicate key or exceeds a limit.
pub(crate) fn read_json(bytes: &[u8], limits: &Limits) -> Result<Value, String> {
    let bounds = Bounds {
        nodes: Cell::new(limits.answer_nodes),
        memory: Cell::new(limits.answer_memory_bytes),
        key: 4096,
        passed: Cell::new(None),
    };
    parse_within(bytes, &bounds).map_err(|error| match bounds.passed.get() {
        Some("nodes") => limits.answer_nodes().exceeded("it").to_string(),
        Some("memory") => limits.answer_memory_bytes().exceeded("it").to_string(),
        Some(_) => "it has a key longer than 4,096 bytes".into(),
        None => format!("it is not JSON: {error}"),
    })
}
