//! `--attach oci:DIR`: writes signed summaries into an OCI image layout, for the user to push. Existing blobs are compared and never
//! changed. The index is written last, so an interrupted run adds only unreferenced blobs to an existing layout.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::escape::for_lines;
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::system::slashed;
use crate::cli::files::{Existing, write_whole};
use crate::cli::output::talk;
use crate::disk::folder;
use crate::report::{Attachment, Options, Report, tag_of};

/// Attaches the summaries of the report's accepted bundles.
pub(crate) fn attach(report: &Report, options: &Options, layout: Option<&Path>, limits: &Limits) -> Result<(), Error> {
    let Some(layout) = layout else { return Ok(()) };
    let attachments = if report.error.is_none() { report.attachments(options)? } else { Vec::new() };
    if attachments.is_empty() {
        if fs::symlink_metadata(layout).is_ok() {
            let line = format!("{} was not changed: no summary in it is of this run\n", slashed(layout));
            talk(for_lines(&line).as_bytes());
        }
        return Ok(());
    }
    match fs::symlink_metadata(layout) {
        Ok(found) if found.is_dir() => fill(layout, &attachments, limits),
        Ok(_) => Err(refused(layout, "expected a folder with an OCI layout, found a file or a link")),
        Err(_) => make(layout, &attachments, limits),
    }
}

/// Creates a new layout under a temporary name, then renames it.
fn make(layout: &Path, attachments: &[Attachment], limits: &Limits) -> Result<(), Error> {
    let name = layout.file_name().ok_or_else(|| refused(layout, "not a folder name"))?.to_string_lossy();
    let partial = layout.with_file_name(format!(".{name}.partial-{}", std::process::id()));
    let system = |error: std::io::Error| Error::unwritable(slashed(layout), &error);
    let made = fs::create_dir_all(partial.join("blobs/sha256")).map_err(system).and_then(|()| {
        let index =
            json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [] });
        write_whole(&partial.join("index.json"), index.to_string().as_bytes(), Existing::Refused)?;
        write_whole(&partial.join("oci-layout"), b"{\"imageLayoutVersion\":\"1.0.0\"}", Existing::Refused)?;
        fill(&partial, attachments, limits)?;
        fs::rename(&partial, layout).map_err(system)
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    made
}

fn fill(layout: &Path, attachments: &[Attachment], limits: &Limits) -> Result<(), Error> {
    let mut index = read_index(layout, limits)?;
    for attachment in attachments {
        let entries = entries(&mut index, layout)?;
        let referrers = entry(entries, &attachment.tag()).map(|entry| document(layout, entry, limits)).transpose()?;
        let documents = attachment.documents(referrers.as_ref()).map_err(|message| refused(layout, &message))?;
        for blob in &documents.blobs {
            keep(layout, blob, limits)?;
        }
        for new in documents.entries {
            let tag = tag_of(&new).unwrap_or_default().to_owned();
            let old = entries.iter().position(|known| tag_of(known) == Some(&tag));
            match old.and_then(|at| entries.get_mut(at)) {
                Some(old) if old.get("digest") == new.get("digest") => {}
                Some(_) if tag == attachment.cosign_tag() => {
                    let message = format!("already contains other attestations under {tag}; choose a new layout");
                    return Err(refused(layout, &message));
                }
                Some(old) => *old = new,
                None => entries.push(new),
            }
        }
    }
    write_whole(&layout.join("index.json"), index.to_string().as_bytes(), Existing::Replaced)
}

fn read_index(layout: &Path, limits: &Limits) -> Result<Value, Error> {
    let blobs = [layout.join("blobs"), layout.join("blobs/sha256")];
    let is_folder = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if !layout.join("oci-layout").is_file() || !blobs.iter().all(is_folder) {
        return Err(refused(layout, "not an OCI layout: expected oci-layout, index.json and blobs/sha256/"));
    }
    read_json(&layout.join("index.json"), limits).map(|(value, _)| value)
}

fn entries<'i>(index: &'i mut Value, layout: &Path) -> Result<&'i mut Vec<Value>, Error> {
    let entries = index.get_mut("manifests").and_then(Value::as_array_mut);
    entries.ok_or_else(|| refused(layout, "index.json has no list of manifests"))
}

fn entry<'e>(entries: &'e [Value], tag: &str) -> Option<&'e Value> {
    entries.iter().find(|entry| tag_of(entry) == Some(tag))
}

/// The document that an index entry refers to, if its bytes have the digest in the entry.
fn document(layout: &Path, entry: &Value, limits: &Limits) -> Result<Value, Error> {
    let digest = entry.get("digest").and_then(Value::as_str).and_then(Sha256::from_prefixed);
    let digest = digest.ok_or_else(|| refused(layout, "index.json lists a blob without a SHA-256 digest"))?;
    let (value, found) = read_json(&blob(layout, digest), limits)?;
    match found == digest {
        true => Ok(value),
        false => Err(refused(layout, &format!("the blob named {digest} has the digest {found}"))),
    }
}

fn read_json(path: &Path, limits: &Limits) -> Result<(Value, Sha256), Error> {
    let bytes = folder::read_file(path, limits.image_config_bytes())?;
    let value = strict_json::parse(&bytes);
    let value = value.map_err(|error| Error::malformed(slashed(path), error.to_string()))?;
    Ok((value, Sha256::of(&bytes)))
}

/// Writes a blob. If the blob already exists, its bytes must be the same.
fn keep(layout: &Path, bytes: &[u8], limits: &Limits) -> Result<(), Error> {
    let path = blob(layout, Sha256::of(bytes));
    if fs::symlink_metadata(&path).is_err() {
        return write_whole(&path, bytes, Existing::Refused);
    }
    match folder::read_file(&path, limits.report_bytes()) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) => Err(refused(&path, "the existing blob does not have the digest in its name")),
        Err(error) => Err(error),
    }
}

fn blob(layout: &Path, digest: Sha256) -> PathBuf {
    layout.join("blobs/sha256").join(digest.hex())
}

fn refused(path: &Path, message: &str) -> Error {
    Error::Unwritable { path: slashed(path), message: message.into() }
}
