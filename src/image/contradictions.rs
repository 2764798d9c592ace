//! Contradictions between an image's documents and bytes, and the parts that were not read.

use super::{Compression, Descriptor, ImageFacts, LayerFacts, XZ_UNSUPPORTED};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::words::counted;

impl ImageFacts {
    /// The parts of the image that are not supported and were therefore not read.
    pub fn not_supported(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.unsupported.iter().map(|(_, message)| message.clone()).collect();
        lines.dedup();
        let layers = self.layers.iter().enumerate().filter(|(_, layer)| is_unsupported(layer));
        lines.extend(layers.map(|(at, _)| format!("layer {}: {XZ_UNSUPPORTED}", at + 1)));
        lines
    }

    /// The contradictions between the image's documents and bytes.
    pub fn contradictions(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.faults.iter().map(|(_, message)| message.clone()).collect();
        if let (Some(said), Some(config)) = (&self.config_descriptor, &self.config)
            && (said.digest, said.size) != (config.digest, config.size)
        {
            faults.push(format!(
                "the configuration should be {} ({} bytes) but is {} ({} bytes)",
                said.digest, said.size, config.digest, config.size
            ));
        }
        let diff_ids = self.config.as_ref().map(|config| config.diff_ids.as_slice()).unwrap_or_default();
        if self.config.is_some() && diff_ids.len() != self.layers.len() {
            faults.push(format!("{}, but {}", counted(self.layers.len(), "layer"), counted(diff_ids.len(), "diff_id")));
        }
        for (at, layer) in self.layers.iter().enumerate() {
            let Some(measured) = &layer.measured else { continue };
            let place = format!("layer {}", at + 1);
            if let Some(said) =
                layer.descriptor.as_ref().filter(|said| (said.digest, said.size) != (measured.digest, measured.size))
            {
                faults.push(format!(
                    "{place} should be {} ({} bytes) but is {} ({} bytes)",
                    said.digest, said.size, measured.digest, measured.size
                ));
            }
            match (&measured.content, diff_ids.get(at)) {
                _ if layer.is_encrypted() || is_unsupported(layer) => {}
                (Ok((found, _)), Some(expected)) if found != expected => {
                    faults.push(format!("{place} should have the diff_id {expected} but has {found}"));
                }
                (Err(message), _) => faults.push(format!("{place} cannot be unpacked: {message}")),
                _ => {}
            }
        }
        faults
    }

    /// `--platform` selects one of several images. The configuration of the image that was read, if readable, must be for that platform.
    pub(crate) fn must_be_for(&self, asked: Option<&str>) -> Result<(), Error> {
        let Some((asked, config)) = asked.zip(self.config.as_ref()) else { return Ok(()) };
        match config.platform.is(asked) {
            true => Ok(()),
            false => Err(Error::Usage {
                message: format!("--platform {asked}: {} is an image for {}", self.source, config.platform),
                hint: "omit --platform, or specify a different image".into(),
            }),
        }
    }
}

impl LayerFacts {
    /// Whether the manifest states that the layer is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.descriptor.as_ref().is_some_and(Descriptor::is_encrypted)
    }

    /// The layer's diff_id and the size of its content, recomputed from the bytes.
    ///
    /// # Errors
    /// A message that states why the diff_id cannot be computed.
    pub(crate) fn diff_id(&self) -> Result<(Sha256, u64), String> {
        let Some(measured) = &self.measured else { return Err("its bytes are not available".into()) };
        // The decompressed bytes of an encrypted layer are not its content.
        match self.is_encrypted() {
            true => Err("it is encrypted, so its diff_id cannot be computed".into()),
            false => measured.content.clone(),
        }
    }
}

fn is_unsupported(layer: &LayerFacts) -> bool {
    layer.measured.as_ref().is_some_and(|measured| measured.compression == Compression::Xz)
}
