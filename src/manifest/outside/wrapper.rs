//! Options of commands that run another program, and the names and folders of programs.

use super::doors;
use super::programs::{Wrapper, lists};
use super::shell::Word;

/// Whether an option of a wrapper takes its value from the next word.
pub(super) enum Taken {
    Flag,
    Value,
    /// `--`
    End,
    Unknown,
}

/// Looks up whether a wrapper's option takes its value from the next word.
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
    // Several option letters in one word. If a letter takes a value, the rest of the word is the value.
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

/// Whether a wrapper without a program to run starts a shell, which reads commands from its standard input.
pub(super) fn starts_a_shell(name: &str, arguments: &[Word]) -> bool {
    let any = |marks: &str| arguments.iter().any(|word| doors::has(marks, &word.text));
    match name {
        "sudo" => any("-s -i --shell --login"),
        "doas" => any("-s"),
        "chroot" => !arguments.is_empty(),
        _ => lists("fakeroot linux32 linux64", name),
    }
}

/// Whether the arguments only request the program's version or help.
pub(super) fn is_question(arguments: &[Word]) -> bool {
    !arguments.is_empty() && arguments.iter().all(|word| lists("--version -v -V --help -h", &word.text))
}

/// The program's name without its folder.
pub(super) fn name_of(program: &str) -> &str {
    program.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Whether the path is only a name, or is in a standard system folder. A file of the same name in a different folder is a different program.
pub(super) fn is_standard(program: &str, name: &str) -> bool {
    let folder = program.strip_suffix(name).unwrap_or_default();
    lists(" /bin/ /usr/bin/ /sbin/ /usr/sbin/ /usr/local/bin/ /usr/local/sbin/", folder)
}

/// The name under which a program that runs a script is listed: its name if [`is_standard`] accepts the path, otherwise its path as written.
pub(super) fn shown(program: &Word, name: &str) -> String {
    if is_standard(&program.text, name) { name.to_owned() } else { program.text.clone() }
}
