//! `dir:`: manifest and blobs as files, as written by `skopeo copy … dir:PATH`. This form preserves every byte.

use super::gather::{Names, Top, resolve};
use super::store::{Found, Store};
use super::{Choice, ImageFacts, Part};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;

const NAMES: Names = Names { manifest: |digest| format!("{}.manifest.json", digest.hex()), blob: Sha256::hex };

pub(super) fn read(image: &mut ImageFacts, store: &Store<'_>, choice: &Choice, limits: &Limits) -> Result<(), Error> {
    let bytes = match store.document("manifest.json", limits.registry_document_bytes())? {
        Found::Bytes(bytes) => bytes,
        Found::Missing => {
            image.fault(Part::Manifest, "missing file manifest.json");
            return Ok(());
        }
        Found::Faulty(message) => {
            image.fault(Part::Manifest, message);
            return Ok(());
        }
    };
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::Usage {
            message: format!(
                "{}: its manifest.json is in the format of `docker save`: this is an unpacked docker-archive",
                image.source
            ),
            hint: "specify the file that `docker save` wrote, or pack the folder again: tar -cf image.tar -C FOLDER ."
                .into(),
        });
    }
    resolve(image, store, &NAMES, Top { bytes, media_type: None, platform: None }, choice, limits)
}
