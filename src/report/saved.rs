//! Reads a saved JSON report. Every enumerated value must be one that this program writes, except a profile, a role and a sealed verdict in `case`,
//! and a level in `question`. All values that can be derived (verdicts, totals, exit codes) are derived again and must equal the values in the file.
//! Only a chain that a different version derived is ignored.

use super::json::{
    self, AdmissionRow, Asked, Bundle, Document, Fault, Image, Key, Looked, Row, SaidRow, Setting, Statement, WaiverRow,
};
use super::{
    Admission, BundleReport, CaseReport, Depth, ImageReport, InputReport, KeyReport, Origin, Outside, QuestionReport,
    Report, Rules, SignOffReport, Tool, WorkloadFile,
};
use crate::base::digest::Sha256;
use crate::base::error::{CODES, Error};
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::time::Timestamp;
use crate::gate::key::PublicKey;
use crate::gate::verify::Grade;
use crate::judge::check::{self, CHECKS, Check, MANIFEST_SIGNATURE};
use crate::judge::evidence::{Fact, Known};
use crate::judge::finding::{
    Demand, Effect, Finding, Group, Level, Reason, Said, Status, Verdict, Waiver, WaiverStanding, settle, version_1,
};
use crate::judge::policy::PolicySource;
use crate::workload::Form;

type Read<T> = Result<T, String>;

pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Report, Error> {
    limits.report_bytes().check(bytes.len() as u64, name)?;
    let malformed = |message: String| Error::malformed(format!("the report {name}"), message);
    let mut value = strict_json::parse(bytes).map_err(|error| malformed(error.to_string()))?;
    // The version is checked first, because a different version has different fields, and the error must not be about
    // these fields.
    let rules = match value.get("schema_version").map(ToString::to_string).as_deref() {
        Some("2") => Rules::Current,
        Some("1") => Rules::Version1,
        Some(version) => return Err(malformed(format!("schema_version: expected 1 or 2, found {version}"))),
        None => return Err(malformed("missing schema_version: not an hpsb-audit report".into())),
    };
    let document: Document = serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    limits.bundles().check(document.reports.len() as u64, name)?;
    let report = report(document, rules).map_err(malformed)?;
    let mut again = json::value(&report).map_err(|error| malformed(error.to_string()))?;
    // Each version derives the chain from the answers with different links and wording, so two chains can be compared only if the same version
    // derived both.
    if report.tool.version != env!("CARGO_PKG_VERSION") {
        [&mut value, &mut again].into_iter().for_each(remove_chains);
    }
    match disagreement(&value, &again) {
        None => Ok(report),
        Some(place) => Err(malformed(format!("{place} does not follow from the rest of the report"))),
    }
}

fn remove_chains(document: &mut serde_json::Value) {
    let images = document.get_mut("images").and_then(serde_json::Value::as_array_mut);
    for image in images.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        image.remove("chain");
    }
}

/// The path of the first difference between two documents.
fn disagreement(found: &serde_json::Value, expected: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    let within = |key: String, inner: Option<String>| {
        inner.map(|rest| if rest.is_empty() { key.clone() } else { format!("{key}.{rest}") })
    };
    match (found, expected) {
        (Value::Object(left), Value::Object(right)) if left.len() == right.len() => {
            left.iter().find_map(|(key, value)| {
                let inner = right.get(key).map_or(Some(String::new()), |other| disagreement(value, other));
                within(key.clone(), inner)
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => left
            .iter()
            .zip(right)
            .enumerate()
            .find_map(|(at, (value, other))| within(at.to_string(), disagreement(value, other))),
        _ if found == expected => None,
        _ => Some(String::new()),
    }
}

fn report(document: Document, rules: Rules) -> Read<Report> {
    let question = document.question.map(question).transpose()?;
    // The groups that the policy requires of a bundle. Without a policy, nothing is fully accepted.
    let required =
        document.policy.as_ref().and(question.as_ref()).map(|question| {
            question.require.iter().copied().filter(|group| *group != Group::Workload).collect::<Vec<_>>()
        });
    let read_bundle = |one| bundle(one, rules, question.as_ref(), required.as_deref());
    let bundles = document.reports.into_iter().map(read_bundle).collect::<Read<Vec<_>>>()?;
    let read_image = |one| image(one, &bundles, rules, question.as_ref());
    let images: Vec<ImageReport> = document.images.into_iter().map(read_image).collect::<Read<_>>()?;
    Ok(Report {
        rules,
        tool: Tool { name: document.tool.name, version: document.tool.version, features: document.tool.features },
        now: document.now.as_deref().map(moment).transpose()?,
        origin: Origin::Converted,
        reference: document.reference.as_deref().map(Report::reference).transpose()?,
        policy: match document.policy {
            Some(policy) => {
                Some(PolicySource { path: policy.path, sha256: digest(&policy.sha256)?, files: Vec::new() })
            }
            None => None,
        },
        question,
        case: document.case.map(case).transpose()?,
        error: document.error.map(fault).transpose()?,
        admission: match document.admission {
            Some(row) => Some(admission(row, images)),
            None if images.is_empty() => None,
            None => return Err("the report has images but no admission decision".into()),
        },
        bundles,
    })
}

/// Refuses a case with a sign-off whose `audit` this program does not recognise.
fn case(case: CaseReport) -> Read<CaseReport> {
    let word = |one: &SignOffReport| one.audit.clone().filter(|word| word != SignOffReport::NOT_REPEATED);
    match case.sign_offs.iter().find_map(word) {
        Some(found) => Err(unknown("audit of a sign-off", &found)),
        None => Ok(case),
    }
}

fn admission(row: AdmissionRow, images: Vec<ImageReport>) -> Admission {
    let totals = row.bundles;
    let counts = [totals.accept, totals.accept_in_part, totals.reject, totals.none];
    let skipped = row.skipped.into_iter().map(|one| (one.kind, one.objects)).collect();
    Admission { evidence: row.evidence, counts, images, skipped }
}

fn image(image: Image, bundles: &[BundleReport], rules: Rules, question: Option<&QuestionReport>) -> Read<ImageReport> {
    let bundle = match &image.bundle {
        None => None,
        Some(path) => match bundles.iter().find(|bundle| bundle.path == *path) {
            None => {
                return Err(format!("an image refers to the bundle {path:?}, but there is no report on that bundle"));
            }
            found => found,
        },
    };
    let mut read = ImageReport {
        workload: WorkloadFile {
            path: image.workload.path,
            sha256: digest(&image.workload.sha256)?,
            size: image.workload.size,
            form: Form::from_word(&image.workload.form).ok_or_else(|| unknown("form", &image.workload.form))?,
        },
        place: image.place,
        image: image.image,
        digest: image.digest.as_deref().map(fingerprint).transpose()?,
        verdict: Verdict::None,
        bundle: image.bundle,
        findings: findings(image.findings, &Terms { rules, question, on_workloads: true })?,
    };
    Ok(match rules {
        Rules::Current => read.settled().judged(bundle.map(|bundle| bundle.verdict)),
        Rules::Version1 => {
            version_1::settle(&mut read.findings, &Group::ALL);
            read.judged_by_version_1(bundle)
        }
    })
}

fn question(asked: Asked) -> Read<QuestionReport> {
    let settings = |list: Vec<Setting>| list.into_iter().map(|setting| (setting.name, setting.value)).collect();
    Ok(QuestionReport {
        depth: Depth::from_word(&asked.depth).ok_or_else(|| unknown("depth", &asked.depth))?,
        require: groups(&asked.require)?,
        passed_over: asked.passed_over,
        handed: groups(&asked.handed)?,
        given: settings(asked.given),
        keys: asked.keys.iter().map(|key| fingerprint(key)).collect::<Read<_>>()?,
        expect: settings(asked.expect),
        levels: settings(asked.levels),
        limits: settings(asked.limits),
    })
}

fn bundle(
    bundle: Bundle,
    rules: Rules,
    question: Option<&QuestionReport>,
    required: Option<&[Group]>,
) -> Read<BundleReport> {
    let file = match (bundle.bundle.sha256, bundle.bundle.size) {
        (Some(sha256), Some(size)) => Some((digest(&sha256)?, size)),
        _ => None,
    };
    let error = bundle.error.map(fault).transpose()?;
    let mut findings = findings(bundle.findings, &Terms { rules, question, on_workloads: false })?;
    let in_play = groups(&bundle.in_play)?;
    let verdict = judged(&mut findings, &in_play, required, rules, error.is_some());
    Ok(BundleReport {
        path: bundle.bundle.path,
        file,
        build_name: bundle.build_name,
        verdict,
        error,
        in_play,
        key: bundle.key.map(key).transpose()?,
        findings,
        evidence: bundle.evidence.into_iter().map(fact).collect::<Read<_>>()?,
        outside_the_commit: Outside { lines: bundle.outside_the_commit, counts: bundle.outside_counts },
        inputs: bundle.inputs.into_iter().map(input).collect::<Read<_>>()?,
        seal: None,
        built: None,
        remotes: Vec::new(),
    })
}

/// Determines the effects of the findings and derives the verdict.
fn judged(
    findings: &mut [Finding],
    in_play: &[Group],
    required: Option<&[Group]>,
    rules: Rules,
    has_error: bool,
) -> Verdict {
    match rules {
        Rules::Version1 => {
            version_1::settle(findings, in_play);
            if has_error { Verdict::None } else { version_1::verdict(findings, in_play) }
        }
        Rules::Current if has_error => Verdict::None,
        Rules::Current => {
            let waivers: Vec<_> = findings.iter().map(|finding| (finding.check, finding.waiver.clone())).collect();
            let waiver = |check: &str| waivers.iter().find(|(name, _)| *name == check).and_then(|(_, w)| w.clone());
            settle(findings, in_play, waiver);
            Verdict::of(findings, in_play, required)
        }
    }
}

/// Accepts only recognised checks, each at most once, in the table's order.
fn findings(rows: Vec<Row>, asked: &Terms<'_>) -> Read<Vec<Finding>> {
    let mut table = CHECKS.iter();
    for row in &rows {
        if !table.any(|check| check.name == row.check) {
            return Err(format!("the check {:?} is unrecognised, a duplicate or out of order", row.check));
        }
    }
    // Under the current rules, every check of the question must be present.
    let of_question = CHECKS.iter().filter(|check| (check.group == Group::Workload) == asked.on_workloads);
    if let Some(missing) = of_question
        .filter(|_| asked.rules == Rules::Current)
        .find(|check| rows.iter().all(|row| row.check != check.name))
    {
        return Err(format!("the finding of the check {} is missing", missing.name));
    }
    rows.into_iter().map(|row| finding(row, asked)).collect()
}

/// The requirements of the question, which determine each finding's level and what requests its answer.
struct Terms<'q> {
    rules: Rules,
    question: Option<&'q QuestionReport>,
    on_workloads: bool,
}

impl Terms<'_> {
    fn expects(&self, field: &str) -> bool {
        self.question.is_some_and(|question| question.expects(field))
    }

    /// The level at which the check was evaluated.
    fn level(&self, check: &Check) -> Level {
        let question = self.question;
        if question.is_some_and(|question| question.depth == Depth::SignatureOnly) && check.name != MANIFEST_SIGNATURE {
            return Level::Off;
        }
        let set = question.and_then(|question| question.levels.iter().find(|(name, _)| name == check.name));
        let set = set.and_then(|(_, level)| Level::from_word(level));
        set.unwrap_or_else(|| check.own_level(|field| self.expects(field)))
    }

    /// What requested the check's answer: a level or an expectation for the check, the check's group, or nothing.
    fn demand(&self, check: &Check) -> Demand {
        let Some(question) = self.question else { return Demand::None };
        let named = question.levels.iter().any(|(name, _)| name == check.name);
        if named || check.is_expected(|field| self.expects(field)) {
            Demand::Check
        } else if self.on_workloads || question.require.contains(&check.group) || question.handed.contains(&check.group)
        {
            Demand::Group
        } else {
            Demand::None
        }
    }
}

fn finding(row: Row, asked: &Terms<'_>) -> Read<Finding> {
    let known = check::find(&row.check).ok_or_else(|| unknown("check", &row.check))?;
    let status = status(&row.status, row.reason.as_deref())?;
    let level = Level::from_word(&row.level).ok_or_else(|| unknown("level", &row.level))?;
    if asked.rules == Rules::Current && level != asked.level(known) {
        return Err(format!("the level of {} is not the one that follows from the report's `question`", known.name));
    }
    if row.caused_by.is_some() && !matches!(status, Status::Unknown | Status::NotRun(Reason::Refused)) {
        return Err(format!(
            "{} has caused_by, which only the statuses unknown and not-run: refused may have",
            known.name
        ));
    }
    if status != Status::Pass && !row.says.is_empty() {
        return Err(format!("{} has statements although it did not pass", known.name));
    }
    Ok(Finding {
        check: known.name,
        group: known.group,
        level,
        status,
        caused_by: match row.caused_by {
            Some(cause) => Some(check::find(&cause).ok_or_else(|| unknown("check", &cause))?.name),
            None => None,
        },
        message: row.message,
        expected: row.expected,
        found: row.found,
        details: row.details,
        says: row.says.into_iter().map(said).collect::<Read<_>>()?,
        demand: match asked.rules {
            Rules::Current => asked.demand(known),
            // Version 1 did not always save what requested the answer, so this is inferred from the effect.
            Rules::Version1 if row.rejects || row.waiver.is_some() => Demand::Check,
            Rules::Version1 => Demand::None,
        },
        missing_evidence: known.missing_evidence,
        waiver: row.waiver.map(waiver).transpose()?,
        effect: Effect::None,
    })
}

fn said(row: SaidRow) -> Read<Said> {
    let known = Known::from_word(&row.known).ok_or_else(|| unknown("known", &row.known))?;
    Ok(Said { text: row.text, known })
}

fn waiver(row: WaiverRow) -> Read<Waiver> {
    Ok(Waiver {
        owner: row.owner,
        reason: row.reason,
        expires: moment(&row.expires)?,
        standing: WaiverStanding::from_word(&row.standing).ok_or_else(|| unknown("standing", &row.standing))?,
    })
}

fn status(word: &str, reason: Option<&str>) -> Read<Status> {
    let found = Status::from_words(word, reason);
    found.ok_or_else(|| unknown("status", &format!("{word} {}", reason.unwrap_or_default())))
}

fn key(key: Key) -> Read<KeyReport> {
    Ok(KeyReport {
        fingerprint: fingerprint(&key.fingerprint)?,
        kind: one_of(&PublicKey::KINDS, "kind of key", &key.kind)?,
        bits: key.bits,
        source: key.source,
        grade: Grade::from_word(&key.grade).ok_or_else(|| unknown("grade", &key.grade))?,
    })
}

fn fact(statement: Statement) -> Read<Fact> {
    Ok(Fact {
        witness: one_of(&Fact::WITNESSES, "witness", &statement.witness)?,
        known: Known::from_word(&statement.known).ok_or_else(|| unknown("known", &statement.known))?,
        fact: statement.fact,
        value: statement.value,
        data: statement.data,
    })
}

fn input(looked: Looked) -> Read<InputReport> {
    Ok(InputReport {
        kind: one_of(&InputReport::KINDS, "kind of input", &looked.kind)?,
        name: looked.name,
        sha256: digest(&looked.sha256)?,
    })
}

fn fault(fault: Fault) -> Read<Error> {
    let code = one_of(&CODES.map(|(code, _)| code), "error code", &fault.code)?;
    Ok(Error::Saved { code, message: fault.message, hint: fault.hint })
}

fn groups(words: &[String]) -> Read<Vec<Group>> {
    words.iter().map(|word| Group::from_word(word).ok_or_else(|| unknown("group", word))).collect()
}

fn moment(text: &str) -> Read<Timestamp> {
    Timestamp::from_rfc3339(text).ok_or_else(|| unknown("moment", text))
}

fn digest(hex: &str) -> Read<Sha256> {
    Sha256::from_hex(hex).ok_or_else(|| unknown("digest", hex))
}

fn fingerprint(text: &str) -> Read<Sha256> {
    Sha256::from_prefixed(text).ok_or_else(|| unknown("fingerprint", text))
}

fn one_of(words: &[&'static str], what: &str, found: &str) -> Read<&'static str> {
    words.iter().copied().find(|word| *word == found).ok_or_else(|| unknown(what, found))
}

fn unknown(what: &str, found: &str) -> String {
    format!("unknown {what} {found:?}")
}

#[cfg(test)]
mod tests;
