//! Kinds of the most used operators, one by one: what an object of each runs. Never by group: an operator's next kind may run anything.
//!
//! Sources, as of 2026-11-28: the schemas in datreeio/CRDs-catalog@7b1e26ef (2026-08-20), of which each kind listed as running nothing was
//! looked through for fields that name images or hold containers; and the documentation of each operator. A kind that is not here is the
//! owner's to list: the policy's `[workload] kinds-without-images`.

mod data;
mod delivery;
mod network;
mod operations;

use super::kinds::Group;

const CHOSEN: &str = "its operator chooses images that this file does not name: give the pods that it makes";
const APPLIED: &str = "it brings in what is not in this file: give what it renders to";
const PACKAGE: &str = "it installs a package that is not read here: give the objects that the package makes";
const CREATES: &str = "it creates or changes objects by a rule that is not read here: give those objects";
const PROXY: &str =
    "it changes the code or the configuration that proxies run: leave it out, and build the code into an image";
const MACHINE: &str = "it starts machines from an image that no build server made: leave it out";

/// The kinds, by group.
pub(super) fn kinds() -> impl Iterator<Item = &'static Group> {
    [network::KINDS, delivery::KINDS, data::KINDS, operations::KINDS].into_iter().flatten()
}
