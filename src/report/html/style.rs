//! The head of a page, its style, and the margins of every printed sheet.

use super::markup::Markup;

const STYLE: &str = include_str!("style.css");

/// Text repeated on every printed sheet, so that a loose sheet can be identified.
pub(in crate::report) struct Running<'a> {
    /// The subject.
    pub(in crate::report) digest: String,
    /// The auditor's reference.
    pub(in crate::report) reference: Option<&'a str>,
    /// The verdict and its time.
    pub(in crate::report) verdict: String,
}

pub(in crate::report) fn head(page: &mut Markup, title: &str, running: &Running<'_>) {
    page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        )
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .wrapped("<title>", title, "</title>\n")
        .raw("<style>\n")
        .raw(STYLE)
        .raw("@page {\n  @top-left { content: ")
        .css_string(&running.digest)
        .raw("; }\n  @top-right { content: ")
        .css_string(running.reference.unwrap_or_default())
        .raw("; }\n  @bottom-left { content: ")
        .css_string(&running.verdict)
        .raw("; }\n}\n</style>\n</head>\n<body>\n<main>\n");
}

pub(in crate::report) fn foot(page: &mut Markup) {
    page.raw("</main>\n</body>\n</html>\n");
}

#[cfg(test)]
mod tests {
    use super::STYLE;

    /// The variables of a style block, as red, green and blue values.
    fn colours(block: &str) -> Vec<(String, [f64; 3])> {
        let declarations = block.split(';').filter_map(|declaration| declaration.split_once(':'));
        let colours = declarations.filter_map(|(name, value)| {
            let digits = value.trim().strip_prefix('#').filter(|digits| digits.len() == 6)?;
            let part = |at: usize| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
            Some((name.trim().trim_start_matches('{').trim().to_owned(), [part(0), part(2), part(4)]))
        });
        colours.collect()
    }

    /// See Web Content Accessibility Guidelines 2.2, relative luminance and contrast ratio.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let [red, green, blue] =
                colour.map(|part| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_has_enough_contrast_in_light_and_dark_mode() {
        let blocks: Vec<&str> = STYLE.split(":root").skip(1).map(|block| block.split('}').next().unwrap()).collect();
        assert_eq!(blocks.len(), 2, "expected a light and a dark block");
        for block in blocks {
            let colours = colours(block);
            let of = |name: &str| colours.iter().find(|(one, _)| one == name).unwrap_or_else(|| panic!("{name}")).1;
            for text in ["--ink", "--muted", "--link", "--good", "--part", "--bad"] {
                for paper in ["--paper", "--tint"] {
                    let ratio = contrast(of(text), of(paper));
                    assert!(ratio >= 4.5, "{text} on {paper}: {ratio:.2}");
                }
            }
        }
        assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 0.01);
    }

    /// Every colour comes from a variable; otherwise, the colour would be the same in both modes.
    #[test]
    fn colours_are_written_only_in_variables() {
        for line in STYLE.lines().filter(|line| line.contains('#')) {
            assert!(line.trim_start().starts_with("--"), "{line}");
        }
    }
}
