//! Reflogs (git-reflog(1)): earlier values of refs, as the clone recorded them. No claim depends on reflogs, but `git
//! fsck` checks them.

use super::directory::GitDirectory;
use super::head::Head;
use super::object_id::ObjectId;
use super::objects::Objects;

/// The maximum number of notes about reflogs.
const NAMED: usize = 20;

/// Messages about unusual reflogs: malformed lines, missing objects, a HEAD that moved without an entry. The messages
/// of reflog entries are not shown, because they can contain URLs.
pub(super) fn notes(directory: &GitDirectory<'_>, objects: &Objects, head: Option<&Head>) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, content) in directory.files_below("logs/") {
        let name = String::from_utf8_lossy(name);
        let (mut missing, mut malformed) = (0u64, 0u64);
        let mut last = None;
        for line in content.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let Some((old, new)) = read_entry(line) else {
                malformed += 1;
                continue;
            };
            let is_missing = |id: &ObjectId| id.as_bytes() != &[0; 20] && objects.find(id).is_none();
            missing += u64::from(is_missing(&old) || is_missing(&new));
            last = Some(new);
        }
        if missing > 0 {
            notes.push(format!(
                "entries of the reflog logs/{name} that refer to objects missing from the archive: {missing}"
            ));
        }
        if malformed > 0 {
            notes.push(format!("malformed lines in the reflog logs/{name}: {malformed}"));
        }
        if let (Some(last), Some(head)) = (last.filter(|_| name == "HEAD"), head)
            && last != head.commit
        {
            notes.push(format!("the last entry of logs/HEAD is {last}, but HEAD is {}", head.commit));
        }
    }
    notes.truncate(NAMED);
    notes
}

/// A line of a reflog: `OLD NEW NAME <ADDRESS> SECONDS ZONE`, a tab and a message.
fn read_entry(line: &[u8]) -> Option<(ObjectId, ObjectId)> {
    let id = |text: &[u8]| std::str::from_utf8(text).ok().and_then(ObjectId::from_hex);
    let (old, rest) = line.split_first_chunk::<40>()?;
    let (new, rest) = rest.strip_prefix(b" ")?.split_first_chunk::<40>()?;
    rest.starts_with(b" ").then_some(())?;
    Some((id(old)?, id(new)?))
}
