//! Names that Windows cannot store: device names, names that Windows changes without an error, and different names that Windows treats as equal. A
//! member with such a name would be written to a device, into another file's stream, or over another member.
//!
//! Source: "Naming Files, Paths, and Namespaces" of the Win32 documentation. Short names: [MS-FSCC] 2.1.5.2.1.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::archive::{MemberKind, MemberPath};
use crate::base::error::Error;

const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
/// Each of these is followed by one of [`DEVICE_NUMBERS`].
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];
const DEVICE_NUMBERS: &str = "0123456789\u{b9}\u{b2}\u{b3}";
const FORBIDDEN: &str = "<>:\"|?*\\";
/// The maximum length of a name in UTF-16 code units.
const NAME_MAX: usize = 255;
const HINT: &str = "unpack the bundle on Linux; here, `hpsb-audit source BUNDLE --file PATH` prints one file, and `audit` needs no unpacked files";

/// The names of an archive, folder by folder, as Windows compares them.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Maps the folder's number and the folded name to the entry's number and the name as written in the archive.
    entries: BTreeMap<(usize, String), (usize, String)>,
}

impl Names {
    /// The number of names.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a member.
    ///
    /// # Errors
    /// [`Error::Usage`], with the reason, if Windows cannot store the member. Symbolic links are also refused, because most Windows users are not
    /// allowed to create them.
    pub(super) fn add(&mut self, path: &MemberPath, kind: &MemberKind) -> Result<(), Error> {
        let refused = |why: String| Error::Usage {
            message: format!("{path} cannot be unpacked on Windows: {why}"),
            hint: HINT.into(),
        };
        if matches!(kind, MemberKind::Symlink(_)) {
            return Err(refused("it is a symbolic link".into()));
        }
        let mut folder = 0;
        for segment in path.as_bytes().split(|&byte| byte == b'/') {
            let segment = std::str::from_utf8(segment).map_err(|_| refused("it is not UTF-8".into()))?;
            if let Some(why) = fault(segment) {
                return Err(refused(format!("{segment:?} {why}")));
            }
            // The top folder has the number 0.
            let next = self.entries.len() + 1;
            folder = match self.entries.entry((folder, folded(segment))) {
                Entry::Vacant(entry) => entry.insert((next, segment.to_owned())).0,
                Entry::Occupied(entry) if entry.get().1 == segment => entry.get().0,
                Entry::Occupied(entry) => {
                    return Err(refused(format!("{segment:?} and {:?} are the same name on Windows", entry.get().1)));
                }
            };
        }
        Ok(())
    }
}

/// Why Windows cannot store a name.
fn fault(name: &str) -> Option<String> {
    if let Some(bad) = name.chars().find(|&character| character < ' ' || FORBIDDEN.contains(character)) {
        return Some(format!("contains {bad:?}"));
    }
    if name.ends_with(['.', ' ']) {
        return Some("ends with a dot or a space, which Windows drops".into());
    }
    if is_device(name) {
        return Some("is the name of a device".into());
    }
    if is_short_name(name) {
        return Some("can be the short name of a different file".into());
    }
    (name.encode_utf16().count() > NAME_MAX).then(|| format!("has more than {NAME_MAX} characters"))
}

/// A device name with an extension still refers to the device: `aux.c` is `AUX`.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_uppercase();
    let is_numbered = |device: &&str| {
        stem.strip_prefix(*device).is_some_and(|number| number.chars().count() == 1 && DEVICE_NUMBERS.contains(number))
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(is_numbered)
}

/// Whether Windows may create this name as the short name of a file, for example `GIT~1` for `.git`.
fn is_short_name(name: &str) -> bool {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    stem.chars().count() <= 8
        && extension.chars().count() <= 3
        && stem.rsplit_once('~').is_some_and(|(start, number)| !start.is_empty() && is_number(number))
}

/// The name converted to upper and then to lower case, character by character. NTFS compares names only in upper case. The second conversion can make
/// names equal that NTFS distinguishes, but never the reverse.
fn folded(name: &str) -> String {
    fn only<I: Iterator<Item = char>>(mut mapped: I, character: char) -> char {
        mapped.next().filter(|_| mapped.next().is_none()).unwrap_or(character)
    }
    let upper = name.chars().map(|character| only(character.to_uppercase(), character));
    upper.map(|character| only(character.to_lowercase(), character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reason why the last of these members is refused.
    fn refusal(members: &[&[u8]]) -> Option<String> {
        let mut names = Names::default();
        let (last, others) = members.split_last().unwrap();
        let mut add = |raw: &[u8]| names.add(&MemberPath::parse(raw).unwrap(), &MemberKind::File);
        others.iter().for_each(|raw| add(raw).unwrap());
        add(last).err().map(|error| error.to_string())
    }

    #[test]
    fn names_that_windows_cannot_store_are_refused() {
        for (name, why) in [
            ("NUL", "a device"),
            ("nul", "a device"),
            ("git/aux.c", "a device"),
            ("git/aux.tar.gz", "a device"),
            ("Con", "a device"),
            ("con/file", "a device"),
            ("prn .txt", "a device"),
            ("COM1", "a device"),
            ("lpt9.log", "a device"),
            ("COM\u{b2}", "a device"),
            ("conout$", "a device"),
            ("dot.", "dot or a space"),
            ("...", "dot or a space"),
            ("folder /file", "dot or a space"),
            ("file:stream", "contains ':'"),
            ("C:/file", "contains ':'"),
            ("a\\..\\b", "contains '\\\\'"),
            ("what?", "contains '?'"),
            ("a*", "contains '*'"),
            ("a\"b", "contains '\"'"),
            ("a<b", "contains '<'"),
            ("a|b", "contains '|'"),
            ("a\nb", "contains '\\n'"),
            ("GIT~1", "short name"),
            ("git/gi7eba~1.txt", "short name"),
        ] {
            let refusal = refusal(&[name.as_bytes()]).unwrap_or_else(|| panic!("{name} is accepted"));
            assert!(refusal.contains(why), "{name}: {refusal}");
        }
        assert!(refusal(&[b"caf\xe9"]).unwrap().contains("not UTF-8"));
        assert!(refusal(&["x".repeat(256).as_bytes()]).unwrap().contains("more than 255"));
    }

    #[test]
    fn names_that_only_look_reserved_are_accepted() {
        for name in [
            "null",
            "auxiliary.c",
            "console",
            "COM",
            "COM10",
            "com1x",
            "lpt",
            ".git",
            "..a",
            "a.b.c",
            " a",
            "notes~",
            "~1",
            "my-file~1.json",
            "README~",
            "\u{e9}t\u{e9}",
        ] {
            assert_eq!(refusal(&[name.as_bytes()]), None, "{name}");
        }
        assert_eq!(refusal(&["x".repeat(255).as_bytes()]), None);
    }

    #[test]
    fn names_that_differ_only_in_case_are_refused() {
        for members in [
            [&b"README"[..], b"readme"],
            [b"git/Docs/a", b"git/docs/b"],
            [b"git/docs", b"git/Docs/b"],
            ["git/\u{c9}t\u{e9}".as_bytes(), "git/\u{e9}t\u{e9}".as_bytes()],
            // This character has one upper-case letter in NTFS, but two in Unicode's full mapping.
            ["git/\u{1f80}".as_bytes(), "git/\u{1f88}".as_bytes()],
        ] {
            assert!(refusal(&members).unwrap().contains("are the same name on Windows"), "{members:?}");
        }
        for members in [[&b"a/README"[..], b"b/readme"], [b"git/docs/a", b"git/docs/b"], [b"git/docs", b"git/docs/b"]] {
            assert_eq!(refusal(&members), None, "{members:?}");
        }
    }

    #[test]
    fn links_are_refused() {
        let path = MemberPath::parse(b"git/link").unwrap();
        let refused = Names::default().add(&path, &MemberKind::Symlink(b"README".to_vec())).unwrap_err();
        assert_eq!(refused.to_string(), "git/link cannot be unpacked on Windows: it is a symbolic link");
    }
}
