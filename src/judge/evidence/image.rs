//! Facts about an image.

use serde_json::json;

use super::{Fact, Known};
use crate::image::{DocumentFacts, ImageFacts};

/// Facts from the image's bytes. Digests are recomputed; statements in the image's documents count as *given*.
pub fn image_facts(image: &ImageFacts) -> Vec<Fact> {
    let witness = image.form.witness();
    let mut facts = Vec::new();
    let document = |fact: &str, document: &DocumentFacts| {
        let value = format!("{} ({} bytes)", document.digest, document.size);
        let data = json!({ "digest": document.digest.to_string(), "size": document.size });
        Fact::new(fact, witness, value, Known::Recomputed).with_data(data)
    };
    facts.extend(image.indexes.iter().map(|index| document("image-index", index)));
    facts.extend(image.manifest.iter().map(|manifest| document("image-digest", manifest)));
    let mut add = |fact: &str, value: String, known| facts.push(Fact::new(fact, witness, value, known));
    let media_types = image.manifest.iter().map(|manifest| &manifest.media_type);
    for media_type in media_types.filter(|media_type| !media_type.is_empty()) {
        add("media-type", media_type.clone(), Known::Given);
    }
    if let Some(tag) = &image.tag {
        add("tag", format!("{}:{} leads to {}", tag.repository, tag.tag, tag.digest), Known::Given);
    }
    for name in &image.names {
        add("image", name.clone(), Known::Given);
    }
    for other in &image.others.first {
        add("other-image", other.clone(), Known::Given);
    }
    if image.others.count > image.others.first.len() {
        add("other-image", format!("{} in all", image.others.count), Known::Given);
    }
    if let Some(config) = &image.config {
        add("image-id", config.digest.to_string(), Known::Recomputed);
        add("platform", config.platform.to_string(), Known::Given);
        if let Some(created) = &config.created {
            add("created", created.clone(), Known::Given);
        }
    }
    for layer in &image.layers {
        match &layer.measured {
            Some(measured) => {
                let inside = match layer.diff_id() {
                    Ok((diff_id, size)) => format!("diff_id {diff_id} ({size} bytes)"),
                    Err(message) => message,
                };
                // The first bytes of an encrypted layer do not show how its content is compressed.
                let compression = match layer.is_encrypted() {
                    true => "encrypted",
                    false => measured.compression.word(),
                };
                add(
                    "layer",
                    format!("{} ({} bytes, {compression}), {inside}", measured.digest, measured.size),
                    Known::Recomputed,
                );
            }
            None => {
                let named = layer.descriptor.as_ref().map_or(layer.name.clone(), |said| said.digest.to_string());
                add("layer", format!("{named}, not available"), Known::Given);
            }
        }
    }
    facts
}
