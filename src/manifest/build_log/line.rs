//! Entries of a log written by Python's logging module: `2020-06-23 08:39:46,463  root       INFO    message`.

use crate::base::time::Timestamp;

/// One entry: a line with a timestamp and the following lines without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The line number of the entry's first line, counted from 1.
    pub line: usize,
    /// The server's timestamp. `None` for lines before the first entry.
    pub time: Option<Timestamp>,
    /// `INFO`, `WARNING` …; empty if there is no timestamp.
    pub level: String,
    /// The message, with continuation lines separated by newlines.
    pub message: String,
}

const LEVELS: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

pub(super) fn entries(text: &str) -> Vec<LogEntry> {
    let mut entries: Vec<LogEntry> = Vec::new();
    for (at, line) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() && entries.is_empty() {
            continue;
        }
        match (head(line), entries.last_mut()) {
            (Some((time, level, message)), _) => {
                entries.push(LogEntry { line: at + 1, time: Some(time), level: level.into(), message: message.into() });
            }
            (None, Some(entry)) => {
                entry.message.push('\n');
                entry.message.push_str(line);
            }
            (None, None) => {
                entries.push(LogEntry { line: at + 1, time: None, level: String::new(), message: line.into() });
            }
        }
    }
    entries
}

/// Timestamp, level and message of a line that begins an entry.
fn head(line: &str) -> Option<(Timestamp, &str, &str)> {
    let (time, rest) = line.split_at_checked("2020-06-23 08:39:46,463".len())?;
    let time = Timestamp::from_log_time(time)?;
    let (_logger, rest) = rest.strip_prefix(' ')?.trim_start().split_once(' ')?;
    let rest = rest.trim_start();
    let (level, message) = rest.split_once(' ').unwrap_or((rest, ""));
    LEVELS.contains(&level).then(|| (time, level, message.trim_start()))
}
