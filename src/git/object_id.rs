//! Ids of git objects.

use std::cmp::Ordering;
use std::fmt;

use crate::base::digest::{decode_hex, encode_hex};

/// A SHA-1 object id, 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectId([u8; 20]);

impl ObjectId {
    /// Reads exactly 40 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 40 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        Some(Self(decode_hex(text.as_bytes())?.try_into().ok()?))
    }

    /// Makes an id from its 20 bytes.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The bytes as two numbers that sort in the same order as the bytes. Comparing numbers is faster, and tables of ids
    /// are sorted.
    fn numbers(&self) -> (u128, u32) {
        let [high @ .., a, b, c, d] = self.0;
        (u128::from_be_bytes(high), u32::from_be_bytes([a, b, c, d]))
    }
}

impl Ord for ObjectId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers().cmp(&other.numbers())
    }
}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_hex(&self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_like_their_bytes() {
        let ids: Vec<[u8; 20]> = (0..20)
            .flat_map(|place| {
                [0, 1, 127, 128, 255].map(|byte| {
                    let mut id = [7; 20];
                    id[place] = byte;
                    id
                })
            })
            .collect();
        for one in &ids {
            for other in &ids {
                let sorted = ObjectId::from_bytes(*one).cmp(&ObjectId::from_bytes(*other));
                assert_eq!(sorted, one.cmp(other), "{one:?} {other:?}");
            }
        }
    }
}
