//! The place in a shell's text, and the words there.

use super::shell::{DEPTH, Splitter, Word, ends_word};

/// A place in a text.
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

    /// The word, and not merely its beginning.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        let there = after.is_some_and(|after| after.chars().next().is_none_or(ends_word));
        there && self.eat(word)
    }

    /// Blanks, and a backslash at a line's end.
    pub(super) fn skip_blanks(&mut self) {
        while self.eat("\\\n") || self.peek().is_some_and(|letter| is_blank(letter) && self.next().is_some()) {}
    }

    /// Blanks, ends of lines and comments.
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

    /// Is `)` next, blanks aside? It is taken then.
    pub(super) fn closes_at_once(&mut self) -> bool {
        self.skip_blanks();
        self.eat(")")
    }

    /// Lines up to the one that is `name`, and whether it came.
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

    /// What was read since `from`.
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
                None => return self.note("a quote without its end"),
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
                None => return self.note("a quote without its end"),
            }
        }
    }

    /// Reads to the end as if in double quotes: a here-document.
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

    /// `$NAME`, `${…}`, `$(…)`, `$((…))`, `$'…'`. Their text stays as it is written.
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
                    self.note("a quote of bash's own kind");
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

    /// `${NAME…}`: what is in it may hold further expansions.
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
                None => return self.note("an expansion without its end"),
            }
            inner.text.clear();
        }
    }

    /// Up to `))`: numbers, in which substitutions may be.
    fn arithmetic(&mut self, depth: usize) {
        let mut inner = Word::default();
        let mut open = 0_usize;
        loop {
            match self.lexer.peek() {
                Some(')') if open == 0 => {
                    if !self.lexer.eat("))") {
                        self.note("arithmetic without its end");
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
                None => return self.note("arithmetic without its end"),
            }
            inner.text.clear();
        }
    }

    /// A substitution in backticks. Within them a backslash escapes `$`, a backtick and itself.
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
                    self.note("a substitution without its end");
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

/// What a variable may be called, with an index or without.
fn is_name(text: &str) -> bool {
    let name = text.split('[').next().unwrap_or_default();
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
