//! The chain from the key to what is deployed: what links each piece to the next, and how well.

use super::{BundleReport, ImageReport};
use crate::finding::{Finding, Status};

/// How well a link holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    /// This program recomputed it.
    Proved,
    /// Somebody states it, and nothing contradicts.
    Stated,
    /// Nobody looked, or it could not be told.
    NotExamined,
    /// A check says no, or could not decide and rejects for it.
    Broken,
}

impl Strength {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Stated => "stated",
            Self::NotExamined => "not examined",
            Self::Broken => "does not hold",
        }
    }
}

/// One link: from one piece to the next.
pub(super) struct Link {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) how: &'static str,
    /// The checks that decide how well it holds: those that say no or were not run, else all of them.
    pub(super) checks: Vec<&'static str>,
    pub(super) strength: Strength,
}

/// The links of a build, up to what is deployed.
pub(super) fn chain(bundle: &BundleReport) -> Vec<Link> {
    links(&PLANS, &bundle.findings)
}

/// The links of an image that is to be deployed: those of its build, where one was found, and those of the workload.
pub(super) fn chain_of_image(image: &ImageReport, bundle: Option<&BundleReport>) -> Vec<Link> {
    let build = bundle.map(|bundle| bundle.findings.as_slice()).unwrap_or_default();
    let own = links(&WORKLOAD_PLANS, &image.findings);
    links(&PLANS, build).into_iter().filter(|link| link.to != DEPLOYED).chain(own).collect()
}

const DEPLOYED: &str = "deployed workload";

/// A link as it is at best, with every check that must pass for it.
type Plan = (&'static str, &'static str, &'static str, &'static [&'static str], Strength);

const WORKLOAD_PLANS: [Plan; 4] = {
    use Strength::{Proved, Stated};
    const IMAGE: &[&str] = &["workload-image", "workload-pinned"];
    [
        ("pushed image", DEPLOYED, "the digest that it pins is the log's", IMAGE, Proved),
        ("image's key", "contract", "the key that it names is the build's", &["workload-key"], Stated),
        ("contract", "contract's signer", "signature over its two sections", &["contract-signature"], Proved),
        ("contract", "booted instance", "an attestation record names it", &["attestation-record"], Proved),
    ]
};

const PLANS: [Plan; 12] = {
    use Strength::{Proved, Stated};
    const COMMIT: &[&str] = &["source-objects", "source-commit"];
    const TREE: &[&str] = &["source-objects", "source-commit", "source-tree"];
    const IMAGE: &[&str] = &["image-digest", "image-config", "image-layers"];
    [
        ("key's holder", "trusted key", "a signed record says how it was obtained", &["key-record"], Stated),
        ("build server", "trusted key", "no public record binds them", &["builder-key-binding"], Stated),
        ("trusted key", "signed archive", "signature over its digest", &["manifest-signature"], Proved),
        ("signed archive", "build record and log", "one build's name in all places", &["manifest-name"], Stated),
        ("server's answers", "build record and log", "the saved answers name this build", &["server-record"], Stated),
        ("signed archive", "commit", "every git object hashes to its name", COMMIT, Proved),
        ("commit", "work tree", "the files are the commit's tree", TREE, Proved),
        ("commit", "approval", "a list that was given approves it", &["source-approved"], Stated),
        ("commit", "pushed image", "the build server's log says so", &["log-image"], Stated),
        ("pushed image", "image at hand", "digest, configuration and layers are the log's", IMAGE, Proved),
        ("pushed image", "image's signer", "a trusted key signed its digest", &["image-signature"], Proved),
        (
            "image at hand",
            DEPLOYED,
            "named by digest, with an accepted manifest",
            &["workload-image", "workload-pinned"],
            Stated,
        ),
    ]
};

fn links(plans: &[Plan], findings: &[Finding]) -> Vec<Link> {
    // What fails is drawn once: behind it, what was not looked at for that reason is not examined.
    let mut broken: Vec<&'static str> = Vec::new();
    let is_consequence = |check: &str| findings.iter().any(|one| one.check == check && one.is_consequence());
    let link = |&(from, to, how, checks, best): &Plan| {
        let answers: Vec<(&'static str, Strength)> = checks
            .iter()
            .map(|check| (*check, strength(findings.iter().find(|finding| finding.check == *check), best)))
            .collect();
        let weakest =
            [Strength::Broken, Strength::NotExamined].into_iter().find(|weak| answers.iter().any(|(_, s)| s == weak));
        let strength = weakest.unwrap_or(best);
        let failed: Vec<&'static str> =
            answers.iter().filter(|(_, answer)| *answer == Strength::Broken).map(|(check, _)| *check).collect();
        let follows =
            failed.iter().all(|check| broken.contains(check)) && checks.iter().any(|check| is_consequence(check));
        broken.extend(&failed);
        if strength == Strength::Broken && follows {
            let checks = checks.iter().copied().filter(|check| is_consequence(check)).collect();
            return Link { from, to, how, checks, strength: Strength::NotExamined };
        }
        let checks = answers.into_iter().filter(|(_, answer)| *answer == strength).map(|(check, _)| check).collect();
        Link { from, to, how, checks, strength }
    };
    plans.iter().map(link).collect()
}

fn strength(finding: Option<&Finding>, best: Strength) -> Strength {
    match finding.map(|finding| finding.status) {
        Some(Status::Pass) => best,
        Some(Status::Fail) => Strength::Broken,
        // An answer that could not be decided links nothing; it is a break only where it rejects.
        Some(Status::Unknown) if finding.is_some_and(Finding::rejects) => Strength::Broken,
        _ => Strength::NotExamined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{self, CHECKS};
    use crate::finding::{self, Demand, Effect, Group, Level, Reason, Verdict};

    /// A report whose checks all have `status`, but those that are named.
    fn report(status: Status, but: &[(&str, Status)]) -> BundleReport {
        let mut report = BundleReport::of_nothing("b", vec![]);
        report.verdict = Verdict::Accept;
        report.findings = CHECKS
            .into_iter()
            .map(|check| Finding {
                check: check.name,
                group: check.group,
                level: Level::Require,
                status: but.iter().find(|(name, _)| *name == check.name).map_or(status, |(_, status)| *status),
                message: String::new(),
                expected: None,
                found: None,
                details: Vec::new(),
                waiver: None,
                caused_by: None,
                effect: Effect::None,
                demand: Demand::None,
                missing_evidence: check.missing_evidence,
            })
            .collect();
        finding::settle(&mut report.findings, &Group::ALL, |_| None);
        report
    }

    fn link(report: &BundleReport, to: &str) -> (Strength, Vec<&'static str>) {
        let link = chain(report).into_iter().find(|link| link.to == to).unwrap();
        (link.strength, link.checks)
    }

    #[test]
    fn every_check_of_a_link_exists_and_a_link_holds_only_if_all_of_them_pass() {
        for (_, to, _, checks, best) in PLANS {
            assert!(!checks.is_empty() && checks.iter().all(|name| check::find(name).is_some()), "{to}");
            assert!(matches!(best, Strength::Proved | Strength::Stated));
            for one in checks {
                for (status, expected) in [
                    (Status::Fail, Strength::Broken),
                    (Status::Unknown, Strength::Broken),
                    (Status::NotRun(Reason::NoEvidence), Strength::NotExamined),
                    (Status::Pass, best),
                ] {
                    let report = report(Status::Pass, &[(one, status)]);
                    let found = chain(&report)
                        .into_iter()
                        .find(|link| link.to == to && PLANS.iter().any(|plan| plan.2 == link.how && plan.3 == checks));
                    assert_eq!(found.map(|link| link.strength), Some(expected), "{to} {one}");
                }
            }
        }
    }

    #[test]
    fn the_checks_that_decide_are_named() {
        let passes = report(Status::Pass, &[]);
        assert_eq!(
            link(&passes, "image at hand"),
            (Strength::Proved, vec!["image-digest", "image-config", "image-layers"])
        );
        assert_eq!(link(&passes, "pushed image").0, Strength::Stated);
        let other = report(
            Status::Pass,
            &[("image-layers", Status::Fail), ("image-config", Status::NotRun(Reason::NoEvidence))],
        );
        assert_eq!(link(&other, "image at hand"), (Strength::Broken, vec!["image-layers"]));
        let refused = report(Status::NotRun(Reason::Refused), &[("manifest-signature", Status::Fail)]);
        assert!(chain(&refused).iter().all(|link| !matches!(link.strength, Strength::Proved | Strength::Stated)));
    }
}
