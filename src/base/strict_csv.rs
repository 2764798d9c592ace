//! CSV (RFC 4180) that cannot be read two ways: a quotation mark stands where it must, or nothing is read.

/// Records of fields, in quotes or not; a quotation mark in quotes is written twice. Empty lines are passed over, and so is a byte
/// order mark at the beginning.
///
/// # Errors
/// In words.
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
                    None => return Err("a quoted field has no end".into()),
                    Some('"') if letters.next_if_eq(&'"').is_none() => break,
                    Some(letter) => field.push(letter),
                }
            }
        } else {
            while let Some(letter) = letters.next_if(|letter| !matches!(letter, ',' | '\n' | '\r')) {
                if letter == '"' {
                    return Err("a quotation mark stands inside a field without quotes".into());
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
            Some(_) => return Err("a field goes on after its closing quotation mark".into()),
        }
        let done = std::mem::take(&mut record);
        if done != [String::new()] {
            records.push(done);
        }
    }
    records.extend(Some(record).filter(|record| !record.is_empty()));
    Ok(records)
}
