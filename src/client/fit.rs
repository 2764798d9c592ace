//! Checks whether the saved bundle can be read and whether the saved key belongs to it. This check does not require a trusted key. If a server sent a
//! truncated bundle or the key of a different build, the request can be repeated now but may be impossible later.

use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::client::disk::Place;
use crate::client::fault::network;
use crate::client::folder::{EvidenceFolder, Kept};
use crate::client::run::{BuildReport, FetchReport};
use crate::gate::bundle::Bundle;
use crate::gate::key::PublicKey;

/// If a build's saved bundle is truncated or does not verify under the saved key, adds an error to that build in the report. A bundle or key that
/// this program cannot read for a different reason is kept unchanged and noted, because a later version may be able to read it.
pub(crate) fn compare_keys(root: &EvidenceFolder, limits: &Limits, report: &mut FetchReport) {
    for build in &mut report.builds {
        if let Err(error) = compare(root, limits, build) {
            build.faults.push(error);
        }
    }
}

/// What to add about a file that is not the one that this run received, which was not read.
fn received_beside(build: &BuildReport, name: &str) -> String {
    let beside = build.files.iter().find_map(|(place, kept)| match kept {
        Kept::Beside(beside) if place == name => Some(beside),
        _ => None,
    });
    beside.map_or_else(String::new, |beside| {
        format!(". It is not the file that was received, which is {beside} and was not read")
    })
}

fn compare(root: &EvidenceFolder, limits: &Limits, build: &mut BuildReport) -> Result<(), Error> {
    let name = build.build_name.clone();
    let folder = root.build(&name)?;
    let bundle_name = format!("manifest.{name}.sig.tbz");
    let Some(bundle) = folder.open(&Place::new(&bundle_name)?)? else { return Ok(()) };
    let bundle = match Bundle::from_reader(bundle, limits) {
        Ok(bundle) => bundle,
        Err(Error::Truncated { .. }) => {
            let hint = "the file is kept; move it away and run the command again while its source is available";
            let why = format!("the bundle in the folder is truncated{}", received_beside(build, &bundle_name));
            return Err(network(&bundle_name, why, hint));
        }
        Err(error) => {
            let text = format!(
                "{bundle_name} in the folder cannot be read: {error}. An audit cannot give a verdict on it{}",
                received_beside(build, &bundle_name)
            );
            build.notes.push(text);
            build.unreadable = Some(error);
            return Ok(());
        }
    };
    let key_name = format!("manifest.{name}-public.pem");
    let Some(pem) = folder.read(&Place::new(&key_name)?, limits.key_file_bytes())? else {
        return Ok(());
    };
    let key = match PublicKey::from_pem(&key_name, &pem, limits) {
        Ok(key) => key,
        Err(error) => {
            let beside = received_beside(build, &key_name);
            build.notes.push(format!("{key_name} in the folder: {error}: an audit will not use it{beside}"));
            build.unreadable = Some(error);
            return Ok(());
        }
    };
    if key.verify(&bundle.archive_digest(), bundle.signature()).is_ok() {
        return Ok(());
    }
    Err(network(
        &key_name,
        format!("the key {} does not verify the signature of the bundle in the same folder", key.fingerprint()),
        "both files are kept; move the key file away and run the command again while the server is available",
    ))
}
