//! A position in shell text, and functions that read words.

use super::shell::{DEPTH, Splitter, Word, ends_word};

/// A position in a text.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

pub(super) fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}')
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    pub(super) fn at(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let there = self.at(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// Consumes the word if it is the complete next word, not only a prefix of it.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        let there = after.is_some_and(|after| after.chars().next().is_none_or(ends_word));
        there && self.eat(word)
    }

    /// Skips blanks and backslash line continuations.
    pub(super) fn skip_blanks(&mut self) {
        while self.eat("\\\n") || self.peek().is_some_and(|letter| is_blank(letter) && self.next().is_some()) {}
    }

    /// Skips blanks, line endings and comments.
    pub(super) fn skip_blanks_and_lines(&mut self) {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some('\n') => {
                    self.next();
                }
                Some('#') => self.skip_line(),
                _ => return,
            }
        }
    }

    pub(super) fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    pub(super) fn skip_all(&mut self) {
        self.at = self.text.len();
    }

    /// Consumes blanks and a `)`. Returns whether there was a `)`.
    pub(super) fn closes_at_once(&mut self) -> bool {
        self.skip_blanks();
        self.eat(")")
    }

    /// Reads lines up to the line that equals `name`. Also returns whether that line was found.
    pub(super) fn document(&mut self, name: &str, strip_tabs: bool) -> (String, bool) {
        let mut text = String::new();
        while !self.rest().is_empty() {
            let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
            self.at += line.len();
            let shown = if strip_tabs { line.trim_start_matches('\t') } else { line };
            if shown.trim_end_matches(['\r', '\n']) == name {
                return (text, true);
            }
            text.push_str(shown);
        }
        (text, false)
    }

    /// Consumes text up to a closing single quote. Returns false, and consumes nothing, if there is none, or if the text is not the same with and
    /// without the quotes.
    fn plain_quote(&mut self) -> bool {
        let end = self.rest().find(['\'', '}', '"', '$', '`', '\\']);
        let end = end.filter(|end| self.rest().as_bytes().get(*end) == Some(&b'\''));
        self.at += end.map_or(0, |end| end + 1);
        end.is_some()
    }

    /// The text read since `from`.
    fn since(&self, from: usize) -> &'t str {
        self.text.get(from..self.at).unwrap_or_default()
    }
}

impl Splitter<'_> {
    /// Reads a word up to a blank or an operator.
    pub(super) fn word(&mut self, depth: usize) -> Word {
        let mut word = Word::default();
        let mut named = false;
        while let Some(letter) = self.lexer.peek().filter(|letter| !ends_word(*letter)) {
            match letter {
                '\\' => {
                    self.lexer.next();
                    match self.lexer.next() {
                        Some('\n') => {}
                        escaped => {
                            word.text.extend(escaped);
                            word.quoted = true;
                        }
                    }
                }
                '\'' => self.single(&mut word),
                '"' => self.double(&mut word, depth),
                '$' => self.dollar(&mut word, false, depth),
                '`' => self.backticks(&mut word, depth),
                _ => {
                    self.lexer.next();
                    let at_start = word.text.is_empty();
                    word.expands |= matches!(letter, '*' | '?' | '[' | '{') || (letter == '~' && at_start);
                    if letter == '=' && !named {
                        named = true;
                        word.assigns = !word.quoted && is_name(word.text.strip_suffix('+').unwrap_or(&word.text));
                    }
                    word.text.push(letter);
                }
            }
        }
        if !word.quoted && matches!(word.text.as_str(), "[" | "[[" | "{" | "{}") {
            word.expands = false;
        }
        self.script.sockets |= word.text.contains("/dev/tcp/") || word.text.contains("/dev/udp/");
        word
    }

    fn single(&mut self, word: &mut Word) {
        self.lexer.next();
        word.quoted = true;
        loop {
            match self.lexer.next() {
                Some('\'') => return,
                Some(letter) => word.text.push(letter),
                None => return self.note("an unterminated quote"),
            }
        }
    }

    fn double(&mut self, word: &mut Word, depth: usize) {
        self.lexer.next();
        word.quoted = true;
        loop {
            match self.lexer.peek() {
                Some('"') => {
                    self.lexer.next();
                    return;
                }
                Some(_) => self.quoted_letter(word, depth),
                None => return self.note("an unterminated quote"),
            }
        }
    }

    /// Reads to the end as if in double quotes, for a here-document.
    pub(super) fn quoted_to_end(&mut self, depth: usize) {
        if depth > DEPTH {
            return self.note("substitutions are nested too deeply");
        }
        let mut word = Word::default();
        while self.lexer.peek().is_some() {
            self.quoted_letter(&mut word, depth);
            word.text.clear();
        }
    }

    fn quoted_letter(&mut self, word: &mut Word, depth: usize) {
        match self.lexer.peek() {
            Some('\\') => {
                self.lexer.next();
                match self.lexer.next() {
                    Some('\n') => {}
                    Some(letter @ ('$' | '`' | '"' | '\\')) => word.text.push(letter),
                    letter => {
                        word.text.push('\\');
                        word.text.extend(letter);
                    }
                }
            }
            Some('$') => self.dollar(word, true, depth),
            Some('`') => self.backticks(word, depth),
            _ => word.text.extend(self.lexer.next()),
        }
    }

    /// `$NAME`, `${…}`, `$(…)`, `$((…))`, `$'…'`. The text is kept unexpanded.
    fn dollar(&mut self, word: &mut Word, in_quotes: bool, depth: usize) {
        let from = self.lexer.at;
        self.lexer.next();
        let expands = match self.lexer.peek() {
            Some('(') if self.lexer.at("((") => {
                self.lexer.eat("((");
                self.arithmetic(depth);
                true
            }
            Some('(') => {
                self.lexer.next();
                self.list(Some(')'), depth + 1);
                true
            }
            Some('{') => {
                self.braces(in_quotes, depth);
                true
            }
            Some('\'') if !in_quotes => {
                let mut text = Word::default();
                self.single(&mut text);
                if text.text.ends_with('\\') {
                    self.note("a quote form specific to bash");
                }
                true
            }
            Some('"') if !in_quotes => return,
            Some(letter)
                if letter.is_ascii_alphanumeric()
                    || matches!(letter, '_' | '@' | '*' | '#' | '?' | '!' | '$' | '-') =>
            {
                self.lexer.next();
                while letter.is_ascii_alphabetic() | (letter == '_')
                    && self.lexer.peek().is_some_and(|next| next.is_ascii_alphanumeric() || next == '_')
                {
                    self.lexer.next();
                }
                true
            }
            _ => false,
        };
        word.text.push_str(self.lexer.since(from));
        word.expands |= expands;
        word.splits |= expands && !in_quotes;
    }

    /// `${NAME…}`, which may contain further expansions.
    fn braces(&mut self, in_quotes: bool, depth: usize) {
        if depth > DEPTH {
            self.lexer.skip_all();
            return self.note("substitutions are nested too deeply");
        }
        self.lexer.next();
        let mut inner = Word::default();
        loop {
            match self.lexer.peek() {
                Some('}') => {
                    self.lexer.next();
                    return;
                }
                Some('\'') if !in_quotes => self.single(&mut inner),
                Some('\'') => {
                    // Inside double quotes, whether a single quote quotes depends on the operator and the shell.
                    self.lexer.next();
                    if !self.lexer.plain_quote() {
                        self.note("a quote inside an expansion");
                    }
                }
                Some('"') => self.double(&mut inner, depth + 1),
                Some('$') => self.dollar(&mut inner, in_quotes, depth + 1),
                Some('`') => self.backticks(&mut inner, depth + 1),
                Some('\\') => {
                    self.lexer.next();
                    self.lexer.next();
                }
                Some(_) => {
                    self.lexer.next();
                }
                None => return self.note("an unterminated expansion"),
            }
            inner.text.clear();
        }
    }

    /// Reads arithmetic up to `))`. The arithmetic may contain substitutions.
    fn arithmetic(&mut self, depth: usize) {
        let mut inner = Word::default();
        let mut open = 0_usize;
        loop {
            match self.lexer.peek() {
                Some(')') if open == 0 => {
                    if !self.lexer.eat("))") {
                        self.note("unterminated arithmetic");
                        self.lexer.skip_all();
                    }
                    return;
                }
                Some('$') if depth < DEPTH => self.dollar(&mut inner, true, depth + 1),
                Some('`') if depth < DEPTH => self.backticks(&mut inner, depth + 1),
                Some('$' | '`') => {
                    self.note("substitutions are nested too deeply");
                    return self.lexer.skip_all();
                }
                Some(letter) => {
                    open = if letter == '(' { open + 1 } else { open.saturating_sub(usize::from(letter == ')')) };
                    self.lexer.next();
                }
                None => return self.note("unterminated arithmetic"),
            }
            inner.text.clear();
        }
    }

    /// A backtick substitution. Inside the backticks, a backslash escapes `$`, a backtick and itself.
    fn backticks(&mut self, word: &mut Word, depth: usize) {
        let from = self.lexer.at;
        self.lexer.next();
        let mut text = String::new();
        loop {
            match self.lexer.next() {
                Some('`') => break,
                Some('\\') => match self.lexer.next() {
                    Some(letter @ ('`' | '$' | '\\')) => text.push(letter),
                    letter => {
                        text.push('\\');
                        text.extend(letter);
                    }
                },
                Some(letter) => text.push(letter),
                None => {
                    self.note("an unterminated substitution");
                    break;
                }
            }
        }
        self.nested(&text, depth);
        word.text.push_str(self.lexer.since(from));
        word.expands = true;
        word.splits = true;
    }
}

/// Whether the text is a variable name, with or without an index.
fn is_name(text: &str) -> bool {
    let name = text.split('[').next().unwrap_or_default();
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
