//! The chain from the key to the deployed image: how each piece is linked to the next, and the strength of each link.

use super::{BundleReport, ImageReport, summary};
use crate::judge::check::{self, CHECKS, ChainLink};
use crate::judge::evidence::Known;
use crate::judge::finding::{Finding, Said, Status};

/// The strength of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    /// This program recomputed the link.
    Proved,
    /// A witness states the link, and nothing contradicts it.
    Stated,
    /// The link was not examined, or was examined without a result.
    NotExamined,
    /// A check could not decide and therefore rejects the bundle.
    Undecided,
    /// A check failed.
    Broken,
}

impl Strength {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Stated => "stated",
            Self::NotExamined => "not examined",
            Self::Undecided => "undecided",
            Self::Broken => "does not hold",
        }
    }

    fn rejects(self) -> bool {
        matches!(self, Self::Undecided | Self::Broken)
    }
}

/// One link of the chain, from one piece to the next.
pub(super) struct Link {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) how: &'static str,
    /// The checks that decide the strength: those with the weakest answer.
    pub(super) checks: Vec<&'static str>,
    pub(super) strength: Strength,
}

/// The links of a build, up to the deployed image.
pub(super) fn chain(bundle: &BundleReport) -> Vec<Link> {
    of_build(bundle)
}

/// A log that names no image can pass `log-image`, because a missing line is not a disagreement. Such a log does not state which image was
/// pushed.
fn of_build(bundle: &BundleReport) -> Vec<Link> {
    let mut links = links(&PLANS, &bundle.findings);
    if !summary::log_names_image(bundle) {
        let stated = |link: &&mut Link| link.to == PUSHED && link.strength == Strength::Stated;
        links.iter_mut().filter(stated).for_each(|link| link.strength = Strength::NotExamined);
    }
    links
}

/// The links for an image to be deployed: those of its build, if one was found, and those of the workload.
pub(super) fn chain_of_image(image: &ImageReport, bundle: Option<&BundleReport>) -> Vec<Link> {
    let build = bundle.map_or_else(|| links(&PLANS, &[]), of_build);
    let own = links(&WORKLOAD_PLANS, &image.findings);
    build.into_iter().filter(|link| link.to != DEPLOYED).chain(own).collect()
}

const PUSHED: &str = "pushed image";
const DEPLOYED: &str = "workload file";

/// A link of the diagram: its two ends, how they are linked, and the greatest possible strength. Each check lists the links
/// that it belongs to.
type Plan = (ChainLink, &'static str, &'static str, &'static str, Strength);

const WORKLOAD_PLANS: [Plan; 4] = {
    use ChainLink::{ContractKey, ContractSigner, DeployedByDigest, Instance};
    use Strength::Stated;
    [
        (
            DeployedByDigest,
            "pushed image",
            DEPLOYED,
            "the digest in the file: the signed log names it, or an index that leads to it",
            Stated,
        ),
        (ContractKey, "image's key", "contract", "a contract key that the log records or the policy lists", Stated),
        (
            ContractSigner,
            "contract",
            "signing key",
            "signature over the text of its sections, by the policy's key or else the contract's own",
            Stated,
        ),
        (
            Instance,
            "contract",
            "booted instance",
            "an attestation record with the digest of its workload section",
            Stated,
        ),
    ]
};

const PLANS: [Plan; 13] = {
    use ChainLink::{
        Approval, Archive, Commit, Deployed, ImageAtHand, ImageSigner, KeyHolder, PushedImage, Record, ServerAnswers,
        ServerKey, Specified, WorkTree,
    };
    use Strength::{Proved, Stated};
    [
        (KeyHolder, "key's holder", "trusted key", "a signed record of how it was obtained", Stated),
        (ServerKey, "build server", "trusted key", "no public record binds them", Stated),
        (Archive, "trusted key", "signed archive", "signature over its digest", Proved),
        (Record, "signed archive", "build record", "agreement of the build's names", Stated),
        (
            ServerAnswers,
            "server's answers",
            "build record",
            "saved responses with this build's name, tag or digest",
            Stated,
        ),
        (
            Commit,
            "signed archive",
            "commit",
            "objects that hash to their ids; only .git/shallow may cut history",
            Proved,
        ),
        (
            Specified,
            "commit",
            "tag and policy",
            "the tag's seven digits (28 bits); what the policy expects, if anything",
            Stated,
        ),
        (WorkTree, "commit", "work tree", "the commit's files, apart from listed exceptions", Proved),
        (Approval, "commit", "approval", "a supplied list that approves it", Stated),
        (
            PushedImage,
            "signed archive",
            PUSHED,
            "a log that names it; at most seven digits of its tag link it to the commit",
            Stated,
        ),
        (
            ImageAtHand,
            "pushed image",
            "supplied image",
            "the digest in the log; configuration and layers that match its manifest",
            Proved,
        ),
        (
            ImageSigner,
            "pushed image",
            "image's signer",
            "a signature over its digest, by or under a key or identity from the policy or the log",
            Proved,
        ),
        (Deployed, "supplied image", DEPLOYED, "a reference by digest, and an accepted manifest", Stated),
    ]
};

/// The checks that must pass for a link, in the table's order.
fn checks_of(link: ChainLink) -> Vec<&'static str> {
    CHECKS.iter().filter(|check| check.links.contains(&link)).map(|check| check.name).collect()
}

fn links(plans: &[Plan], findings: &[Finding]) -> Vec<Link> {
    // A link counts as not examined if earlier links already show all of its rejecting checks, and another of its checks could not run.
    let mut drawn: Vec<&'static str> = Vec::new();
    let is_consequence = |check: &str| findings.iter().any(|one| one.check == check && one.is_consequence());
    let draw = |&(link, from, to, how, best): &Plan| {
        let checks = checks_of(link);
        let answers: Vec<(&'static str, Strength)> = checks
            .iter()
            .map(|check| (*check, strength(findings.iter().find(|finding| finding.check == *check), best)))
            .collect();
        let weakest = [Strength::Broken, Strength::Undecided, Strength::NotExamined]
            .into_iter()
            .find(|weak| answers.iter().any(|(_, s)| s == weak));
        // A link without checks must never count as proved or stated.
        let strength = weakest.unwrap_or(if checks.is_empty() { Strength::NotExamined } else { best });
        let failed: Vec<&'static str> =
            answers.iter().filter(|(_, answer)| answer.rejects()).map(|(check, _)| *check).collect();
        let follows =
            failed.iter().all(|check| drawn.contains(check)) && checks.iter().any(|check| is_consequence(check));
        drawn.extend(&failed);
        if strength.rejects() && follows {
            let checks = checks.iter().copied().filter(|check| is_consequence(check)).collect();
            return Link { from, to, how, checks, strength: Strength::NotExamined };
        }
        let checks = answers.into_iter().filter(|(_, answer)| *answer == strength).map(|(check, _)| check).collect();
        Link { from, to, how, checks, strength }
    };
    plans.iter().map(draw).collect()
}

/// Whether a pass of this check states a link. Without a record that counts, `key-record` compares grades and states nothing about the key's origin.
/// Without a name in build.json, `manifest-name` compares names that are not signed; and without a tag or `expect.commit`, `source-commit` compares
/// only such names, or a branch's name.
pub(super) fn is_statement(finding: &Finding) -> bool {
    let says = |known: Known| finding.says.iter().any(|said| said.known == known);
    match finding.check {
        "key-record" => says(Known::Stated),
        "manifest-name" => says(Known::Signed),
        "source-commit" => {
            let states = |said: &Said| said.known != Known::Given && said.text.starts_with(check::HEAD);
            finding.says.iter().any(states)
        }
        _ => true,
    }
}

fn strength(finding: Option<&Finding>, best: Strength) -> Strength {
    match finding.map(|finding| finding.status) {
        Some(Status::Pass) if !finding.is_some_and(is_statement) => Strength::NotExamined,
        Some(Status::Pass) => best,
        Some(Status::Fail) => Strength::Broken,
        // An answer is drawn as undecided only if it rejects.
        Some(Status::Unknown) if finding.is_some_and(Finding::rejects) => Strength::Undecided,
        _ => Strength::NotExamined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::evidence::Fact;
    use crate::judge::finding::{self, Demand, Effect, Group, Level, Reason, Said, Verdict};

    /// A report in which all checks have `status`, except those in `but`.
    fn report(status: Status, but: &[(&str, Status)]) -> BundleReport {
        let mut report = BundleReport::of_nothing("b", vec![]);
        report.verdict = Verdict::Accept;
        report.evidence = vec![Fact::new("image", "build.log", "docker.io/acme/wallet".into(), Known::Signed)];
        report.findings = CHECKS
            .iter()
            .map(|check| Finding {
                check: check.name,
                group: check.group,
                level: Level::Require,
                status: but.iter().find(|(name, _)| *name == check.name).map_or(status, |(_, status)| *status),
                message: String::new(),
                expected: None,
                found: None,
                details: Vec::new(),
                // A key record that counts, a signed name, and the digits of a signed tag.
                says: [Known::Stated, Known::Signed].map(|known| Said { text: "HEAD begins".into(), known }).into(),
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
    fn each_link_of_a_check_is_drawn_exactly_once() {
        let drawn: Vec<ChainLink> = PLANS.iter().chain(&WORKLOAD_PLANS).map(|plan| plan.0).collect();
        for check in CHECKS {
            for link in check.links {
                let count = drawn.iter().filter(|one| *one == link).count();
                assert_eq!(count, 1, "{}: {link:?} is drawn {count} times", check.name);
            }
        }
        for link in drawn {
            assert!(!checks_of(link).is_empty(), "{link:?}: no check belongs to it");
        }
    }

    #[test]
    fn a_link_holds_only_if_all_of_its_checks_pass() {
        for (link, _, to, how, best) in PLANS {
            assert!(matches!(best, Strength::Proved | Strength::Stated));
            for one in checks_of(link) {
                for (status, expected) in [
                    (Status::Fail, Strength::Broken),
                    (Status::Unknown, Strength::Undecided),
                    (Status::NotRun(Reason::NoEvidence), Strength::NotExamined),
                    (Status::Pass, best),
                ] {
                    let report = report(Status::Pass, &[(one, status)]);
                    let found = chain(&report).into_iter().find(|link| link.to == to && link.how == how);
                    assert_eq!(found.map(|link| link.strength), Some(expected), "{to} {one}");
                }
            }
        }
    }

    /// The files are those of HEAD's commit, whichever commit was expected.
    #[test]
    fn another_commit_than_the_expected_one_says_nothing_of_the_work_tree() {
        let report = report(Status::Pass, &[("source-commit", Status::Fail)]);
        assert_eq!(["commit", "work tree"].map(|to| link(&report, to).0), [Strength::Proved; 2]);
        assert_eq!(link(&report, "tag and policy").0, Strength::Broken);
    }

    /// Only a branch's name, or names that are not signed, were compared.
    #[test]
    fn a_commit_that_nothing_signed_specifies_is_not_drawn_as_specified() {
        let mut passes = report(Status::Pass, &[]);
        assert_eq!(link(&passes, "tag and policy").0, Strength::Stated);
        for (text, known) in [("the snapshot has a ref named main", Known::Signed), ("HEAD begins with", Known::Given)]
        {
            let commit = passes.findings.iter_mut().find(|finding| finding.check == "source-commit").unwrap();
            commit.says = vec![Said { text: text.into(), known }];
            assert_eq!(link(&passes, "tag and policy").0, Strength::NotExamined, "{text}");
        }
    }

    #[test]
    fn a_grade_without_a_record_and_unsigned_names_state_nothing() {
        let mut passes = report(Status::Pass, &[]);
        let ends = ["trusted key", "build record"];
        assert_eq!(ends.map(|to| link(&passes, to).0), [Strength::Stated; 2]);
        passes.findings.iter_mut().for_each(|finding| finding.says.clear());
        assert_eq!(ends.map(|to| link(&passes, to).0), [Strength::NotExamined; 2]);
    }

    #[test]
    fn a_log_without_an_image_does_not_state_what_was_pushed() {
        let mut passes = report(Status::Pass, &[]);
        assert_eq!(link(&passes, PUSHED).0, Strength::Stated);
        passes.evidence.clear();
        assert_eq!(link(&passes, PUSHED).0, Strength::NotExamined);
    }

    #[test]
    fn the_deciding_checks_are_listed() {
        let passes = report(Status::Pass, &[]);
        assert_eq!(
            link(&passes, "supplied image"),
            (Strength::Proved, vec!["image-digest", "image-config", "image-layers"])
        );
        assert_eq!(link(&passes, "pushed image").0, Strength::Stated);
        let other = report(
            Status::Pass,
            &[("image-layers", Status::Fail), ("image-config", Status::NotRun(Reason::NoEvidence))],
        );
        assert_eq!(link(&other, "supplied image"), (Strength::Broken, vec!["image-layers"]));
        let refused = report(Status::NotRun(Reason::Refused), &[("manifest-signature", Status::Fail)]);
        assert!(chain(&refused).iter().all(|link| !matches!(link.strength, Strength::Proved | Strength::Stated)));
    }
}
