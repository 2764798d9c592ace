//! Checks the content of `.gitmodules` and `.gitattributes` in HEAD's tree as `git fsck` does (git's `fsck.c`). This
//! program uses `.gitattributes` only for conversions, and `.gitmodules` not at all, but other tools that build from
//! the source might act on them.

use std::sync::Arc;

use super::config::read_config;
use super::malformed::Malformed;
use crate::base::limits::Limits;

/// git ignores lines of `.gitattributes` of this length or more.
pub(super) const ATTRIBUTES_LINE_BYTES: usize = 2048;

/// The faults of a `.gitmodules` file, with each kind of fault listed once.
pub(super) fn check_git_modules(content: &[u8], limits: &Limits) -> Vec<Malformed> {
    let Ok(settings) = read_config(content, limits) else { return vec![Malformed::GitmodulesParse] };
    let mut faults = Vec::new();
    let mut last = None;
    for setting in settings.iter().filter(|setting| &*setting.section == "submodule") {
        let Some(name) = &setting.subsection else { continue };
        // Each name is checked once, regardless of how many keys it has.
        if last.replace(name).is_none_or(|last| !Arc::ptr_eq(last, name)) && !is_module_name(name) {
            faults.push(Malformed::GitmodulesName);
        }
        let Some(value) = &setting.value else { continue };
        match setting.key.as_str() {
            "url" if !is_module_url(value) => faults.push(Malformed::GitmodulesUrl),
            "path" if value.starts_with('-') => faults.push(Malformed::GitmodulesPath),
            "update" if value.starts_with('!') => faults.push(Malformed::GitmodulesUpdate),
            _ => {}
        }
    }
    faults.sort_unstable();
    faults.dedup();
    faults
}

/// The fault of a `.gitattributes` file, if there is one.
pub(super) fn check_git_attributes(content: &[u8]) -> Option<Malformed> {
    let is_long = |line: &[u8]| line.len() >= ATTRIBUTES_LINE_BYTES;
    content.split(|&byte| byte == b'\n').any(is_long).then_some(Malformed::GitattributesLineLength)
}

/// A submodule's name becomes a folder below `.git/modules` (CVE-2018-11235).
fn is_module_name(name: &str) -> bool {
    !name.is_empty() && name.split(['/', '\\']).all(|part| part != "..")
}

/// A URL becomes an argument of a program and a line in the credential protocol (CVE-2020-5260, CVE-2020-11008).
fn is_module_url(url: &str) -> bool {
    if url.starts_with('-') {
        return false;
    }
    let is_http = ["http:", "https:", "ftp:", "ftps:"].iter().any(|protocol| url.starts_with(protocol));
    let is_relative = url.starts_with("./") || url.starts_with("../");
    if (is_http || is_relative || url.starts_with("git://")) && has_line_end(url) {
        return false;
    }
    if is_relative {
        let mut rest = url;
        let mut ups = 0;
        loop {
            rest = match (rest.strip_prefix("../"), rest.strip_prefix("./")) {
                (Some(rest), _) => {
                    ups += 1;
                    rest
                }
                (_, Some(rest)) => rest,
                _ => break,
            };
        }
        return ups == 0 || !rest.starts_with([':', '/']);
    }
    // `http::https://host/` is the name of a transport followed by a URL.
    let address = url.split_once("::").map_or(url, |(_, address)| address);
    !is_http || address.split_once("://").is_some_and(|(_, rest)| !rest.is_empty() && !rest.starts_with(['/', ':']))
}

fn has_line_end(url: &str) -> bool {
    url.contains('\n') || url.to_ascii_lowercase().contains("%0a")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitmodules_have_the_faults_that_git_fsck_reports() {
        use Malformed::*;
        let limits = Limits::default();
        let one = |name: &str, line: &str| {
            check_git_modules(format!("[submodule \"{name}\"]\n\t{line}\n").as_bytes(), &limits)
        };
        assert_eq!(one("lib", "path = lib\n\turl = https://example.org/lib.git\n\tupdate = rebase"), []);
        for name in ["..", "../x", "a/..", "a\\\\..\\\\b", ""] {
            assert_eq!(one(name, "path = lib"), [GitmodulesName], "{name}");
        }
        for url in [
            "-u./payload",
            "https://example.org/a%0Ab",
            "../..//example.org",
            "./../:x",
            "https:///example.org/x",
            "http::https:///x",
            "git://example.org/%0a",
            "https:",
        ] {
            assert_eq!(one("lib", &format!("url = {url}")), [GitmodulesUrl], "{url}");
        }
        for url in ["../lib", "./lib", "git@example.org:lib", "/srv/lib", "ssh://-x/y", "../../lib.git", "./-lib"] {
            assert_eq!(one("lib", &format!("url = {url}")), [], "{url}");
        }
        assert_eq!(one("lib", "path = -x\n\tupdate = !touch x"), [GitmodulesPath, GitmodulesUpdate]);
        assert_eq!(check_git_modules(b"[submodule", &limits), [GitmodulesParse]);
        assert_eq!(check_git_attributes(&[b'x'; 2048]), Some(GitattributesLineLength));
        assert_eq!(check_git_attributes(&[b'x'; 2047]), None);
    }
}
