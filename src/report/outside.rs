//! The inputs of a build that the commit does not pin, and the sentences about them.

use serde::{Deserialize, Serialize};

use super::{BundleReport, summary};

/// The inputs that were found, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outside {
    /// Notes about what is missing or doubtful in the list, then one line for each input. A long list ends with the number of further inputs.
    pub lines: Vec<String>,
    /// The numbers of inputs and notes; `None` if nothing was read, or in a report of an earlier version.
    pub counts: Option<OutsideCounts>,
}

/// The numbers of inputs and notes, including those that are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct OutsideCounts {
    /// Inputs that were found; programs and scripts can fetch more.
    pub inputs: usize,
    /// Notes about what is missing or doubtful in the list.
    pub notes: usize,
}

impl Outside {
    pub(crate) fn new(lines: Vec<String>, (inputs, notes): (usize, usize)) -> Self {
        Self { lines, counts: Some(OutsideCounts { inputs, notes }) }
    }

    fn counts(&self) -> OutsideCounts {
        self.counts.unwrap_or(OutsideCounts { inputs: self.lines.len(), notes: 0 })
    }

    /// The number of inputs and notes.
    pub(super) fn total(&self) -> usize {
        let OutsideCounts { inputs, notes } = self.counts();
        inputs.saturating_add(notes)
    }

    /// How many inputs were found; `None` if there are only notes, or nothing at all.
    pub(super) fn found(&self) -> Option<String> {
        match self.counts() {
            OutsideCounts { inputs: 0, .. } => None,
            OutsideCounts { inputs, notes: 0 } => Some(format!("{inputs} found that the commit does not pin")),
            OutsideCounts { inputs, .. } => {
                Some(format!("at least {inputs} found that the commit does not pin; the list may be incomplete"))
            }
        }
    }
}

/// Why the list is empty. The Dockerfile is named only if `source-dockerfile` passed: its instructions are then those in the log.
pub(super) fn none(bundle: &BundleReport) -> &'static str {
    if !summary::was_read(bundle) {
        "The log and the Dockerfile were not read"
    } else if !summary::log_was_read(bundle) {
        "The log was not read"
    } else if summary::passes(bundle, "source-dockerfile") {
        "None was found in the log and the Dockerfile"
    } else {
        "None was found in the log"
    }
}

/// Like [`none`], for use within a line, with what an empty list does not exclude.
pub(super) fn none_in_line(bundle: &BundleReport) -> String {
    if summary::log_was_read(bundle) {
        let found = none(bundle).replacen("None was", "none", 1);
        format!("{found}; programs and scripts may have fetched some")
    } else {
        none(bundle).replacen("The", "the", 1)
    }
}

/// The beginning of the sentence under "Not proved".
pub(super) const LABEL: &str = "Inputs outside the commit";

/// The sentence under "Not proved".
pub(super) fn sentence(bundle: &BundleReport) -> String {
    let outside = &bundle.outside_the_commit;
    match (outside.found(), outside.lines.first()) {
        (Some(found), _) => format!("Inputs outside the commit: {found}."),
        (None, Some(note)) => format!("Inputs outside the commit: {note}."),
        (None, None) if summary::log_was_read(bundle) => {
            format!(
                "Inputs outside the commit. {}; a program or a script that ran in the build may still have fetched some.",
                none(bundle)
            )
        }
        (None, None) => format!("Inputs outside the commit. {}.", none(bundle)),
    }
}
