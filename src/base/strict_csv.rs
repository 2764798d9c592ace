//! Strict CSV (RFC 4180): a file with a misplaced quotation mark is refused, because parsers could read it differently.

/// Records of quoted or unquoted fields; a quotation mark inside quotes is doubled. Empty lines and a byte order mark at the beginning are ignored.
///
/// # Errors
/// A human-readable message.
pub(crate) fn records(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Vec::new();
    let mut record: Vec<String> = Vec::new();
    let mut letters = text.chars().peekable();
    while letters.peek().is_some() {
        let mut field = String::new();
        if letters.next_if_eq(&'"').is_some() {
            loop {
                match letters.next() {
                    None => return Err("a quoted field is not closed".into()),
                    Some('"') if letters.next_if_eq(&'"').is_none() => break,
                    Some(letter) => field.push(letter),
                }
            }
        } else {
            while let Some(letter) = letters.next_if(|letter| !matches!(letter, ',' | '\n' | '\r')) {
                if letter == '"' {
                    return Err("a quotation mark inside an unquoted field".into());
                }
                field.push(letter);
            }
        }
        record.push(field);
        match letters.next() {
            Some(',') if letters.peek().is_none() => record.push(String::new()),
            Some(',') => continue,
            Some('\r') if letters.next() == Some('\n') => {}
            Some('\n') | None => {}
            Some(_) => return Err("text after a field's closing quotation mark".into()),
        }
        let done = std::mem::take(&mut record);
        if done != [String::new()] {
            records.push(done);
        }
    }
    records.extend(Some(record).filter(|record| !record.is_empty()));
    Ok(records)
}
