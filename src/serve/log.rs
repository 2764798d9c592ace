//! Writes one JSON line per event.

use std::io::{self, Write as _};
use std::sync::PoisonError;

use serde_json::{Map, Value};

use super::Service;
use crate::base::escape::in_json;

impl Service {
    /// Writes a line. A decision that cannot be logged does not take effect: see `decide`.
    pub(super) fn write(&self, event: &str, fields: Value) -> io::Result<()> {
        let time = (self.edges.now)().map_or(Value::Null, |now| now.to_string().into());
        let mut line = Map::from_iter([("time".to_owned(), time), ("event".to_owned(), event.into())]);
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        let line = in_json(&Value::Object(line).to_string()) + "\n";
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.write_all(line.as_bytes()).and_then(|()| log.flush())
    }

    /// Writes a line about the service itself. Errors are ignored.
    pub(super) fn say(&self, event: &str, fields: Value) {
        let _ = self.write(event, fields);
    }
}
