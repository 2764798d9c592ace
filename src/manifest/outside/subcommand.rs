//! Applies the lists of sub-commands in the tables to a program's arguments.

use super::doors;
use super::programs::lists;
use super::shell::Word;
use super::wrapper::is_question;

/// Maximum number of words searched for a sub-command or a wrapper's program.
pub(super) const LOOKED_AT: usize = 100;

/// What a sub-command does. The text is the program with its sub-command.
pub(super) enum Reading {
    Nothing,
    Fetches(String),
    Script(String),
    Unknown(String),
}

/// Sub-commands that use the network, that run scripts, and that do neither.
#[derive(Clone, Copy)]
pub(super) struct Lists<'l> {
    pub(super) fetches: &'l str,
    pub(super) scripts: &'l str,
    pub(super) local: &'l str,
}

impl Lists<'_> {
    /// The lists for what follows `word`: the entries `WORD/…`, without `WORD/`. `None` if there are no such entries.
    fn after(&self, word: &str) -> Option<[String; 3]> {
        let entries = |list: &str| {
            let entries = list.split(' ').filter_map(|entry| entry.strip_prefix(word)?.strip_prefix('/'));
            entries.collect::<Vec<_>>().join(" ")
        };
        let found = [self.fetches, self.scripts, self.local].map(entries);
        found.iter().any(|list| !list.is_empty()).then_some(found)
    }
}

/// Whether the list has this option, or this sub-command. `-`, `*` and entries with a slash are not names of sub-commands.
fn has(list: &str, text: &str) -> bool {
    if text.len() > 1 && text.starts_with('-') {
        return list.split(' ').any(|entry| entry.len() > 1 && entry.starts_with('-') && doors::has(entry, text));
    }
    !text.contains('/') && !matches!(text, "-" | "*") && lists(list, text)
}

/// Applies the list that contains the first word that is not an option. A word after an option may be the option's value, so the next word is
/// also checked.
pub(super) fn read(name: &str, known: Lists<'_>, arguments: &[Word]) -> Reading {
    find(name, known, arguments, false)
}

/// `within`: the words follow a sub-command whose own sub-commands are listed. Then, there must be a word.
fn find(name: &str, known: Lists<'_>, arguments: &[Word], within: bool) -> Reading {
    let Lists { fetches, scripts, local } = known;
    let mut after_option = false;
    let mut found: Option<&Word> = None;
    let mut doubt: Option<&Word> = None;
    // The reading of a sub-command with own sub-commands, if the word may also be an option's value.
    let mut possible: Option<Reading> = None;
    let mut unread = arguments.get(LOOKED_AT);
    for (at, word) in arguments.iter().take(LOOKED_AT).enumerate() {
        let text = word.text.as_str();
        let named = || format!("{name} {text}");
        if has(fetches, text) {
            return Reading::Fetches(named());
        }
        if word.expands && (word.splits || text.starts_with('$')) {
            doubt.get_or_insert(word);
            after_option = false;
            continue;
        }
        if text.starts_with(['-', '+']) && text != "-" {
            after_option = text != "--" && !text.contains('=');
            continue;
        }
        if has(scripts, text) && !after_option {
            return Reading::Script(named());
        }
        let after = known.after(text);
        let is_known = has(local, text) || has(scripts, text) || after.is_some();
        if let Some([fetches, scripts, local]) = &after
            && !matches!(possible, Some(Reading::Fetches(_)))
        {
            let rest = arguments.get(at.saturating_add(1)..).unwrap_or_default();
            possible = match find(&named(), Lists { fetches, scripts, local }, rest, true) {
                Reading::Nothing => possible,
                reading => Some(reading),
            };
        }
        found = Some(word).filter(|_| is_known).or(found.or(Some(word)));
        if !after_option {
            unread = None;
            break;
        }
        after_option = false;
    }
    let listed = |word: &Word| format!("{name} {}", word.text);
    match (doubt.or(unread), possible, found) {
        (_, Some(reading), _) => reading,
        (Some(word), None, _) => Reading::Unknown(listed(word)),
        (None, None, Some(word)) if has(local, &word.text) || known.after(&word.text).is_some() => Reading::Nothing,
        (None, None, Some(word)) if has(scripts, &word.text) || lists(scripts, "*") => Reading::Script(listed(word)),
        (None, None, Some(word)) if lists(fetches, "*") => Reading::Fetches(listed(word)),
        (None, None, Some(_)) if lists(local, "*") => Reading::Nothing,
        (None, None, Some(word)) => Reading::Unknown(listed(word)),
        (None, None, None) if is_question(arguments) => Reading::Nothing,
        (None, None, None) if lists(fetches, "-") => Reading::Fetches(name.to_owned()),
        (None, None, None) if lists(scripts, "-") => Reading::Script(name.to_owned()),
        (None, None, None) if within && !lists(local, "-") => Reading::Unknown(name.to_owned()),
        (None, None, None) => Reading::Nothing,
    }
}
