//! `source-repository`: every remote in the top repository's config is one of the policy's repositories.

use super::outcome::{Comparison, Outcome};
use super::{Check, Expected, Run, source_objects};
use crate::git::{RepositoryName, SourceProof};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::manifest::build_log::LogEvent;

pub(super) static CHECK: Check = Check {
    name: "source-repository",
    group: Group::Source,
    level: Level::Require,
    says: "every remote in the top repository's config is one of the policy's repositories, and the log shows no other host",
    explanation: "Reads the remotes in the top repository's .git/config and, if extensions.worktreeConfig is on, \
.git/config.worktree, and compares each with expect.repositories. The ssh, https and scp-like spellings of \
one repository are treated as equal. User, password and token are ignored and never shown, and insteadOf in these files is applied as git applies it; addresses for pushing (pushurl, pushInsteadOf) are ignored. \
Compares the host with the log's github_host. An agreement gives unknown if git may fetch from elsewhere: the config includes files, which are not read; \
branch.NAME.remote is not the name of a remote; extensions.partialClone is not the name of a remote; a remote has settings but no url; remote.NAME.vcs, fetch.bundleURI, bundle.* or remotes.* is set; or .git/remotes or .git/branches has files. Remotes of submodules are listed, \
but not compared.\n\nA remote \
states where the clone was configured to fetch from, as recorded in a file in the signed archive. It does not show which server responded. The content \
is pinned by the commit id.\n\nWhen it fails: compare the address letter by letter. A fork, or the same path on a different host, is a different \
repository.",
    known: Known::Signed,
    expected: Expected::Needed(&["repositories"]),
    links: &[],
    controls: &["SA-10", "SR-4"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let proof = match evidence.source() {
        Ok(proof) => proof,
        Err(fault) => return Outcome::caused_by(&source_objects::CHECK, fault),
    };
    let remotes = &proof.remotes.listed;
    if policy.expect.repositories.is_empty() {
        let outcome = Outcome::not_run(Reason::NoExpectation, "the policy lists no repositories");
        let outcome = proof.remotes.reservations().fold(outcome, Outcome::detail);
        let outcome = submodules(proof).fold(outcome, Outcome::detail);
        return remotes.iter().fold(outcome, |outcome, remote| outcome.detail(format!("remote {remote}")));
    }
    let expected: Vec<RepositoryName> =
        policy.expect.repositories.iter().filter_map(|text| RepositoryName::from_policy(text)).collect();
    let wanted = expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    if remotes.is_empty() {
        let outcome =
            Outcome::fail("no remote with a url was found in the top repository's config").sides(wanted, "none");
        return proof.remotes.reservations().fold(outcome, Outcome::detail);
    }
    let mut compared = Comparison::default();
    for remote in remotes {
        match &remote.repository {
            Some(name) if expected.contains(name) => compared.agree(format!("remote {remote}")),
            Some(name) => compared.disagree(&format!("the remote {}", remote.name), &wanted, name),
            None => compared.disagree(&format!("the remote {}", remote.name), &wanted, &remote.url),
        }
    }
    // All hosts are equal if each host in the log equals the first remote's host, and each remote's host equals the log's
    // first host.
    let hosts =
        || evidence.log().into_iter().flat_map(|log| log.events()).filter_map(host_of).map(str::to_ascii_lowercase);
    let mut names = remotes.iter().filter_map(|remote| remote.repository.as_ref()).map(RepositoryName::host_name);
    if let (Some(logged), Some(name)) = (hosts().next(), names.next()) {
        hosts().for_each(|host| compared.compare("the log's host", &host, name));
        names.for_each(|name| compared.compare("the log's host", &logged, name));
    }
    let agrees = compared.agrees();
    let outcome = compared.outcome(&match remotes.len() {
        1 => "the remote in the top repository's config is the policy's repository".to_owned(),
        count => format!("all {count} remotes in the top repository's config are among the policy's repositories"),
    });
    let outcome = match proof.remotes.reservations().collect::<Vec<_>>().as_slice() {
        reasons @ [first, ..] if agrees => {
            let outcome = Outcome::unknown("the remotes are the policy's, but git may fetch from elsewhere")
                .sides("a config that states every address in a remote's url", first);
            reasons.iter().fold(outcome, Outcome::detail)
        }
        _ => outcome,
    };
    submodules(proof).fold(outcome, Outcome::detail)
}

fn submodules(proof: &SourceProof) -> impl Iterator<Item = String> {
    proof.tree.submodules.iter().flat_map(|module| {
        let path = String::from_utf8_lossy(&module.path);
        let listed = module.remotes.listed.iter().map(|remote| format!("remote {remote}"));
        let lines: Vec<String> = listed.chain(module.remotes.reservations()).collect();
        lines.into_iter().map(move |line| format!("not compared: submodule {path}, {line}"))
    })
}

fn host_of(event: &LogEvent) -> Option<&str> {
    match event {
        LogEvent::Host(host) => Some(host),
        _ => None,
    }
}
