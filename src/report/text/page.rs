//! A page of labelled lines, wrapped at words.

use std::iter;

use crate::base::escape::for_terminal;

/// The width of labels in columns; with this width, a line with a fingerprint is exactly 80 columns wide.
const LABEL: usize = 9;
/// The width in columns of the longer labels for a case.
const WIDE_LABEL: usize = 11;

/// Lines of a page. Text is escaped here, except in [`Page::line`], whose text may have colours: its callers escape it.
pub(in crate::report) struct Page {
    columns: usize,
    lines: Vec<String>,
}

impl Page {
    pub(super) fn new(columns: usize) -> Self {
        Self { columns, lines: Vec::new() }
    }

    /// Adds a line unchanged.
    pub(in crate::report) fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    pub(in crate::report) fn blank(&mut self) {
        self.lines.push(String::new());
    }

    /// Adds a label with text next to it.
    pub(in crate::report) fn put(&mut self, label: &str, text: &str) {
        self.put_at(LABEL, label, text);
    }

    /// Like [`Page::put`], but with space for longer labels.
    pub(in crate::report) fn put_wide(&mut self, label: &str, text: &str) {
        self.put_at(WIDE_LABEL, label, text);
    }

    fn put_at(&mut self, indent: usize, label: &str, text: &str) {
        let labels = iter::once(label).chain(iter::repeat(""));
        let width = self.columns.saturating_sub(indent);
        for (label, line) in labels.zip(wrap(&inert(text), width)) {
            let pad = indent.saturating_sub(label.len() + 1);
            let line = line.replace(KEPT, " ");
            self.lines.push(format!("{label}{:pad$} {line}", "").trim_end().to_owned());
        }
    }

    /// Adds text across the whole width; continuation lines are indented.
    pub(in crate::report) fn sentence(&mut self, text: &str) {
        let text = &inert(text);
        let mut lines = wrap(text, self.columns.saturating_sub(LABEL)).into_iter();
        // The first line may be longer than the indented lines below it.
        let whole = wrap(text, self.columns);
        if whole.len() == 1 {
            self.lines.extend(whole);
            return;
        }
        self.lines.extend(lines.next());
        self.lines.extend(lines.map(|line| format!("{:LABEL$}{line}", "")));
    }

    /// Number of lines that `text` occupies next to a label.
    pub(super) fn lines_of(&self, text: &str) -> usize {
        wrap(&inert(text), self.columns.saturating_sub(LABEL)).len()
    }

    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn append(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    pub(super) fn beside(&self) -> Self {
        Self::new(self.columns)
    }

    pub(in crate::report) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// A space at which lines are not broken. This space is a control character, which escaped text cannot contain.
const KEPT: &str = "\u{1}";

/// Text that is safe on a terminal. [`KEPT`] is replaced later.
fn inert(text: &str) -> String {
    text.split(KEPT).map(for_terminal).collect::<Vec<_>>().join(KEPT)
}

/// Keeps a command on one line, so that it can be copied.
pub(in crate::report) fn unbroken(command: &str) -> String {
    command.replace(' ', KEPT)
}

/// Lines broken only at spaces, so that names, digests and paths can be copied: at most `width` columns, unless one word is wider.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split(' ') {
        let columns = columns_of(word);
        match lines.last_mut() {
            Some(line) if used + 1 + columns <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + columns;
            }
            _ => {
                lines.push(word.to_owned());
                used = columns;
            }
        }
    }
    lines
}

/// The maximum number of columns that a word occupies on a terminal: a character beyond ASCII may be two columns wide.
fn columns_of(word: &str) -> usize {
    word.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum()
}

/// The beginning of a string that is too long for a screen; `--details` prints the whole string.
pub(super) fn clipped(text: &str) -> String {
    const LETTERS: usize = 220;
    match text.char_indices().nth(LETTERS) {
        None => text.to_owned(),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or_default();
            let kept = kept.rsplit_once(' ').map_or(kept, |(words, _)| words);
            format!("{kept} ...")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_only_at_spaces() {
        let mut page = Page::new(20);
        page.put("a", "one two three four");
        page.put("b", "a-name-that-is-longer-than-the-page and more");
        page.put("c", "");
        page.put("a-long-label", "x");
        assert_eq!(
            page.text(),
            "a        one two\n         three four\nb        a-name-that-is-longer-than-the-page\n         and more\nc\na-long-label x\n"
        );
        let mut page = Page::new(20);
        page.sentence("12345678901234567890");
        page.sentence("1234567890 1234567890 1");
        assert_eq!(page.text(), "12345678901234567890\n1234567890\n         1234567890\n         1\n");
    }

    #[test]
    fn hostile_text_is_escaped() {
        let mut page = Page::new(80);
        page.put("proved", "a\x1b[2J\nACCEPTED");
        page.sentence("b\u{202e}\nc");
        assert_eq!(page.text(), "proved   a\\u{1b}[2J\\nACCEPTED\nb\\u{202e}\\nc\n");
    }

    #[test]
    fn characters_that_may_be_wide_count_twice() {
        assert_eq!(wrap("東京 東京 a", 9), ["東京 東京", "a"]);
        assert_eq!(wrap("two  blanks", 80), ["two  blanks"]);
    }

    #[test]
    fn commands_are_not_split_across_lines() {
        let mut page = Page::new(30);
        page.put("next", &format!("do this: {} and that", unbroken("hpsb-audit policy init")));
        assert_eq!(page.text(), "next     do this:\n         hpsb-audit policy init\n         and that\n");
    }

    #[test]
    fn long_text_is_clipped_at_a_word() {
        assert_eq!(clipped("short"), "short");
        let long = "word ".repeat(100);
        assert!(clipped(&long).ends_with("word ...") && clipped(&long).len() < 230);
        assert_eq!(clipped(&"é".repeat(300)).chars().count(), 224);
    }
}
