//! The text report: one screen for a bundle, or every check in play and every fact. The last line is always the verdict.

mod advice;
mod brief;
mod closing;
mod details;
mod many;
mod page;
#[cfg(feature = "cli")]
mod signature;
mod subject;

use std::io::{self, Write};

pub(super) use self::closing::{paint_first, verdict_line};
pub(super) use self::details::{line, status_column};
pub(super) use self::page::Page;
#[cfg(feature = "cli")]
pub(super) use self::signature::signature_text;
pub(super) use self::subject::UNPROVED;
use super::Report;
use crate::base::escape::for_terminal;
use crate::judge::finding::Verdict;

/// Layout of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether to use colour.
    pub colour: Colour,
    /// The number of columns of the terminal.
    pub columns: u16,
    /// The amount of output to print.
    pub amount: Amount,
    /// The exit code of the process, if it differs from the verdict's exit code because a verification summary is
    /// missing.
    pub exit_code: Option<u8>,
}

/// Whether to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// ANSI colours, only for verdicts.
    Ansi,
    /// No colour.
    Plain,
}

/// The amount of output to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Only the last line: the verdict.
    Verdict,
    /// A screen per bundle: what was checked, what was not, and what to do.
    Screen,
    /// Every check in play and every fact.
    Everything,
}

#[derive(Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubt,
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accept => Self::Good,
            Verdict::AcceptInPart => Self::Doubt,
            Verdict::Reject | Verdict::None => Self::Bad,
        }
    }
}

impl Look {
    /// The layout for a file or a pipe, which is the same on every machine.
    pub const PLAIN: Self = Self { colour: Colour::Plain, columns: 120, amount: Amount::Screen, exit_code: None };

    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Doubt => "33",
        };
        match self.colour {
            Colour::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
            Colour::Plain => text.to_owned(),
        }
    }

    /// An empty page as wide as a screen.
    pub(super) fn page(self) -> Page {
        Page::new(usize::from(self.columns).min(SCREEN_COLUMNS))
    }
}

/// Maximum number of columns of a screen, even on a wide terminal, so that text can be read and pasted elsewhere.
const SCREEN_COLUMNS: usize = 80;

pub(super) fn write(report: &Report, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut page = match (look.amount, &report.admission) {
        (Amount::Verdict, _) => String::new(),
        (_, Some(admission)) => super::admission_text::page(report, admission, look),
        (Amount::Screen, None) => screens(report, look),
        (Amount::Everything, None) => details::page(report, look),
    };
    page.push_str(&verdict_line(report, look));
    page.push('\n');
    out.write_all(page.as_bytes())
}

/// The section before the bundles: the case, and the error if there is no verdict.
pub(super) fn opening(report: &Report, look: Look) -> String {
    let mut page = look.page();
    if let Some(case) = &report.case {
        page.line("CASE");
        for (label, text) in case.lines(report) {
            // A remark may end with a command, which must stay in one piece.
            let (said, command) = text.split_at(text.find("hpsb-audit audit ").unwrap_or(text.len()));
            page.put_wide(label, &format!("{said}{}", page::unbroken(command)));
        }
        page.blank();
    }
    for (label, remark) in [("shard", super::remarks::shard(report)), ("policy", super::remarks::skipped(report))] {
        if let Some(remark) = remark {
            page.put(label, &for_terminal(&remark));
            page.blank();
        }
    }
    if let Some(error) = &report.error {
        brief::fault(&mut page, look, error);
        if !report.bundles.is_empty() {
            page.blank();
        }
    }
    page.text()
}

fn screens(report: &Report, look: Look) -> String {
    let mut text = opening(report, look);
    match report.bundles.as_slice() {
        [] => {}
        [bundle] => text.push_str(&brief::screen(report, bundle, look)),
        bundles => text.push_str(&many::page(report, bundles, look)),
    }
    text
}
