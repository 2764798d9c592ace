//! `[workload]` and `[builder]`: the signers whose contracts are accepted, the kinds of resources that run nothing, and what a
//! build server may have booted.

use serde::Deserialize;

use super::WorkloadPolicy;
use super::wire::{Answer, list};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::given::attestation::BuilderPolicy;
use crate::trust::cosign_key;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WorkloadTable {
    contract_keys: Option<Vec<String>>,
    kinds_without_images: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BuilderTable {
    roots: Option<Vec<String>>,
    workloads: Option<Vec<String>>,
    base_images: Option<Vec<String>>,
    root_archives: Option<Vec<String>>,
}

pub(super) fn read_workload(
    table: WorkloadTable,
    load: &mut impl FnMut(&str) -> Result<Vec<u8>, Error>,
    fail: &impl Fn(String) -> Error,
) -> Result<WorkloadPolicy, Error> {
    let mut policy = WorkloadPolicy::default();
    let WorkloadTable { contract_keys, kinds_without_images } = table;
    if contract_keys.is_none() && kinds_without_images.is_none() {
        return Err(fail("workload: the table is empty; set a field or leave the table out".into()));
    }
    for entry in list("workload.kinds-without-images", kinds_without_images).map_err(fail)? {
        let added = policy.kinds_without_images.add(&entry);
        added.map_err(|why| fail(format!("workload.kinds-without-images: {why}")))?;
    }
    for file in list("workload.contract-keys", contract_keys).map_err(fail)? {
        // A PEM public key, in the format of cosign keys.
        let key = cosign_key(&load(&file)?).map_err(|message| Error::Key { name: file.clone(), message })?;
        policy.contract_keys.push((file, key));
    }
    Ok(policy)
}

pub(super) fn read_builder(table: BuilderTable) -> Answer<BuilderPolicy> {
    let BuilderTable { roots, workloads, base_images, root_archives } = table;
    if [&roots, &workloads, &base_images, &root_archives].into_iter().all(Option::is_none) {
        return Err("builder: the table is empty; set a field or leave the table out".into());
    }
    let digests = |field: &str, values: Option<Vec<String>>| {
        let field = format!("builder.{field}");
        let read = |text: String| {
            Sha256::from_hex(&text)
                .ok_or_else(|| format!("{field}: expected 64 lower-case hexadecimal digits, found {text:?}"))
        };
        list(&field, values)?.into_iter().map(read).collect::<Answer<Vec<Sha256>>>()
    };
    Ok(BuilderPolicy {
        roots: digests("roots", roots)?,
        workloads: digests("workloads", workloads)?,
        base_images: digests("base-images", base_images)?,
        root_archives: digests("root-archives", root_archives)?,
    })
}
