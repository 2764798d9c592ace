//! `image-layers`: every layer has the digests that the image's documents state.

use super::image_evidence::{contradiction, image_of};
use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run, image_config};
use crate::base::digest::Sha256;
use crate::base::words::counted;
use crate::image::{Compression, ImageFacts, LayerFacts, Part};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-layers",
    group: Group::Image,
    level: Level::Require,
    says: "every layer has the digest, size and diff_id that the image's manifest and configuration list",
    explanation: "Recomputes the digest and size of every layer as stored, and the diff_id of its decompressed bytes (gzip, zstd, bzip2 or plain), \
and compares them with the manifest and the configuration. Both must list the same number of layers. A foreign layer, whose bytes are stored \
elsewhere, and an encrypted layer are listed as unproved, and the answer is unknown. If all layers are missing, as after a fetch without layers, or if \
the others are unproved, there is no evidence; otherwise, a missing layer fails the check. The files in the layers are not examined.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[ChainLink::ImageAtHand],
    controls: &["SI-7"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

enum Layer {
    Good,
    Missing,
    /// The layer cannot be proved, for this reason.
    Unproved(String),
    Bad(String),
}

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    if let Some(outcome) = contradiction(image, Part::Layers) {
        return outcome;
    }
    let Some(config) = &image.config else {
        return Outcome::caused_by(&image_config::CHECK, "without a configuration, the layers' diff_ids are not known");
    };
    if image.layers.len() != config.diff_ids.len() {
        return Outcome::fail("the manifest and the configuration list different numbers of layers")
            .sides(counted(config.diff_ids.len(), "diff_id"), counted(image.layers.len(), "layer"));
    }
    let judged: Vec<Layer> = image.layers.iter().zip(&config.diff_ids).map(|(layer, id)| judge(layer, *id)).collect();
    answer(image, &judged)
}

fn judge(layer: &LayerFacts, diff_id: Sha256) -> Layer {
    let said = layer.descriptor.as_ref();
    let Some(measured) = &layer.measured else {
        return match said {
            Some(said) if said.is_foreign() => Layer::Unproved(match said.urls.as_slice() {
                [] => "the layer is foreign, and the manifest states no address for it".into(),
                urls => format!("the layer is foreign, and its bytes are stored elsewhere ({})", urls.join(", ")),
            }),
            _ => Layer::Missing,
        };
    };
    if let Some(said) = said
        && (said.digest != measured.digest || said.size != measured.size)
    {
        return Layer::Bad(format!(
            "expected {} ({} bytes), found {} ({} bytes)",
            said.digest, said.size, measured.digest, measured.size
        ));
    }
    match &measured.content {
        _ if layer.is_encrypted() => {
            Layer::Unproved("the layer is encrypted, so its diff_id cannot be computed".into())
        }
        Ok((found, _)) if *found == diff_id => Layer::Good,
        Ok((found, size)) => {
            Layer::Bad(format!("expected the diff_id {diff_id}, found {found} ({size} bytes decompressed)"))
        }
        Err(message) if measured.compression == Compression::Xz => Layer::Unproved(message.clone()),
        Err(message) => Layer::Bad(format!("the layer cannot be decompressed: {message}")),
    }
}

fn answer(image: &ImageFacts, judged: &[Layer]) -> Outcome {
    let total = judged.len();
    let lines = |word: fn(&Layer) -> Option<String>| -> Vec<String> {
        let numbered = judged.iter().enumerate().filter_map(|(at, layer)| Some((at, word(layer)?)));
        numbered.map(|(at, message)| format!("layer {} of {total}: {message}", at + 1)).collect()
    };
    let bad = lines(|layer| match layer {
        Layer::Bad(message) => Some(message.clone()),
        _ => None,
    });
    let missing = lines(|layer| matches!(layer, Layer::Missing).then(|| "the bytes are missing".into()));
    let unproved = lines(|layer| match layer {
        Layer::Unproved(message) => Some(message.clone()),
        _ => None,
    });
    let with = |mut outcome: Outcome, lines: Vec<String>| {
        outcome.details = lines;
        outcome
    };
    if !bad.is_empty() {
        return with(
            Outcome::fail(format!("the image's manifest and configuration do not match {}", share(bad.len(), total))),
            bad,
        );
    }
    if !missing.is_empty() && missing.len() + unproved.len() == total {
        return Outcome::not_run(Reason::NoEvidence, "no layers were supplied");
    }
    if !missing.is_empty() {
        return with(Outcome::fail(format!("the bytes of {} are missing", share(missing.len(), total))), missing);
    }
    if !unproved.is_empty() {
        return with(Outcome::unknown(format!("{} cannot be verified", share(unproved.len(), total))), unproved);
    }
    if image.manifest.is_none() {
        return Outcome::pass("every layer's bytes match the diff_id in the configuration")
            .detail("there is no manifest to compare the compressed bytes with");
    }
    let have = if total == 1 { "has" } else { "have" };
    Outcome::pass(format!(
        "{} {have} the digest, size and diff_id that the image's manifest and configuration list",
        share(total, total)
    ))
}

/// `1 of 2 layers`, `all 2 layers`, `the only layer`.
fn share(count: usize, total: usize) -> String {
    match (count == total, total) {
        (true, 1) => "the only layer".into(),
        (true, _) => format!("all {total} layers"),
        (false, _) => format!("{count} of {total} layers"),
    }
}
