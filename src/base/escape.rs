//! Makes text from evidence inert on a terminal: control, invisible and direction-changing characters become visible escapes.

/// Control characters, and characters that are invisible or change the writing direction, become `\u{…}`; a newline becomes `\n`, a tab `\t`.
/// Everything else is unchanged.
pub fn for_terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if is_treacherous(character) => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    out
}

/// Escapes each line of a text; line breaks remain.
pub fn for_lines(text: &str) -> String {
    text.lines().map(|line| for_terminal(line) + "\n").collect()
}

/// Escapes a whole JSON document: terminal controls can occur only in its strings, where `\u` escapes have the same meaning (RFC 8259, section 7). A
/// JSON parser reads the same strings, and a terminal is not affected. Newlines between values remain.
pub(crate) fn in_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for character in document.chars() {
        if character == '\n' || !is_treacherous(character) {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// Controls (Cc), line and paragraph separators, and characters that are invisible or reorder text: format characters (Cf), variation selectors and
/// fillers (Unicode Technical Report 36; "Trojan Source", CVE-2021-42574).
pub(crate) fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped_and_other_text_is_unchanged() {
        assert_eq!(for_terminal("a\x1b[31mred\u{9b}0m"), "a\\u{1b}[31mred\\u{9b}0m");
        assert_eq!(for_terminal("one\r\ntwo\t\u{202e}evil\u{200b}"), "one\\u{d}\\ntwo\\t\\u{202e}evil\\u{200b}");
        assert_eq!(for_terminal("Zoë 東京 ✓ <b>"), "Zoë 東京 ✓ <b>");
    }

    #[test]
    fn escaped_json_has_the_same_values() {
        let text = "a\u{1b}[31m\n\u{9b}0m \u{202e}evil\u{200b} \u{e0041} Zoë \" \\";
        let value = serde_json::json!({ "text": text });
        let document = in_json(&format!("{value:#}\n"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), value);
        assert!(!document.contains(|character| character != '\n' && is_treacherous(character)), "{document}");
        assert!(document.contains("Zoë") && document.contains("\\udb40\\udc41"), "{document}");
    }
}
