//! PowerShell and cmd.exe, as far as their commands can be told: the first word of each statement.

use super::follow::Programs;
use super::programs::{Rule, lists, rule_of};

/// Words that stand before a statement.
const KEYWORDS: &str =
    "if else elseif foreach for while do try catch finally trap process begin end not call then in @";

/// Reads what is behind `powershell` or `cmd`, options included.
pub(super) fn read(shell: &str, text: &str, programs: &mut Programs) {
    let is_file = |word: &str| word.eq_ignore_ascii_case("-file") || word.eq_ignore_ascii_case("-encodedcommand");
    if text.is_empty() || text.split_whitespace().any(is_file) {
        programs.scripts.push(shell.to_owned());
        return;
    }
    if text.contains("$(") {
        programs.unclear.get_or_insert("an expression of PowerShell");
    }
    for statement in statements(text) {
        let mut words = statement.split_whitespace().skip_while(|word| skipped(word));
        let Some(mut word) = words.next() else { continue };
        // cmd's `if exist FILE COMMAND`.
        while lists("exist defined errorlevel", &word.to_ascii_lowercase()) {
            words.next();
            word = words.next().unwrap_or_default();
        }
        if word.starts_with('$') && !is_method(word) {
            // `$NAME = COMMAND`; a variable alone is an expression, and so is a method of one.
            match words.next().filter(|word| lists("= +=", word)).and_then(|_| words.next()) {
                Some(value) if !value.starts_with(['"', '\'']) => word = value,
                _ => continue,
            }
        }
        let word = word.trim_matches(['"', '\'']);
        // Operators, literals, and properties of a result: `-split`, `+`, `0x1`, `.Hash`, `[0]`.
        let index =
            word.strip_prefix('[').is_some_and(|inside| inside.starts_with(|letter: char| letter.is_ascii_digit()));
        let plain = word.is_empty() || index || word.starts_with(['$', '@', '-', '#', '+', ',', '=', '%', '.']);
        if plain && !is_method(word) || word.starts_with(|letter: char| letter.is_ascii_digit()) {
            continue;
        }
        judge(word, words.next().unwrap_or_default(), statement, programs);
    }
}

/// A method of an object that fetches: `.DownloadFile`. Where the object comes from, New-Object for one, is listed by itself.
fn is_method(word: &str) -> bool {
    let name = word.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    word.contains('.')
        && ["download", "upload", "open", "get", "send", "invoke"].iter().any(|start| name.starts_with(start))
}

/// Options of the shells themselves, and words before a statement.
fn skipped(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.is_empty()
        || lists(KEYWORDS, &word)
        || lists(
            "-command -c -noprofile -noninteractive -nologo -executionpolicy bypass unrestricted remotesigned /s /c /q /k /v /d /v:on",
            &word,
        )
}

fn judge(word: &str, next: &str, statement: &str, programs: &mut Programs) {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    match rule_of(name) {
        Some(Rule::Never) => {}
        Some(Rule::Scripts(marks))
            if !marks.split(' ').any(|mark| mark.split('…').all(|part| statement.contains(part))) => {}
        Some(Rule::Always | Rule::Host | Rule::Address | Rule::Options(_)) => programs.fetching.push(name.to_owned()),
        Some(Rule::By { fetches, local, .. }) if lists(local, next) && !lists(fetches, next) => {}
        Some(Rule::By { fetches, .. }) if lists(fetches, next) => programs.fetching.push(format!("{name} {next}")),
        Some(_) => programs.scripts.push(name.to_owned()),
        None => programs.unknown.push(word.to_owned()),
    }
}

/// The text between separators outside of quotes.
fn statements(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut from, mut quote) = (0, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != letter),
            (None, '"' | '\'') => quote = Some(letter),
            (None, ';' | '|' | '&' | '{' | '}' | '(' | ')' | '\n') => {
                found.extend(text.get(from..at));
                from = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    found.extend(text.get(from..));
    found
}
