//! Kinds whose objects run nothing according to the policy: `[workload] kinds-without-images`.

use serde_json::{Map, Value};

use super::super::{Images, below};
use super::kinds::{self, Role};
use super::look;

/// Kinds of custom resources that run nothing and contain no image, according to the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindsWithoutImages {
    /// Group and kind.
    listed: Vec<(String, String)>,
}

impl KindsWithoutImages {
    /// Adds one entry of the form `GROUP/Kind`, without a version.
    ///
    /// # Errors
    /// A message if the entry does not have that form, if the kind is one of Kubernetes' own kinds in the tables, or if the table states that objects
    /// of the kind run or fetch something.
    pub fn add(&mut self, entry: &str) -> Result<(), String> {
        let parts = entry.split_once('/').filter(|(_, kind)| !kind.contains('/'));
        let Some((group, kind)) = parts.filter(|(group, kind)| is_group(group) && is_kind(kind)) else {
            return Err(format!(
                "expected GROUP/Kind without a version, such as \"example.com/Widget\", found {entry:?}"
            ));
        };
        match kinds::role(group, kind) {
            _ if kinds::built_in(group, kind).is_some() => {
                Err(format!("{entry:?} is a built-in Kubernetes kind, which cannot and need not be listed"))
            }
            Some(Role::Elsewhere(_) | Role::Runs(_) | Role::RunsAt(_) | Role::Contract(_)) => {
                Err(format!("objects of {entry:?} may contain or fetch images, so the kind cannot be listed"))
            }
            _ => {
                self.listed.push((group.to_owned(), kind.to_owned()));
                Ok(())
            }
        }
    }

    /// The kinds, as `GROUP/Kind`.
    #[cfg(feature = "cli")]
    pub(crate) fn names(&self) -> Vec<String> {
        self.listed.iter().map(|(group, kind)| format!("{group}/{kind}")).collect()
    }

    pub(super) fn lists(&self, group: &str, kind: &str) -> bool {
        self.listed.iter().any(|(of, name)| of == group && name == kind)
    }
}

/// Whether the string is an API group: a domain, or empty for a kind of the core group that is newer than the table.
fn is_group(group: &str) -> bool {
    let is_part = |part: &str| {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty() && part.chars().all(inside)
    };
    // In `v1/ConfigMap`, `v1` is a version, not a group.
    let is_version = group
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && !group.contains('.'));
    group.is_empty() || (!is_version && group.split('.').all(is_part))
}

fn is_kind(kind: &str) -> bool {
    !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The message for a kind that is not in any table.
pub(super) fn refusal(group: &str, kind: &str) -> String {
    if !is_kind(kind) || !is_group(group) {
        return "it has no usable apiVersion or no usable kind: specify both".into();
    }
    let entry = format!("{group}/{kind}");
    format!(
        "the kind {entry} is not recognised, so it is not known what its objects run. If they run nothing and contain no image, list the kind in the policy: [workload] kinds-without-images = [\"{entry}\"]. Otherwise, pass the pods that the kind's controller creates"
    )
}

/// Searches an object of a listed kind for images, which it must not contain.
pub(super) fn look(fields: &Map<String, Value>, place: &str, images: &mut Images) {
    let why =
        "the policy lists the kind in kinds-without-images. Remove the kind from that list, or remove this object";
    for (key, value) in fields.iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "items")) {
        look::through(key, value, &below(place, key), why, images);
    }
}
