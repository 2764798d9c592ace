//! `trust`: shows which keys signed which image, and until when the signatures are valid.

use std::fmt::Write as _;

use crate::base::error::Error;
use crate::base::escape::{for_terminal, in_json};
use crate::cli::args::{OutputFormat, TrustArguments};
use crate::cli::command::audit::policy_or_default;
use crate::cli::{limits_with, now_or, output};
use crate::dossier::Storage;
use crate::trust::{Description, Kind, Standing, describe};

/// The exit code if there was nothing to check.
const NOTHING_TO_VERIFY: u8 = 4;

/// Returns exit code 4 if there are no signatures, 1 if a signature is refused, and otherwise 0: a signature that is only not trusted or undecided
/// does not affect the exit code.
pub(crate) fn show(arguments: &TrustArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let now = now_or(arguments.output.now)?;
    let policy = policy_or_default(arguments.policy.as_deref(), &limits)?;
    let (files, left_out) = Storage::Disk.read_trust_and_left_out(&arguments.source, &limits)?;
    let found = describe(&files, &policy.trust, now, &limits)?;
    let page = match arguments.output.format {
        OutputFormat::Text => as_text(&found, &left_out),
        OutputFormat::Json => as_json(&found, &left_out),
    };
    output::print(&page)?;
    if found.is_empty() {
        return Ok(NOTHING_TO_VERIFY);
    }
    Ok(u8::from(found.iter().any(|one| matches!(one.standing, Standing::Refused(_)))))
}

fn words(one: &Description) -> (&'static str, &str) {
    match &one.standing {
        Standing::Trusted if one.kind == Kind::ContentTrust => (
            "trusted",
            "its root metadata is signed with a root key of one of the policy's signers; no expiry was checked, and no image was compared",
        ),
        Standing::Trusted => (
            "trusted",
            "signed with a key, or under a certificate, of one of the policy's signers; the key or certificate may have expired since, and no image was compared",
        ),
        Standing::Unpinned => {
            ("not trusted", "consistent, apart from roles listed as not accepted; no root key was supplied in a policy")
        }
        Standing::Refused(message) => ("refused", message),
        Standing::Undecided(message) => ("undecided", message),
    }
}

fn as_text(found: &[Description], left_out: &[(String, &str)]) -> String {
    let mut page = String::new();
    if found.is_empty() {
        page.push_str("no image signatures found\n");
    }
    for one in found {
        let (word, because) = words(one);
        let (kind, file) = (one.kind.words(), for_terminal(&one.file));
        let _ = writeln!(page, "{kind} {file}: {word} ({})", for_terminal(because));
        for (label, value) in &one.rows {
            let _ = writeln!(page, "  {:<28} {}", for_terminal(label), for_terminal(value));
        }
    }
    for (file, because) in left_out {
        let _ = writeln!(page, "not read: {} ({because})", for_terminal(file));
    }
    page
}

fn as_json(found: &[Description], left_out: &[(String, &str)]) -> String {
    let signatures: Vec<serde_json::Value> = found
        .iter()
        .map(|one| {
            let (word, because) = words(one);
            let row = |(name, value): &(String, String)| serde_json::json!({ "name": name, "value": value });
            let rows: Vec<serde_json::Value> = one.rows.iter().map(row).collect();
            serde_json::json!({ "kind": one.kind.words(), "file": one.file, "standing": word, "because": because, "facts": rows })
        })
        .collect();
    let left_out = left_out.iter().map(|(file, because)| serde_json::json!({ "file": file, "because": because }));
    let left_out: Vec<serde_json::Value> = left_out.collect();
    in_json(&format!(
        "{:#}\n",
        serde_json::json!({ "schema_version": 1, "signatures": signatures, "not_read": left_out })
    ))
}
