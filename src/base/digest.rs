//! SHA-256 digests, spelled with lower-case hexadecimal digits.

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256 as Hasher};

/// A SHA-256 digest (FIPS 180-4), 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Hasher::digest(bytes).into())
    }

    /// Creates a digest from its 32 bytes.
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads exactly 64 lower-case hexadecimal digits. Upper case is refused: a digest has one spelling (OCI image specification, "Digests"), so that
    /// two strings are equal exactly when their digests are equal.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        Some(Self(decode_hex(text.as_bytes())?.try_into().ok()?))
    }

    /// Reads `sha256:` and 64 lower-case hexadecimal digits.
    pub fn from_prefixed(text: &str) -> Option<Self> {
        Self::from_hex(text.strip_prefix("sha256:")?)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits, without a prefix.
    pub fn hex(&self) -> String {
        encode_hex(&self.0)
    }
}

impl fmt::Display for Sha256 {
    /// `sha256:` and 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Lower-case hexadecimal text of `bytes`.
pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The bytes that an even number of hexadecimal digits of either case represents; `None` for anything else.
pub(crate) fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_chunks::<2>().0.iter().map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?)).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// SHA-256 of bytes that arrive in pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sha256Hasher(Hasher);

impl Sha256Hasher {
    /// A hasher with no input yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub(crate) fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

/// A reader that hashes and counts every byte read through it.
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
    count: u64,
}

impl<R: Read> HashingReader<R> {
    /// Wraps `inner` and hashes what is read from it.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::new(), count: 0 }
    }

    /// The digest and number of bytes read so far; the input may contain more bytes.
    pub fn finish(self) -> (Sha256, u64) {
        (Sha256(self.hasher.finalize().into()), self.count)
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.count += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fips_180_4_examples_give_the_published_digests() {
        let abc = Sha256::of(b"abc");
        assert_eq!(abc.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Sha256::from_prefixed(&abc.to_string()), Some(abc));
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let good = Sha256::of(b"").hex();
        assert!(Sha256::from_hex(&good).is_some());
        assert!(Sha256::from_hex(&good.to_uppercase()).is_none());
        assert!(Sha256::from_hex(&good[1..]).is_none());
        assert!(Sha256::from_prefixed(&format!("md5:{good}")).is_none());
        assert!(Sha256::from_prefixed("sha256:../../x").is_none());
    }

    #[test]
    fn hex_is_read_in_either_case_but_never_with_an_odd_length() {
        assert_eq!(decode_hex(b"0aFf"), Some(vec![0x0a, 0xff]));
        for bad in [&b"0"[..], b"0x00", b"0 ", b"gg"] {
            assert_eq!(decode_hex(bad), None);
        }
    }
}
