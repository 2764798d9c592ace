//! `source-dockerfile`: the steps that the log shows are those of the proved Dockerfile.

use super::outcome::Outcome;
use super::{Check, Expected, Run, source_objects, source_tree};
use crate::base::image_name::ImageName;
use crate::base::words::counted;
use crate::judge::evidence::{Evidence, Known, NoInstructions};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason, Status};
use crate::judge::policy::Policy;
use crate::manifest::build_log::{BuildLog, LogEvent};
use crate::manifest::dockerfile::{self, Instruction};

pub(super) static CHECK: Check = Check {
    name: "source-dockerfile",
    group: Group::Source,
    level: Level::Warn,
    says: "the Dockerfile is in the proved tree, and the steps in the log are its instructions",
    explanation: "Reads expect.dockerfile (by default Dockerfile at the top) from its proved blob and compares its instructions, one by one, with the \
lines `Step n/m : INSTRUCTION` that docker's classic builder prints. If the Dockerfile specifies a base by tag, the log may show the same image by \
digest: content trust rewrites the tag, and the digest is then that of the base. podman's lines `STEP n/m:` of a single-stage build are compared in the same \
way. BuildKit's log has no such lines, so the answer is `unknown`. It is also `unknown` for a log with lines from two builders, because a \
program in the build may have printed some of the lines.\n\nThe log is the server's statement, and build arguments are neither in the log nor in the \
Dockerfile. Recognised inputs that the commit does not pin are listed under \"outside the commit\".\n\nWhen it fails: the build may have used a different \
Dockerfile of the repository; specify it in expect.dockerfile.",
    known: Known::Signed,
    expected: Expected::Optional(&["dockerfile"]),
    links: &[],
    controls: &["SA-10"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let instructions = match evidence.dockerfile(policy.expect.dockerfile.as_deref()) {
        Ok(instructions) => instructions,
        Err(NoInstructions::NotProved(fault)) => return Outcome::caused_by(&source_objects::CHECK, fault),
        Err(NoInstructions::InFaultySubmodule(fault)) => return Outcome::caused_by(&source_tree::CHECK, fault),
        Err(NoInstructions::NoFile(fault)) => return Outcome::fail(fault),
        Err(NoInstructions::NotRead(fault)) => return Outcome::unknown(fault),
    };
    if let Some(Err(fault)) = evidence.log().map(|log| log.builder()) {
        return Outcome::unknown(fault.to_string())
            .sides("lines from one builder", format!("lines from {} and {}", fault.0, fault.1))
            .detail(
                "a RUN step that prints such lines makes the log ambiguous: change the step's output, and build again",
            );
    }
    match evidence.log() {
        Some(log) => difference(log, &instructions),
        None => Outcome::not_run(Reason::NoEvidence, "the archive has no data/build.log"),
    }
}

/// Whether the log shows these instructions as numbered steps of one builder, each once and in order.
pub(crate) fn shows(log: Option<&BuildLog>, instructions: &[Instruction]) -> bool {
    log.is_some_and(|log| log.builder().is_ok() && difference(log, instructions).status == Status::Pass)
}

fn difference(log: &BuildLog, instructions: &[Instruction]) -> Outcome {
    let mut steps: Vec<(u32, u32, &str)> = Vec::new();
    for event in log.events() {
        if let LogEvent::Step { number, total, instruction, .. } = event {
            steps.push((*number, *total, instruction));
        }
    }
    if steps.is_empty() {
        return Outcome::unknown(
            "the log shows no steps of docker's classic builder or of a single-stage podman build",
        );
    }
    let expected = u32::try_from(instructions.len()).unwrap_or(u32::MAX);
    let in_order = steps.iter().map(|(number, ..)| *number).eq(1..=expected);
    if !in_order || steps.iter().any(|(_, total, _)| *total != expected) {
        let found = steps.last().map(|(number, total, _)| {
            format!("{}, of which the last is step {number}/{total}", counted(steps.len(), "line"))
        });
        return Outcome::fail("the log does not show each of the Dockerfile's instructions once and in order")
            .sides(format!("steps 1 to {expected}"), found.unwrap_or_default());
    }
    let mut details = Vec::new();
    for (instruction, (number, _, printed)) in instructions.iter().zip(&steps) {
        match compare(instruction, printed) {
            Ok(None) => {}
            Ok(Some(note)) => details.push(note),
            Err(()) => {
                return Outcome::fail(format!(
                    "step {number} in the log is not line {} of the Dockerfile",
                    instruction.line
                ))
                .sides(&instruction.text, printed);
            }
        }
    }
    let outcome = Outcome::pass(format!(
        "the log's {} of the proved Dockerfile",
        if expected == 1 { "1 step is that".into() } else { format!("{expected} steps are those") }
    ));
    details.into_iter().fold(outcome, Outcome::detail)
}

/// Returns `Ok(None)` if the instructions are equal, `Ok` with a note if they are equal except for a base's digest, and
/// `Err` if they differ.
fn compare(instruction: &Instruction, printed: &str) -> Result<Option<String>, ()> {
    let printed = dockerfile::canonical(printed);
    if instruction.text == printed {
        return Ok(None);
    }
    let (ours, theirs) = (from(&instruction.text).ok_or(())?, from(&printed).ok_or(())?);
    let (name, used) = (ImageName::parse(ours.image).map_err(|_| ())?, ImageName::parse(theirs.image).map_err(|_| ())?);
    let digest = used.sha256().ok_or(())?;
    let same = name.digest().is_none() && name.repository() == used.repository() && ours.rest == theirs.rest;
    same.then(|| Some(format!("base {} is {digest}, according to the log", ours.image))).ok_or(())
}

struct From<'t> {
    image: &'t str,
    /// The flags and the stage name of the FROM instruction.
    rest: Vec<&'t str>,
}

fn from(text: &str) -> Option<From<'_>> {
    let words: Vec<&str> = text.strip_prefix("FROM ")?.split_whitespace().collect();
    let image = words.iter().find(|word| !word.starts_with("--")).copied()?;
    Some(From { image, rest: words.into_iter().filter(|word| *word != image).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_may_have_its_digest_instead_of_its_tag() {
        let digest = "0".repeat(64);
        let instruction = |text: &str| Instruction { line: 1, text: text.into(), documents: Vec::new() };
        let answer =
            |ours: &str, theirs: &str| compare(&instruction(ours), &theirs.replace('@', &format!("@sha256:{digest}")));
        assert_eq!(answer("RUN a", "run a"), Ok(None));
        assert!(matches!(answer("FROM debian:12 AS base", "FROM docker.io/library/debian@ AS base"), Ok(Some(_))));
        assert!(matches!(
            answer("FROM --platform=x h.example:5000/a/b:1", "FROM --platform=x h.example:5000/a/b@"),
            Ok(Some(_))
        ));
        for (ours, theirs) in [
            ("FROM debian:12", "FROM debian:13"),
            ("FROM debian:12 AS base", "FROM debian@ AS other"),
            ("FROM debian:12", "FROM ubuntu@"),
            ("FROM debian:12", "FROM evil.example/library/debian@"),
            ("FROM debian@sha256:1", "FROM debian@"),
            ("RUN a", "RUN b"),
            ("COPY a:1 b", "COPY a@ b"),
        ] {
            assert_eq!(answer(ours, theirs), Err(()), "{ours} {theirs}");
        }
    }
}
