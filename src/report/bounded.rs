//! Bounds the size of a report: long strings are cut here, lists are cut where they are built, and the total has an upper limit.

use super::{BundleReport, Outside};
use crate::base::escape::is_treacherous;
use crate::base::limits::Limits;
use crate::judge::finding::{Effect, Verdict};

/// Maximum bytes of one string. The longest strings that readers need are base64 keys, which are shorter than 2,000
/// bytes.
const TEXT_BYTES_MAX: usize = 4_096;

impl BundleReport {
    /// Cuts long strings, and masks everything that looks like a secret. A report that is still too large becomes an
    /// error.
    pub(crate) fn finished(self, limits: &Limits) -> Self {
        let mut report = self.shortened().masked();
        if let Err(error) = limits.answer_bytes().check(report.text_bytes(), "the report on the bundle") {
            report.findings.iter_mut().for_each(|finding| finding.details.clear());
            report.evidence.clear();
            report.outside_the_commit = Outside::default();
            report.inputs.clear();
            report.verdict = Verdict::None;
            // Without a verdict, no finding rejects.
            report.findings.iter_mut().for_each(|finding| finding.effect = Effect::None);
            report.error = report.error.or(Some(error));
        }
        report
    }

    /// Cuts strings before they are masked, because a string may have any length and masking is slow.
    fn shortened(mut self) -> Self {
        for finding in &mut self.findings {
            shorten(&mut finding.message);
            finding.says.iter_mut().for_each(|said| shorten(&mut said.text));
            finding.expected.iter_mut().chain(&mut finding.found).chain(&mut finding.details).for_each(shorten);
        }
        self.evidence.iter_mut().for_each(|fact| shorten(&mut fact.value));
        self.outside_the_commit.lines.iter_mut().for_each(shorten);
        self
    }

    /// The approximate size in JSON.
    fn text_bytes(&self) -> u64 {
        let findings = self.findings.iter().flat_map(|finding| {
            let sides = finding.expected.iter().chain(&finding.found);
            let says = finding.says.iter().map(|said| &said.text);
            std::iter::once(&finding.message).chain(sides).chain(&finding.details).chain(says)
        });
        let facts = self
            .evidence
            .iter()
            .map(|fact| written(&fact.value) + fact.data.as_ref().map_or(0, |data| data.to_string().len() as u64));
        let inputs = self.inputs.iter().map(|input| written(&input.name) + PARTS_BYTES);
        let lines = findings.chain(&self.outside_the_commit.lines).map(|text| written(text));
        lines.chain(facts.map(|bytes| bytes + PARTS_BYTES)).chain(inputs).fold(0, u64::saturating_add)
    }
}

/// An estimate for field names and fixed-length fields.
const PARTS_BYTES: u64 = 128;

/// The size of a string in this program's JSON.
fn written(text: &str) -> u64 {
    let letter = |letter: char| match letter {
        '"' | '\\' => 2,
        _ if letter.is_control() || is_treacherous(letter) => 6,
        _ => letter.len_utf8() as u64,
    };
    text.chars().map(letter).sum::<u64>() + 4
}

/// Cuts a string between two words, so that a secret of one word is never cut in half. If a secret has several words, the pattern that matches the whole
/// secret also matches the secret's beginning.
fn shorten(text: &mut String) {
    if text.len() <= TEXT_BYTES_MAX {
        return;
    }
    let whole = text.len();
    let end = (0..=TEXT_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = text.get(..end).and_then(|start| start.rfind(char::is_whitespace)).unwrap_or(0);
    text.truncate(end);
    text.push_str(if end == 0 { "(a text of " } else { " … (a text of " });
    text.push_str(&format!("{whole} bytes)"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_strings_are_cut_between_words_and_never_inside_a_secret() {
        let cut = |text: &str| {
            let mut text = text.to_owned();
            shorten(&mut text);
            text
        };
        let fits = "a".repeat(TEXT_BYTES_MAX);
        assert_eq!(cut(&fits), fits);
        assert_eq!(cut(&format!("{fits}b")), "(a text of 4097 bytes)");
        let words = "word ".repeat(2_000);
        assert!(cut(&words).ends_with("word … (a text of 10000 bytes)"), "{}", cut(&words));
        assert!(cut(&words).len() < TEXT_BYTES_MAX + 40);
        // The secret extends across the cut.
        for secret in ["https://ada:hunter22@example.org", "ghp_0123456789012345678901234567", "token=hunter22"] {
            let text = format!("{} {secret} {words}", "é".repeat((TEXT_BYTES_MAX - 12) / 2));
            let shown = crate::base::mask::mask(&cut(&text));
            assert!(!shown.contains("hunter") && !shown.contains("ghp_"), "{shown}");
        }
    }

    #[test]
    fn a_report_over_the_size_limit_becomes_an_error_without_lists() {
        let mut report = BundleReport::of_nothing("b", Vec::new());
        report.outside_the_commit.lines = vec!["\u{1}".repeat(100); 100];
        let limits = |answer_bytes| Limits { answer_bytes, ..Limits::default() };
        assert_eq!(report.clone().finished(&limits(60_400)).error, None);
        let over = report.finished(&limits(60_399));
        assert_eq!(over.error.map(|error| error.exit_code()), Some(3));
        assert!(over.outside_the_commit.lines.is_empty());
    }
}
