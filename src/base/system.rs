//! Error messages and paths that are the same on every operating system. The same evidence therefore gives the same report on every system, except
//! for rare errors, whose message includes the system's error number.

use std::io;
use std::path::Path;

/// The message for a path at which nothing exists.
pub(crate) const MISSING: &str = "no such file or folder";

/// The reason why the operating system refused a request. A system's own message would depend on the system and on its user's language. The message
/// of an error that does not come from the system is unchanged.
pub(crate) fn reason(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let Some(code) = error.raw_os_error() else { return error.to_string() };
    let words = match error.kind() {
        // Windows does not distinguish these two errors.
        Kind::NotFound | Kind::NotADirectory => MISSING,
        Kind::PermissionDenied => "permission denied",
        Kind::AlreadyExists => "it already exists",
        Kind::IsADirectory => "expected a file, found a folder",
        Kind::DirectoryNotEmpty => "the folder is not empty",
        Kind::StorageFull => "no space left",
        Kind::QuotaExceeded => "the user's storage quota is used up",
        Kind::FileTooLarge => "the file is too large",
        Kind::ReadOnlyFilesystem => "the file system is read-only",
        Kind::CrossesDevices => "the two paths are on different file systems",
        Kind::InvalidFilename => "this system does not allow this file name",
        Kind::BrokenPipe => "the reading program has closed the pipe",
        Kind::ConnectionRefused => "the connection was refused",
        Kind::ConnectionReset => "the connection was reset",
        Kind::ConnectionAborted => "the connection was aborted",
        Kind::HostUnreachable => "the host cannot be reached",
        Kind::NetworkUnreachable => "the network cannot be reached",
        Kind::AddrInUse => "the address is in use",
        Kind::AddrNotAvailable => "the address does not belong to this machine",
        Kind::TimedOut => "no response in time",
        // Rust's description of the error, and the system's error number, which users can look up.
        kind => return format!("{kind} (error {code} of the operating system)"),
    };
    words.into()
}

/// A path as reports show it: with `/`, even on Windows.
pub(crate) fn slashed(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) { text.replace('\\', "/") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_operating_system_are_not_shown() {
        let missing = std::fs::read("no-such-folder/no-such-file").unwrap_err();
        assert_eq!(reason(&missing), MISSING);
        for code in 1..200 {
            let error = io::Error::from_raw_os_error(code);
            let systems = error.to_string();
            let text = systems.split(" (os error").next().unwrap().to_lowercase();
            // For some errors, some systems use our words or those of Rust.
            let is_same = text == "permission denied" || text == error.kind().to_string();
            assert!(is_same || !reason(&error).to_lowercase().contains(&text), "{systems}");
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
