//! The chain as a drawing: a proved link is a solid line, a stated link a dashed line, an unexamined or undecided link a dotted line, and a
//! broken link is crossed out. The words next to each line have the same meaning.

use super::super::BundleReport;
use super::super::chain::{Link, Strength, chain};
use super::markup::Markup;

const ROW: usize = 46;

pub(super) fn write(page: &mut Markup, bundle: &BundleReport) {
    let links = chain(bundle);
    page.raw("<div class=\"scroll\" role=\"region\" aria-label=\"Chain\" tabindex=\"0\">\n<svg role=\"img\" aria-labelledby=\"chain-title chain-text\" viewBox=\"0 0 720 ");
    page.number(links.len().saturating_mul(ROW).saturating_add(8));
    page.raw("\" font-size=\"12\">\n<title id=\"chain-title\">The chain of evidence</title>\n<desc id=\"chain-text\">");
    for link in &links {
        page.text(link.from).raw(" to ").text(link.to).raw(": ").text(link.strength.words()).raw(". ");
    }
    page.raw("</desc>\n");
    for (at, link) in links.iter().enumerate() {
        row(page, at.saturating_mul(ROW).saturating_add(6), link);
    }
    page.raw("</svg>\n</div>\n");
}

fn row(page: &mut Markup, top: usize, link: &Link) {
    let middle = top.saturating_add(18);
    place(page, 4, top, link.from);
    place(page, 576, top, link.to);
    page.raw("<line x1=\"144\" x2=\"568\" y1=\"")
        .number(middle)
        .raw("\" y2=\"")
        .number(middle)
        .raw("\" stroke=\"currentColor\" ");
    page.raw(match link.strength {
        Strength::Proved => "stroke-width=\"3\"/>\n",
        Strength::Stated => "stroke-width=\"2\" stroke-dasharray=\"12 6\"/>\n",
        Strength::NotExamined | Strength::Undecided => "stroke-width=\"1.5\" stroke-dasharray=\"2 6\"/>\n",
        Strength::Broken => "stroke-width=\"3\"/>\n",
    });
    page.raw("<path fill=\"currentColor\" d=\"M576 ").number(middle).raw("l-10 -5v10z\"/>\n");
    if link.strength == Strength::Broken {
        page.raw("<path stroke=\"currentColor\" stroke-width=\"4\" d=\"M346 ")
            .number(middle.saturating_sub(10))
            .raw("l20 20m0 -20l-20 20\"/>\n");
    }
    label(page, middle.saturating_sub(6), link.how, "<text fill=\"currentColor\" x=\"156\" y=\"");
    let words = format!("{} ({})", link.strength.words().to_uppercase(), link.checks.join(", "));
    label(page, middle.saturating_add(16), &words, "<text fill=\"currentColor\" font-weight=\"bold\" x=\"156\" y=\"");
}

fn place(page: &mut Markup, left: usize, top: usize, words: &str) {
    page.raw("<rect x=\"").number(left).raw("\" y=\"").number(top);
    page.raw("\" width=\"140\" height=\"36\" fill=\"none\" stroke=\"currentColor\"/>\n<text fill=\"currentColor\" text-anchor=\"middle\" x=\"");
    page.number(left.saturating_add(70))
        .raw("\" y=\"")
        .number(top.saturating_add(22))
        .raw("\">")
        .text(words)
        .raw("</text>\n");
}

fn label(page: &mut Markup, y: usize, words: &str, open: &'static str) {
    page.raw(open).number(y).raw("\">").text(words).raw("</text>\n");
}
