//! The kinds of widely used operators, listed individually with what an object of each kind runs. Kinds are never listed by group, because
//! an operator's new kind may run anything.
//!
//! Sources, as of 2026-11-28: the schemas in datreeio/CRDs-catalog@7b1e26ef (2026-08-20), and the documentation of each operator. For each kind that
//! is listed as running nothing, the schema was searched for fields that specify images or define containers. The owner can list further kinds in the
//! policy: `[workload] kinds-without-images`.

mod data;
mod delivery;
mod network;
mod operations;

use super::kinds::Group;

const CHOSEN: &str = "its operator chooses images that are not in this file: check the pods that the operator creates";
const APPLIED: &str = "it fetches content that is not in this file: pass the rendered resources";
const PACKAGE: &str = "it installs a package whose content is not read: pass the objects that the package creates";
const CREATES: &str = "it creates or changes objects by a rule that is not read: pass the resulting objects";
const PROXY: &str =
    "it changes the code or the configuration of proxies: remove the object, and build the code into an image";
const MACHINE: &str = "it starts machines from an image that no build server built: remove the object";

/// The kinds, by group.
pub(super) fn kinds() -> impl Iterator<Item = &'static Group> {
    [network::KINDS, delivery::KINDS, data::KINDS, operations::KINDS].into_iter().flatten()
}
