//! `source-approved`: according to the list, someone other than the commit's author and committer approved the commit before it was built.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run, source_objects};
use crate::base::words::counted;
use crate::git::{Commit, Identity, SourceProof};
use crate::given::approvals::{Approval, Approvals, NAMESPACE};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::{Policy, SignerKey};
use crate::judge::signer::{Answer, Signers};

pub(super) static CHECK: Check = Check {
    name: "source-approved",
    group: Group::Source,
    level: Level::Require,
    says: "according to the supplied list, the full commit was approved before the stated time of the build, under a name or address that is neither its author's nor its committer's",
    explanation: "Looks for HEAD's full commit and one of the snapshot's remotes in the list passed with --approvals (CSV or JSON: repository, commit, \
change, approver, time). An approval counts if its approver is neither the commit's author nor its committer, by name and by address, and its time is \
before that of the build. The approver must be a name, an address, `name <address>` or `name (address)`. If one row for the commit has any other text, the \
answer is unknown, whatever the other rows contain.\n\nThe list is *given*: the person who supplied it vouches for it. A file FILE.sig next to the \
list, with an SSH signature by one of the policy's [[signers]] in the namespace hpsb-audit-approvals, shows that the key listed for that signer signed \
the list; any other signature fails the check. If you evaluate a case with your own policy, the list in the case counts only with such a signature; your own --approvals replaces it. Author and committer are only text in the commit: see source-signature.\n\nWhen it fails: request an approval of exactly \
this commit. An approval of a different commit, or one given after the build, does not count.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[ChainLink::Approval],
    controls: &["CM-3"],
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Function(run),
};

/// The maximum number of approvals of one commit that are listed.
const APPROVALS_SHOWN: usize = 20;

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let Some(approvals) = evidence.approvals else {
        return Outcome::not_run(Reason::NoEvidence, "no list of approvals was supplied (--approvals)");
    };
    let proof = match evidence.source() {
        Ok(proof) => proof,
        Err(fault) => return Outcome::caused_by(&source_objects::CHECK, fault),
    };
    let (Some(commit), Ok(head)) = (&proof.commit, &proof.head) else {
        return Outcome::caused_by(&source_objects::CHECK, "HEAD's commit is not proved");
    };
    let statement = match statement(approvals, policy, evidence) {
        Ok(statement) => statement,
        Err(fault) => return Outcome::fail(format!("the list's signature: {fault}")),
    };
    let records: Vec<&Approval> = approvals.of_commit(head.commit).collect();
    if records.is_empty() {
        return Outcome::fail("the supplied list does not contain the commit")
            .sides(head.commit, format!("other approvals: {}", approvals.records.len()))
            .detail(statement);
    }
    if let Some(odd) = records.iter().find(|record| record.approver_names().is_none()) {
        return Outcome::unknown("an approval of the commit does not clearly identify who approved it")
            .sides("a name, an address, name <address> or name (address)", &odd.approver)
            .detail(format!("change {} at {}", odd.change, odd.time))
            .detail(statement);
    }
    let judged: Vec<Result<String, String>> =
        records.iter().map(|record| judge(record, commit, proof, evidence)).collect();
    let outcome = match judged.iter().find_map(|answer| answer.as_ref().ok()) {
        Some(_) if approvals.is_unvouched && approvals.signature.is_none() => {
            let message = "the case's list of approvals does not count in your own verdict, because no signer in a policy of yours signed it; --approvals supplies your own";
            Outcome::not_run(Reason::NoEvidence, message)
        }
        Some(good) if approvals.is_unvouched => Outcome::pass(format!("{good}, according to the list in the case")),
        Some(good) => Outcome::pass(format!("{good}, according to the supplied list")),
        None => {
            let first = judged.iter().find_map(|answer| answer.as_ref().err());
            Outcome::fail(first.cloned().unwrap_or_else(|| "no approval counts".into()))
        }
    };
    let more = judged.len().saturating_sub(APPROVALS_SHOWN);
    let lines = judged.into_iter().take(APPROVALS_SHOWN).map(|answer| answer.unwrap_or_else(|fault| fault));
    let more = (more > 0).then(|| format!("and {} of the commit", counted(more, "more approval")));
    outcome.detail(statement).details(lines.chain(more))
}

/// Describes the list of approvals and who signed it. The result is the same for every build, because SSH signatures
/// contain no time.
fn statement(approvals: &Approvals, policy: &Policy, evidence: &Evidence<'_>) -> Result<String, String> {
    let is_same = |asked: &Vec<(String, String)>| ssh_signers(policy).eq(asked.iter().map(|(name, line)| (name, line)));
    let asked = || ssh_signers(policy).map(|(name, line)| (name.clone(), line.clone())).collect();
    approvals.vouched.answer(is_same, asked, || verify(approvals, policy, evidence))
}

fn ssh_signers(policy: &Policy) -> impl Iterator<Item = (&String, &String)> {
    policy.signers.iter().filter_map(|signer| match &signer.key {
        SignerKey::Ssh(line) => Some((&signer.name, line)),
        SignerKey::OpenPgp(_) | SignerKey::Pem(_) => None,
    })
}

fn verify(approvals: &Approvals, policy: &Policy, evidence: &Evidence<'_>) -> Result<String, String> {
    let given = format!("the supplied list is {} ({})", approvals.name, approvals.sha256);
    let Some(signature) = &approvals.signature else { return Ok(format!("{given}; it is not signed")) };
    match Signers::of(policy).verify_for(NAMESPACE, &approvals.bytes, signature, evidence.now) {
        answer @ Answer::Good { .. } => Ok(format!("{given}; {answer}")),
        other => Err(other.to_string()),
    }
}

/// Whether an approval of this commit counts. The error contains the reason why the approval does not count.
fn judge(record: &Approval, commit: &Commit, proof: &SourceProof, evidence: &Evidence<'_>) -> Result<String, String> {
    let what = format!("change {} approved by {} at {}", record.change, record.approver, record.time);
    if !proof.remotes.listed.iter().any(|remote| remote.repository.as_ref() == Some(&record.repository)) {
        return Err(format!("{what}: the approval is for the repository {}", record.repository));
    }
    for (role, who) in [("author", &commit.author), ("committer", &commit.committer)] {
        if !record.approver.contains('@') && !is_utf8(commit, who) {
            return Err(format!(
                "{what}: the {role}'s name is not in UTF-8, so it cannot be compared with an approver who has no address"
            ));
        }
        if record
            .approver_names()
            .unwrap_or_default()
            .iter()
            .any(|name| same(name, &who.name) || same(name, &who.email))
        {
            return Err(format!("{what}: the approver is the commit's {role}"));
        }
    }
    match evidence.build_time() {
        Some(built) if record.time < built => Ok(what),
        Some(built) => Err(format!("{what}: not earlier than the build, which was made at {built}")),
        None => Err(format!("{what}: the archive does not state when the build was made")),
    }
}

/// Whether the name can be compared without conversion. A commit may declare a different encoding; git converts the name, but this program
/// does not.
fn is_utf8(commit: &Commit, who: &Identity) -> bool {
    let other = |(keyword, value): &(Vec<u8>, Vec<u8>)| {
        keyword == b"encoding" && !value.eq_ignore_ascii_case(b"utf-8") && !value.eq_ignore_ascii_case(b"utf8")
    };
    !who.name.contains(char::REPLACEMENT_CHARACTER) && !commit.extra.iter().any(other)
}

/// Neither case nor the amount of white space distinguishes two people.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    !one.trim().is_empty() && plain(one) == plain(other)
}
