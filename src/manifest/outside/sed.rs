//! Reads sed scripts as GNU sed does, to determine whether they only edit text. The command `e` and the flag `e` of `s` run programs.

use std::iter::Peekable;
use std::str::Chars;

use super::doors::is_long;
use super::shell::Word;

/// Whether sed only edits text when it is run with these arguments. Also `false` if a script cannot be parsed, is in a file, or contains a variable.
pub(super) fn only_edits(arguments: &[Word]) -> bool {
    scripts(arguments).is_some_and(|script| {
        let scan = |brackets| {
            let mut scan = Scan { letters: script.chars().peekable(), brackets, runs: false };
            (scan.script().is_some(), scan.runs)
        };
        // Old versions end a pattern at a `/` inside brackets. An old version that rejects a script runs nothing.
        scan(true).0 && !scan(false).1
    })
}

/// The script: all `-e` values or, if there are none, the first argument that is not an option.
fn scripts(arguments: &[Word]) -> Option<String> {
    let mut words = arguments.iter();
    let mut found: Vec<&str> = Vec::new();
    let mut first = None;
    let mut literal = true;
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let mut take = |text, from: &Word| {
            literal &= !(from.expands && from.text.contains(['$', '`']));
            found.push(text);
        };
        if text.starts_with("--") && text != "--" {
            if is_long("--file", text) {
                return None;
            }
            if is_long("--expression", text) {
                match text.split_once('=') {
                    Some((_, script)) => take(script, word),
                    None => words.next().into_iter().for_each(|next| take(&next.text, next)),
                }
            } else if is_long("--line-length", text) && !text.contains('=') {
                words.next();
            }
        } else if let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty() && text != "--") {
            for (at, letter) in letters.char_indices() {
                let value = letters.get(at.saturating_add(letter.len_utf8())..).unwrap_or_default();
                match letter {
                    'f' => return None,
                    'i' => break,
                    'e' if value.is_empty() => words.next().into_iter().for_each(|next| take(&next.text, next)),
                    'e' => take(value, word),
                    'l' if value.is_empty() => {
                        words.next();
                    }
                    'l' => {}
                    'E' | 'r' | 'n' | 's' | 'u' | 'z' | 'b' | 'h' => continue,
                    _ => return None,
                }
                break;
            }
        } else if text != "--" && first.is_none() {
            first = Some(word);
        }
    }
    if found.is_empty() {
        let Some(word) = first else { return Some(String::new()) };
        let literal = !(word.expands && word.text.contains(['$', '`']));
        return literal.then(|| word.text.clone());
    }
    literal.then(|| found.join("\n"))
}

struct Scan<'t> {
    letters: Peekable<Chars<'t>>,
    /// A delimiter inside brackets does not end the pattern.
    brackets: bool,
    /// The script runs a program.
    runs: bool,
}

impl Scan<'_> {
    /// Scans a script. `None` means that the script cannot be parsed or does more than edit text.
    fn script(&mut self) -> Option<()> {
        loop {
            self.skip(|letter| letter.is_whitespace() || matches!(letter, ';' | '}'));
            if self.letters.peek().is_none() {
                return Some(());
            }
            self.address()?;
            self.skip(|letter| letter.is_whitespace());
            if self.letters.next_if_eq(&',').is_some() {
                self.skip(|letter| letter.is_whitespace());
                self.address()?;
            }
            self.skip(|letter| letter.is_whitespace() || letter == '!');
            match self.letters.next()? {
                '{' => continue,
                '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' => {}
                'q' | 'Q' | 'l' | 'L' => self.skip(|letter| letter.is_ascii_digit() || letter == ' '),
                ':' | 'b' | 't' | 'T' => self.skip(|letter| !matches!(letter, '\n' | ';' | '}')),
                '#' | 'r' | 'R' | 'w' | 'W' | 'v' => self.skip(|letter| letter != '\n'),
                'a' | 'i' | 'c' => self.text(),
                'y' => {
                    let end = self.letters.next()?;
                    self.part(end, false)?;
                    self.part(end, false)?;
                }
                's' => {
                    let end = self.letters.next()?;
                    self.part(end, self.brackets)?;
                    self.part(end, false)?;
                    self.skip(|letter| letter.is_ascii_digit() || matches!(letter, 'g' | 'p' | 'i' | 'I' | 'm' | 'M'));
                    if self.letters.next_if_eq(&'w').is_some() {
                        self.skip(|letter| letter != '\n');
                    }
                }
                letter => {
                    self.runs |= letter == 'e';
                    return None;
                }
            }
            self.runs |= self.letters.peek() == Some(&'e');
            self.skip(|letter| matches!(letter, ' ' | '\t' | '\r'));
            if !self.letters.peek().is_none_or(|letter| matches!(letter, ';' | '}' | '\n' | '#')) {
                return None;
            }
        }
    }

    fn skip(&mut self, are: impl Fn(char) -> bool) {
        while self.letters.next_if(|letter| are(*letter)).is_some() {}
    }

    /// Reads `5`, `5~2`, `+5`, `$`, `/RE/I`, `\cREc`, or nothing.
    fn address(&mut self) -> Option<()> {
        match self.letters.peek() {
            Some('$') => self.letters.next().map(|_| ()),
            Some('/' | '\\') => {
                self.letters.next_if_eq(&'\\');
                let end = self.letters.next()?;
                self.part(end, self.brackets)?;
                self.skip(|letter| matches!(letter, 'I' | 'M'));
                Some(())
            }
            _ => {
                self.skip(|letter| letter.is_ascii_digit() || matches!(letter, '~' | '+'));
                Some(())
            }
        }
    }

    /// Reads up to the character that ends the current section.
    fn part(&mut self, end: char, brackets: bool) -> Option<()> {
        loop {
            match self.letters.next()? {
                '\\' => {
                    self.letters.next()?;
                }
                letter if letter == end => return Some(()),
                '[' if brackets => self.bracket()?,
                _ => {}
            }
        }
    }

    /// Reads up to the closing `]`, which is neither the first character nor the end of a class like `[:space:]`.
    fn bracket(&mut self) -> Option<()> {
        self.letters.next_if_eq(&'^');
        let mut before = self.letters.next()?;
        loop {
            match self.letters.next()? {
                ':' if before == '[' => {
                    while self.letters.next()? != ':' {}
                    self.letters.next_if_eq(&']');
                    before = ']';
                }
                ']' => return Some(()),
                letter => before = letter,
            }
        }
    }

    /// Reads up to the end of a line that does not end with a backslash.
    fn text(&mut self) {
        while let Some(letter) = self.letters.next_if(|letter| *letter != '\n') {
            if letter == '\\' {
                self.letters.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(arguments: &[&str]) -> bool {
        let words: Vec<Word> = arguments.iter().map(|word| Word::literal(*word)).collect();
        only_edits(&words)
    }

    #[test]
    fn scripts_that_run_programs_are_not_edits() {
        for script in [
            "s/a/b/",
            "s|a|b|g;s,/x/,/y/,I",
            "/^#/d",
            "1d;$!N;P;D",
            "/a/,/b/{s/x/e/;p}",
            "$ a e curl",
            "1i\\\ne x\n2d",
            ":a;N;ba",
            "y/abc/def/",
            "\\,x,d",
            "1~2p;2,+3p",
            "s/a/\\//w x",
            "s/e/e/2p # e",
            "/x/!s/[^/]*//",
            "s/[[:space:]/]a//",
            "s,[]/],e,",
            "r e",
            "",
        ] {
            assert!(edits(&["-i", script, "file"]), "{script}");
        }
        for script in [
            "e curl",
            "1e curl",
            "s/a/b/e",
            "s/a/b/ge",
            "s/[^/]*/e/",
            "s/[]/]/x/e",
            "s/[[:a:]/]/x/e",
            "/a/{e\n}",
            "1!d;e x",
            "d\ne x",
            "s/a/b",
            "1i\\\nx\ne curl",
            "k",
        ] {
            assert!(!edits(&["-i", script, "file"]), "{script}");
        }
        for arguments in [
            &["-e", "d", "--exp=e x"][..],
            &["-nf", "x"],
            &["--file=x"],
            &["-ne", "e x"],
            &["-Ene1e x"],
            &["--", "e"],
            &["-i.e", "e"],
        ] {
            assert!(!edits(arguments), "{arguments:?}");
        }
        assert!(edits(&["-i.e", "-ne", "p", "e"]) && edits(&["--in-place", "-E", "s/a/b/", "e"]));
        assert!(!only_edits(&[Word { expands: true, ..Word::literal("s/a/$b/") }]));
    }
}
