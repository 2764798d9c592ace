//! `image-config`: the configuration is the one that the manifest and the log identify.

use super::image_evidence::{built_image, contradiction, image_of};
use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run, image_digest};
use crate::image::{ConfigFacts, ImageFacts, Part};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-config",
    group: Group::Image,
    level: Level::Require,
    says: "the configuration is the one that the manifest, or a full image id in the log, identifies; an image id in the log is that of the configuration, the manifest or an index",
    explanation: "Recomputes the digest and size of the configuration's bytes and compares them with the manifest's descriptor. If the builder \
printed an image id into the log, that id is also compared. Docker's classic builder prints twelve digits, 48 bits: a link, not a proof. With \
containerd's image store, the printed id is the manifest's or the index's digest; both are accepted. Without a manifest (docker-archive), only a \
full id in the log decides; otherwise the answer is unknown. A log with lines from two builders also gives unknown, because a program in the build \
may have printed some of them.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[ChainLink::ImageAtHand],
    controls: &["SI-7"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    if let Some(outcome) = contradiction(image, Part::Config) {
        return outcome;
    }
    let Some(config) = &image.config else {
        return Outcome::caused_by(
            &image_digest::CHECK,
            "the configuration cannot be found without a readable manifest",
        );
    };
    let found = format!("{} ({} bytes)", config.digest, config.size);
    let by_manifest = match &image.config_descriptor {
        Some(said) if said.digest != config.digest || said.size != config.size => {
            return Outcome::fail("the configuration is not the one that the manifest refers to")
                .sides(format!("{} ({} bytes)", said.digest, said.size), found);
        }
        Some(_) => true,
        None => false,
    };
    if let Some(Err(fault)) = evidence.log().map(|log| log.builder()) {
        return Outcome::unknown(fault.to_string()).sides("an image id from one builder", found);
    }
    let id = evidence.log().and_then(built_image);
    let owner = id.and_then(|id| owner_of(id, image, config));
    match (id, owner) {
        (Some(id), None) => Outcome::fail("the image id in the log is not this image's id")
            .sides(id, found)
            .detail("the id was compared with the digests of the configuration, the manifest and the indexes that lead to the manifest"),
        (Some(id), Some(owner)) if by_manifest || id.len() == 64 => {
            let same = format!("the image id in the log is the first {} bits of the {owner}'s digest", id.len() * 4);
            let outcome = match by_manifest {
                true => {
                    Outcome::pass("the configuration is the one that the manifest refers to").also(same, Known::Signed)
                }
                false => Outcome::pass(same),
            };
            outcome.sides(id, found)
        }
        (Some(id), Some(_)) => {
            Outcome::unknown(format!("only {} bits of the image id are in the log: a link, not a proof", id.len() * 4))
                .sides(id, found)
        }
        (None, _) if by_manifest => Outcome::pass("the configuration is the one that the manifest refers to")
            .detail("the log contains no image id; only image-digest can link the manifest to the log"),
        (None, _) => Outcome::unknown("neither a manifest nor the log identifies the configuration")
            .sides("an image id in the log", found),
    }
}

/// The document whose digest begins with the log's image id.
fn owner_of(id: &str, image: &ImageFacts, config: &ConfigFacts) -> Option<&'static str> {
    if config.digest.hex().starts_with(id) {
        return Some("configuration");
    }
    if image.manifest.as_ref().is_some_and(|manifest| manifest.digest.hex().starts_with(id)) {
        return Some("manifest");
    }
    image.indexes.iter().any(|index| index.digest.hex().starts_with(id)).then_some("index")
}
