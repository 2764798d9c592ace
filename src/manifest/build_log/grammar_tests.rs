//! The forms of the log's lines as regular expressions, for other implementations. A test compares them with the parser in [`super::event`] and
//! [`super::builder`], and writes docs/generated/log-lines.md.

use std::fmt::Write as _;

use regex_lite::Regex;

use super::Builder;
use super::event::{self, LogEvent};
use super::line::LogEntry;

/// One form. The tables below list the forms in the order in which the parser tries them.
struct Form {
    name: &'static str,
    /// Matches complete lines of this form. `@N` is a number, `@I` an instruction, `@H` 64 hexadecimal digits, `@S` a stage.
    pattern: &'static str,
    means: &'static str,
    example: &'static str,
}

const fn form(name: &'static str, pattern: &'static str, means: &'static str, example: &'static str) -> Form {
    Form { name, pattern, means, example }
}

/// Lines that the server writes itself, without `run: ` before them.
const SERVER: &[Form] = &[
    form("started", r"starting a build", "the build begins", "starting a build"),
    form("folder", r"github_dir=.*", "the clone's folder", "github_dir=wallet"),
    form("host", r"github_host=.*", "the repository's host", "github_host=github.com"),
    form("command", r"cmd=.*", "a command that the server runs", "cmd=docker build ."),
    form("key-id", r"keyid=.*", "the id of the image's content-trust root key", "keyid=0cc264a5"),
    form("certificate", r"publickey=.*", "the certificate of that key", "publickey=LS0tLS1C"),
];

/// Lines that commands print.
const COMMANDS: &[Form] = &[
    form(
        "trigger",
        r"# Executing .* build trigger.*",
        "ONBUILD instructions of a base image ran",
        "# Executing 1 build trigger",
    ),
    form(
        "image-id",
        r"#@N writing image sha256:@H( .*)?",
        "the image's id; only the last one counts",
        "#9 writing image sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c done",
    ),
    form("tagged", r"#@N naming to .+", "a local name", "#9 naming to docker.io/acme/wallet:v1 done"),
    form("internal", r"#@N \[internal\] .+", "", "#1 [internal] load build definition from Dockerfile"),
    form(
        "base",
        r"#@N \[(@S )?@N/@N\] FROM .+",
        "a base image, as BuildKit resolved it",
        "#5 [linux/s390x build 1/7] FROM docker.io/library/golang@sha256:5a1c",
    ),
    form(
        "unnumbered",
        r"#@N \[(@S )?@N/@N\] \s*@I",
        "an instruction; its number is ignored",
        "#9 [build 4/7] RUN make",
    ),
    form("unnumbered", r"#@N FROM .+", "an image from which files are copied", "#7 FROM docker.io/library/alpine:3"),
    form(
        "pushed",
        r"#@N pushing manifest for [^ ]+( [0-9]+\.[0-9]+s)? done",
        "the pushed name and, after @, the digest of the manifest or index",
        "#9 pushing manifest for docker.io/acme/wallet:v1@sha256:5a1c 0.4s done",
    ),
    form(
        "pushing",
        r"#@N pushing manifest for [^ ]+( [0-9]+\.[0-9]+s)?",
        "",
        "#9 pushing manifest for docker.io/acme/wallet:v1",
    ),
    form(
        "pushed",
        r"#@N pushing [^ ]* with docker",
        "the pushed name",
        "#9 pushing docker.io/acme/wallet:v1 with docker",
    ),
    form("pushing", r"#@N pushing (layers|any remaining layers|layer)( .*)?", "", "#9 pushing layers 2.1s done"),
    form(
        "failed",
        r"#@N (CANCELED|ERROR: .+)",
        "the step failed: its pushes before this line are ignored",
        "#9 ERROR: failed to push",
    ),
    form("output", r"#@N (DONE|CACHED|ERROR|CANCELED|exporting)([ :].*)?", "", "#5 DONE 0.1s"),
    form("step", r"Step @N/@N : \s*@I", "an instruction of the Dockerfile", "Step 3/9 : FROM golang:1.22 AS build"),
    form("podman-step", r"STEP @N/@N: \s*@I", "an instruction of the Dockerfile", "STEP 3/9: FROM golang:1.22"),
    form(
        "old-step",
        r"STEP @N: \s*(@I|COMMIT( .*)?)",
        "an instruction, or the end of a stage (before buildah 1.22)",
        "STEP 4: COMMIT wallet",
    ),
    form(
        "image-id",
        r"Successfully built [0-9a-f]{12}",
        "the image's id; only the last one counts",
        "Successfully built 0123456789ab",
    ),
    form("tagged", r"Successfully tagged .+", "a local name", "Successfully tagged wallet:latest"),
    form("stage-step", r"\[@N/@N\] STEP @N/@N: \s*@I", "an instruction of a stage", "[1/2] STEP 1/3: FROM golang:1.22"),
    form("output", r"( ?---> |--> |COMMIT |Removing intermediate container ).+", "", " ---> 0123456789ab"),
    form(
        "push-to",
        r"The push refers to repository \[.*\]",
        "a push to this repository",
        "The push refers to repository [docker.io/acme/wallet]",
    ),
    form(
        "signed",
        r"Successfully signed .+",
        "content trust signed this name and tag",
        "Successfully signed docker.io/acme/wallet:v1",
    ),
    form(
        "push",
        r".*?: digest: sha256:@H size: [0-9]+",
        "the tag, digest and size in bytes of the pushed manifest",
        "v1: digest: sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c size: 1157",
    ),
    form(
        "pulled",
        r"Status: (Downloaded newer image for|Image is up to date for) .+",
        "a base image",
        "Status: Downloaded newer image for golang:1.22",
    ),
    form(
        "pull-digest",
        r"Digest: sha256:@H",
        "the digest of that image or its index",
        "Digest: sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c",
    ),
];

/// The abbreviations in patterns.
const SHORT: [(&str, &str); 4] = [
    ("@N", "(0|[1-9][0-9]*)"),
    ("@H", "[0-9a-f]{64}"),
    ("@S", r"([^\]]|\]+[^\] ])*"),
    (
        "@I",
        r"((?i:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)(\s.*)?)",
    ),
];

fn regex(pattern: &str) -> Regex {
    let long = SHORT.iter().fold(pattern.to_owned(), |text, (short, long)| text.replace(short, long));
    Regex::new(&format!("^(?:{long})$")).unwrap()
}

/// The name of the form that an event comes from.
fn name_of(event: &LogEvent) -> &'static str {
    match event {
        LogEvent::Started => "started",
        LogEvent::Directory(_) => "folder",
        LogEvent::Host(_) => "host",
        LogEvent::Command(_) => "command",
        LogEvent::KeyId(_) => "key-id",
        LogEvent::PublicKey(_) => "certificate",
        LogEvent::Step { builder: Builder::Podman, .. } => "podman-step",
        LogEvent::Step { .. } => "step",
        LogEvent::StageStep { .. } => "stage-step",
        LogEvent::PlainStep { .. } => "old-step",
        LogEvent::Instruction { .. } => "unnumbered",
        LogEvent::BuildTriggers => "trigger",
        LogEvent::ResolvedBase { .. } => "base",
        LogEvent::PulledDigest(_) => "pull-digest",
        LogEvent::PulledImage(_) => "pulled",
        LogEvent::BuilderOutput(None) => "output",
        LogEvent::BuilderOutput(Some(_)) => "pushing",
        LogEvent::BuiltImage { .. } => "image-id",
        LogEvent::Tagged(_) => "tagged",
        LogEvent::PushTo(_) => "push-to",
        LogEvent::PushedManifest { .. } => "pushed",
        LogEvent::Failed(_) => "failed",
        LogEvent::Pushed { .. } => "push",
        LogEvent::Signed(_) => "signed",
    }
}

fn parsed(line: &str) -> Option<LogEvent> {
    let time = crate::base::time::Timestamp::from_log_time("2026-03-02 10:15:30,123");
    let entry = LogEntry { line: 1, time, level: "INFO".into(), message: line.into() };
    event::of(&entry).next()
}

fn matched(forms: &[(Regex, &'static str)], line: &str) -> Option<&'static str> {
    let name = forms.iter().find(|(pattern, _)| pattern.is_match(line)).map(|(_, name)| *name);
    // The parser does not distinguish these two.
    name.map(|name| if name == "internal" { "pushing" } else { name })
}

/// The line with one change, which `seed` determines.
fn changed(line: &str, seed: usize) -> String {
    let letters: Vec<char> = line.chars().collect();
    let at = seed / 7 % letters.len().max(1);
    let (before, rest) = letters.split_at(at);
    let text = |letters: &[char]| letters.iter().collect::<String>();
    let (first, after) = rest.split_first().map_or((' ', &[][..]), |(first, after)| (*first, after));
    let new = [' ', '0', 'a', ':', '[', ']', '#', '/', 'x', '@', '\t'][seed / 11 % 11];
    match seed % 7 {
        0 => text(before) + &text(after),
        1 => text(before) + &first.to_string() + &first.to_string() + &text(after),
        2 => text(before) + &new.to_string() + &text(after),
        3 => text(before) + &new.to_string() + &text(rest),
        4 => text(before),
        5 => text(before) + &first.to_ascii_uppercase().to_string() + &text(after),
        _ => text(before) + &first.to_ascii_lowercase().to_string() + " " + &text(after),
    }
}

#[test]
fn the_expressions_and_the_parser_read_the_same_lines() {
    let forms: Vec<(Regex, &'static str)> =
        SERVER.iter().chain(COMMANDS).map(|form| (regex(form.pattern), form.name)).collect();
    for form in SERVER.iter().chain(COMMANDS) {
        let expected = if form.name == "internal" { "pushing" } else { form.name };
        assert_eq!(parsed(form.example).as_ref().map(name_of), Some(expected), "{}", form.example);
        let mut line = form.example.to_owned();
        for seed in 0..6_000 {
            // Up to three changes, one after the other.
            line = if seed % 3 == 0 { form.example.to_owned() } else { line };
            line = changed(&line, seed * 7919);
            let plain = line.trim_end();
            assert_eq!(parsed(plain).as_ref().map(name_of), matched(&forms, plain), "{plain:?}");
        }
    }
}

/// `HPSB_UPDATE=1` rewrites the page.
#[test]
fn the_page_shows_this_table() {
    let mut page = String::from(
        "# The lines of data/build.log\n\nThis page is part of [format.md](../format.md#databuildlog). It lists every line that has a meaning, as a regular \
expression for the complete line. The first expression that matches applies. White space at the end of a line is removed first, and so is \
`run: ` in front of the line of a command. `\\s` is any white space. Numbers are below 2^32, sizes below 2^64. A test compares the expressions with the program's parser.\n\n\
| abbreviation | expression |\n| --- | --- |\n",
    );
    let cell = |text: &str| text.replace('|', "\\|");
    for (short, long) in SHORT {
        let _ = writeln!(page, "| `{short}` | `{}` |", cell(long));
    }
    page.push_str("\n## Lines of the server\n\n| expression | meaning |\n| --- | --- |\n");
    for form in SERVER {
        let _ = writeln!(page, "| `{}` | {} |", cell(form.pattern), form.means);
    }
    page.push_str(
        "\n## Lines of commands\n\n*Own*: the builder that a line of this form identifies. *Printed*: only a build prints the line, so \
a push after the build follows it.\n\n| expression | meaning | own | printed | example |\n| --- | --- | --- | --- | --- |\n",
    );
    for form in COMMANDS {
        let event = parsed(form.example).unwrap();
        let own = event.builder().map(|builder| builder.to_string()).unwrap_or_default();
        let printed = if event.is_build_output() { "yes" } else { "" };
        let _ = writeln!(
            page,
            "| `{}` | {} | {own} | {printed} | `{}` |",
            cell(form.pattern),
            form.means,
            cell(form.example)
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/generated/log-lines.md");
    if std::env::var_os("HPSB_UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page, "{path} is out of date: HPSB_UPDATE=1 rewrites it");
}
