//! The words of an instruction (Dockerfile reference, "Format", "Shell and exec form"; BuildKit's `frontend/dockerfile/parser`).

use crate::base::strict_json;

/// An instruction without its keyword: its flags, and the text after the flags.
#[derive(Debug, Default)]
pub(super) struct Arguments<'t> {
    /// `--NAME=VALUE`, without quotes.
    pub(super) flags: Vec<String>,
    /// The text as written.
    pub(super) text: &'t str,
}

/// Splits off the flags. Flags end at the first word that does not begin with `--`, or after a bare `--`.
pub(super) fn arguments(text: &str, escape: char) -> Arguments<'_> {
    let mut rest = text.trim();
    let mut flags = Vec::new();
    while rest.starts_with("--") {
        let (flag, after) = first_word(rest, escape);
        rest = after.trim_start();
        if flag == "--" {
            break;
        }
        flags.push(flag);
    }
    Arguments { flags, text: rest }
}

/// All words, without quotes and escapes. Blanks in quotes do not separate words.
pub(super) fn words(text: &str, escape: char) -> Vec<String> {
    let mut rest = text.trim_start();
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, after) = first_word(rest, escape);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn first_word(text: &str, escape: char) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (None, _) if letter.is_whitespace() => return (word, text.get(at..).unwrap_or_default()),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ if letter == escape && quote != Some('\'') => word.extend(letters.next().map(|(_, escaped)| escaped)),
            _ => word.push(letter),
        }
    }
    (word, "")
}

/// The result of parsing text as exec form.
pub(super) enum Exec {
    /// A JSON array of strings.
    Words(Vec<String>),
    /// The text is not in exec form.
    No,
    /// The text looks like exec form but cannot be parsed here; a different parser may be able to parse it.
    Doubtful,
}

/// Reads the exec form, `["a", "b"]`.
pub(super) fn exec_form(text: &str) -> Exec {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('[') else { return Exec::No };
    let words = strict_json::parse(text.as_bytes()).ok().and_then(|value| {
        let words = value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned));
        words.collect::<Option<Vec<String>>>()
    });
    match words {
        Some(words) => Exec::Words(words),
        None if inner.trim_start().starts_with(['"', ']']) && inner.ends_with(']') => Exec::Doubtful,
        None => Exec::No,
    }
}

/// The keyword of an instruction, in upper case, and the remaining text.
pub(super) fn keyword(instruction: &str) -> (String, &str) {
    let text = instruction.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word.to_ascii_uppercase(), rest.trim())
}
