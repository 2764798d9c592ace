//! Text that must never be shown, logged, stored or included in an error.

use std::fmt;

use zeroize::Zeroizing;

/// A secret, which has no `Display`, whose `Debug` output is `***`, and whose memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps the text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for use only in the code that sends it or signs with it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user name and a password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user name.
    pub user: Secret,
    /// The password or token.
    pub password: Secret,
}

/// At most 200 characters of a server's response, masked and escaped, for an error or a note.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let masked = crate::base::mask::mask(String::from_utf8_lossy(head).trim());
    let shown = crate::base::escape::for_terminal(&masked);
    if shown.is_empty() {
        return "an empty string".into();
    }
    let cut: String = shown.chars().take(200).collect();
    if cut.len() < shown.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let login = Login { user: Secret::new("ada".into()), password: Secret::new("hunter2".into()) };
        assert_eq!(format!("{login:?}"), "Login { user: ***, password: *** }");
    }

    #[test]
    fn server_text_is_masked_shortened_and_escaped() {
        assert_eq!(excerpt(b"cmd: docker login --password hunter2\n"), "cmd: docker login --password ***");
        assert_eq!(excerpt(b"\x1b[31m<html>"), "\\u{1b}[31m<html>");
        assert_eq!(excerpt(&[b'x'; 9_000]).chars().count(), 201);
        assert_eq!(excerpt(b" \n"), "an empty string");
    }
}
