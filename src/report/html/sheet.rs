//! The first sheet of a report for filing. The first sheet has the same form for a bundle, a folder of bundles and
//! a reconciliation.
//!
//! The sections of the sheet in order, with the number of lines that each section may occupy. Letter paper has 55 lines
//! at ten points:
//!
//! | part | lines |
//! | --- | --- |
//! | title and verdict with its scope, reasons (at most six), what to do | 5 to 14 |
//! | reference, subject, time, policy, question | 10 to 14 |
//! | key, with its record (four lines) | 2 to 6 |
//! | case, if any | 0 to 8 |
//! | "Found" (at least five statements), next to "Not proved" | 12 to 17 |
//! | exceptions (six) | 2 to 9 |
//! | the command that repeats the audit, one option per line | 4 to 12 |
//! | two lines for signatures | 6 |
//!
//! A list that is cut ends with the number of remaining entries and their location. If the sections together exceed one page, the sheet
//! uses a smaller font. The lines are counted here, because an HTML page cannot count its own lines.

use super::markup::Markup;
use crate::base::words::counted;
use crate::report::repeat;

/// The appearance of a verdict. The verdict's text has the same meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Tone {
    Accepted,
    InPart,
    Refused,
    Open,
}

/// A segment of a line.
#[cfg_attr(test, derive(Debug))]
pub(in crate::report) enum Part {
    Words(String),
    Code(String),
    /// How the preceding segment is known.
    Known(String),
}

/// A row of facts.
pub(in crate::report) struct Row {
    pub(in crate::report) label: &'static str,
    pub(in crate::report) lines: Vec<Vec<Part>>,
}

/// The signer of the sheet, if any.
#[derive(Default)]
pub(in crate::report) struct Signed {
    pub(in crate::report) name: String,
    pub(in crate::report) date: String,
    pub(in crate::report) by: String,
}

/// All content of the first sheet.
pub(in crate::report) struct Sheet {
    pub(in crate::report) title: &'static str,
    pub(in crate::report) tone: Tone,
    pub(in crate::report) headline: String,
    pub(in crate::report) because: Vec<String>,
    pub(in crate::report) next: String,
    pub(in crate::report) rows: Vec<Row>,
    /// The number of passed checks, as a sentence.
    pub(in crate::report) counted: String,
    /// The statements, each with how it is known.
    pub(in crate::report) found: Vec<(String, &'static str)>,
    pub(in crate::report) not_proved: Vec<String>,
    pub(in crate::report) exceptions: Vec<String>,
    /// The command, option by option; empty if there is no command.
    pub(in crate::report) command: Vec<String>,
    pub(in crate::report) repeats: String,
    pub(in crate::report) prepared: Signed,
    pub(in crate::report) reviewed: Signed,
}

/// Maximum number of reasons and exceptions on the sheet.
pub(in crate::report) const REASONS: usize = 6;
/// Minimum number of statements on the sheet. More statements fit if the adjacent list, "Not proved", is longer.
const ANSWERS: usize = 5;
/// Maximum number of characters of a reason, an exception or a statement.
pub(super) const LETTERS: usize = 180;
/// Number of characters in a line of half the sheet's width.
const HALF: usize = 48;

impl Row {
    /// A row with one line.
    pub(in crate::report) fn new(label: &'static str, line: Vec<Part>) -> Self {
        Self { label, lines: vec![line] }
    }

    /// A row with one line of plain text.
    pub(in crate::report) fn words(label: &'static str, words: impl Into<String>) -> Self {
        Self::new(label, vec![Part::Words(words.into())])
    }
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Accepted => "first accepted",
            Self::InPart => "first in-part",
            Self::Refused => "first refused",
            Self::Open => "first open",
        }
    }
}

/// The first lines of a list, with very long lines cut, followed by the number of remaining lines.
pub(in crate::report) fn beginning(lines: Vec<String>, most: usize, place: &str) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    // If there are at most two lines, each line may be longer.
    let letters = if lines.len() <= 2 { 2 * LETTERS } else { LETTERS };
    let mut lines: Vec<String> = lines.into_iter().take(most).map(|line| shortened(&line, letters)).collect();
    if more > 0 {
        lines.push(format!("and {more} more: {place}"));
    }
    lines
}

/// Cuts a line to [`LETTERS`] characters.
fn cut(line: &str) -> String {
    shortened(line, LETTERS)
}

pub(super) fn shortened(line: &str, letters: usize) -> String {
    match line.char_indices().nth(letters) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}

impl Sheet {
    pub(in crate::report) fn write(&self, page: &mut Markup) {
        page.raw("<section class=\"").raw(self.tone.class()).raw(self.size()).raw("\">\n");
        page.raw("<h1>").raw(self.title).raw("</h1>\n");
        page.wrapped("<div class=\"result\">\n<p><strong>", &self.headline, "</strong></p>\n");
        for line in &self.because {
            page.wrapped("<p>", line, "</p>\n");
        }
        page.wrapped("<p class=\"next\">", &self.next, "</p>\n</div>\n");
        rows(page, &self.rows);
        page.raw("<div class=\"pair\">\n<div>\n<h2>Found</h2>\n");
        self.found(page);
        page.raw("</div>\n<div>\n<h2>Not proved</h2>\n");
        page.list(self.not_proved.iter().map(String::as_str), "There is no verdict, so nothing is proved.");
        page.raw("</div>\n</div>\n<h2>Exceptions</h2>\n");
        let none = if self.found.is_empty() { "Not determined: there are no reliable findings." } else { "None." };
        page.list(self.exceptions.iter().map(String::as_str), none);
        page.raw("<h2>How to repeat</h2>\n");
        self.repeat(page);
        page.raw("<h2>Signatures</h2>\n<table class=\"sign\">\n<thead><tr><th scope=\"col\">Role</th><th scope=\"col\">Name</th>")
            .raw("<th scope=\"col\">Date</th><th scope=\"col\">Decision and signature</th></tr></thead>\n<tbody>\n");
        for (label, signed) in [("Prepared by", &self.prepared), ("Reviewed by", &self.reviewed)] {
            page.raw("<tr><th scope=\"row\">").raw(label).raw("</th>").wrapped("<td>", &signed.name, "</td>");
            page.wrapped("<td>", &signed.date, "</td>").wrapped("<td>", &signed.by, "</td></tr>\n");
        }
        page.raw("</tbody>\n</table>\n</section>\n");
    }

    fn found(&self, page: &mut Markup) {
        if !self.counted.is_empty() {
            page.wrapped("<p>", &self.counted, "</p>\n");
        }
        if self.found.is_empty() {
            page.raw("<p>No reliable findings.</p>\n");
            return;
        }
        page.raw("<ul>\n");
        let shown = self.shown();
        for (sentence, known) in self.found.iter().take(shown) {
            page.wrapped("<li>", &cut(sentence), " <span class=\"known\">").raw(known).raw("</span></li>\n");
        }
        let more = self.found.len().saturating_sub(shown);
        if more > 0 {
            page.wrapped("<li>and ", &counted(more, "more statement"), ": see Findings</li>\n");
        }
        page.raw("</ul>\n<p class=\"known\">").raw(KNOWN).raw("</p>\n");
    }

    fn repeat(&self, page: &mut Markup) {
        if self.command.is_empty() {
            page.raw("<p>The run ended before its question was determined: there is nothing to repeat.</p>\n");
            return;
        }
        page.raw("<pre>");
        for (at, line) in repeat::lines(&self.command).iter().enumerate() {
            page.raw(if at == 0 { "" } else { "\n" }).text(line);
        }
        page.raw("</pre>\n").wrapped("<p>", &self.repeats, "</p>\n");
    }

    /// Number of statements on the sheet.
    fn shown(&self) -> usize {
        // One line each for the totals above the list and for "and N more statements" below it.
        let room = lines_in(&self.not_proved, HALF).saturating_sub(2);
        let mut used = 0;
        let fits = self.found.iter().take_while(|answer| {
            used += lines_of_answer(answer);
            used <= room
        });
        fits.count().max(ANSWERS)
    }

    /// The font size at which the sheet fits on Letter paper, computed from its number of lines at ten points.
    fn size(&self) -> &'static str {
        let rows: usize = self.rows.iter().flat_map(|row| &row.lines).map(|line| lines_of(&plain(line), 85)).sum();
        let found: usize = self.found.iter().take(self.shown()).map(lines_of_answer).sum();
        let pair = lines_in(&self.not_proved, HALF).max(found.saturating_add(2));
        let whole = [lines_in(&self.because, 105), lines_of(&self.next, 105), lines_in(&self.exceptions, 105)];
        let command = repeat::lines(&self.command).len().saturating_mul(9) / 10;
        let lines = whole.into_iter().chain([rows, pair, command]).fold(FIXED, usize::saturating_add);
        match lines {
            ..=51 => "",
            52..=55 => " fit-96",
            56..=60 => " fit-92",
            61..=65 => " fit-88",
            66..=70 => " fit-84",
            71..=75 => " fit-80",
            76..=79 => " fit-76",
            _ => " fit-72",
        }
    }
}

/// Lines for titles, rules and signatures.
const FIXED: usize = 19;

/// The meaning of the words after each statement.
const KNOWN: &str =
    "recomputed: from the bytes, by the audit; signed: stated by the signer; given: supplied to the program";

fn lines_in(lines: &[String], width: usize) -> usize {
    lines.iter().map(|line| lines_of(line, width)).sum()
}

fn lines_of_answer((sentence, known): &(String, &'static str)) -> usize {
    lines_of(&format!("{} {known}", cut(sentence)), HALF)
}

fn lines_of(text: &str, width: usize) -> usize {
    text.chars().count().div_ceil(width).max(1)
}

fn plain(line: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Words(text) | Part::Code(text) | Part::Known(text) => text.clone(),
    };
    line.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// A table of labels and lines.
pub(in crate::report) fn rows(page: &mut Markup, rows: &[Row]) {
    page.raw("<table class=\"facts\">\n<tbody>\n");
    for row in rows {
        page.raw("<tr><th scope=\"row\">").raw(row.label).raw("</th><td>");
        for line in &row.lines {
            page.raw("<p>");
            for (at, part) in line.iter().enumerate() {
                page.raw(if at == 0 { "" } else { " " });
                match part {
                    Part::Words(text) => page.text(text),
                    Part::Code(text) => page.wrapped("<code>", text, "</code>"),
                    Part::Known(text) => page.wrapped("<span class=\"known\">", text, "</span>"),
                };
            }
            page.raw("</p>");
        }
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
}
