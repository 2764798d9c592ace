//! `contract-signature`: the contract is signed.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::judge::deployment::Deployment;
use crate::judge::evidence::Known;
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::workload::{ContractSignature, Reading, judge_signature};

pub(super) static CHECK: Check = Check {
    name: "contract-signature",
    group: Group::Workload,
    level: Level::Require,
    says: "the contract is signed by a key that the policy lists or, if the policy lists none, by the key in the contract itself",
    explanation: "envWorkloadSignature is an RSA PKCS#1 v1.5 signature with SHA-256 over the texts of workload and env. It is verified with the keys \
in the policy's [workload] contract-keys. If the policy lists none, the signature is verified with the signingKey in a readable env section, which \
shows that the two sections belong together but not who signed them. For plain sections, two readings of the text are in use. In one of \
them, line breaks are not signed, so anyone may have changed them after signing; the answer states this. For a certificate in signingKey, only the expiry is checked, because a contract does not specify a trusted issuer. An unsigned \
contract has nothing to verify.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[ChainLink::ContractSigner],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Workload(run),
};

fn run(deployment: &Deployment<'_>, policy: &Policy) -> Outcome {
    let Some(contract) = &deployment.workload.contract else {
        return Outcome::not_run(Reason::NoEvidence, "the workload is not a contract");
    };
    match judge_signature(contract, &policy.workload.contract_keys, deployment.now) {
        ContractSignature::Absent => Outcome::not_run(Reason::NoEvidence, "the contract is not signed"),
        ContractSignature::NoKey(why) => Outcome::not_run(
            Reason::NoEvidence,
            format!("the contract is signed, but there is no key to verify the signature with: {why}"),
        ),
        ContractSignature::Refused(why) => Outcome::fail(why),
        ContractSignature::Undecided(why) => Outcome::unknown(why),
        ContractSignature::Accepted(accepted) => {
            let who = match &accepted.named {
                Some(name) => format!("the policy's key {name}"),
                None => "the key in the contract's own env section, which the policy does not list,".to_owned(),
            };
            let says = match accepted.reading {
                Reading::Encrypted => format!("{who} signed the contract's two sections"),
                Reading::Unchanged => format!(
                    "{who} signed the texts of the contract's two sections, one after the other; where the first ends is not signed"
                ),
                Reading::Joined => format!(
                    "{who} signed the contract's two sections without their line breaks; the line breaks, and with them the structure, are not signed"
                ),
            };
            Outcome::pass(says).detail(format!("key {}", accepted.key))
        }
    }
}
