//! What is known of programs: the rules, and the look-up in the tables.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table::FETCHING;
use super::table_local::LOCAL;

/// What a program does with the network.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// It fetches whenever it runs, but for `--version` and `--help`.
    Always,
    /// It reads files. An address among its arguments, or a variable that may be one, is not known to be text.
    Never,
    /// It does not fetch, and an address is text to it.
    Text,
    /// It runs a script, a build file or text of its own: what that fetches is not known.
    Script,
    /// The first word that is not an option says. `-` is no such word at all, `*` is every word that is in no list.
    By { fetches: &'static str, scripts: &'static str, local: &'static str },
    /// It fetches with one of these options, and does not with any other: marks as in `doors.rs`.
    Options(&'static str),
    /// It runs what somebody wrote with an option that begins so, or with an argument that holds such text; nothing is fetched otherwise.
    Scripts(&'static str),
    /// It fetches where an argument is an address: one with `://`. Of a variable it is not known.
    Address,
    /// It fetches where an argument names a host: one with a colon. Of a variable it is not known.
    Host,
    /// It runs the program that its arguments name.
    Wraps(Wrapper),
    /// A shell: `-c TEXT`.
    Shell,
    /// A shell of Windows.
    Windows,
    /// A rule of its own, in `follow.rs`.
    Special(Special),
}

/// How to find the program in a wrapper's arguments. An option that is in neither list is not followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrapper {
    /// Options that stand alone.
    pub(super) flags: &'static str,
    /// Options whose value is the next word, unless it is in the same one.
    pub(super) values: &'static str,
    /// Arguments before the program.
    pub(super) skip: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// `-exec PROGRAM … ;`
    Find,
    /// `-c TEXT` and `-m MODULE`.
    Python,
    /// The words are a script.
    Eval,
    /// `NAME=TEXT`
    Alias,
    /// A script that edits, and may run programs.
    Sed,
    /// An archive may be on a host.
    Archive,
    /// `-t TYPE` and `//HOST/NAME`.
    Mount,
    /// `-c TEXT`, with a user's name.
    Su,
    /// The first word is a script.
    Trap,
}

/// Programs with one rule.
pub(super) struct Row {
    /// Parted by blanks. A name that ends in `*` may be followed by a version: digits, dots and `-`.
    pub(super) names: &'static str,
    pub(super) rule: Rule,
}

/// Rules by name, and whether a version may follow the name.
static TABLE: LazyLock<HashMap<&'static str, (Rule, bool)>> = LazyLock::new(|| {
    let rows = FETCHING.iter().chain(LOCAL);
    let names = rows.flat_map(|row| row.names.split_whitespace().map(|name| (name, row.rule)));
    names.map(|(name, rule)| (name.strip_suffix('*').unwrap_or(name), (rule, name.ends_with('*')))).collect()
});

/// The rule for a program's name, without its folder.
pub(super) fn rule_of(name: &str) -> Option<Rule> {
    let version = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-');
    let family = || TABLE.get(name.trim_end_matches(version)).filter(|(_, versions)| *versions);
    // `aarch64-linux-gnu-gcc`: a compiler, or what comes with one, for another machine.
    let cross = || {
        let (machine, tool) = name.rsplit_once('-').filter(|(machine, _)| machine.contains("-linux-"))?;
        let known = matches!(
            tool,
            "gcc" | "g++" | "cpp" | "ld" | "as" | "ar" | "nm" | "strip" | "objcopy" | "ranlib" | "readelf"
        );
        (known && !machine.contains('/')).then_some(Rule::Text)
    };
    TABLE.get(name).or_else(family).map(|(rule, _)| *rule).or_else(cross)
}

/// Is the word in a list parted by blanks?
pub(super) fn lists(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_row() {
        let mut names: Vec<&str> = FETCHING.iter().chain(LOCAL).flat_map(|row| row.names.split_whitespace()).collect();
        let count = names.len();
        names.sort_unstable();
        let twice: Vec<&[&str]> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert_eq!(TABLE.len(), count);
    }

    #[test]
    fn versions_are_of_families_only() {
        assert!(matches!(rule_of("pip3.11"), Some(Rule::By { .. })));
        assert!(matches!(rule_of("gcc-12"), Some(Rule::Text)));
        assert!(rule_of("cat2").is_none());
        assert!(rule_of("*").is_none() && rule_of("").is_none() && rule_of("3").is_none());
    }

    #[test]
    fn no_word_is_in_two_lists() {
        for row in FETCHING.iter().chain(LOCAL) {
            let Rule::By { fetches, scripts, local } = row.rule else { continue };
            let mut words: Vec<&str> =
                [fetches, scripts, local].iter().flat_map(|list| list.split_whitespace()).collect();
            words.sort_unstable();
            let twice: Vec<&[&str]> = words.windows(2).filter(|pair| pair[0] == pair[1]).collect();
            assert!(twice.is_empty(), "{}: {twice:?}", row.names);
        }
    }
}
