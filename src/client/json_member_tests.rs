use super::*;

#[derive(Default)]
struct Held(Vec<u8>);

impl Sink for Held {
    fn held(&self) -> u64 {
        self.0.len() as u64
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        self.0.clear();
        Ok(())
    }
}

const BOUND: Bound = Bound { name: "server_answer_bytes", allowed: 200 };

/// Returns the string, the remainder, and whether the string was found; the input is split into pieces of `size` bytes.
fn take(text: &str, size: usize) -> Result<(String, String, bool), Error> {
    let mut held = Held::default();
    let mut member = Member::new("log", BOUND, &mut held);
    member.start_again()?;
    for piece in text.as_bytes().chunks(size) {
        member.take(piece)?;
    }
    let (rest, found) = member.finish();
    Ok((String::from_utf8_lossy(&held.0).into_owned(), String::from_utf8(rest).unwrap(), found))
}

/// serde_json is the reference.
#[test]
fn the_string_matches_that_of_serde_json_for_every_piece_size() {
    for text in [
        r#"{"log": "a\nb\t\"\\\/ \u00e4 \ud83d\ude00 ä😀", "x": "log"}"#,
        r#"{"x": {"log": "inner", "y": ["log", "log"]}, "log": "outer"}"#,
        r#" { "a\"log" : "log" , "log" : "" } "#,
        r#"{"x": ["{", "}", "\\"], "log": "z"}"#,
    ] {
        let value = crate::base::strict_json::parse(text.as_bytes()).unwrap();
        for size in 1..text.len() {
            let (found, rest, is_there) = take(text, size).unwrap();
            assert_eq!((Some(found.as_str()), is_there), (value["log"].as_str(), true), "{text} by {size}");
            let mut empty = value.clone();
            empty["log"] = "".into();
            assert_eq!(crate::base::strict_json::parse(rest.as_bytes()).unwrap(), empty, "{text} by {size}");
        }
    }
}

#[test]
fn documents_without_the_string_are_unchanged() {
    for text in
        [r#"["log", "x"]"#, r#"{"log": 1}"#, r#"{"log": null, "y": "log"}"#, r#"[{"log": "x"}]"#, "<html>", "\"log\""]
    {
        let (found, rest, is_there) = take(text, 3).unwrap();
        assert_eq!((found.as_str(), rest.as_str(), is_there), ("", text, false));
    }
}

#[test]
fn invalid_json_and_a_duplicate_string_are_refused() {
    for bad in [
        r#"{"log": "\q"}"#,
        r#"{"log": "\ud83d"}"#,
        r#"{"log": "\ud83d\n"}"#,
        r#"{"log": "\ude00"}"#,
        "{\"log\": \"\n\"}",
    ] {
        assert!(take(bad, 100).is_err(), "{bad}");
    }
    for bad in [r#"{"log": "a", "log": "b"}"#, r#"{"log": "a"#, r#"{"log": "a"} x"#] {
        let (_, rest, _) = take(bad, 100).unwrap();
        assert!(crate::base::strict_json::parse(rest.as_bytes()).is_err(), "{bad}");
    }
    let large = format!("{{\"x\": \"{}\", \"log\": \"\"}}", "y".repeat(200));
    assert!(matches!(take(&large, 100), Err(Error::OverLimit { .. })));
    let large = format!("{{\"log\": \"{}\"}}", "y".repeat(2_000));
    assert_eq!(take(&large, 100).unwrap().0.len(), 2_000);
}

#[test]
fn base64_is_decoded_in_pieces_of_any_size_and_must_end_at_its_padding() {
    use base64ct::{Base64, Encoding};
    let bytes: Vec<u8> = (0..=255).collect();
    for length in 250..256 {
        let text = Base64::encode_string(&bytes[..length]);
        for size in [1, 2, 3, 4, 5, 7, 1_000] {
            let mut held = Held::default();
            let mut base64 = Base64Text::new(&mut held);
            let lines = text.as_bytes().chunks(64).collect::<Vec<_>>().join(&b"\r\n"[..]);
            lines.chunks(size).for_each(|piece| base64.take(piece).unwrap());
            assert!(base64.is_whole());
            assert_eq!(held.0, &bytes[..length]);
        }
    }
    let whole = |text: &str, size: usize| {
        let mut held = Held::default();
        let mut base64 = Base64Text::new(&mut held);
        text.as_bytes().chunks(size).try_for_each(|piece| base64.take(piece)).is_ok() && base64.is_whole()
    };
    for bad in ["AA==AAAA", "AAA", "A", "AA=", "A=AA", "!!!!", "AAAA=", "AAAA===="] {
        assert!((1..9).all(|size| !whole(bad, size)), "{bad}");
    }
}
