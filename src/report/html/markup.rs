//! HTML that evidence text cannot break out of: only literals in this program's source are markup, and all other text is escaped.

use crate::base::escape::for_terminal;

/// An HTML page that is being built.
#[derive(Default)]
pub(in crate::report) struct Markup(String);

impl Markup {
    /// Adds markup. The markup must be a literal, so that no text from evidence can become markup.
    pub(in crate::report) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds any text: control and bidirectional characters become visible code points, and special characters are escaped (HTML Living
    /// Standard, 13.1.4; both quotes, so that the text is also safe in an attribute).
    pub(in crate::report) fn text(&mut self, text: &str) -> &mut Self {
        for character in for_terminal(text).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// Adds any text as a CSS string: each character becomes a six-digit code point (CSS Syntax 3, 4.3.7), so the text cannot break out of the
    /// string or the `style` element.
    pub(in crate::report) fn css_string(&mut self, text: &str) -> &mut Self {
        self.0.push('"');
        for character in for_terminal(text).chars() {
            self.0.push_str(&format!("\\{:06x}", u32::from(character)));
        }
        self.0.push('"');
        self
    }

    /// Adds a whole number.
    pub(in crate::report) fn number(&mut self, number: usize) -> &mut Self {
        self.0.push_str(&number.to_string());
        self
    }

    /// Adds `<tag>text</tag>`: any text between two literal tags.
    pub(in crate::report) fn wrapped(&mut self, open: &'static str, text: &str, close: &'static str) -> &mut Self {
        self.raw(open).text(text).raw(close)
    }

    /// Adds a list of lines, or a sentence if there are no lines.
    pub(in crate::report) fn list<'t>(
        &mut self,
        lines: impl Iterator<Item = &'t str>,
        none: &'static str,
    ) -> &mut Self {
        let mut lines = lines.peekable();
        if lines.peek().is_none() {
            return self.raw("<p>").raw(none).raw("</p>\n");
        }
        self.raw("<ul>\n");
        for line in lines {
            self.wrapped("<li>", line, "</li>\n");
        }
        self.raw("</ul>\n")
    }

    pub(in crate::report) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_a_css_string() {
        let mut page = Markup::default();
        page.css_string("a\"}</style>\\\n\u{1f600}");
        let css = String::from_utf8(page.into_bytes()).unwrap();
        assert!(css.starts_with("\"\\000061\\000022\\00007d\\00003c\\00002f"), "{css}");
        let inside = css.trim_matches('"');
        assert!(inside.chars().all(|one| one == '\\' || one.is_ascii_hexdigit()), "{css}");
        assert!(inside.ends_with("\\01f600"), "{css}");
    }

    #[test]
    fn hostile_text_stays_text() {
        let mut page = Markup::default();
        page.text("<script>'\"&\u{202e}\u{1b}[31m\n</script>");
        let expected = "&lt;script&gt;&#39;&quot;&amp;\\u{202e}\\u{1b}[31m\\n&lt;/script&gt;";
        assert_eq!(String::from_utf8(page.into_bytes()).unwrap(), expected);
    }
}
