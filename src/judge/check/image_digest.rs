//! `image-digest`: the image is the one recorded in the signed log.

use super::image_evidence::{built_image, contradiction, image_of, pushed};
use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::base::digest::Sha256;
use crate::base::image_name::ImageName;
use crate::base::mask::keep_name;
use crate::image::{DocumentFacts, Form, ImageFacts, Others, Part, Undecided};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-digest",
    group: Group::Image,
    level: Level::Require,
    says: "the image's manifest, or an index that leads to it, has the digest recorded in the signed log",
    explanation: "Recomputes the digest and size of the manifest's bytes and compares them with what the push recorded in the signed log. If the \
image was found through an index, the log may record the index's digest, because BuildKit and containerd push the index; the manifest is then one \
that this index lists. If the source has several images, the digest in the log selects one, and the others are listed. If the log has no digest, or \
none of the images has it, add an image's name or digest to the source's path. A re-pushed or converted copy has a different digest and is not \
accepted, even if its configuration is identical: copy the image with `skopeo copy --preserve-digests` or into dir:, which keep the bytes. A \
docker-archive without the pushed manifest gives unknown. So does a log without a digest line, which builds for icr.io may have. That this image was \
built from the archived commit is the build server's statement; only an identical independent rebuild corroborates it (`hpsb-audit compare`).",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[ChainLink::ImageAtHand],
    controls: &["SI-7"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

const NOT_PROVED: &str = "not proved: that the image was built from this commit; the build server states it, and an identical independent rebuild would corroborate it";

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    if let Some((image, undecided)) = evidence.image.and_then(|image| Some((image, image.undecided.as_ref()?))) {
        return not_chosen(evidence, image, undecided);
    }
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    if let Some(outcome) = contradiction(image, Part::Manifest) {
        return outcome;
    }
    let recorded = evidence.log().map(pushed).unwrap_or_default();
    let (digest, size) = match recorded.as_slice() {
        [one] => *one,
        [] => return with_others(image, no_digest_line(evidence, image)),
        several => {
            let list: Vec<String> = several.iter().map(|(digest, size)| sides(*digest, *size)).collect();
            return Outcome::unknown("the log records several digests for one build")
                .sides(list.join(", "), found(image));
        }
    };
    let expected = sides(digest, size);
    let outcome = match documents(image).find(|document| document.digest == digest) {
        Some(document) if size.is_some_and(|size| document.size != size) => {
            Outcome::fail("the digest matches the log, but the size does not").sides(expected, found(image))
        }
        Some(document) => equal(image, document).sides(expected, found(image)),
        None if image.form == Form::DockerArchive => archive(evidence, image).sides(expected, found(image)),
        None => other(evidence, image, digest).sides(expected, found(image)),
    };
    with_others(image, outcome)
}

/// The answer if the supplied source contains several images and the log's digest selects none of them.
fn not_chosen(evidence: &Evidence<'_>, image: &ImageFacts, undecided: &Undecided) -> Outcome {
    let recorded = evidence.log().map(pushed).unwrap_or_default();
    let is_index = |(digest, _): &(Sha256, Option<u64>)| image.indexes.iter().any(|index| index.digest == *digest);
    let is_among = |(digest, _): &(Sha256, Option<u64>)| undecided.among.contains(digest);
    let why = match recorded.as_slice() {
        [] => "the signed log records no digest with which to select an image",
        _ if recorded.iter().any(is_among) => {
            "one of them has, or is in an index with, the digest recorded in the signed log, but other programs may take another one by this digest or a name: select the image"
        }
        _ if recorded.iter().any(is_index) => {
            "the signed log records the index's digest, not that of an image in the index"
        }
        _ if undecided.among.is_empty() => "it has no manifests to compare with the digest recorded in the signed log",
        _ => "none of the images has the digest recorded in the signed log",
    };
    let expected: Vec<String> = recorded.iter().map(|(digest, size)| sides(*digest, *size)).collect();
    let expected = if expected.is_empty() { "a digest line from the push".into() } else { expected.join(", ") };
    Outcome::unknown(format!("{}, and {why}", undecided.message))
        .sides(expected, kept(&image.others))
        .detail(undecided.hint.clone())
}

/// Lists the other images of the source, because a different program may select one of them.
fn with_others(image: &ImageFacts, outcome: Outcome) -> Outcome {
    match image.others.count {
        0 => outcome,
        1 => outcome.detail(format!("the source has 1 other image, which was not examined: {}", kept(&image.others))),
        more => outcome
            .detail(format!("the source has {more} other images, which were not examined: {}", kept(&image.others))),
    }
}

/// Names and digests for a message, with secrets in names masked.
fn kept(others: &Others) -> String {
    let label = |label: &String| match label.split_once(' ') {
        Some((name, rest)) => format!("{} {rest}", keep_name(name)),
        None => label.clone(),
    };
    Others { first: others.first.iter().map(label).collect(), count: others.count }.to_string()
}

fn equal(image: &ImageFacts, document: &DocumentFacts) -> Outcome {
    let is_manifest = image.manifest.as_ref().is_some_and(|manifest| manifest.digest == document.digest);
    if is_manifest {
        let outcome = Outcome::pass("the supplied image's manifest has the digest recorded in the signed log");
        let outcome = match image.indexes.first() {
            Some(index) => outcome.detail(format!(
                "the image was reached through the index {}, which the log does not record",
                index.digest
            )),
            None => outcome,
        };
        return outcome.detail(NOT_PROVED);
    }
    match &image.manifest {
        Some(manifest) => {
            Outcome::pass("the signed log records the digest of the index that leads to the supplied image")
                .detail(format!("index {}, manifest {}", document.digest, manifest.digest))
                .detail(NOT_PROVED)
        }
        None => Outcome::unknown(
            "the signed log records the digest of this index, but the image in the index could not be read",
        ),
    }
}

/// The answer for a docker-archive that does not contain the pushed manifest. Consistent values are listed, but they are not a proof.
fn archive(evidence: &Evidence<'_>, image: &ImageFacts) -> Outcome {
    let outcome = match image.manifest {
        None => {
            Outcome::unknown("this docker-archive has no manifest, so nothing in it has the digest recorded in the log")
        }
        Some(_) => Outcome::unknown(
            "the manifest in this docker-archive is not the pushed one: engines write a new manifest when they save an image",
        ),
    };
    with_way(evidence, with_links(evidence, image, outcome))
}

fn other(evidence: &Evidence<'_>, image: &ImageFacts, _: Sha256) -> Outcome {
    let same = linked(evidence, image) == Some(true);
    let bits = evidence.log().and_then(built_image).map_or(0, |id| id.len() * 4);
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let is_docker = image.manifest.as_ref().is_some_and(|manifest| manifest.media_type == docker);
    let outcome = match (same, is_docker) {
        (true, _) => Outcome::fail(format!("the manifest is not the one in the log; the configuration's digest begins with the image id in the log ({bits} bits), as in a re-pushed or converted copy")),
        (false, false) => Outcome::fail("the image is not the one recorded in the signed log").detail(
            "the manifest is not in docker's format: converting with skopeo to oci: or oci-archive: changes the digests of manifest and configuration",
        ),
        (false, true) => Outcome::fail("the image is not the one recorded in the signed log"),
    };
    with_way(evidence, with_links(evidence, image, outcome))
}

fn no_digest_line(evidence: &Evidence<'_>, image: &ImageFacts) -> Outcome {
    let why = match evidence.log() {
        Some(log) if log.ignored_pushes() > 0 => {
            "no line of the signed log that counts records a digest, so it proves nothing about the image"
        }
        Some(_) => "the signed log records no digest, so it proves nothing about the image",
        None => "the archive has no data/build.log, so nothing is proved about the image",
    };
    let outcome = Outcome::unknown(why).sides("a digest line from the push", found(image));
    let outcome = match evidence.server.and_then(|server| server.image.as_ref()) {
        Some((name, digest)) => {
            outcome.detail(format!("the build server's saved response, which is not signed, is {name}@{digest}"))
        }
        None => outcome,
    };
    with_links(evidence, image, outcome)
}

fn documents(image: &ImageFacts) -> impl Iterator<Item = &DocumentFacts> {
    image.indexes.iter().chain(&image.manifest)
}

fn sides(digest: Sha256, size: Option<u64>) -> String {
    size.map_or_else(|| digest.to_string(), |size| format!("{digest} ({size} bytes)"))
}

fn found(image: &ImageFacts) -> String {
    let documents: Vec<String> = documents(image).map(|document| sides(document.digest, Some(document.size))).collect();
    if documents.is_empty() { "no manifest".into() } else { documents.join(" -> ") }
}

/// Whether the configuration's digest begins with the image id that the builder printed.
fn linked(evidence: &Evidence<'_>, image: &ImageFacts) -> Option<bool> {
    let id = built_image(evidence.log()?)?;
    Some(image.config.as_ref()?.digest.hex().starts_with(id))
}

/// Adds two other comparisons: the configuration with the log's image id, and the layers with the configuration.
fn with_links(evidence: &Evidence<'_>, image: &ImageFacts, outcome: Outcome) -> Outcome {
    let Some(config) = &image.config else { return outcome };
    let id = evidence.log().and_then(built_image).unwrap_or_default();
    let outcome = match linked(evidence, image) {
        Some(true) => outcome.detail(format!(
            "consistent: the configuration's digest {} begins with the image id in the log, {} bits: a link, not a proof",
            config.digest,
            id.len() * 4
        )),
        Some(false) => {
            outcome.detail(format!("the log's image id {id} is not that of the configuration {}", config.digest))
        }
        None => outcome.detail("the log contains no image id to compare the configuration with"),
    };
    let whole = image.layers.len() == config.diff_ids.len()
        && image.layers.iter().zip(&config.diff_ids).all(|(layer, id)| {
            layer
                .measured
                .as_ref()
                .and_then(|measured| measured.content.as_ref().ok())
                .is_some_and(|(found, _)| found == id)
        });
    if whole {
        outcome.detail("consistent: every layer's bytes match the diff_id in this configuration")
    } else {
        outcome
    }
}

/// Adds the command that copies the image as it was pushed.
fn with_way(evidence: &Evidence<'_>, outcome: Outcome) -> Outcome {
    let Some(log) = evidence.log() else { return outcome };
    let repository = log.push_events().find_map(|event| Some(ImageName::parse(event.image_name()?).ok()?.repository()));
    let (Some(repository), Some((digest, _))) = (repository, pushed(log).first().copied()) else { return outcome };
    outcome.detail(format!(
        "to keep the digest: skopeo copy --preserve-digests docker://{repository}@{digest} dir:image, then --image dir:image"
    ))
}
