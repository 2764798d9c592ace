//! Accepted builds whose audits leave something open: what was not checked, and what the policy waives or weakens.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::mask::mask;
use crate::base::words::counted;
use crate::judge::finding::{Finding, Verdict};
use crate::report::{BundleReport, QuestionReport, scope, summary};

/// An accepted build that was accepted in part, under a policy that weakens checks, or with warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualified {
    /// Path of the bundle.
    pub bundle: String,
    /// `accept`, or `accept-in-part`.
    pub verdict: Verdict,
    /// Whether the policy requires no checks of builds.
    pub(super) requires_nothing: bool,
    /// That its image is another one than the log's, if it is.
    pub(super) contradiction: Option<&'static str>,
    /// For an acceptance in part: groups and checks that were not checked. Also what was not checked within a group: an image's own
    /// digest, its layers, the build server's workload.
    pub not_checked: Vec<String>,
    /// For an acceptance in part: groups with answers, none of which decides.
    pub undecided: Vec<String>,
    /// Checks at `warn` that failed or are undecided: `CHECK: MESSAGE`.
    pub warned: Vec<String>,
    /// Checks with an active waiver.
    pub waived: Vec<String>,
    /// Checks below their default level: `CHECK LEVEL`.
    pub weakened: Vec<String>,
    /// Each waiver, with its owner, end and reason.
    pub waivers: Vec<String>,
}

impl Qualified {
    /// What an accepted bundle's audit leaves open; `None` if it leaves nothing open, or if the bundle is not accepted.
    pub(crate) fn of(bundle: &BundleReport, question: &QuestionReport) -> Option<Self> {
        let is_part = match bundle.verdict {
            Verdict::Accept => false,
            Verdict::AcceptInPart => true,
            Verdict::Reject | Verdict::None => return None,
        };
        let weakened: Vec<String> = bundle.played().flat_map(|finding| scope::weakened(question, finding)).collect();
        let waiver =
            |finding: &Finding| Some(mask(&format!("{}: {}", finding.check, finding.waiver.as_ref()?.words())));
        let of_part = |words: Vec<&'static str>| words.into_iter().filter(|_| is_part).map(str::to_owned).collect();
        let warned = bundle.played().filter(|finding| finding.is_doubt() && !finding.is_waived());
        let warned: Vec<String> =
            warned.map(|finding| mask(&format!("{}: {}", finding.check, finding.message))).collect();
        let mut not_checked: Vec<String> = of_part(bundle.not_checked());
        // Rows that use an index's own digest are counted separately.
        let manifest = bundle.of_index().map(|index| index.manifest);
        not_checked.extend(bundle.gap_words(manifest).into_iter().map(str::to_owned));
        (is_part || !weakened.is_empty() || !warned.is_empty() || !not_checked.is_empty()).then(|| Self {
            bundle: bundle.path.clone(),
            verdict: bundle.verdict,
            requires_nothing: question.require.is_empty(),
            contradiction: bundle.image_contradiction(),
            not_checked,
            undecided: of_part(bundle.undecided()),
            warned,
            waived: bundle.waived().map(|finding| finding.check.to_owned()).collect(),
            weakened,
            waivers: bundle.waived().filter_map(waiver).collect(),
        })
    }

    /// The verdict and what is open, in one line.
    pub(super) fn words(&self) -> String {
        let verdict = summary::verdict_words(self.verdict).to_lowercase();
        format!("{verdict}: {}", open([self]))
    }

    /// The verdict and what is open, with every weakened check and every waiver.
    pub(super) fn whole(&self) -> String {
        [vec![self.words()], self.weakened.clone(), self.warned.clone(), self.waivers.clone()].concat().join("; ")
    }
}

/// What builds leave open, together: `source not checked; log-image waived; off: source-tree`.
fn open<'q>(builds: impl IntoIterator<Item = &'q Qualified> + Clone) -> String {
    let all = |list: fn(&Qualified) -> &Vec<String>| {
        let mut names: Vec<&str> = Vec::new();
        for name in builds.clone().into_iter().flat_map(list) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    };
    let mut parts = Vec::new();
    if builds.clone().into_iter().any(|one| one.requires_nothing) {
        parts.push("the policy requires no checks of the build".to_owned());
    }
    for (names, word) in [
        (all(|one| &one.not_checked), "not checked"),
        (all(|one| &one.undecided), "without a deciding answer"),
        (all(|one| &one.waived), "waived"),
    ] {
        if !names.is_empty() {
            parts.push(format!("{} {word}", names.join(", ")));
        }
    }
    parts.extend(builds.clone().into_iter().find_map(|one| one.contradiction).map(str::to_owned));
    parts.extend(scope::counts(all(|one| &one.weakened).into_iter()));
    let warned: BTreeSet<&str> =
        builds.clone().into_iter().flat_map(|one| &one.warned).filter_map(|one| one.split(':').next()).collect();
    if !warned.is_empty() {
        parts.push(format!("warnings of {}", warned.into_iter().collect::<Vec<_>>().join(", ")));
    }
    parts.join("; ")
}

/// What all these builds leave open, for the headline: `2 builds accepted in part (log-image waived; off: source-tree)`. Empty if there
/// are no builds.
pub(super) fn headline(builds: &[Qualified]) -> String {
    let in_part = builds.iter().filter(|one| one.verdict == Verdict::AcceptInPart).count();
    match (builds.is_empty(), in_part) {
        (true, _) => String::new(),
        (false, 0) => open(builds),
        (false, count) => format!("{} accepted in part ({})", counted(count, "build"), open(builds)),
    }
}

/// One line for all builds that leave the same things open, with the number of builds, or with the bundle if there is only one.
pub(super) fn exceptions(builds: &[Qualified]) -> Vec<String> {
    let mut by_words: BTreeMap<String, Vec<&Qualified>> = BTreeMap::new();
    for one in builds {
        by_words.entry(one.whole()).or_default().push(one);
    }
    let line = |(words, builds): (String, Vec<&Qualified>)| match builds.as_slice() {
        [one] => format!("{}: {words}", one.bundle),
        several => format!("{} {words}", counted(several.len(), "build")),
    };
    by_words.into_iter().map(line).collect()
}
