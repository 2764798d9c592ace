//! Build names: the facts that a name states, and those that it only suggests.

use std::fmt;

use crate::base::time::Timestamp;

/// `<push server>.<repository with / as .>.<image tag>.<YYYY-MM-DD_HH-MM-SS.ffffff>`, for example
/// `docker.io.gmoney23.hpvs_bc.latest-b3416d8.2020-06-23_08-39-48.301849`.
///
/// The name is a label. The signature covers the name in `build.json`, but not the names of the bundle's file and of its members. Replacing `/` with
/// `.` cannot be undone, so image and tag are compared with the name, never derived from it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildName(String);

impl BuildName {
    /// Accepts 1 to 236 characters from `A-Z a-z 0-9 . _ : -`, not beginning with a dot, so that a file name with `manifest.` and `.sig.tbz` added
    /// stays within the 255 bytes that file systems allow.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
        let good = (1..=236).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(allowed);
        good.then(|| Self(text.to_owned()))
    }

    /// Reads `manifest.<build_name><suffix>`.
    pub fn from_file_name(name: &str, suffix: &str) -> Option<Self> {
        Self::parse(name.strip_prefix("manifest.")?.strip_suffix(suffix)?)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the stamp: push server, repository and tag. `None` if the name does not end with a stamp.
    pub fn subject(&self) -> Option<&str> {
        Some(self.split()?.0)
    }

    /// The time at the end of the name: when the manifest was created, in UTC, by the server's clock.
    pub fn stamp(&self) -> Option<Timestamp> {
        Some(self.split()?.1)
    }

    /// The seven hexadecimal digits after the last `-` of the subject, which by IBM's convention (`IMAGE_TAG_PREFIX` + `-` + seven digits) are the
    /// first digits of the commit. These 28 bits suggest a link but do not prove it.
    pub fn commit_digits(&self) -> Option<&str> {
        commit_digits(self.subject()?)
    }

    fn split(&self) -> Option<(&str, Timestamp)> {
        // The formats with and without a fraction are both tried, because Python's `str(datetime)` omits `.000000`.
        ["YYYY-MM-DD_HH-MM-SS.ffffff".len(), "YYYY-MM-DD_HH-MM-SS".len()].into_iter().find_map(|length| {
            let (subject, stamp) = self.0.split_at_checked(self.0.len().checked_sub(length)?)?;
            Some((subject.strip_suffix('.')?, Timestamp::from_build_stamp(stamp)?))
        })
    }
}

/// The tag: the text after the repository in a build's subject. The subject begins with the push server (even `docker.io`) and the repository, in
/// which every `/` is replaced by a dot and nothing else is changed: a port keeps its colon. `None` if the subject is for a different repository.
pub(crate) fn behind_repository<'s>(subject: &'s str, repository: &str) -> Option<&'s str> {
    subject.strip_prefix(repository.replace('/', ".").as_str())?.strip_prefix('.')
}

/// The seven lower-case hexadecimal digits after the last `-` of an image tag.
pub(crate) fn commit_digits(tag: &str) -> Option<&str> {
    let (_, digits) = tag.rsplit_once('-')?;
    let good = digits.len() == 7 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    good.then_some(digits)
}

impl fmt::Display for BuildName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BuildName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_build_names_are_read() {
        for (name, subject, digits) in [
            (
                "docker.io.gmoney23.hpvs_bc.latest-b3416d8.2020-06-23_08-39-48.301849",
                "docker.io.gmoney23.hpvs_bc.latest-b3416d8",
                "b3416d8",
            ),
            (
                "us.icr.io.secureimages.secure-bitcoin-wallet.s390x-v1-ad52e76.2023-11-10_15-37-37.178350",
                "us.icr.io.secureimages.secure-bitcoin-wallet.s390x-v1-ad52e76",
                "ad52e76",
            ),
        ] {
            let name =
                BuildName::from_file_name(&format!("manifest.{name}.sig.tbz"), ".sig.tbz").expect("a build name");
            assert_eq!(name.subject(), Some(subject));
            assert_eq!(name.commit_digits(), Some(digits));
            assert!(name.stamp().is_some());
        }
    }

    #[test]
    fn names_that_could_be_paths_are_refused() {
        for bad in ["", ".hidden", "../../etc/x", "a/b", "a b", "a\n", "ä", &"a".repeat(237)] {
            assert!(BuildName::parse(bad).is_none(), "{bad:?}");
        }
        assert!(BuildName::parse("no-stamp").is_some_and(|name| name.stamp().is_none() && name.subject().is_none()));
    }

    #[test]
    fn only_the_slashes_of_a_repository_become_dots() {
        for (subject, repository, tag) in [
            ("docker.io.acme.wallet.v1", "docker.io/acme/wallet", Some("v1")),
            ("docker.io.acme.wallet.v1.2", "docker.io/acme/wallet", Some("v1.2")),
            ("h.example:5000.acme.wallet.v1", "h.example:5000/acme/wallet", Some("v1")),
            ("localhost:5000.wallet.v1", "localhost:5000/wallet", Some("v1")),
            ("h.example.5000.acme.wallet.v1", "h.example:5000/acme/wallet", None),
            ("h.example-5000.acme.wallet.v1", "h.example:5000/acme/wallet", None),
            ("h.example.acme.wallet.v1", "h.example:5000/acme/wallet", None),
            ("h.example:5000.acme.wallet.v1", "h.example/acme/wallet", None),
            ("acme.wallet.v1", "docker.io/acme/wallet", None),
            ("index.docker.io.acme.wallet.v1", "docker.io/acme/wallet", None),
            ("docker.io.acme.wallets.v1", "docker.io/acme/wallet", None),
            ("docker.io.acme.wallet", "docker.io/acme/wallet", None),
        ] {
            assert_eq!(behind_repository(subject, repository), tag, "{subject}");
        }
    }

    #[test]
    fn tags_without_seven_hex_digits_give_no_commit() {
        for tag in ["latest", "v1-ABCDEF0", "v1-abcdef", "v1-abcdef01", "v1-ghijklm", "abcdef0"] {
            assert_eq!(commit_digits(tag), None, "{tag}");
        }
    }
}
