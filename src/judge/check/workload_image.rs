//! `workload-image`: the image's digest belongs to a manifest that the policy accepts.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run, workload_pinned};
use crate::base::digest::Sha256;
use crate::judge::builds::Build;
use crate::judge::deployment::Deployment;
use crate::judge::evidence::Known;
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "workload-image",
    group: Group::Workload,
    level: Level::Require,
    says: "the image's digest, or that of an index in which the image was examined, is in the signed log of an accepted manifest",
    explanation: "The digest that the workload pins must be recorded in a signed log in the evidence, or be that of the image that was examined below \
an index in such a log, and the audit of that log's manifest under the same policy must give exit code 0 (accepted, or accepted in part). The image's \
name is shown but not compared, because a mirror has the same bytes under a different name. The policy's `require` determines which groups of checks \
had to have an answer for the manifest. The check does not show that the \
image was built from the commit: that is the build server's statement. When the check fails, fetch the build's evidence, or read the audit that the \
answer refers to.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[ChainLink::Deployed, ChainLink::DeployedByDigest],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Workload(run),
};

/// The maximum number of unverified bundles that are listed. All unverified bundles are counted.
const UNVERIFIED_SHOWN: usize = 5;

/// The maximum number of a build's repositories that are listed.
const REPOSITORIES_SHOWN: usize = 10;

fn run(deployment: &Deployment<'_>, policy: &Policy) -> Outcome {
    let image = match &deployment.image.image {
        Ok(image) => image,
        Err(why) => return Outcome::unknown(why.clone()).because_of(&workload_pinned::CHECK),
    };
    let Some(digest) = image.digest() else {
        return Outcome::unknown("without a digest, no manifest can be found for the image")
            .because_of(&workload_pinned::CHECK);
    };
    match deployment.build() {
        Some(build) if build.is_accepted_at(deployment.now) => {
            let mut outcome = accepted(build, digest, policy);
            if build.because.is_empty()
                && let Some(built) = &build.image
            {
                outcome = outcome.detail(match built.repositories.as_slice() {
                    [] => "the signed log names no repository".into(),
                    names => format!("in the signed log, the image's name is {}", named(names)),
                });
                outcome.details.extend(
                    built.commit.iter().map(|commit| format!("HEAD of the archived repository is commit {commit}")),
                );
            }
            outcome.details.extend(others(build, deployment));
            outcome
        }
        Some(build) => {
            let mut outcome =
                Outcome::fail(format!("the digest is that of a build that is not accepted, {}", build.title));
            outcome.details.clone_from(&build.because);
            if let (true, Some(until)) = (build.accepted, build.until) {
                outcome = outcome.detail(format!(
                    "the build was accepted until {until}: now it exceeds max-age, or a waiver, trust metadata or a key has expired"
                ));
            }
            outcome
        }
        None => {
            let mut outcome = Outcome::fail("no manifest that was evaluated and verified is for this digest");
            let repository = image.repository.as_deref();
            let unverified =
                repository.into_iter().flat_map(|repository| deployment.builds.unverified_named(repository));
            for build in unverified.take(UNVERIFIED_SHOWN) {
                let because = build.because.first().map(String::as_str).unwrap_or_default();
                outcome = outcome
                    .detail(format!("not verified, but its name matches this image: {} ({because})", build.path));
            }
            for line in super::workload_pinned::known_digests(image, deployment.builds, deployment.now) {
                outcome = outcome.detail(line);
            }
            let without = deployment.builds.without_image();
            if without > 0 {
                outcome = outcome.detail(format!("bundles in the evidence without a verified manifest: {without}"));
            }
            outcome
        }
    }
}

/// The other builds whose signed logs have the digest: it is not known which of the builds made the image. Copies of a build are not listed.
fn others(build: &Build, deployment: &Deployment<'_>) -> Vec<String> {
    const SHOWN: usize = 5;
    let is_other = |other: &&Build| other.archive != build.archive;
    let line = |other: &Build| {
        let accepted = if other.is_accepted_at(deployment.now) { "accepted" } else { "NOT accepted" };
        let commit = other.image.as_ref().and_then(|image| image.commit.as_deref());
        format!("{ALSO_IN}{} ({accepted}; commit {}; {})", other.title, commit.unwrap_or("not known"), other.path)
    };
    // Those that are not accepted come first.
    let [refused, accepted] = [false, true].map(|wanted| {
        let builds = deployment.builds_of_digest().filter(is_other);
        builds.filter(move |other| other.is_accepted_at(deployment.now) == wanted)
    });
    let mut lines: Vec<String> = refused.chain(accepted).take(SHOWN + 1).map(line).collect();
    if lines.len() > SHOWN {
        lines.truncate(SHOWN);
        lines.push(format!("{ALSO_IN}and more"));
    }
    lines
}

/// The beginning of a detail that names another build with the same digest.
pub(crate) const ALSO_IN: &str = "the digest is also in the signed log of ";

/// The answer for a digest of an accepted build.
fn accepted(build: &Build, digest: Sha256, policy: &Policy) -> Outcome {
    let name = &build.title;
    let has = format!("the signed log of an accepted build has this digest: {name}");
    let leads_to_it = build.of_index.is_some_and(|one| one.manifest == digest);
    match build.only_examined(digest) {
        None if leads_to_it => {
            Outcome::pass(format!("the signed log of an accepted build has the digest of an index that leads to this image: {name}"))
        }
        // The image that runs need not be the one that the checks of the group `image` examined.
        Some(image) if policy.require.contains(&Group::Image) => {
            return Outcome::unknown(format!(
                "the digest is that of an index, and the policy requires checks of the image, but only one image in the index was examined: {name}"
            ))
            .sides(image, digest);
        }
        Some(image) => Outcome::pass(format!("{has}; it is the digest of an index, of which only the image {image} was examined")),
        None => Outcome::pass(has),
    }
    .sides(digest, digest)
}

/// Lists the first names and a count of the others, because a log may contain any number of repositories, and a workload any
/// number of images.
fn named(repositories: &[String]) -> String {
    let first = repositories.iter().take(REPOSITORIES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match repositories.len().checked_sub(REPOSITORIES_SHOWN) {
        Some(more @ 1..) => format!("{first} and {more} more"),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_repositories_are_listed_and_the_others_counted() {
        let names: Vec<String> = (0..12).map(|number| format!("r{number}")).collect();
        assert_eq!(named(&names[..2]), "r0, r1");
        assert!(named(&names[..10]).ends_with("r9") && named(&names).ends_with("r9 and 2 more"), "{}", named(&names));
    }
}
