//! Inputs of a build that the commit does not pin. They are listed in every report: a proved commit does not prove them.

use std::collections::HashSet;

use crate::digest::Sha256;

/// Inputs that are listed: a build has some tens.
const INPUTS_SHOWN: usize = 100;

/// What `instructions` of a Dockerfile (`FROM …`, `RUN …`, one each) take from outside the commit, a sentence each. Reads what is
/// plainly there; a script that a RUN step starts may fetch more.
pub(crate) fn inputs_outside_the_commit<'t>(instructions: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut inputs: Vec<String> = Vec::new();
    // A log may hold millions of steps: looking each one up in the list would take forever.
    let mut seen: HashSet<String> = HashSet::new();
    let mut stages: HashSet<String> = HashSet::new();
    let mut more = 0;
    for instruction in instructions {
        if inputs.len() >= INPUTS_SHOWN {
            more += 1;
            continue;
        }
        let mut words = instruction.split_whitespace();
        let Some(keyword) = words.next() else { continue };
        let taken = taken_from(instruction, &stages);
        inputs.extend(taken.into_iter().filter(|sentence| seen.insert(sentence.clone())));
        let sentence = match keyword.to_ascii_uppercase().as_str() {
            "FROM" => from(words, &mut stages),
            "ARG" => words.next().map(|name| format!("build argument {name}: its value is not recorded in the commit")),
            "ADD" => words.find(|word| is_remote(word)).map(|url| format!("ADD of {url}")),
            "RUN" => fetcher(instruction)
                .map(|tool| format!("a RUN step that uses the network ({tool}): {}", shortened(instruction))),
            _ => None,
        };
        inputs.extend(sentence.filter(|sentence| seen.insert(sentence.clone())));
    }
    inputs.extend((more > 0).then(|| format!("and what {more} further instructions take, which are not listed")));
    inputs
}

fn from<'t>(words: impl Iterator<Item = &'t str>, stages: &mut HashSet<String>) -> Option<String> {
    let mut words = words.skip_while(|word| word.starts_with("--"));
    let base = words.next()?;
    let earlier_stage = stages.contains(&base.to_ascii_lowercase());
    if words.next().is_some_and(|word| word.eq_ignore_ascii_case("as")) {
        stages.extend(words.next().map(str::to_ascii_lowercase).filter(|name| is_stage_name(name)));
    }
    if base == "scratch" || earlier_stage || is_pinned(base) {
        return None;
    }
    Some(format!("base image {base}, named by tag and not by digest"))
}

/// Does the name end with a whole digest? A variable in its place is none.
fn is_pinned(name: &str) -> bool {
    name.rsplit_once('@').is_some_and(|(_, digest)| Sha256::from_prefixed(digest).is_some())
}

/// Other images that COPY (`--from=NAME`) or RUN (`--mount=…,from=NAME`) takes files from, named by tag. A number is an earlier stage.
fn taken_from(instruction: &str, stages: &HashSet<String>) -> Vec<String> {
    let flags = instruction.split_whitespace().skip(1).take_while(|word| word.starts_with("--"));
    let names = flags.filter_map(|flag| match flag.split_once('=')? {
        ("--from", name) => Some(name),
        ("--mount", parts) => parts.split(',').find_map(|part| part.strip_prefix("from=")),
        _ => None,
    });
    let outside = names.filter(|name| {
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        !is_number && !is_pinned(name) && !stages.contains(&name.to_ascii_lowercase())
    });
    outside.map(|name| format!("files of the image {name}, named by tag and not by digest")).collect()
}

/// What a builder takes for a stage's name: nothing that could be an image with a tag or a digest.
fn is_stage_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(allowed)
}

fn is_remote(word: &str) -> bool {
    ["http://", "https://", "git@", "git://", "ftp://"].iter().any(|scheme| word.starts_with(scheme))
}

/// Programs that plainly fetch, as words of a RUN step, with the subcommand that makes them do so.
const FETCHERS: [(&str, &str); 22] = [
    ("curl", ""),
    ("wget", ""),
    ("git", "clone"),
    ("git", "fetch"),
    ("apt-get", "install"),
    ("apt", "install"),
    ("apk", "add"),
    ("dnf", "install"),
    ("microdnf", "install"),
    ("yum", "install"),
    ("zypper", "install"),
    ("pip", "install"),
    ("pip3", "install"),
    ("npm", "install"),
    ("npm", "ci"),
    ("yarn", "install"),
    ("go", "get"),
    ("go", "mod"),
    ("cargo", "install"),
    ("cargo", "build"),
    ("gem", "install"),
    ("mvn", ""),
];

fn fetcher(instruction: &str) -> Option<&'static str> {
    let words: Vec<&str> = instruction
        .split(|c: char| c.is_whitespace() || ";&|()\"'`,[]".contains(c))
        .filter(|w| !w.is_empty())
        .collect();
    let found = FETCHERS.iter().find(|(tool, subcommand)| {
        words.iter().enumerate().any(|(at, word)| {
            let mut rest = words.iter().skip(at + 1).take(6);
            word.rsplit('/').next() == Some(*tool) && (subcommand.is_empty() || rest.any(|next| next == subcommand))
        })
    });
    found.map(|(tool, _)| *tool)
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(120).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_commit_does_not_pin_is_listed_once() {
        let instructions = [
            "ARG VERSION=1",
            "FROM --platform=linux/s390x docker.io/library/node:19 AS build",
            "FROM build AS test",
            "FROM scratch AS nginx:1",
            "FROM nginx:1",
            "FROM nginx@sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c",
            "FROM debian@sha256:${DIGEST}",
            "COPY --from=build --chown=1 a b",
            "COPY --from=0 a b",
            "COPY --chown=1 --from=busybox:1 a b",
            "RUN --mount=type=bind,from=tools:2,target=/t make",
            "FROM scratch",
            "ADD https://example.com/a.tgz /",
            "ADD local /",
            "RUN apt-get update && apt-get -y install curl",
            "RUN ./configure",
            "RUN [\"/usr/bin/curl\", \"-O\"]",
            "ARG VERSION=1",
        ];
        let inputs = inputs_outside_the_commit(instructions.into_iter());
        let starts = [
            "build argument VERSION=1",
            "base image docker.io/library/node:19",
            "base image nginx:1",
            "base image debian@sha256:${DIGEST}",
            "files of the image busybox:1",
            "files of the image tools:2",
            "ADD of https://example.com/a.tgz",
            "a RUN step that uses the network (curl): RUN apt",
            "a RUN step that uses the network (curl): RUN [",
        ];
        assert_eq!(inputs.len(), starts.len(), "{inputs:#?}");
        for (input, start) in inputs.iter().zip(starts) {
            assert!(input.starts_with(start), "{input}");
        }
    }

    #[test]
    fn many_steps_take_no_longer_than_their_number_and_the_first_are_listed() {
        // Compared each with each, these would not end while somebody waits.
        let stage = |number| [format!("ARG A{number}"), format!("FROM base{number} AS stage{number}")];
        let instructions: Vec<String> = (0..300_000).flat_map(stage).collect();
        let inputs = inputs_outside_the_commit(instructions.iter().map(String::as_str));
        assert_eq!(inputs.len(), INPUTS_SHOWN + 1);
        assert_eq!(inputs.last().unwrap(), "and what 599900 further instructions take, which are not listed");
    }
}
