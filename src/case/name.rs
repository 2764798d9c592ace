//! Names of a case's members. Names use a small character set, and no path leads out of the case.

/// The folder of members that anyone may add to a sealed case: seal, sign-offs and time-stamps.
pub(super) const ATTACHED: &str = "attached/";

/// Whether the name has at most 255 bytes and consists of segments separated by `/`. A segment contains only ASCII letters,
/// digits and `._@+=:,-`, and is not empty, `.` or `..`.
pub(super) fn is_member_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._@+=:,-".contains(c);
    name.len() <= 255
        && name
            .split('/')
            .all(|segment| !segment.is_empty() && segment.chars().all(plain) && !matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_names_use_a_small_character_set() {
        for good in ["case.json", "bundles/1/trust/notary/targets/releases.json", "a@sha256=00/signature-1"] {
            assert!(is_member_name(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "../a", "a/..", ".", "a\\b", "a b", "ä", "a\0b", "a\nb", "~a"] {
            assert!(!is_member_name(bad), "{bad:?}");
        }
    }
}
