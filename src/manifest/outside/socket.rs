//! Sockets that bash opens: a redirection to `/dev/tcp/HOST/PORT` or `/dev/udp/HOST/PORT` (bash's manual, "Redirections"). The descriptor can be
//! read, regardless of the redirection operator.

use super::doors::has_letter;
use super::programs::lists;
use super::shell::Word;

/// The reason why a script cannot be followed, if a variable in the script may refer to a socket.
pub(super) const DEVICE: &str = "a variable that may refer to a network device";

/// Whether the shell may expand the word to `/dev/tcp/HOST/PORT` or `/dev/udp/HOST/PORT`, which bash opens as a socket. A port is a number or a
/// service name, which has letters, digits and hyphens.
pub(super) fn may_be_one(target: &Word) -> bool {
    let is_expansion = |letter: char| matches!(letter, '$' | '`');
    let start = target.text.split(is_expansion).next().unwrap_or_default();
    let port = target.text.rsplit('/').next().unwrap_or_default();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_@*#?!".contains(letter);
    // The literal text after the last expansion.
    let end = match (port.rsplit_once(['}', ')', '`']), port.rsplit_once('$')) {
        (Some((_, end)), _) => end,
        (None, Some((_, end))) => end.trim_start_matches(is_name),
        (None, None) => port,
    };
    let no_port = |letter: char| !letter.is_ascii_alphanumeric() && letter != '-';
    target.expands
        && start.len() < target.text.len()
        && ["/dev/tcp/", "/dev/udp/"].iter().any(|device| device.starts_with(start) || start.starts_with(device))
        && !end.contains(no_port)
}

/// Whether the redirection reads from a descriptor that is already open.
pub(super) fn reads_descriptor(operator: &str, target: &Word) -> bool {
    let named = ["/dev/fd", "/dev/std", "/proc/self/fd"].iter().any(|start| target.text.starts_with(start));
    operator == "<&" || operator == "<" && named
}

/// `read -u 3`
pub(super) fn reads_by_number(words: &[Word]) -> bool {
    words.first().is_some_and(|word| lists("read mapfile readarray", &word.text))
        && words.iter().any(|word| has_letter(&word.text, 'u'))
}

/// Whether the command is `exec`: the remainder of the script may read what `exec` opens.
pub(super) fn opens_for_all(words: &[Word]) -> bool {
    words.iter().take(3).any(|word| word.text == "exec")
}
