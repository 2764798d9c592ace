//! `image-platform`: the image is for one of the policy's platforms.

use super::image_evidence::image_of;
use super::outcome::Outcome;
use super::{Check, Expected, Run, image_config};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-platform",
    group: Group::Image,
    level: Level::Require,
    says: "the configuration specifies one of the policy's platforms",
    explanation: "Compares the operating system and architecture in the image's configuration with expect.platforms, and the variant if the policy \
specifies one. The configuration only states them: the programs in the layers are not examined.",
    known: Known::Given,
    expected: Expected::Needed(&["platforms"]),
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    let expected = &policy.expect.platforms;
    let platform = image.config.as_ref().map(|config| &config.platform);
    if expected.is_empty() {
        let found = platform.map_or("unknown".into(), ToString::to_string);
        return Outcome::not_run(
            Reason::NoExpectation,
            format!("the policy lists no platform; the image's platform is {found}"),
        );
    }
    let Some(platform) = platform else {
        return Outcome::caused_by(&image_config::CHECK, "the image's configuration cannot be read")
            .sides(expected.join(" or "), "no configuration");
    };
    let outcome = match expected.iter().any(|expected| platform.is(expected)) {
        true => Outcome::pass("the configuration specifies one of the policy's platforms"),
        false => Outcome::fail("the configuration specifies a different platform"),
    };
    outcome.sides(expected.join(" or "), platform)
}
