//! Extracts one large string from a JSON object as the response arrives, so that a bundle of several gigabytes is never held in memory.
//!
//! The remainder is the same object with an empty string in place of the extracted string. The remainder is small and is read as strictly as the
//! build server's other responses, so that a duplicate member is also detected.

use crate::base::error::Error;
use crate::base::limits::Bound;
use crate::client::http::Sink;

const WHAT: &str = "the response";

/// The state of the scanner before the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Outside strings.
    Between,
    /// Inside a string that is kept; the flag states whether the last byte was a backslash.
    Text { escaped: bool },
    /// In the wanted string.
    Wanted,
    /// After a backslash in the wanted string.
    Escape,
    /// After `\u` in the wanted string; the fields are the number of digits so far and their value.
    Unicode { digits: u8, value: u32 },
}

/// Passes the string value of one member of the outermost object to a different sink.
pub(crate) struct Member<'a> {
    wanted: &'static str,
    bound: Bound,
    inner: &'a mut dyn Sink,
    rest: Vec<u8>,
    at: At,
    depth: u32,
    /// The outermost object's current key, without quotes, and whether a key comes next.
    key: Vec<u8>,
    key_is_next: bool,
    /// The first half of a surrogate pair.
    high: Option<u32>,
    seen: u64,
    found: bool,
}

impl<'a> Member<'a> {
    /// `bound` applies to everything except the wanted string.
    pub(crate) fn new(wanted: &'static str, bound: Bound, inner: &'a mut dyn Sink) -> Self {
        let (rest, key) = (Vec::new(), Vec::new());
        let at = At::Between;
        Self { wanted, bound, inner, rest, at, depth: 0, key, key_is_next: false, high: None, seen: 0, found: false }
    }

    /// The object without the wanted string, and whether that string was found.
    pub(crate) fn finish(self) -> (Vec<u8>, bool) {
        (self.rest, self.found)
    }

    fn keep(&mut self, byte: u8) -> Result<(), Error> {
        self.bound.check(self.rest.len() as u64 + 1, WHAT)?;
        self.rest.push(byte);
        Ok(())
    }

    /// Processes a byte outside the wanted string.
    fn step(&mut self, byte: u8) -> Result<(), Error> {
        let outermost = self.depth == 1;
        match self.at {
            At::Text { escaped } => {
                let ends = byte == b'"' && !escaped;
                if outermost && self.key_is_next && !ends {
                    self.key.push(byte);
                }
                self.at = if ends { At::Between } else { At::Text { escaped: byte == b'\\' && !escaped } };
            }
            _ => match byte {
                b'"' if outermost && !self.key_is_next && self.key == self.wanted.as_bytes() => {
                    self.found = true;
                    self.at = At::Wanted;
                }
                b'"' => {
                    if outermost && self.key_is_next {
                        self.key.clear();
                    }
                    self.at = At::Text { escaped: false };
                }
                b'{' | b'[' => {
                    self.depth = self.depth.saturating_add(1);
                    self.key_is_next = self.depth == 1 && byte == b'{';
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                }
                b',' if outermost => {
                    self.key.clear();
                    self.key_is_next = true;
                }
                b':' if outermost => self.key_is_next = false,
                _ => {}
            },
        }
        self.keep(byte)
    }

    fn escape(&mut self, byte: u8) -> Result<(), Error> {
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at = At::Unicode { digits: 0, value: 0 };
                return Ok(());
            }
            _ => return Err(fault("an invalid escape in a string")),
        };
        self.no_half()?;
        self.at = At::Wanted;
        self.inner.take(&[plain])
    }

    fn unicode(&mut self, byte: u8, digits: u8, value: u32) -> Result<(), Error> {
        let digit = char::from(byte).to_digit(16).ok_or_else(|| fault("an invalid escape in a string"))?;
        let value = (value << 4) | digit;
        if digits < 3 {
            self.at = At::Unicode { digits: digits + 1, value };
            return Ok(());
        }
        self.at = At::Wanted;
        let value = match (self.high.take(), value) {
            (None, 0xD800..=0xDBFF) => {
                self.high = Some(value);
                return Ok(());
            }
            (Some(high), 0xDC00..=0xDFFF) => 0x10000 + ((high - 0xD800) << 10) + (value - 0xDC00),
            (None, value) => value,
            (Some(_), _) => return Err(fault("an unpaired surrogate in a string")),
        };
        let character = char::from_u32(value).ok_or_else(|| fault("an unpaired surrogate in a string"))?;
        self.inner.take(character.encode_utf8(&mut [0; 4]).as_bytes())
    }

    fn no_half(&self) -> Result<(), Error> {
        if self.high.is_some() { Err(fault("an unpaired surrogate in a string")) } else { Ok(()) }
    }

    /// Passes on the wanted string up to its end or the next escape and returns the remaining bytes.
    fn wanted<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Error> {
        let end = bytes.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ').unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at(end);
        if !text.is_empty() {
            self.no_half()?;
            self.inner.take(text)?;
        }
        let Some((&byte, rest)) = rest.split_first() else { return Ok(rest) };
        match byte {
            b'\\' => self.at = At::Escape,
            b'"' => {
                self.no_half()?;
                self.at = At::Between;
                self.keep(b'"')?;
            }
            _ => return Err(fault("a control character in a string")),
        }
        Ok(rest)
    }
}

impl Sink for Member<'_> {
    fn held(&self) -> u64 {
        self.seen
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        let mut left = bytes;
        while let Some((&byte, rest)) = left.split_first() {
            left = match self.at {
                At::Wanted => self.wanted(left)?,
                At::Escape => {
                    self.escape(byte)?;
                    rest
                }
                At::Unicode { digits, value } => {
                    self.unicode(byte, digits, value)?;
                    rest
                }
                At::Between | At::Text { .. } => {
                    self.step(byte)?;
                    rest
                }
            };
        }
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        self.inner.start_again()?;
        self.rest.clear();
        self.key.clear();
        (self.at, self.depth, self.key_is_next, self.high) = (At::Between, 0, false, None);
        (self.seen, self.found) = (0, false);
        Ok(())
    }
}

fn fault(message: &str) -> Error {
    Error::malformed(WHAT, message)
}

/// Decodes base64 (RFC 4648) and passes the bytes to a different sink. White space is ignored.
pub(crate) struct Base64Text<'a> {
    inner: &'a mut dyn Sink,
    /// The characters of an incomplete group, fewer than four.
    waiting: Vec<u8>,
    padded: bool,
    seen: u64,
}

impl<'a> Base64Text<'a> {
    pub(crate) fn new(inner: &'a mut dyn Sink) -> Self {
        Self { inner, waiting: Vec::new(), padded: false, seen: 0 }
    }

    /// Whether every group is complete.
    pub(crate) fn is_whole(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Sink for Base64Text<'_> {
    fn held(&self) -> u64 {
        self.seen
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        use base64ct::{Base64, Encoding};
        let bad = || Error::malformed("encoded_manifest", "it is not base64 (RFC 4648)");
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        self.waiting.extend(bytes.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let groups = self.waiting.len() - self.waiting.len() % 4;
        if groups == 0 {
            return Ok(());
        }
        let left = self.waiting.split_off(groups);
        // Nothing may follow the padding.
        if self.padded {
            return Err(bad());
        }
        let text = std::str::from_utf8(&self.waiting).map_err(|_| bad())?;
        let decoded = Base64::decode_vec(text).map_err(|_| bad())?;
        self.padded = text.ends_with('=');
        self.waiting = left;
        self.inner.take(&decoded)
    }

    fn start_again(&mut self) -> Result<(), Error> {
        self.inner.start_again()?;
        self.waiting.clear();
        (self.padded, self.seen) = (false, 0);
        Ok(())
    }
}

#[cfg(test)]
#[path = "json_member_tests.rs"]
mod tests;
