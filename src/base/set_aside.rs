//! The names under which `fetch` sets aside a file or folder that differs from an existing one. Anything with such a name is kept for people only:
//! an audit that also read it could accept a build because of evidence that the auditor did not keep under the usual name.

const MARK: &str = ".differs-";

/// The name of the `n`th file or folder that differs from the one at `path`.
#[cfg(any(test, feature = "fetch"))]
pub(crate) fn set_aside(path: &str, n: u64) -> String {
    format!("{path}{MARK}{n}")
}

/// Whether the file at this path was set aside, or a folder that contains it. The path has `/` between folders and is relative to a folder that the
/// user named.
pub(crate) fn is_set_aside(path: &str) -> bool {
    path.split('/').any(|name| {
        name.rsplit_once(MARK).is_some_and(|(name, number)| {
            !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_set_aside() {
        for aside in [&set_aside("status.json", 1), "a/b.differs-20/c", "a.differs-1", "a.differs-1.differs-2"] {
            assert!(is_set_aside(aside), "{aside}");
        }
        for other in
            ["", "a", "a.differs-", "a.differs-1a", "a.differs-1.json", "a.differs--1", ".differs-1", "adiffers-1"]
        {
            assert!(!is_set_aside(other), "{other}");
        }
    }
}
