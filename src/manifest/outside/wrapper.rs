//! Words of a command that runs another: what its options take, and what a program is called.

use super::programs::{Wrapper, lists};
use super::shell::Word;

/// What an option of a wrapper takes.
pub(super) enum Taken {
    Flag,
    Value,
    /// `--`
    End,
    Unknown,
}

/// What a wrapper's option takes.
pub(super) fn option(wrapper: &Wrapper, text: &str) -> Taken {
    if lists(wrapper.flags, text) {
        return Taken::Flag;
    }
    if text == "--" {
        return Taken::End;
    }
    if lists(wrapper.values, text) {
        return Taken::Value;
    }
    if text.starts_with("--") {
        let known =
            text.split_once('=').is_some_and(|(name, _)| lists(wrapper.values, name) || lists(wrapper.flags, name));
        return if known { Taken::Flag } else { Taken::Unknown };
    }
    // Several letters in one word; what follows one that takes a value is the value.
    let mut letters = text.chars().skip(1);
    while let Some(letter) = letters.next() {
        let letter = format!("-{letter}");
        if lists(wrapper.values, &letter) {
            return if letters.next().is_none() { Taken::Value } else { Taken::Flag };
        }
        if !lists(wrapper.flags, &letter) {
            return Taken::Unknown;
        }
    }
    Taken::Flag
}

/// Are there only options that ask the program about itself?
pub(super) fn is_question(arguments: &[Word]) -> bool {
    !arguments.is_empty() && arguments.iter().all(|word| lists("--version -v -V --help -h", &word.text))
}

/// The program's name without its folder.
pub(super) fn name_of(program: &str) -> &str {
    program.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Is the program found where the system's are? A file of the same name elsewhere is another program.
pub(super) fn is_standard(program: &str, name: &str) -> bool {
    let folder = program.strip_suffix(name).unwrap_or_default();
    lists(" /bin/ /usr/bin/ /sbin/ /usr/sbin/ /usr/local/bin/ /usr/local/sbin/", folder)
}

/// How a program that runs a script is listed: by its name, or as it is called where it is a file elsewhere.
pub(super) fn shown(program: &Word, name: &str) -> String {
    if is_standard(&program.text, name) { name.to_owned() } else { program.text.clone() }
}
