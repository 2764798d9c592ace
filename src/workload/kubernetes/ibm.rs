//! Resources of IBM's operator for Hyper Protect that contain a whole contract: ibm-hyper-protect/k8s-operator-hpcr@8f546227 (2026-06-30),
//! manifests/crd.yaml, onprem/cr.go and server/vpc/instance.go.
//!
//! `imageURL` and `imageID` identify the image that the machine boots, not the images that run on the machine. Only an attestation record can cover
//! the boot image.

use serde_json::Value;

use super::super::table::{
    Meaning::{Harmless, Mapping, Special},
    Table,
};
use super::super::{Contract, Images, Password};
use super::ADVICE;
use super::annotations::metadata;
use crate::base::limits::Limits;
use crate::base::strict_yaml;

pub(super) static ON_PREMISES: Table = resource!("a HyperProtectContainerRuntimeOnPrem", Mapping(&ON_PREMISES_SPEC));
pub(super) static VPC: Table = resource!("a HyperProtectContainerRuntimeVPC", Mapping(&VPC_SPEC));

static ON_PREMISES_SPEC: Table = Table {
    name: "a HyperProtectContainerRuntimeOnPrem",
    keys: &[
        ("contract", Special(contract)),
        ("diskSelector", Harmless),
        ("imageURL", Special(machine)),
        ("networkSelector", Harmless),
        ("selector", Harmless),
        ("storagePool", Harmless),
        ("targetSelector", Harmless),
    ],
    extensions: &[],
    advice: ADVICE,
};

static VPC_SPEC: Table = Table {
    name: "a HyperProtectContainerRuntimeVPC",
    keys: &[
        ("contract", Special(contract)),
        ("imageID", Special(machine)),
        ("profileName", Harmless),
        ("selector", Harmless),
        ("subnetID", Harmless),
        ("targetSelector", Harmless),
    ],
    extensions: &[],
    advice: ADVICE,
};

/// A contract contained in a resource.
#[derive(Debug, Clone)]
pub(in crate::workload) struct Carried {
    pub(in crate::workload) place: String,
    pub(in crate::workload) text: String,
}

fn contract(value: &Value, place: &str, images: &mut Images) {
    match value {
        Value::String(text) => images.carried.push(Carried { place: place.to_owned(), text: text.clone() }),
        _ => images.unknown(place, "the contract is not a string, so it is not known what it runs"),
    }
}

fn machine(value: &Value, place: &str, images: &mut Images) {
    match value {
        Value::String(text) => images.machine = Some(text.clone()),
        _ => images.unknown(place, "expected a string"),
    }
}

/// Reads the contract in a resource. The contract's signature and keys cover only its own images, so the contract must
/// be the only workload.
pub(in crate::workload) fn open(images: &mut Images, passwords: &[Password], limits: &Limits) -> Option<Contract> {
    let mut carried = std::mem::take(&mut images.carried);
    if carried.len() == 1 && images.found.is_empty() {
        let Carried { place, text } = carried.pop()?;
        let answer = read(&text, passwords, images, limits);
        images.move_into(&place);
        return answer.map_err(|why| images.unknown(place, why)).ok();
    }
    for Carried { place, .. } in carried {
        images.unknown(place, "a contract must be the only workload: pass this resource in a separate file");
    }
    None
}

fn read(text: &str, passwords: &[Password], images: &mut Images, limits: &Limits) -> Result<Contract, String> {
    let documents = strict_yaml::documents(text.as_bytes(), limits)?;
    match documents.as_slice() {
        [one @ Value::Object(_)] => Contract::read(one, text.as_bytes(), passwords, images, limits),
        _ => Err("the contract is not a single mapping of sections, so it is not known what it runs".into()),
    }
}
