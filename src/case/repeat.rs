//! `audit case.tar`: repeats the audit with the case's own policy and keys, and with the reader's.

use super::evidence::{ApprovalsFrom, CaseTerms};
use super::record::Profile;
use super::seal::{as_json, signed};
use super::{Case, REPORT};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::crypto::person_key::PersonKey;
use crate::crypto::timestamp::Authorities;
use crate::gate::verify::TrustedKey;
use crate::given::approvals::Approvals;
use crate::judge::check::{self, status_text};
use crate::judge::finding::{Finding, Verdict, WaiverStanding};
use crate::judge::policy::Policy;
use crate::report::{
    BundleReport, CaseReport, InputReport, Repetition, Report, Rules, SealReport, SignOffReport, Voucher,
};

/// The reader's own policy and keys, and a list of approvals instead of the case's.
#[derive(Debug)]
pub struct Own {
    /// The policy.
    pub policy: Policy,
    /// Keys in addition to the policy's.
    pub keys: Vec<TrustedKey>,
    /// The list of approvals.
    pub approvals: Option<Approvals>,
}

/// The input that the reader of a case supplies.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The reader's own policy and keys; `None` if the reader supplied neither.
    pub own: Option<Own>,
    /// The key of a sealer whom the reader trusts.
    pub seal_key: Option<&'a PersonKey>,
    /// The CAs of time-stamping authorities that the reader trusts.
    pub authorities: &'a Authorities,
    /// The time of reading. The audit with the reader's own keys and policy is as of this time, and the last
    /// time-stamp's certificate must not have expired by then.
    pub today: Timestamp,
    /// The number of threads, which does not affect any answer.
    pub threads: usize,
    /// The flags of the request and their values, for the command that a remark prints.
    pub given: Vec<(String, String)>,
}

/// Audits a case. If the reader supplies no policy and no key, the report has no verdict and only states the result of
/// the repetition.
///
/// # Errors
/// [`Error::Malformed`] for a case that contradicts itself (for example, its report differs from the audit's although
/// program and limits are the same), or whose seal is for a different case or not by the reader's key. [`Error::Usage`]
/// if this version refuses the case's own policy or keys and the reader supplies neither a policy nor a key.
pub fn repeat(case: &Case, path: &str, reader: Reader<'_>, limits: &Limits) -> Result<Report, Error> {
    let seal = case.seal()?.map(|_| SealReport { key: reader.seal_key.map(|key| key.fingerprint().to_string()) });
    if let Some(key) = reader.seal_key {
        case.must_be_sealed_by(key)?;
    }
    let stamps = case.stamps(reader.authorities, reader.today, limits)?;
    // An earlier version may have accepted a policy that this version refuses. An audit with the
    // reader's own policy does not need the case's policy.
    let (own_terms, refused) = match case.own_terms(limits) {
        Ok(terms) => (Some(terms), None),
        Err(error) if error.exit_code() == 2 => (None, Some(error)),
        Err(error) => return Err(error),
    };
    let (compared, again) = match (case.record.profile, &own_terms) {
        (Profile::Full, Some(own_terms)) => {
            let again = case.audit(own_terms, reader.threads, limits)?;
            (compare(case, &again, limits)?, Some(again))
        }
        (Profile::Filing, _) | (Profile::Full, None) => (Compared::new(Repetition::NotRepeated), None),
    };
    let sealed_for = case.now()?;
    let (vouched_by, terms) = match (reader.own, own_terms, reader.seal_key) {
        (Some(Own { policy, keys, approvals }), ..) => {
            let (now, existed_by, approvals) =
                (reader.today, stamps.existed_by, ApprovalsFrom::Reader(approvals.map(Box::new)));
            (Voucher::Reader, CaseTerms { policy, keys, now, existed_by, approvals })
        }
        (None, None, _) => return Err(needs_own_terms(refused)),
        // The verdict is the sealer's, so time-stamps, which the reader's authorities vouch for and which expire, do not affect it.
        (None, Some(own_terms), Some(_)) => (Voucher::Seal, own_terms),
        (None, Some(own_terms), None) => (Voucher::Nobody, own_terms),
    };
    let mut report = match (vouched_by, again) {
        (Voucher::Reader, None) if case.record.profile == Profile::Full => {
            case.audit(&terms, reader.threads, limits)?
        }
        (_, None) => without_verdict(case, compared.repeated, None, terms.now),
        (Voucher::Nobody, Some(again)) => without_verdict(case, compared.repeated, Some(again.verdict()), terms.now),
        (Voucher::Seal, Some(again)) => again,
        _ => case.audit(&terms, reader.threads, limits)?,
    };
    if terms.existed_by.is_some() {
        let files = reader.authorities.files().iter();
        let authorities =
            files.map(|(name, sha256)| InputReport { kind: "tsa-ca", name: name.clone(), sha256: *sha256 });
        for bundle in report.bundles.iter_mut().filter(|bundle| bundle.error.is_none()) {
            bundle.inputs.extend(stamps.inputs.iter().cloned().chain(authorities.clone()));
        }
    }
    if vouched_by == Voucher::Seal {
        // The reader specified none of these keys.
        for key in report.bundles.iter_mut().filter_map(|bundle| bundle.key.as_mut()) {
            key.source = key.source.replacen("command line", "sealer's command line", 1);
        }
    }
    let signers = if vouched_by == Voucher::Nobody { Vec::new() } else { terms.policy.person_signers() };
    // Signers are named from the reader's keys and policy. Without a verdict, nobody vouches for it.
    let vouched_by = if report.error.is_some() { Voucher::Nobody } else { vouched_by };
    let sign_offs = sign_offs(case, &signers)?;
    let mut remarks = remarks(case, &sign_offs);
    remarks.extend(stamps.remarks);
    remarks.extend(refused.map(|error| format!("this version refuses the case's own policy: {error}")));
    if compared.rules == Rules::Version1 {
        remarks.push(
            "sealed under the verdict rules of 0.1: only the statuses of checks that exist in both versions were compared"
                .into(),
        );
    }
    report.case = Some(CaseReport {
        path: path.into(),
        digest: case.digest().to_string(),
        profile: if case.record.profile == Profile::Full { "full" } else { "filing" }.into(),
        sealed_for: case.record.question.now.clone(),
        sealed_verdict: case.record.verdict.clone(),
        judged_for: report.error.is_none().then(|| terms.now.to_string()),
        repeated: compared.repeated,
        other_answers: compared.other_answers,
        vouched_by,
        seal,
        timestamps: stamps.reports,
        existed_by: stamps.existed_by.map(|moment| moment.to_string()),
        timestamp_again_by: stamps.again_by.map(|moment| moment.to_string()),
        sign_offs,
        retain_until: case.record.retain_until.clone(),
        remarks,
    });
    if vouched_by == Voucher::Reader {
        report.question.iter_mut().for_each(|question| question.given.clone_from(&reader.given));
        let hint = hint_of_the_sealed_moment(&report, &terms.policy, sealed_for);
        report.case.iter_mut().for_each(|case| case.remarks.extend(hint.clone()));
    }
    Ok(report)
}

/// The error for a case whose own policy or keys this version refuses, if the reader supplies none.
fn needs_own_terms(refused: Option<Error>) -> Error {
    let why = refused.map(|error| format!(": {error}")).unwrap_or_default();
    Error::Usage {
        message: format!("this version refuses the case's own policy{why}"),
        hint: "evaluate the case with your own policy or key: --policy FILE or --key".into(),
    }
}

/// A remark with the command that audits as of the case's own time, if the case is rejected only because time has
/// passed since sealing (`max-age`, or an expired waiver).
fn hint_of_the_sealed_moment(report: &Report, policy: &Policy, sealed_for: Timestamp) -> Option<String> {
    let rejected: Vec<_> = report.bundles.iter().filter(|bundle| bundle.verdict == Verdict::Reject).collect();
    let was_young = |bundle: &BundleReport| {
        let built = bundle.built.as_ref().and_then(|image| image.built);
        let ages = built.zip(policy.expect.max_age_seconds);
        ages.is_some_and(|(built, age)| built <= sealed_for && sealed_for <= built.plus_seconds(age))
    };
    let is_of_time = |bundle: &BundleReport, finding: &Finding| match &finding.waiver {
        Some(waiver) => waiver.standing == WaiverStanding::Expired && sealed_for < waiver.expires,
        None => finding.check == check::BUILD_AGE.name && was_young(bundle),
    };
    let first = rejected.first()?;
    if report.now.is_none_or(|now| now <= sealed_for)
        || report.bundles.iter().any(|bundle| bundle.error.is_some())
        || !rejected.iter().all(|bundle| bundle.rejecting().all(|finding| is_of_time(bundle, finding)))
    {
        return None;
    }
    let then = Report { now: Some(sealed_for), ..report.clone() };
    Some(format!("{}; to audit as of the case's own time: {}", CaseReport::ONLY_AGED, then.command(first)))
}

/// The result of comparing the sealed report with the new one.
struct Compared {
    repeated: Repetition,
    /// The rules under which the sealed report was made.
    rules: Rules,
    other_answers: Vec<String>,
}

impl Compared {
    fn new(repeated: Repetition) -> Self {
        Self { repeated, rules: Rules::Current, other_answers: Vec::new() }
    }
}

/// The sign-offs on the case, each with the policy's name for its key.
fn sign_offs(case: &Case, signers: &[(String, PersonKey)]) -> Result<Vec<SignOffReport>, Error> {
    let named = |key: &PersonKey| signers.iter().find(|(_, one)| one.fingerprint() == key.fingerprint());
    let sign_offs = case.sign_offs()?;
    let report = sign_offs.into_iter().map(|one| SignOffReport {
        role: one.role.word().into(),
        name: named(&one.key).map(|(name, _)| name.clone()),
        key: one.key.fingerprint().to_string(),
        at: one.at.to_string(),
        audit: Some(SignOffReport::NOT_REPEATED.into()),
    });
    Ok(report.collect())
}

fn remarks(case: &Case, sign_offs: &[SignOffReport]) -> Vec<String> {
    let secrets = case.record.secrets_seen.iter();
    let mut remarks: Vec<String> = secrets.map(|place| format!("{place} contains what looks like a secret")).collect();
    if let [one, other] = sign_offs
        && one.name.is_some()
        && one.name == other.name
    {
        let name = one.name.as_deref().unwrap_or_default();
        remarks.push(format!(
            "the policy gives both keys the name {name:?}: the sign-offs do not show that two people signed"
        ));
    }
    if sign_offs.iter().any(|one| one.name.is_none()) {
        remarks
            .push("a sign-off by an UNKNOWN key shows that the key's holder signed, but not who the holder is".into());
    }
    remarks
}

/// A report that states why there is no verdict.
fn without_verdict(case: &Case, repeated: Repetition, today: Option<Verdict>, now: Timestamp) -> Report {
    let message = match repeated {
        Repetition::NotRepeated => "the case was sealed without its evidence: the audit cannot be repeated".to_owned(),
        Repetition::OtherAnswers => {
            "an audit with what the case contains gives answers that differ from the sealed ones".into()
        }
        Repetition::SameReport | Repetition::SameAnswers | Repetition::SameStatuses
            if today.is_some_and(|today| today.word() != case.record.verdict) =>
        {
            format!(
                "an audit with what the case contains gives the sealed statuses; the verdict was {} under \
                 the rules at that time and is {} under today's; you supplied no key that vouches for it",
                case.record.verdict,
                today.map_or("none", Verdict::word)
            )
        }
        Repetition::SameReport | Repetition::SameAnswers | Repetition::SameStatuses => {
            format!(
                "an audit with what the case contains gives the sealed verdict, {}; you supplied no key that vouches for it",
                case.record.verdict
            )
        }
    };
    let hint = match repeated {
        Repetition::NotRepeated => "request the full case, or the bundles whose digests it lists".to_owned(),
        _ => "specify your own --key or --policy, or the key of a sealer you trust with --seal-key".into(),
    };
    Report { error: Some(Error::Usage { message, hint }), ..Report::new(Some(now)) }
}

/// Compares the sealed report with the new one. A different program version or different limits may change the wording.
/// For a version 1 report, only the statuses are compared, because its verdicts followed different rules.
fn compare(case: &Case, again: &Report, limits: &Limits) -> Result<Compared, Error> {
    let bytes = case.member(REPORT)?;
    let sealed = Report::from_json(REPORT, bytes, limits)?;
    if (sealed.verdict().word(), sealed.exit_code()) != (case.record.verdict.as_str(), case.record.exit_code) {
        return Err(Error::malformed(
            super::record::NAME,
            format!("its verdict is {}, but its report's verdict is {}", case.record.verdict, sealed.verdict().word()),
        ));
    }
    for (listed, audited) in case.record.bundles.iter().zip(&again.bundles) {
        if let Some(error @ Error::OverLimit { .. }) = &audited.error {
            return Err(error.clone());
        }
        let found = (&audited.build_name, signed(audited));
        if found != (&listed.build_name, (listed.archive_sha256.clone(), listed.signature.clone())) {
            let message = format!("{}: the listed name, digest or signature differs from the bundle's", listed.member);
            return Err(Error::malformed(super::record::NAME, message));
        }
    }
    if as_json(again)? == bytes {
        return Ok(Compared::new(Repetition::SameReport));
    }
    let other_answers = differences(&sealed, again);
    let limits_of = |report: &Report| report.question.as_ref().map(|question| question.limits.clone());
    if sealed.tool == again.tool && limits_of(&sealed) == limits_of(again) {
        return Err(Error::malformed(
            REPORT,
            format!(
                "it is not the report of an audit of the evidence in the case: {}",
                other_answers.first().map_or("the wording differs", String::as_str)
            ),
        ));
    }
    let (one, other) = (sealed.verdict(), again.verdict());
    let mut lines = Vec::new();
    if sealed.rules == Rules::Version1 && one != other {
        lines.push(format!(
            "verdict: sealed {} under the rules of 0.1, today {} under today's rules",
            one.word(),
            other.word()
        ));
    }
    let repeated = match (other_answers.is_empty(), sealed.rules) {
        (true, Rules::Current) => Repetition::SameAnswers,
        (true, Rules::Version1) => Repetition::SameStatuses,
        (false, _) => Repetition::OtherAnswers,
    };
    lines.extend(other_answers);
    Ok(Compared { repeated, rules: sealed.rules, other_answers: lines })
}

/// The differences between the reports: number of bundles, verdicts, and answers of checks that are in both. Wording is ignored.
fn differences(sealed: &Report, again: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if sealed.bundles.len() != again.bundles.len() {
        lines.push(format!("bundles: sealed {}, today {}", sealed.bundles.len(), again.bundles.len()));
    }
    let answer = |finding: &Finding| match sealed.rules {
        Rules::Current => format!("{} {}", finding.level.word(), status_text(finding.status)),
        Rules::Version1 => finding.status.word().to_owned(),
    };
    for (one, other) in sealed.bundles.iter().zip(&again.bundles) {
        if sealed.rules == Rules::Current && one.verdict != other.verdict {
            lines.push(format!("verdict: sealed {}, today {}", one.verdict.word(), other.verdict.word()));
        }
        for finding in &one.findings {
            let Some(today) = other.findings.iter().find(|today| today.check == finding.check) else { continue };
            let (sealed, today) = (answer(finding), answer(today));
            if sealed != today {
                lines.push(format!("{}: sealed {sealed}, today {today}", finding.check));
            }
        }
    }
    lines
}
