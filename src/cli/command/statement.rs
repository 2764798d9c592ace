//! `verify-statement`: verifies the signatures of statements that `--report vsa=` wrote with `--sign-key`.

use std::fmt::Write as _;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::system::slashed;
use crate::cli::args::report::StatementArguments;
use crate::cli::{limits_with, output};
use crate::crypto::dsse::{Envelope, IN_TOTO};
use crate::crypto::in_toto::{Statement, Subject};
use crate::crypto::person_key::PersonKey;
use crate::disk::folder;

pub(crate) fn verify(arguments: &StatementArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let mut keys = Vec::new();
    for path in &arguments.keys {
        let text = folder::read_file(path, limits.key_file_bytes())?;
        let key = PersonKey::from_pem(&text);
        keys.push(key.map_err(|message| Error::Key { name: slashed(path), message })?);
    }
    let subject = match &arguments.subject {
        Some(path) => Some(digest_of(path)?),
        None => None,
    };
    let name = slashed(&arguments.file);
    let text = folder::read_file(&arguments.file, limits.report_bytes())?;
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Err(Error::NothingToVerify { paths: name });
    }
    let (mut page, mut code) = (String::new(), 0);
    for (at, line) in lines.iter().enumerate() {
        let place = format!("{name}, statement {}", at.saturating_add(1));
        let envelope = Envelope::from_json(&place, line)?;
        if envelope.payload_type != IN_TOTO {
            let found = &envelope.payload_type;
            return Err(Error::malformed(&place, format!("payload type: expected {IN_TOTO}, found {found:?}")));
        }
        match keys.iter().find(|key| envelope.is_signed_by(key)) {
            None => {
                code = 1;
                let _ = writeln!(page, "SIGNATURE NOT VALID: none of the keys verifies it\n  {}", for_terminal(&place));
            }
            Some(key) => {
                let of_subject = describe(&mut page, &place, &envelope.payload, key.fingerprint(), subject)?;
                code = if of_subject { code } else { 1 };
            }
        }
    }
    output::print(&page)?;
    Ok(code)
}

/// Prints the signed statement. Returns whether the statement is about the file of `--subject`, or `true` if no file was specified.
fn describe(
    page: &mut String,
    place: &str,
    payload: &[u8],
    key: Sha256,
    subject: Option<Sha256>,
) -> Result<bool, Error> {
    let statement = Statement::from_json(place, payload)?;
    let about = subject.is_none_or(|wanted| statement.is_about(wanted));
    page.push_str(match about {
        true => "SIGNATURE VALID (signature only: the audit was not repeated)\n",
        false => "OTHER SUBJECT: the signature is valid, but the statement is not about the file\n",
    });
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(page, "  {label:<9} {}", for_terminal(value));
    };
    line("key", &key.to_string());
    line("kind", &statement.predicate_type);
    for Subject { name, sha256 } in &statement.subjects {
        let digest = sha256.map_or_else(|| "no sha256".to_owned(), |digest| digest.to_string());
        line("subject", &format!("{name} {digest}"));
    }
    let times = [("time", "/timeVerified"), ("as of", "/urn:hpsb-audit:judged-for")];
    for (label, pointer) in [("result", "/verificationResult"), ("verdict", "/verdict")].into_iter().chain(times) {
        if let Some(value) = statement.predicate.pointer(pointer).and_then(|value| value.as_str()) {
            line(label, value);
        }
    }
    // An acceptance means nothing without its scope.
    for (label, pointer) in [("levels", "/verifiedLevels"), ("weakened", "/urn:hpsb-audit:weakened")] {
        if let Some(list) = statement.predicate.pointer(pointer).and_then(|value| value.as_array()) {
            let words: Vec<&str> = list.iter().filter_map(|value| value.as_str()).collect();
            let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
            line(label, &words);
        }
    }
    if let Some(policy) = statement.predicate.pointer("/policy/uri").and_then(|value| value.as_str()) {
        let digest = statement.predicate.pointer("/policy/digest/sha256").and_then(|value| value.as_str());
        line("policy", &format!("{policy} sha256:{}", digest.unwrap_or("not stated")));
    }
    Ok(about)
}

fn digest_of(path: &std::path::Path) -> Result<Sha256, Error> {
    let mut reader = crate::base::digest::HashingReader::new(folder::open(path)?);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| Error::unreadable(slashed(path), &error))?;
    Ok(reader.finish().0)
}
