//! `workload-pinned`: the image is referenced by digest.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::base::time::Timestamp;
use crate::judge::builds::Builds;
use crate::judge::deployment::Deployment;
use crate::judge::evidence::Known;
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;
use crate::workload::{ImageReference, Pin};

pub(super) static CHECK: Check = Check {
    name: "workload-pinned",
    group: Group::Workload,
    level: Level::Require,
    says: "the image to be deployed is referenced by digest",
    explanation: "An image is pinned by `@sha256:` and the 64 lower-case hexadecimal digits of its manifest's digest. A tag can be moved after the \
audit, even if a contract specifies a key for the image. Variables before the digest change where the bytes come from, but not the bytes; the \
variables are listed. If the image at a place is not known, because it is built, inserted later or hidden, the answer is unknown. When the check \
fails, it lists what accepted builds pushed under that name; what the name refers to now is not examined.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[ChainLink::Deployed, ChainLink::DeployedByDigest],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Workload(run),
};

fn run(deployment: &Deployment<'_>, _: &Policy) -> Outcome {
    let image = match &deployment.image.image {
        Ok(image) => image,
        Err(why) => return Outcome::unknown(why.clone()),
    };
    let mut outcome = match &image.pin {
        Pin::Digest(digest) => Outcome::pass(format!("pinned to {digest}")),
        Pin::Unsupported(found) => Outcome::unknown("pinned by a digest whose algorithm is not supported")
            .sides("sha256: and 64 lower-case hexadecimal digits", found),
        Pin::Nothing if !image.variables.is_empty() => Outcome::fail("the name has unresolved variables and no digest"),
        Pin::Nothing if image.tag.is_some() => Outcome::fail("referenced by a tag, which can be moved"),
        Pin::Nothing => Outcome::fail("referenced with neither a tag nor a digest"),
    };
    if !image.variables.is_empty() {
        outcome = outcome.detail(format!("{NOT_RESOLVED}{}", image.variables.join(", ")));
    }
    if image.digest().is_none() {
        for line in known_digests(image, deployment.builds, deployment.now) {
            outcome = outcome.detail(line);
        }
    }
    outcome
}

/// The beginning of a line about variables in the image's name.
pub(crate) const NOT_RESOLVED: &str = "not resolved: ";

/// The beginning of a line about a build that pushed an image under this image's name. The image that the name refers to now was not examined.
pub(crate) const PUSHED_AS: &str = "the signed log of an accepted build records a push as ";

/// The first images that accepted builds pushed under the image's name: one line per build and digest, newest build first.
pub(super) fn known_digests(image: &ImageReference, builds: &Builds, now: Timestamp) -> Vec<String> {
    const SHOWN: usize = 5;
    let Some(repository) = &image.repository else { return Vec::new() };
    // Without a tag, engines use `latest`. A tag with a variable is not known.
    let latest = image.variables.is_empty().then_some("latest");
    let known = builds.of_tag(repository, image.tag.as_deref().or(latest));
    let known = known.filter(|(build, _)| build.is_accepted_at(now)).map(|(build, digest)| {
        let name = &build.title;
        match build.only_examined(digest) {
            Some(image) => {
                format!("{PUSHED_AS}{repository}@{digest}, an index of which only {repository}@{image} was examined (build {name})")
            }
            None => format!("{PUSHED_AS}{repository}@{digest} (build {name})"),
        }
    });
    // The remaining builds are not counted, because a repository may have a hundred thousand builds, and a request may contain a
    // thousand of its images.
    let mut lines: Vec<String> = known.take(SHOWN + 1).collect();
    if lines.len() > SHOWN {
        lines.truncate(SHOWN);
        lines.push("and older builds".into());
    }
    lines
}
