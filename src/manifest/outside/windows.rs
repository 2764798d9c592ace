//! Recognises PowerShell and cmd.exe commands by the first word of each statement, after keywords or an assignment.

use super::follow::Programs;
use super::programs::{Rule, Special, lists, rule_of};

/// Words that may precede a statement.
const KEYWORDS: &str =
    "if else elseif foreach for while do try catch finally trap process begin end not call then in @";

/// Reads the text after `powershell` or `cmd`, including options.
pub(super) fn read(shell: &str, text: &str, programs: &mut Programs) {
    if text.trim().is_empty() || runs_a_file(text) {
        programs.scripts.push(shell.to_owned());
        return;
    }
    if let Some(share) = text.split_whitespace().find_map(share) {
        programs.fetching.push(share.to_owned());
    }
    if text.contains("$(") {
        programs.unclear.get_or_insert("a PowerShell expression");
    }
    let mut first = true;
    for (called, statement) in statements(text, shell.to_ascii_lowercase().starts_with("cmd")) {
        let mut words = statement.split_whitespace().skip_while(|word| skipped(word));
        let Some(mut word) = words.next() else { continue };
        if std::mem::take(&mut first) && word.starts_with('-') {
            programs.unknown.push(format!("{shell} {word}"));
            continue;
        }
        // In cmd, `@` suppresses the echo of a command.
        word = word.trim_start_matches('@');
        // cmd's `if exist FILE COMMAND`.
        while lists("exist defined errorlevel", &word.to_ascii_lowercase()) {
            words.next();
            word = words.next().unwrap_or_default();
        }
        if called && word.trim_start_matches(['"', '\'']).starts_with('$') {
            // `& $NAME` and `& "$NAME/setup.exe"`
            programs.unknown.push(word.to_owned());
            continue;
        }
        if word.starts_with('$') && !is_method(word) {
            // `$NAME = COMMAND`. A variable alone, or a method called on it, is an expression.
            match words.next().filter(|word| lists("= +=", word)).and_then(|_| words.next()) {
                Some(value) if !value.starts_with(['"', '\'']) => word = value,
                _ => continue,
            }
        }
        let word = word.trim_matches(['"', '\'']);
        // Operators, literals and properties of a result: `-split`, `+`, `0x1`, `.Hash`, `[0]`.
        let index =
            word.strip_prefix('[').is_some_and(|inside| inside.starts_with(|letter: char| letter.is_ascii_digit()));
        let here = [".\\", "./", "..\\", "../"].iter().any(|start| word.starts_with(start)) || word == ".";
        let plain =
            word.is_empty() || index || word == "%" || word.starts_with(['$', '@', '-', '#', '+', ',', '=', '.']);
        if plain && !here && !is_method(word) || word.starts_with(|letter: char| letter.is_ascii_digit()) {
            continue;
        }
        judge(word, words, programs);
    }
}

/// Whether the word is a method that may use the network, such as `.DownloadFile`. The command that creates the object, for example New-Object, is
/// listed separately.
fn is_method(word: &str) -> bool {
    let name = word.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    word.contains('.')
        && ["download", "upload", "open", "get", "send", "invoke"].iter().any(|start| name.starts_with(start))
}

/// Whether the word is an option of the shell itself, or a word that precedes a statement.
fn skipped(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.is_empty()
        || lists(KEYWORDS, &word)
        || lists(
            "-command -c -noprofile -nop -noninteractive -noni -nologo -nol -sta -mta -executionpolicy -ex -exec -ep bypass unrestricted remotesigned /s /c /q /k /v /d /v:on %comspec%",
            &word,
        )
}

/// Whether an option before the command specifies a file or encoded text to run: `-File`, `-EncodedCommand` or an abbreviation.
fn runs_a_file(text: &str) -> bool {
    let options = text.split_whitespace().map(|word| word.to_ascii_lowercase());
    let is = |word: &str, option: &str| {
        word.strip_prefix(['-', '/']).is_some_and(|word| !word.is_empty() && option.starts_with(word))
    };
    let mut before = options.take_while(|word| !is(word, "command"));
    before.any(|word| is(&word, "file") || is(&word, "encodedcommand") || is(&word, "ec"))
}

/// A network share: `\\HOST\SHARE`.
fn share(word: &str) -> Option<&str> {
    let at = word.find("\\\\").or_else(|| word.find("//"))?;
    let (before, share) = word.split_at_checked(at)?;
    let host = share
        .trim_start_matches(['\\', '/'])
        .starts_with(|letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '$' | '%'));
    (host && (before.is_empty() || before.ends_with(['"', '\'', '=', '(', '[', ',']))).then_some(share)
}

/// Applies the rule for the program. A path with a drive letter is not a host.
fn judge<'t>(word: &str, rest: impl Iterator<Item = &'t str>, programs: &mut Programs) {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    match rule_of(name) {
        Some(
            Rule::Shell
            | Rule::Windows
            | Rule::Wraps(_)
            | Rule::Special(Special::Find | Special::Python | Special::Eval | Special::Su),
        ) => {
            programs.scripts.push(name.to_owned());
        }
        Some(_) => {
            let drive =
                |word: &&str| word.get(1..).is_some_and(|rest| rest.starts_with(":\\") || rest.starts_with(":/"));
            let rest = rest.map(|word| word.trim_matches(['"', '\''])).filter(|word| !drive(word));
            programs.words([name].into_iter().chain(rest));
        }
        None => programs.unknown.push(word.to_owned()),
    }
}

/// The text between unquoted separators, and whether a single `&` precedes it: PowerShell's call operator, which runs the command in a variable. In
/// cmd, only `"` quotes and `^` escapes; in PowerShell, a backtick escapes.
fn statements(text: &str, is_cmd: bool) -> Vec<(bool, &str)> {
    let mut found = Vec::new();
    let (mut from, mut quote, mut called) = (0, None, false);
    let mut before = ' ';
    let escape = if is_cmd { '^' } else { '`' };
    for (at, letter) in text.char_indices() {
        if before == escape && (quote.is_none() || quote == Some('"') && !is_cmd) {
            before = ' ';
            continue;
        }
        match (quote, letter) {
            (None, '\'') if is_cmd => {}
            (Some(open), _) => quote = Some(open).filter(|open| *open != letter),
            (None, '"' | '\'') => quote = Some(letter),
            // `& (…)` runs the program that the expression names.
            (None, '(') if called && !is_cmd && text.get(from..at).is_some_and(|text| text.trim().is_empty()) => {
                found.push((true, "$(...)"));
                from = at + letter.len_utf8();
                called = false;
            }
            (None, ';' | '|' | '&' | '{' | '}' | '(' | ')' | '\n') => {
                found.extend(text.get(from..at).map(|text| (called, text)));
                from = at + letter.len_utf8();
                called = letter == '&' && before != '&';
            }
            _ => {}
        }
        before = letter;
    }
    found.extend(text.get(from..).map(|text| (called, text)));
    found
}
