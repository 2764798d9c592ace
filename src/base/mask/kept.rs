//! Text that masking leaves unchanged: each such text is replaced by a number, the remaining text is masked, and the text is restored wherever no
//! pattern hid its number.

use std::fmt::Display;

use crate::base::digest::Sha256;
use crate::base::image_name::ImageName;

/// Marks around kept text. Unicode assigns no characters to these two code points, so normal text does not contain them. Untrusted text that contains
/// them cannot hide other text.
const MARKS: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];
/// A character that patterns treat as white space and that people do not write.
const BLANK: char = '\u{b}';

/// Puts marks around `accepted` in a text that is masked later.
pub(super) fn marked(accepted: impl Display) -> String {
    let [begin, end] = MARKS;
    format!("{begin}{accepted}{end}")
}

/// Whether `text` has marks, which masking removes.
pub(super) fn is_marked(text: &str) -> bool {
    text.contains(MARKS[0])
}

/// Text in which numbers between marks replace the kept text: marked text, and image names with their digests.
#[derive(Default)]
pub(super) struct Aside<'t> {
    text: String,
    kept: Vec<&'t str>,
}

impl<'t> Aside<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut aside = Self::default();
        let mut rest = text;
        while let Some((before, kept, after)) = next_marked(rest) {
            aside.add_text(before);
            aside.add(kept);
            rest = after;
        }
        aside.add_text(rest);
        aside
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn add_text(&mut self, text: &'t str) {
        let mut rest = text;
        while let Some(found) = next_pinned(rest) {
            self.text.push_str(found.before);
            if let Some(name) = found.name {
                self.add(name);
            }
            // The `@` lets patterns recognise a user in an address; the blank ends a secret's value, so that the digest is kept.
            self.text.push('@');
            self.text.push(BLANK);
            self.add(found.digest);
            rest = found.after;
        }
        self.text.push_str(rest);
    }

    fn add(&mut self, kept: &'t str) {
        self.text.push_str(&marked(self.kept.len()));
        self.kept.push(kept);
    }

    /// The masked text with kept text restored. If a pattern hid a number, the number and its text are lost.
    pub(super) fn put_back(&self, masked: &str) -> String {
        let (mut shown, mut rest) = (String::with_capacity(masked.len()), masked);
        while let Some((before, after)) = rest.split_once(MARKS[0]) {
            shown.push_str(before);
            let digits = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            let found = after.split_at_checked(digits).and_then(|(number, after)| {
                Some((self.kept.get(number.parse::<usize>().ok()?)?, after.strip_prefix(MARKS[1])?))
            });
            let Some((kept, after)) = found else {
                shown.push(MARKS[0]);
                rest = after;
                continue;
            };
            if kept.starts_with("sha256:") && shown.ends_with(BLANK) {
                shown.pop();
                if !shown.ends_with('@') {
                    shown.push('@');
                }
            }
            shown.push_str(kept);
            rest = after;
        }
        shown.push_str(rest);
        shown
    }
}

fn next_marked(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(MARKS[0])?;
    let (kept, after) = rest.split_once(MARKS[1])?;
    Some((before, kept, after))
}

/// `NAME@sha256:` with 64 digits: the name if the grammar accepts it, otherwise the digest alone.
struct Pinned<'t> {
    before: &'t str,
    name: Option<&'t str>,
    digest: &'t str,
    after: &'t str,
}

fn next_pinned(text: &str) -> Option<Pinned<'_>> {
    const PIN: &str = "@sha256:";
    /// Prefixes that are not URL schemes: skopeo's prefix for a registry, and the prefix that Kubernetes nodes write.
    const TRANSPORTS: [&str; 2] = ["docker://", "docker-pullable://"];
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._-:/[]".contains(letter);
    text.match_indices(PIN).find_map(|(at, _)| {
        let end = at + PIN.len() + 64;
        Sha256::from_hex(text.get(at + PIN.len()..end)?)?;
        let before = text.get(..at)?;
        let start = before.trim_end_matches(is_name).len();
        let written = text.get(start..end)?;
        // After a variable, the rest of the name begins with a slash.
        let name = TRANSPORTS.iter().find_map(|transport| written.strip_prefix(transport));
        let is_accepted = ImageName::parse(name.unwrap_or(written.trim_start_matches('/'))).is_ok();
        let (before, name) = if is_accepted { (text.get(..start)?, text.get(start..at)) } else { (before, None) };
        Some(Pinned { before, name, digest: text.get(at + 1..end)?, after: text.get(end..)? })
    })
}
