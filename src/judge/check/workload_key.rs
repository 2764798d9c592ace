//! `workload-key`: the key that a contract specifies for the image is one that the signed log records or the policy lists.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding as _};

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::crypto::armoured_key;
use crate::judge::deployment::Deployment;
use crate::judge::evidence::Known;
use crate::judge::finding::{Group, Level, MissingEvidence, Reason, Status};
use crate::judge::policy::Policy;
use crate::trust::{ImageSignerKey, cosign_key};
use crate::workload::{ImageKeyEntry, KeyKind};

pub(super) static CHECK: Check = Check {
    name: "workload-key",
    group: Group::Workload,
    level: Level::Require,
    says: "the keys in the contract are those that the signed log records or the policy lists",
    explanation: "A contract may specify a key with which the machine verifies the image. A dct key must be exactly the text that the signed log of \
the image's build records as the repository's root key. No signed log contains an rhs or cosign key: such a key must be listed in the policy's \
[trust], an rhs key by its fingerprint. An rhs key must be one armoured certificate; its user ids and subkeys are not examined. The table itself must have the form that the machine reads. If a contract specifies no key for the image, there is nothing to compare.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[ChainLink::ContractKey],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Workload(run),
};

fn run(deployment: &Deployment<'_>, policy: &Policy) -> Outcome {
    let Some(contract) = &deployment.workload.contract else {
        return Outcome::not_run(Reason::NoEvidence, "only contracts specify keys for images");
    };
    if let Some(fault) = contract.key_faults.first() {
        let mut outcome = Outcome::fail(format!("the contract's table of keys is malformed: {fault}"));
        outcome.details = contract.key_faults.iter().skip(1).cloned().collect();
        return outcome;
    }
    let image = deployment.image.image.as_ref();
    let may_be_for = |entry: &&ImageKeyEntry| image.map_or(true, |image| image.may_be_in(&entry.repository));
    let mut worst: Option<Outcome> = None;
    for entry in contract.image_keys.iter().filter(may_be_for) {
        let outcome = match entry.kind {
            KeyKind::ContentTrust => content_trust(entry, deployment),
            KeyKind::SimpleSigning => named_by_policy(entry, policy, simple_signing),
            KeyKind::Cosign => named_by_policy(entry, policy, cosign),
        };
        let is_worse = worst.as_ref().is_none_or(|known| rank(&known.status) < rank(&outcome.status));
        worst = if is_worse { Some(outcome) } else { worst };
    }
    let Some(worst) = worst else {
        return Outcome::not_run(Reason::NoEvidence, "the contract specifies no key for this image");
    };
    let uncertain = match image {
        Ok(image) if image.repository.is_some() => return worst,
        Ok(_) => "the image's name has a variable",
        Err(_) => "the image's name is not valid",
    };
    match worst.status {
        Status::Pass => {
            let message = format!("{uncertain}, so every key that may be for it was compared: {}", worst.message);
            Outcome { message, ..worst }
        }
        _ => {
            let message = format!("{uncertain}, so it is not known whether this key is for it: {}", worst.message);
            Outcome { status: Status::Unknown, message, ..worst }
        }
    }
}

fn rank(status: &Status) -> u8 {
    match status {
        Status::Fail => 2,
        Status::Unknown => 1,
        Status::Pass | Status::NotRun(_) => 0,
    }
}

fn content_trust(entry: &ImageKeyEntry, deployment: &Deployment<'_>) -> Outcome {
    // It is not known which of several builds made the image.
    let builds = deployment.builds_of_digest().filter(|build| build.is_accepted_at(deployment.now));
    let recorded: BTreeSet<&String> =
        builds.chain(deployment.build()).filter_map(|build| build.image.as_ref()?.root_key.as_ref()).collect();
    compare(entry, &recorded)
}

/// Compares the contract's key with those that signed logs of the image record.
fn compare(entry: &ImageKeyEntry, recorded: &BTreeSet<&String>) -> Outcome {
    match (recorded.contains(&entry.public_key), recorded.len()) {
        (true, 1) => Outcome::pass("the content-trust key in the contract is the one that the signed log records"),
        (true, _) => Outcome::unknown(
            "the content-trust key in the contract is the one in the signed log of one of several builds with this digest; the others record different keys",
        ),
        (false, 1..) => {
            let keys: Vec<&str> = recorded.iter().map(|key| key.as_str()).collect();
            Outcome::fail("the content-trust key in the contract is not the one that the signed log records")
                .sides(keys.join(", "), &entry.public_key)
        }
        (false, 0) => Outcome::unknown(format!(
            "the contract specifies a content-trust key for {}, but no signed log of this image records exactly one",
            entry.name
        )),
    }
}

/// Whether the bytes are the signer's key. `None` if the signer's key is of a different kind; the error states that the bytes are
/// not a key.
type Compare = fn(&[u8], &ImageSignerKey) -> Option<Result<bool, String>>;

/// Compares the key with the keys in the policy's `[trust]`.
fn named_by_policy(entry: &ImageKeyEntry, policy: &Policy, same: Compare) -> Outcome {
    let kind = entry.kind.word();
    let Ok(key) = Base64::decode_vec(&entry.public_key) else {
        return Outcome::fail(format!("the {kind} key in the contract is not base64 text"));
    };
    let mut compared = false;
    for signer in &policy.trust.signers {
        match same(&key, &signer.key) {
            None => {}
            Some(Ok(true)) => {
                return Outcome::pass(format!("the {kind} key in the contract is the policy's key {:?}", signer.name));
            }
            Some(Ok(false)) => compared = true,
            Some(Err(why)) => return Outcome::fail(format!("the {kind} key in the contract: {why}")),
        }
    }
    match compared {
        true => Outcome::fail(format!("the {kind} key in the contract is not in the policy's [trust]")),
        false => Outcome::unknown(format!(
            "no signed log records {kind} keys, and the policy's [trust] lists no key to compare with"
        )),
    }
}

fn cosign(key: &[u8], signer: &ImageSignerKey) -> Option<Result<bool, String>> {
    let ImageSignerKey::Cosign { key: trusted, .. } = signer else { return None };
    Some(cosign_key(key).map(|key| key.identity() == trusted.identity()))
}

/// Whether the text is exactly one armoured certificate with the fingerprint in the policy.
fn simple_signing(key: &[u8], signer: &ImageSignerKey) -> Option<Result<bool, String>> {
    let ImageSignerKey::OpenPgp { fingerprint, .. } = signer else { return None };
    Some(armoured_key::fingerprint(key).map(|found| found == *fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_builds_with_different_keys_leave_the_answer_open() {
        let entry = ImageKeyEntry {
            name: "acme/wallet".into(),
            kind: KeyKind::ContentTrust,
            public_key: "a".into(),
            repository: "docker.io/acme/wallet".into(),
        };
        let status = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            compare(&entry, &keys.iter().collect()).status
        };
        assert_eq!(status(&["a"]), Status::Pass);
        assert_eq!(status(&["b"]), Status::Fail);
        assert_eq!((status(&["a", "b"]), status(&["b", "a"])), (Status::Unknown, Status::Unknown));
        assert_eq!((status(&["b", "c"]), status(&[])), (Status::Fail, Status::Unknown));
    }
}
