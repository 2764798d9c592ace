//! Checks whether the saved bundle can be read and whether the saved key belongs to it. This check does not require a trusted key. If a server sent a
//! truncated bundle or the key of a different build, the request can be repeated now but may be impossible later.

use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::client::disk::Place;
use crate::client::fault::network;
use crate::client::folder::EvidenceFolder;
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

fn compare(root: &EvidenceFolder, limits: &Limits, build: &mut BuildReport) -> Result<(), Error> {
    let name = build.build_name.clone();
    let folder = root.build(&name)?;
    let bundle_name = format!("manifest.{name}.sig.tbz");
    let Some(bundle) = folder.open(&Place::new(&bundle_name)?)? else { return Ok(()) };
    let bundle = match Bundle::from_reader(bundle, limits) {
        Ok(bundle) => bundle,
        Err(Error::Truncated { .. }) => {
            let hint = "the file is kept; move it away and run the command again while its source is available";
            return Err(network(&bundle_name, "the bundle was saved unchanged, but it is truncated", hint));
        }
        Err(error) => {
            let text = format!(
                "{bundle_name} was saved unchanged, but it cannot be read: {error}. An audit cannot give a verdict on it"
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
            build.notes.push(format!("{key_name} was saved unchanged, but {error}: an audit will not use it"));
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
