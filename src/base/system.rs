//! What differs between operating systems, made equal: the words for what a system refuses, and how it writes a path. The same evidence then
//! gives the same report on every system, except for rare errors, which are shown by their number.

use std::io;
use std::path::Path;

/// Nothing is at a path.
pub(crate) const MISSING: &str = "no such file or folder";

/// Why the operating system refused. A system's own text depends on the system and on its user's language. An error that did not come from the
/// system keeps its text.
pub(crate) fn reason(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let Some(code) = error.raw_os_error() else { return error.to_string() };
    let words = match error.kind() {
        // Windows does not tell them apart.
        Kind::NotFound | Kind::NotADirectory => MISSING,
        Kind::PermissionDenied => "permission denied",
        Kind::AlreadyExists => "it already exists",
        Kind::IsADirectory => "expected a file, found a folder",
        Kind::DirectoryNotEmpty => "the folder is not empty",
        Kind::StorageFull => "no space left",
        Kind::QuotaExceeded => "the user's quota of storage is used up",
        Kind::FileTooLarge => "the file is too large",
        Kind::ReadOnlyFilesystem => "the file system is read-only",
        Kind::CrossesDevices => "the two paths are on different file systems",
        Kind::InvalidFilename => "this system accepts no such name",
        Kind::BrokenPipe => "the reader is gone",
        Kind::ConnectionRefused => "the connection was refused",
        Kind::ConnectionReset => "the connection was reset",
        Kind::ConnectionAborted => "the connection was aborted",
        Kind::HostUnreachable => "the host cannot be reached",
        Kind::NetworkUnreachable => "the network cannot be reached",
        Kind::AddrInUse => "the address is in use",
        Kind::AddrNotAvailable => "the address does not belong to this machine",
        Kind::TimedOut => "no response in time",
        // Rust's words and the system's number, to look it up.
        kind => return format!("{kind}, error {code} of the operating system"),
    };
    words.into()
}

/// A path as answers show it: with `/`, also on Windows.
pub(crate) fn slashed(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) { text.replace('\\', "/") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_the_system_is_shown() {
        let missing = std::fs::read("no-such-folder/no-such-file").unwrap_err();
        assert_eq!(reason(&missing), MISSING);
        for code in 1..200 {
            let error = io::Error::from_raw_os_error(code);
            let systems = error.to_string();
            let text = systems.split(" (os error").next().unwrap();
            // Words of ours that a system happens to use as well.
            let is_ours = reason(&error) == "permission denied";
            assert!(is_ours || !reason(&error).to_lowercase().contains(&text.to_lowercase()), "{systems}");
        }
    }

    #[test]
    fn our_own_errors_keep_their_text() {
        assert_eq!(reason(&io::Error::other("a bad block")), "a bad block");
    }

    #[test]
    fn paths_are_shown_with_slashes() {
        let path: std::path::PathBuf = ["folder", "file"].iter().collect();
        assert_eq!(slashed(&path), "folder/file");
    }
}
