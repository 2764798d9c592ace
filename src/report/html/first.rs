//! The first sheet for one bundle, and for a run without a bundle.

use super::super::{
    BundleReport, CaseReport, Depth, QuestionReport, Report, gaps, key_words, remarks, remedy, repeat, summary,
};
use super::sheet::{LETTERS, Part, REASONS, Row, Sheet, Signed, Tone, beginning, shortened};
use crate::base::words::counted_as;
use crate::gate::verify::Grade;
use crate::judge::check::MANIFEST_SIGNATURE;
use crate::judge::evidence::{Fact, Known};
use crate::judge::finding::{Finding, Group, Status, Verdict};

/// The passed checks that are listed first.
const FIRST: [&str; 14] = [
    MANIFEST_SIGNATURE,
    "source-commit",
    "source-tree",
    "source-repository",
    "source-approved",
    "image-digest",
    "image-layers",
    "image-signature",
    "manifest-key",
    "manifest-name",
    "builder-record",
    "image-config",
    "image-platform",
    "build-status",
];

/// Maximum number of keys that the sheet lists if the signature does not verify under them.
const KEYS: usize = 4;

/// Maximum number of lines from a key's record on the sheet.
const RECORD: usize = 4;

const FINDINGS: &str = "see Findings";

/// The name of the bundle.
pub(super) fn name(bundle: &BundleReport) -> &str {
    bundle.build_name.as_deref().unwrap_or(&bundle.path)
}

pub(super) fn sheet(report: &Report, bundle: &BundleReport) -> Sheet {
    // An error ends with advice, which is never cut off.
    let mut because = summary::because(report, bundle);
    if bundle.error.is_none() {
        because = beginning(because, REASONS, FINDINGS);
    }
    because.extend(remarks::all(report));
    let mut sheet = Sheet {
        title: "Audit of a build manifest",
        tone: tone(bundle.verdict),
        headline: summary::headline(report, bundle),
        because,
        next: next(report, bundle),
        rows: subject(report, bundle),
        counted: counted(bundle),
        found: found(bundle),
        not_proved: summary::not_proved(bundle),
        exceptions: beginning(exceptions(report, bundle), REASONS, FINDINGS),
        command: repeat::options(report, Some(bundle)),
        repeats: repeats(report),
        prepared: signed(report, "prepared"),
        reviewed: signed(report, "reviewed"),
    };
    sheet.rows.extend(terms(report, Some(bundle), summary::judged(report, Some(bundle))));
    sheet.rows.push(key(report, bundle));
    sheet.rows.extend(case(report));
    sheet
}

/// The sheet for a run that ended before any bundle had a verdict.
pub(super) fn without_bundle(report: &Report) -> Sheet {
    let reasons =
        report.error.iter().flat_map(|error| [summary::fault(error), format!("What to do: {}", summary::hint(error))]);
    let mut sheet = Sheet {
        title: "Audit of build manifests",
        tone: Tone::Open,
        headline: "NO VERDICT".into(),
        because: reasons.chain(remarks::all(report)).collect(),
        next: NO_VERDICT.into(),
        rows: reference(report),
        counted: String::new(),
        found: Vec::new(),
        not_proved: Vec::new(),
        exceptions: Vec::new(),
        command: repeat::options(report, None),
        repeats: repeats(report),
        prepared: signed(report, "prepared"),
        reviewed: signed(report, "reviewed"),
    };
    sheet.rows.extend(terms(report, None, summary::judged(report, None)));
    sheet.rows.extend(case(report));
    sheet
}

const NO_VERDICT: &str = "There is no verdict. This is neither an acceptance nor a rejection. Do not deploy the build on the basis of this report.";

pub(super) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Accept => Tone::Accepted,
        Verdict::AcceptInPart => Tone::InPart,
        Verdict::Reject => Tone::Refused,
        Verdict::None => Tone::Open,
    }
}

/// The exceptions. If the sheet has no space for all that speaks against the build, a first line names the checks.
fn exceptions(report: &Report, bundle: &BundleReport) -> Vec<String> {
    let found = gaps::exceptions(report, bundle);
    let first = if found.against.len() > REASONS { gaps::lines_in_doubt(std::iter::once(bundle)) } else { Vec::new() };
    first.into_iter().chain(found.all()).collect()
}

/// The advice on what to do after this verdict.
fn next(report: &Report, bundle: &BundleReport) -> String {
    match bundle.verdict {
        Verdict::Accept => {
            let image = match bundle.in_play.contains(&Group::Image) {
                true => "",
                false => "The image itself was not examined. ",
            };
            let index = match bundle.of_index().filter(|one| one.has_others) {
                Some(one) => format!("Only the image {} of the index was examined. ", one.manifest),
                None => String::new(),
            };
            format!(
                "No required check rejects this build. {image}{index}Do not deploy it yet: first, the reviewer decides on each exception and on each point under Not proved."
            )
        }
        Verdict::AcceptInPart => in_part(report, bundle),
        Verdict::Reject => match (remedy::sentences(report, bundle), bundle.rejecting().next()) {
            ("", Some(cause)) => format!(
                "Do not deploy this build. To see what is compared and what a failure means, run hpsb-audit explain {}.",
                cause.check
            ),
            (own, _) => format!("Do not deploy this build. {own}"),
        },
        Verdict::None => NO_VERDICT.into(),
    }
}

fn in_part(report: &Report, bundle: &BundleReport) -> String {
    let mut steps = Vec::new();
    if report.policy.is_none() {
        steps.push("supply a policy that states what is required (--policy)".to_owned());
    }
    let lacking: Vec<&str> = bundle.not_built_in().collect();
    if !lacking.is_empty() {
        steps.push(format!("audit with a build of the program that includes {}", lacking.join(", ")));
    }
    let missing: Vec<&str> = bundle.not_checked().into_iter().filter(|one| !lacking.contains(one)).collect();
    if !missing.is_empty() {
        steps.push(format!("supply the evidence for {}, or decide that it is not needed", missing.join(", ")));
    }
    if bundle.waived().next().is_some() {
        steps.push("review the waivers under Exceptions".to_owned());
    }
    let steps = if steps.is_empty() { "list the required groups in the policy".into() } else { steps.join("; ") };
    format!("No check rejects this build, but do not deploy it yet. First: {steps}.")
}

fn subject(report: &Report, bundle: &BundleReport) -> Vec<Row> {
    let mut rows = reference(report);
    rows.extend(summary::build_name(bundle).map(|(name, known)| {
        let how = if known == Known::Given { "given: the members' names, not signed" } else { known.word() };
        Row { label: "Build", lines: vec![vec![Part::Code(name.to_owned()), Part::Known(how.into())]] }
    }));
    let mut file = Row::new("Bundle", vec![Part::Code(bundle.path.clone())]);
    file.lines.extend(
        bundle.file.map(|(digest, size)| vec![Part::Code(digest.to_string()), Part::Words(format!("{size} bytes"))]),
    );
    rows.push(file);
    let facts = summary::subject(bundle);
    let of = |label: &'static str, names: &[&str]| {
        let lines: Vec<_> =
            facts.iter().filter(|fact| names.contains(&fact.fact.as_str())).map(|fact| told(fact)).collect();
        (!lines.is_empty()).then_some(Row { label, lines })
    };
    let mut built = of("Built", &["built-at"]);
    let server = facts.iter().find(|fact| fact.fact == "server-version");
    if let (Some(line), Some(server)) = (built.as_mut().and_then(|row| row.lines.last_mut()), server) {
        line.push(Part::Words("by server version".into()));
        line.extend(told(server));
    }
    let read = rows.len();
    rows.extend(repository(bundle));
    rows.extend([of("Commit", &["commit"]), of("Image", &["image", "image-digest"]), built].into_iter().flatten());
    if rows.len() == read {
        rows.push(Row::words("Content", "not read: repository, commit, image and build time are not known"));
    }
    rows
}

/// The address of the repository: the remote of the archived clone, or else the address in the log.
fn repository(bundle: &BundleReport) -> Option<Row> {
    let facts = || bundle.evidence.iter().filter(|fact| fact.fact == "repository");
    let remotes = facts().filter(|fact| fact.value.starts_with("remote "));
    let mut lines: Vec<Vec<Part>> = remotes.take(2).map(told).collect();
    if lines.is_empty() {
        lines = facts().take(2).map(told).collect();
    } else {
        let has = |name: &str| bundle.evidence.iter().any(|fact| fact.fact == name);
        if has(summary::INCLUDE) {
            lines.push(vec![Part::Words(format!("The clone's config {}.", summary::HAS_INCLUDES))]);
        }
        if has(summary::ELSEWHERE) {
            lines.push(vec![Part::Words(format!("For the clone, {}.", summary::HAS_ELSEWHERE))]);
        }
    }
    (!lines.is_empty()).then_some(Row { label: "Repository", lines })
}

fn told(fact: &Fact) -> Vec<Part> {
    // The value also contains the tag and the size, which are in the matrix.
    let digest = fact.data.as_ref().filter(|_| fact.fact == "image-digest").and_then(|data| data.get("digest"));
    let value = digest.and_then(|digest| digest.as_str()).unwrap_or(&fact.value);
    vec![Part::Code(value.to_owned()), Part::Known(format!("{}: {}", fact.known.word(), fact.witness))]
}

pub(super) fn reference(report: &Report) -> Vec<Row> {
    report.reference.iter().map(|reference| Row::words("Reference", reference.clone())).collect()
}

/// Shows the time, the policy and the question.
pub(super) fn terms(report: &Report, bundle: Option<&BundleReport>, judged: Option<String>) -> Vec<Row> {
    let moment = judged.unwrap_or_else(|| "no time".to_owned());
    let policy = match &report.policy {
        None if report.case.is_some() && report.error.is_some() => {
            vec![Part::Words("none that counts: see Vouched by".into())]
        }
        None => vec![Part::Words("none: no requirements are defined".into())],
        Some(policy) => vec![Part::Code(policy.path.clone()), Part::Code(policy.sha256.to_string())],
    };
    let mut rows = vec![Row::words("Judged as of", moment), Row::new("Policy", policy)];
    if let Some(question) = &report.question {
        let lines = asked(report, question, bundle)
            .into_iter()
            .map(|line| vec![Part::Words(shortened(&line, LETTERS + LETTERS / 2))])
            .collect();
        rows.push(Row { label: "Question", lines });
    }
    rows
}

/// The question in two lines; the full text is under Question and limits.
fn asked(report: &Report, question: &QuestionReport, bundle: Option<&BundleReport>) -> Vec<String> {
    if question.depth == Depth::SignatureOnly {
        return vec!["Did a trusted key sign exactly the archive's bytes? Nothing else was checked.".into()];
    }
    let mut parts = summary::compared(report, bundle);
    parts.extend(bundle.is_some_and(summary::compares_image).then_some("image"));
    parts.extend(bundle.is_some_and(summary::compares_signatures).then_some("the image's signatures"));
    let attested = match bundle.is_some_and(summary::checks_attestation) {
        true => " Is the attestation valid?",
        false => "",
    };
    let mut lines = vec![format!(
        "Did a trusted key sign exactly the archive's bytes, and do these agree: {}?{attested}",
        parts.join(", ")
    )];
    let mut asked = Vec::new();
    if !question.require.is_empty() {
        let groups: Vec<&str> = question.require.iter().map(|group| group.word()).collect();
        asked.push(format!("Required: {}", groups.join(", ")));
    }
    if !question.passed_over.is_empty() {
        asked.push(format!("Ignored, because only admit and serve evaluate it: {}", question.passed_over.join(", ")));
    }
    if !question.expect.is_empty() {
        asked.push(format!("Expected: {}", summary::expected(question)));
    }
    lines.extend((!asked.is_empty()).then(|| asked.join(". ") + "."));
    lines
}

fn key(report: &Report, bundle: &BundleReport) -> Row {
    let Some(key) = &bundle.key else {
        let mut row = Row::words("Key", format!("{}.", summary::no_key(bundle)));
        let tried = beginning(remedy::keys(bundle).map(str::to_owned).collect(), KEYS, "see What was read");
        row.lines.extend(if tried.is_empty() {
            trusted(report)
        } else {
            tried.iter().map(|line| coded(line)).collect()
        });
        return row;
    };
    let mut row = Row::new(
        "Key",
        vec![Part::Code(key.fingerprint.to_string()), Part::Words(format!("{}, {} bits", key.kind, key.bits))],
    );
    row.lines.push(vec![Part::Words(format!(
        "Source: {}. The grade is the {}.",
        key_words::named(&key.source),
        key_words::grade_words(key.grade)
    ))]);
    let record = bundle.findings.iter().find(|finding| finding.check == "key-record");
    if let Some(record) = record.filter(|_| key.grade != Grade::CommandLine || record_fails(bundle)) {
        let details = beginning(record.details.clone(), RECORD, FINDINGS);
        row.lines.extend(details.into_iter().map(|line| vec![Part::Words(format!("Its record: {line}"))]));
    }
    row
}

fn record_fails(bundle: &BundleReport) -> bool {
    bundle.findings.iter().any(|finding| finding.check == "key-record" && finding.status == Status::Fail)
}

/// Text with its digests in a code font, so that they can be compared.
fn coded(text: &str) -> Vec<Part> {
    let is_digest = |word: &str| word.starts_with("sha256:");
    let mut parts: Vec<Part> = Vec::new();
    for word in text.split(' ') {
        match parts.last_mut() {
            _ if is_digest(word) => parts.push(Part::Code(word.to_owned())),
            Some(Part::Words(words)) => {
                words.push(' ');
                words.push_str(word);
            }
            _ => parts.push(Part::Words(word.to_owned())),
        }
    }
    parts
}

/// The first three trusted keys and the number of further keys, for a report without a verified signature.
pub(super) fn trusted(report: &Report) -> Vec<Vec<Part>> {
    let keys = report.question.iter().flat_map(|question| &question.keys);
    let keys: Vec<String> = keys.map(ToString::to_string).collect();
    let lines = beginning(keys, 3, "see What was read");
    lines.into_iter().map(|key| vec![Part::Words("trusted:".into()), Part::Code(key)]).collect()
}

/// The number of answers of each kind in the groups in play, as on the terminal; the checks of the other groups are counted separately.
fn counted(bundle: &BundleReport) -> String {
    let count = |is: fn(&Finding) -> bool| bundle.played().filter(|finding| is(finding)).count();
    let all = bundle.played().count();
    let mut words = vec![format!("{} of {all} checks passed", count(|f| f.status == Status::Pass))];
    for (number, says) in [
        (count(|f| f.status == Status::Fail), "failed"),
        (count(|f| f.status == Status::Unknown), "undecided"),
        (count(|f| f.status.is_not_run()), "not run"),
    ] {
        if number > 0 {
            words.push(format!("{number} {says}"));
        }
    }
    let groups: Vec<&str> = bundle.not_in_play().into_iter().map(Group::word).collect();
    let others = match bundle.findings.len().saturating_sub(all) {
        0 => String::new(),
        count => format!(
            " {} in groups that were not checked: {}.",
            counted_as(count, "more check is", "more checks are"),
            groups.join(", ")
        ),
    };
    format!("{}.{others}", words.join(", "))
}

/// The statements of every passed check in play, most important first.
fn found(bundle: &BundleReport) -> Vec<(String, &'static str)> {
    let mut passed: Vec<&Finding> = bundle.played().filter(|finding| finding.status == Status::Pass).collect();
    passed.sort_by_key(|finding| rank(finding.check));
    passed.into_iter().flat_map(summary::found_by).map(|found| (found.sentence, found.known.word())).collect()
}

/// The rank of a check by its importance for the reader of the sheet.
pub(super) fn rank(check: &str) -> usize {
    FIRST.iter().position(|name| *name == check).unwrap_or(FIRST.len())
}

pub(super) fn repeats(report: &Report) -> String {
    match report.verdict() {
        Verdict::None if matches!(report.error, Some(crate::base::error::Error::NoKey { .. })) => {
            "Running the same command again gives no verdict either.".into()
        }
        Verdict::None => {
            "Running the same command again gives no verdict either, unless the fault was temporary.".into()
        }
        _ => {
            let options = repeat::options(report, None);
            let registry = options.iter().any(|option| option.contains("docker://"));
            // A report of an earlier version lists only the fingerprint of a key that was passed as a file.
            let pinned = options.iter().any(|option| option.starts_with("--key sha256:"));
            format!(
                "In the audit's folder, on the same files{}{}, {} {} with the same features gives the same verdict and answers.",
                if pinned { ", with the key as a file next to the bundle" } else { "" },
                if registry { " and with the same responses from the registry" } else { "" },
                report.tool.name,
                report.tool.version
            )
        }
    }
}

/// The main facts about the case; the remaining facts are under Case in full.
pub(super) fn case(report: &Report) -> Vec<Row> {
    let Some(case) = &report.case else { return Vec::new() };
    let lines = case.lines(report);
    let text = |label: &str| lines.iter().find(|(one, _)| *one == label).map(|(_, text)| text.clone());
    let mut rows = vec![Row::new("Case", vec![Part::Code(case.path.clone()), Part::Code(case.digest.clone())])];
    let kept = case.retain_until.as_ref().map_or_else(String::new, |day| format!("; keep until {day}"));
    rows.extend(text("sealed").map(|words| Row::words("Sealed", words + &kept)));
    for (label, of) in [("Repeated", "repeated"), ("Vouched by", "vouched by"), ("Seal", "seal")] {
        rows.extend(text(of).map(|words| Row::words(label, words)));
    }
    rows.extend(existed(case));
    rows
}

fn existed(case: &CaseReport) -> Option<Row> {
    match (&case.existed_by, case.timestamps.first()) {
        (Some(moment), _) => Some(Row::new(
            "Existed by",
            vec![
                Part::Words(format!("{moment}, excluding seal and sign-offs")),
                Part::Known(format!("timestamped: {}", authority(case))),
            ],
        )),
        (None, Some(stamp)) => Some(Row::words("Time-stamp", stamp.words())),
        (None, None) => None,
    }
}

fn authority(case: &CaseReport) -> &str {
    case.timestamps.iter().find_map(|stamp| stamp.authority.as_deref()).unwrap_or("an authority")
}

/// A line for a handwritten signature, or the sign-off from the case.
pub(super) fn signed(report: &Report, role: &str) -> Signed {
    let mut sign_offs = report.case.iter().flat_map(|case| &case.sign_offs);
    sign_offs.find(|one| one.role == role).map_or_else(Signed::default, |one| Signed {
        name: one.name.clone().unwrap_or_else(|| match report.policy {
            Some(_) => "UNKNOWN: the policy does not list the key".into(),
            None => "UNKNOWN: no policy was used".into(),
        }),
        date: format!("{} by the signer's clock or choice", one.at),
        by: format!("by the key {}; the sign-off does not state that the audit was repeated", one.key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Repetition, StampReport, Voucher};

    /// A verified time-stamp does not count if its certificate has expired.
    #[test]
    fn a_verified_time_stamp_is_never_called_not_verified() {
        let row = |authority: Option<&str>, existed_by: Option<&str>| {
            let stamp = StampReport {
                at: "2026-03-05T00:00:00Z".into(),
                authority: authority.map(str::to_owned),
                certificate_ends: None,
            };
            let case = CaseReport {
                path: "a.case".into(),
                digest: String::new(),
                profile: "full".into(),
                sealed_for: String::new(),
                sealed_verdict: "accept".into(),
                judged_for: None,
                repeated: Repetition::SameReport,
                other_answers: Vec::new(),
                vouched_by: Voucher::Reader,
                seal: None,
                timestamps: vec![stamp],
                existed_by: existed_by.map(str::to_owned),
                timestamp_again_by: None,
                sign_offs: Vec::new(),
                retain_until: None,
                remarks: Vec::new(),
            };
            format!("{:?}", existed(&case).map(|row| (row.label, row.lines)))
        };
        assert!(row(None, None).contains("not verified: no --tsa-ca was specified"));
        let over = row(Some("CN=An authority"), None);
        assert!(
            over.contains("by CN=An authority, verified, but it does not count") && !over.contains("not verified"),
            "{over}"
        );
        assert!(row(Some("CN=An authority"), Some("2026-03-05T00:00:00Z")).contains("timestamped: CN=An authority"));
    }
}
