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
    /// Nobody looked.
    NotExamined,
    /// A check says no, or could not decide.
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
    pub(super) check: &'static str,
    pub(super) strength: Strength,
}

/// The links of a build, up to what is deployed.
pub(super) fn chain(bundle: &BundleReport) -> Vec<Link> {
    links(&LINKS, &bundle.findings)
}

/// The links of an image that is to be deployed: those of its build, where one was found, and those of the workload.
pub(super) fn chain_of_image(image: &ImageReport, bundle: Option<&BundleReport>) -> Vec<Link> {
    let build = links(&LINKS, bundle.map(|bundle| bundle.findings.as_slice()).unwrap_or_default());
    let own = links(&WORKLOAD_LINKS, &image.findings);
    build.into_iter().filter(|link| link.check != "workload-image").chain(own).collect()
}

type Row = (&'static str, &'static str, &'static str, &'static str, Strength);

const WORKLOAD_LINKS: [Row; 4] = [
    ("pushed image", "deployed workload", "the digest that it pins is the log's", "workload-image", Strength::Proved),
    ("image's key", "contract", "the key that it names is the build's", "workload-key", Strength::Stated),
    ("contract", "contract's signer", "signature over its two sections", "contract-signature", Strength::Proved),
    ("contract", "booted instance", "an attestation record names it", "attestation-record", Strength::Proved),
];

const LINKS: [Row; 9] = {
    use Strength::{Proved, Stated};
    [
        ("trusted key", "signed archive", "signature over its digest", "manifest-signature", Proved),
        ("signed archive", "build record and log", "one build's name in all places", "manifest-name", Stated),
        ("signed archive", "commit", "every git object hashes to its name", "source-objects", Proved),
        ("commit", "work tree", "the files are the commit's tree", "source-tree", Proved),
        ("commit", "pushed image", "the build server's log says so", "log-image", Stated),
        ("pushed image", "image at hand", "its digest is the log's", "image-digest", Proved),
        ("image at hand", "image's signer", "a trusted key signed the image", "image-signature", Proved),
        ("build server", "trusted key", "no public record binds them", "builder-key-binding", Stated),
        ("image at hand", "deployed workload", "named by digest, with an accepted manifest", "workload-image", Stated),
    ]
};

fn links(rows: &[Row], findings: &[Finding]) -> Vec<Link> {
    rows.iter()
        .map(|(from, to, how, check, best)| {
            let finding = findings.iter().find(|finding| finding.check == *check);
            Link { from, to, how, check, strength: strength(finding, *best) }
        })
        .collect()
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
