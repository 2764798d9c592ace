//! The text output after verifying only a signature.

use super::{Amount, Look, brief, paint_first, subject};
use crate::report::{BundleReport, Report};

/// Prints the bundle, its key or the reason why there is no key, and the last line: `words` and their meaning.
pub(in crate::report) fn signature_text(report: &Report, look: Look, words: &str, means: &str) -> String {
    let mut text = String::new();
    for bundle in &report.bundles {
        if look.amount != Amount::Verdict {
            text.push_str(&lines(report, bundle, look));
        }
        let line = format!("{words} (exit {}): {means}\n", report.exit_code());
        text.push_str(&paint_first(look, bundle.verdict, words, &line));
    }
    text
}

fn lines(report: &Report, bundle: &BundleReport, look: Look) -> String {
    let mut page = look.page();
    subject::put_build(&mut page, bundle);
    brief::causes(&mut page, report, bundle);
    subject::put_key(&mut page, bundle);
    page.text()
}
