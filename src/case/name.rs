//! Names of a case's members: few letters, so that they mean the same on every system, and nothing above the top.

/// The members that anybody may add to a case after it was sealed: who sealed it, who signed it off, when it was there.
pub(super) const ATTACHED: &str = "attached/";

/// Segments of letters, digits and `._@+=:,-`, parted by `/`; none is empty, `.` or `..`.
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
    fn names_are_plain() {
        for good in ["case.json", "bundles/1/trust/notary/targets/releases.json", "a@sha256=00/signature-1"] {
            assert!(is_member_name(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "../a", "a/..", ".", "a\\b", "a b", "ä", "a\0b", "a\nb", "~a"] {
            assert!(!is_member_name(bad), "{bad:?}");
        }
    }
}
