//! Decides when a verification summary (`--report vsa=FILE`, `--attach`) is written: only for an accepted bundle.

use crate::base::error::Error;
use crate::base::escape::for_lines;
use crate::base::mask::mask;
use crate::cli::args::AuditArguments;
use crate::cli::args::report::SummaryOptions;
use crate::cli::output::talk;
use crate::judge::finding::Verdict;
use crate::report::{Format, Look, Report};

/// Whether a summary was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Yes,
    No,
}

pub(super) fn wanted(formats: impl IntoIterator<Item = Format>, options: &SummaryOptions) -> Wanted {
    let is_wanted = options.attach.is_some() || formats.into_iter().any(|format| format == Format::Vsa);
    if is_wanted { Wanted::Yes } else { Wanted::No }
}

/// Whether any bundle qualifies for a summary. If no bundle qualifies, no file is written, because an empty file would look like a result.
pub(super) fn has_any(report: &Report) -> bool {
    report.error.is_none() && report.has_summary()
}

impl Wanted {
    /// Call this before any audit. Without a policy, no bundle is fully accepted; and a summary never states the answer of a sealer's policy and
    /// keys as that of its own verifier.
    ///
    /// # Errors
    /// [`Error::Usage`] if a summary was requested and there is no policy of one's own.
    pub(super) fn need_policy(self, arguments: &AuditArguments) -> Result<(), Error> {
        if self == Self::No || arguments.policy.is_some() {
            return Ok(());
        }
        let hint = match arguments.case.seal_key {
            Some(_) => {
                "with --seal-key, policy and keys are the sealer's: replace it with --policy FILE, your own policy"
            }
            None => "add --policy FILE",
        };
        Err(Error::Usage {
            message:
                "a verification summary (vsa, --attach) needs a policy, because it states that its verifier's policy accepts the bundle"
                    .into(),
            hint: hint.into(),
        })
    }

    /// Prints a line on standard error for each bundle without a summary, and returns the exit code. If a bundle without a summary is partly
    /// accepted, the exit code is 1, because a pipeline that needs the summary must not continue without it.
    pub(super) fn exit_code(self, report: &Report, code: u8) -> u8 {
        if self == Self::No {
            return code;
        }
        let say = |why: String| talk(for_lines(&mask(&format!("no verification summary{why}\n"))).as_bytes());
        if let Some(error) = &report.error {
            say(format!(", because there is no verdict: {error}"));
        }
        for bundle in report.bundles.iter().filter(|bundle| bundle.verdict != Verdict::Accept) {
            let verdict = bundle.verdict.word();
            say(format!(" for {}: the verdict is {verdict}, and a summary is written only for accept", bundle.path));
        }
        match self.own_code(report).filter(|_| code == 0) {
            None => code,
            Some(own) => {
                talk(b"the exit code is 1: a verification summary was requested, and none is written for an acceptance in part\n");
                own
            }
        }
    }

    /// The exit code, if it differs from the exit code of the verdict.
    fn own_code(self, report: &Report) -> Option<u8> {
        let is_missing = report.error.is_none() && report.verdict() == Verdict::AcceptInPart;
        (self == Self::Yes && is_missing).then_some(1)
    }

    /// A report in text format ends with the exit code of the process.
    pub(super) fn shown(self, report: &Report, format: Format) -> Format {
        match format {
            Format::Text(look) => Format::Text(Look { exit_code: self.own_code(report), ..look }),
            other => other,
        }
    }
}
