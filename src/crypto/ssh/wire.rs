//! The data types of SSH (RFC 4251, section 5).

/// Reads fields from a byte string.
pub(in crate::crypto) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(in crate::crypto) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// `byte`
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// `uint32`
    pub(super) fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    /// `string`
    pub(in crate::crypto) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// The bytes of a positive `mpint`, without the leading zero byte.
    pub(super) fn positive(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        match bytes {
            [0, rest @ ..] => rest.first().is_some_and(|&byte| byte >= 0x80).then_some(rest),
            [byte, ..] => (*byte < 0x80).then_some(bytes),
            [] => None,
        }
    }

    pub(in crate::crypto) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends a `string`. No caller's string comes close to 4 GiB.
pub(super) fn put_string(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(field);
}
