//! `inspect` and `extract`.

use crate::base::words::counted;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::base::budget::Budget;
use crate::base::digest::HashingReader;
use crate::base::error::Error;
use crate::base::escape::{for_terminal, in_json};
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::base::system::slashed;
use crate::cli::args::{ExtractArguments, InspectArguments, KeyArguments, OutputFormat};
use crate::cli::{limits_with, output};
use crate::disk::folder;
use crate::dossier::{Storage, read_keys};
use crate::gate::bundle::Bundle;
use crate::gate::extract::extract_within;
use crate::gate::key::PublicKey;
use crate::gate::verify::{KeyRing, Refusal, VerifiedArchive};
use crate::manifest::Manifest;

/// Rows of labels and values, under a heading that states whether the values are verified.
pub(crate) struct Section {
    /// The section's name in JSON.
    name: &'static str,
    heading: &'static str,
    rows: Vec<(String, String)>,
}

pub(crate) fn inspect(arguments: &InspectArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let keys_beside = Storage::Disk.keys_beside(&arguments.bundle, &limits);
    let (bundle, file, budget) = open(&arguments.bundle, &limits)?;
    let mut sections = vec![outer(&bundle, file), beside(&keys_beside)];
    let mut code = 0;
    if !arguments.keys.keys.is_empty() {
        match verified(bundle, &arguments.keys, &keys_beside, &limits)? {
            Ok(archive) => sections.push(inner(&archive, &limits, &budget)?),
            Err(refusal) => {
                code = 1;
                sections.push(refused(&refusal));
            }
        }
    }
    let page = match arguments.format {
        OutputFormat::Text => as_text(&sections),
        OutputFormat::Json => as_json(&sections),
    };
    output::print(&page)?;
    Ok(code)
}

pub(crate) fn extract(arguments: &ExtractArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let keys_beside = Storage::Disk.keys_beside(&arguments.bundle, &limits);
    if arguments.keys.keys.is_empty() {
        let beside = keys_beside.iter().map(|(name, key)| (name.clone(), key.fingerprint())).collect();
        return Err(Error::NoKey { beside });
    }
    let (bundle, _, budget) = open(&arguments.bundle, &limits)?;
    match verified(bundle, &arguments.keys, &keys_beside, &limits)? {
        Ok(archive) => {
            let done = extract_within(&archive, &arguments.to, &limits, &budget)?;
            let (files, folders) = (done.files, done.folders);
            output::print(&format!(
                "unpacked {} and {} into {}\n",
                counted(files, "file"),
                counted(folders, "folder"),
                for_terminal(&slashed(&arguments.to))
            ))
        }
        Err(refusal) => {
            output::print(&format!(
                "{}: nothing was unpacked\n{}",
                output::refusal_words(&refusal),
                as_text(&[refused(&refusal)])
            ))?;
            Ok(1)
        }
    }
}

/// Opens a bundle and returns the bundle, its digest and size as text, and the budget for all work on it.
pub(crate) fn open(path: &Path, limits: &Limits) -> Result<(Bundle, String, Budget), Error> {
    let file = folder::open(path)?;
    let known = file.metadata().map_or(0, |metadata| metadata.len());
    let budget = Budget::of_audit(known, limits);
    let mut reader = HashingReader::new(file);
    let bundle = Bundle::from_reader_within(&mut reader, 1, limits, &budget)?;
    let (digest, size) = reader.finish();
    // The size of a pipe's contents is not known before the pipe is read.
    budget.add_input(size.saturating_sub(known));
    Ok((bundle, format!("{digest} ({size} bytes)"), budget))
}

pub(crate) fn verified(
    bundle: Bundle,
    named: &KeyArguments,
    beside: &[(String, PublicKey)],
    limits: &Limits,
) -> Result<Result<VerifiedArchive, Refusal>, Error> {
    let mut keys = KeyRing::default();
    for key in read_keys(&named.keys, Storage::Disk, limits)? {
        keys.add(key);
    }
    Ok(bundle.verify(&keys.with_candidates(beside.iter().map(|(_, key)| key))))
}

fn outer(bundle: &Bundle, file: String) -> Section {
    let rows = vec![
        row("bundle", file),
        row("build name", bundle.build_name()),
        row("signed archive", format!("{} ({} bytes)", bundle.archive_digest(), bundle.archive_size())),
        row("signature", format!("{} bytes", bundle.signature().as_bytes().len())),
    ];
    Section { name: "outer", heading: "outer layer (nothing verified)", rows }
}

fn beside(keys: &[(String, PublicKey)]) -> Section {
    let describe = |key: &PublicKey| format!("{} ({}, {} bits)", key.fingerprint(), key.kind(), key.bits());
    let rows = keys.iter().map(|(name, key)| row(name, describe(key))).collect();
    Section { name: "keys_beside", heading: "keys next to the bundle (not trusted)", rows }
}

pub(crate) fn refused(refusal: &Refusal) -> Section {
    let tried = refusal.tried.iter().map(|key| row(&key.fingerprint, key.fault));
    let missing = refusal.missing.iter().map(|fingerprint| row(fingerprint, "not available"));
    let heading = "signature not verified: the contents are not shown";
    Section { name: "refused", heading, rows: tried.chain(missing).collect() }
}

fn inner(archive: &VerifiedArchive, limits: &Limits, budget: &Budget) -> Result<Section, Error> {
    let manifest = Manifest::read_within(archive, 1, limits, budget)?;
    let mut rows = vec![
        row("key", archive.key().fingerprint),
        row("members", manifest.member_count),
        row("bytes in files", manifest.content_bytes),
    ];
    rows.extend(manifest.record.fields().map(|(name, value)| row(&format!("build.json {name}"), value)));
    if let Some(log) = &manifest.log {
        rows.push(row("build.log", format!("{}, {}", counted(log.entries().len(), "entry"), log.sha256())));
        rows.extend(log.pushed().map(|(tag, digest, size)| {
            let bytes = size.map(|size| format!(" ({size} bytes)")).unwrap_or_default();
            row(&format!("build.log: pushed {tag}"), format!("{digest}{bytes}"))
        }));
    }
    for snapshot in &manifest.snapshots {
        let name = String::from_utf8_lossy(&snapshot.repository).into_owned();
        rows.push(row(
            "repository",
            format!(
                "{name}: {} below .git, {} in the work tree",
                counted(snapshot.git.len(), "file"),
                counted(snapshot.work_tree.len(), "entry")
            ),
        ));
        match snapshot.head() {
            Ok(head) => rows.push(row(
                "HEAD, not verified",
                format!("{} ({})", head.commit, head.reference.as_deref().unwrap_or("detached")),
            )),
            Err(fault) => rows.push(row("HEAD", fault)),
        }
    }
    if let Some(keys) = &manifest.root_ssh {
        rows.push(row("root_ssh", counted(keys.len(), "entry")));
    }
    rows.extend(manifest.other.iter().map(|name| row("other member", name)));
    let heading = "signed archive (signature valid; run `audit` for the checks)";
    Ok(Section { name: "signed_archive", heading, rows })
}

fn row(label: &(impl ToString + ?Sized), value: impl ToString) -> (String, String) {
    let (label, value) = (label.to_string(), value.to_string());
    // Label and value are masked together, because the label may mark the value as a secret.
    let both = mask(&format!("{label}: {value}"));
    let value = both.strip_prefix(&format!("{label}: ")).map_or_else(|| mask(&value), str::to_owned);
    (mask(&label), value)
}

pub(crate) fn as_text(sections: &[Section]) -> String {
    let mut page = String::new();
    for section in sections.iter().filter(|section| !section.rows.is_empty()) {
        let _ = writeln!(page, "{}", section.heading);
        for (label, value) in &section.rows {
            let _ = writeln!(page, "  {:<28} {}", for_terminal(label), for_terminal(value));
        }
    }
    page
}

/// One array per section, because a label can occur more than once. The headings state what was verified.
fn as_json(sections: &[Section]) -> String {
    let array = |section: &Section| {
        let rows = section.rows.iter().map(|(label, value)| serde_json::json!({ "name": label, "value": value }));
        Value::Array(rows.collect())
    };
    let mut document: Map<String, Value> =
        sections.iter().map(|section| (section.name.to_owned(), array(section))).collect();
    let headings = sections.iter().map(|section| (section.name.to_owned(), section.heading.into()));
    document.insert("headings".into(), Value::Object(headings.collect()));
    in_json(&format!("{:#}\n", Value::Object(document)))
}
