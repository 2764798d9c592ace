//! Rules for programs, and the lookup in the tables.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table::FETCHING;
use super::table_local::LOCAL;

/// How a program uses the network.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Uses the network whenever it runs, except with `--version` or `--help`.
    Always,
    /// Reads files. An argument that is or may be an address might be opened, so it is listed.
    Never,
    /// Does not use the network. An address in the program's arguments is only text.
    Text,
    /// Runs a script or a build file. The downloads of that file are unknown.
    Script,
    /// The rule depends on the first word that is not an option. In a list, `-` means that there is no such word, and `*` means any word that is in
    /// no list. `cache/clean` means the sub-command `cache` with the word `clean`; then, `cache` with a word in no list, or without one, is
    /// unknown. An entry that begins with `-` is an option, as in `doors.rs`.
    By { fetches: &'static str, scripts: &'static str, local: &'static str },
    /// Uses the network only with one of these options. The patterns are as in `doors.rs`.
    Options(&'static str),
    /// Runs code if an option begins with one of these patterns or an argument contains one of them. Otherwise, the program does not use the network.
    Scripts(&'static str),
    /// Uses the network if an argument contains `://`. If an argument is a variable, it is unknown whether the program uses the network.
    Address,
    /// Uses the network if an argument contains a colon, as in `HOST:PATH`. If an argument is a variable, it is unknown whether the program uses
    /// the network.
    Host,
    /// Runs the program in its arguments.
    Wraps(Wrapper),
    /// A shell: `-c TEXT`.
    Shell,
    /// A Windows shell.
    Windows,
    /// The program has a separate rule in `follow.rs`.
    Special(Special),
}

/// How to find the program in a wrapper's arguments. A command with an option in neither list is not followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrapper {
    /// Options without a value.
    pub(super) flags: &'static str,
    /// Options whose value is the next word, unless the value is in the same word.
    pub(super) values: &'static str,
    /// Number of arguments before the program.
    pub(super) skip: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// `-exec PROGRAM … ;`
    Find,
    /// `-m MODULE`; anything else is a script.
    Python,
    /// The words form a script.
    Eval,
    /// `NAME=TEXT`
    Alias,
    /// An editing script, which may run programs.
    Sed,
    /// The archive may be on a remote host.
    Archive,
    /// `-t TYPE` and `//HOST/NAME`.
    Mount,
    /// `-c TEXT`, with a user name.
    Su,
    /// The first word is a script.
    Trap,
}

/// Programs that share one rule.
pub(super) struct Row {
    /// Names, separated by spaces. A name that ends in `*` may be followed by a version: digits, dots and `-`.
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
    // `aarch64-linux-gnu-gcc`: a cross compiler or one of its tools.
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

/// Whether the space-separated list contains the word.
pub(super) fn lists(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_name_is_in_exactly_one_row() {
        let mut names: Vec<&str> = FETCHING.iter().chain(LOCAL).flat_map(|row| row.names.split_whitespace()).collect();
        let count = names.len();
        names.sort_unstable();
        let twice: Vec<&[&str]> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert_eq!(TABLE.len(), count);
    }

    #[test]
    fn only_names_with_a_star_match_with_a_version() {
        assert!(matches!(rule_of("pip3.11"), Some(Rule::By { .. })));
        assert!(matches!(rule_of("gcc-12"), Some(Rule::Text)));
        assert!(rule_of("cat2").is_none());
        assert!(rule_of("*").is_none() && rule_of("").is_none() && rule_of("3").is_none());
    }

    #[test]
    fn no_subcommand_of_a_program_is_in_two_lists() {
        for row in FETCHING.iter().chain(LOCAL) {
            let Rule::By { fetches, scripts, local } = row.rule else { continue };
            let mut words: Vec<&str> =
                [fetches, scripts, local].iter().flat_map(|list| list.split_whitespace()).collect();
            words.sort_unstable();
            let twice: Vec<&[&str]> = words.windows(2).filter(|pair| pair[0] == pair[1]).collect();
            assert!(twice.is_empty(), "{}: {twice:?}", row.names);
            let both = |word: &&str| word.split_once('/').is_some_and(|(before, _)| words.contains(&before));
            let both: Vec<&str> = words.iter().copied().filter(|word| both(word)).collect();
            assert!(both.is_empty(), "{}, with and without a slash: {both:?}", row.names);
        }
    }
}
