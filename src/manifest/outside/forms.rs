//! The inputs that each Dockerfile instruction uses from outside the commit.
//!
//! Source: Dockerfile reference and BuildKit's `frontend/dockerfile` (moby/buildkit@73ed6825c4b7569379ef89df0aedcdbe64473d31, 2026-08-21), in the
//! order of the reference. An instruction that is not in this table is listed as unknown.

use std::collections::HashMap;
use std::rc::Rc;

use super::doors::changes_what_runs;
use super::follow::{self, Programs};
use super::words::{Arguments, Exec, arguments, exec_form, keyword, words};
use super::{Inputs, Kind, shortened};
use crate::base::digest::Sha256;
use crate::manifest::dockerfile::HereDocument;

/// Maximum length of a SHELL instruction's words. PowerShell with its preference variables needs about a hundred characters.
const SHELL: usize = 1_000;

/// The kind of outside input that an instruction uses.
enum Form {
    /// `FROM IMAGE [AS NAME]`
    From,
    /// Runs programs, and mounts files from images or from the builder.
    Run,
    /// Copies files, possibly from other images.
    Copy,
    /// Copies files, including from URLs and repositories.
    Add,
    /// Sets variables for the programs that follow.
    Env,
    /// Values that the caller of the builder may set.
    Arg,
    /// Sets the shell of the RUN steps that follow.
    Shell,
    /// Adds an instruction that runs in builds based on this image or this stage.
    OnBuild,
    /// Text for the image's configuration. CMD, ENTRYPOINT and HEALTHCHECK run in containers, not in the build.
    Nothing,
}

const FORMS: [(&str, Form); 18] = [
    ("FROM", Form::From),
    ("RUN", Form::Run),
    ("CMD", Form::Nothing),
    ("LABEL", Form::Nothing),
    ("MAINTAINER", Form::Nothing),
    ("EXPOSE", Form::Nothing),
    ("ENV", Form::Env),
    ("ADD", Form::Add),
    ("COPY", Form::Copy),
    ("ENTRYPOINT", Form::Nothing),
    ("VOLUME", Form::Nothing),
    ("USER", Form::Nothing),
    ("WORKDIR", Form::Nothing),
    ("ARG", Form::Arg),
    ("ONBUILD", Form::OnBuild),
    ("STOPSIGNAL", Form::Nothing),
    ("HEALTHCHECK", Form::Nothing),
    ("SHELL", Form::Shell),
];

/// The stages so far, and the settings of the current stage.
pub(super) struct Stages {
    /// Stage names in lower case, each with the shell set at the end of the stage.
    named: HashMap<String, Rc<[String]>>,
    count: usize,
    name: Option<String>,
    shell: Rc<[String]>,
    escape: char,
}

impl Stages {
    pub(super) fn new(escape: char) -> Self {
        Self { named: HashMap::new(), count: 0, name: None, shell: default_shell(), escape }
    }

    /// Adds a stage, with its name if known.
    pub(super) fn add(&mut self, name: &str) {
        if is_stage_name(name) {
            self.named.insert(name.to_owned(), default_shell());
        }
        self.count = self.count.saturating_add(1);
    }

    /// Whether the name is that of an earlier stage. A number refers to a stage, counted from 0.
    fn has(&self, name: &str) -> bool {
        let number = name.parse::<usize>().ok().filter(|_| name.bytes().all(|byte| byte.is_ascii_digit()));
        number.is_some_and(|number| number < self.count) || self.named.contains_key(&name.to_ascii_lowercase())
    }
}

fn default_shell() -> Rc<[String]> {
    ["/bin/sh".to_owned(), "-c".to_owned()].into()
}

/// `# syntax=IMAGE` specifies the program that reads the Dockerfile. `escape` and `check` use no outside input.
pub(super) fn directive(name: &str, value: &str, inputs: &mut Inputs) {
    let image = value.split_whitespace().next().unwrap_or_default();
    if name == "syntax" && !is_pinned(image) {
        inputs.add(Kind::Frontend, format!("frontend {}, {}", shortened(image), how_named(image)));
    }
}

/// Reads one instruction with its here-documents.
pub(super) fn read(instruction: &str, documents: &[HereDocument], stages: &mut Stages, inputs: &mut Inputs) {
    let (word, rest) = keyword(instruction);
    if word.is_empty() || !inputs.may_read(instruction, documents) {
        return;
    }
    match FORMS.iter().find(|(name, _)| *name == word).map(|(_, form)| form) {
        Some(Form::From) => from(rest, stages, inputs),
        Some(Form::Run) => run(rest, instruction, documents, stages, inputs),
        Some(Form::Copy) => files_of(&arguments(rest, stages.escape), stages, inputs),
        Some(Form::Add) => add(rest, stages, inputs),
        Some(Form::Env) => env(rest, stages, inputs),
        Some(Form::Arg) => arg(rest, stages, inputs),
        Some(Form::Shell) => shell(rest, stages, inputs),
        Some(Form::OnBuild) => on_build(rest, documents, stages, inputs),
        Some(Form::Nothing) => {}
        None => inputs.note(format!("unknown instruction: {}", shortened(instruction))),
    }
}

/// An image as resolved by BuildKit. If the name has a tag, the builder may have looked up the digest.
pub(super) fn resolved(name: &str, kind: Kind, said: &str, inputs: &mut Inputs) {
    let name = name.split_whitespace().next().unwrap_or_default();
    if name.is_empty() || name == "scratch" || !inputs.may_read(name, &[]) {
        return;
    }
    let before_digest = name.split('@').next().unwrap_or_default();
    let has_tag = before_digest.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if !is_pinned(name) {
        inputs.add(kind, format!("{said} {}, {}", shortened(name), how_named(name)));
    } else if has_tag {
        inputs.add(
            kind,
            format!(
                "{said} {}, resolved by the builder: the Dockerfile may specify it by tag only",
                shortened(before_digest)
            ),
        );
    }
}

fn from(rest: &str, stages: &mut Stages, inputs: &mut Inputs) {
    let words = words(arguments(rest, stages.escape).text, stages.escape);
    let base = words.first().map(String::as_str).unwrap_or_default();
    if let Some(name) = stages.name.take() {
        stages.named.insert(name, Rc::clone(&stages.shell));
    }
    let earlier = stages.named.get(&base.to_ascii_lowercase());
    stages.shell = earlier.cloned().unwrap_or_else(default_shell);
    if earlier.is_none() && base != "scratch" && !is_pinned(base) {
        inputs.add(Kind::Base, format!("base image {}, {}", shortened(base), how_named(base)));
    }
    stages.count += 1;
    if words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("as")) {
        stages.name = words.get(2).map(|name| name.to_ascii_lowercase()).filter(|name| is_stage_name(name));
    }
}

/// Builders reject ONBUILD, FROM and MAINTAINER in an ONBUILD instruction.
fn on_build(rest: &str, documents: &[HereDocument], stages: &mut Stages, inputs: &mut Inputs) {
    let (word, after) = keyword(rest);
    match word.as_str() {
        "ONBUILD" | "FROM" | "MAINTAINER" => inputs.note(format!("unknown instruction: ONBUILD {}", shortened(rest))),
        "SHELL" => shell(after, stages, inputs),
        _ => read(rest, documents, stages, inputs),
    }
}

fn arg(rest: &str, stages: &Stages, inputs: &mut Inputs) {
    for word in words(rest, stages.escape) {
        inputs.add(
            Kind::Argument,
            format!("build argument {}: the commit does not record the value used", shortened(&word)),
        );
    }
}

/// Lists variables that change which program runs. In the old form, `ENV NAME VALUE`, only the first word is a name.
fn env(rest: &str, stages: &Stages, inputs: &mut Inputs) {
    for word in words(rest, stages.escape) {
        let name = word.split('=').next().unwrap_or_default();
        if changes_what_runs(name, false) {
            inputs
                .add(Kind::Program, format!("may use the network: programs run with the variable {}", shortened(name)));
        }
        if !word.contains('=') {
            return;
        }
    }
}

fn shell(rest: &str, stages: &mut Stages, inputs: &mut Inputs) {
    match exec_form(rest) {
        // The shell's words are read again for each RUN.
        Exec::Words(words) if !words.is_empty() && words.concat().len() <= SHELL => stages.shell = words.into(),
        _ => {
            inputs.note(format!("unknown shell: SHELL {}", shortened(rest)));
            stages.shell = default_shell();
        }
    }
}

/// `--from` of COPY and ADD: a stage, an image, or a build context that the caller of the builder supplies.
fn files_of(arguments: &Arguments<'_>, stages: &Stages, inputs: &mut Inputs) {
    for flag in &arguments.flags {
        if let Some(("--from", name)) = flag.split_once('=') {
            image_of(name, stages, inputs);
        }
    }
}

fn image_of(name: &str, stages: &Stages, inputs: &mut Inputs) {
    if !name.is_empty() && name != "scratch" && !is_pinned(name) && !stages.has(name) {
        inputs.add(Kind::Files, format!("files from the image {}, {}", shortened(name), how_named(name)));
    }
}

fn add(rest: &str, stages: &Stages, inputs: &mut Inputs) {
    let arguments = arguments(rest, stages.escape);
    files_of(&arguments, stages, inputs);
    let mut sources = match exec_form(arguments.text) {
        Exec::Words(words) => words,
        Exec::No | Exec::Doubtful => words(arguments.text, stages.escape),
    };
    sources.pop();
    let sum = arguments.flags.iter().find_map(|flag| Sha256::from_prefixed(flag.strip_prefix("--checksum=")?));
    for source in &sources {
        let said = match place_of(source) {
            // A checksum pins a single URL. For a repository, the checksum may be only a few digits of a commit id.
            Place::Address if sum.is_some() && sources.len() == 1 && !is_repository(source) => continue,
            Place::Address => format!("ADD of {}", shortened(source)),
            Place::Variable => format!("ADD of {}, which may be a URL", shortened(source)),
            Place::Context => continue,
        };
        inputs.add(Kind::Add, said);
    }
}

enum Place {
    Address,
    /// A variable may turn the source into an address.
    Variable,
    Context,
}

/// Classifies a source of ADD. Case is ignored, and schemes that builders reject also count as addresses.
fn place_of(source: &str) -> Place {
    let before_variable = source.split('$').next().unwrap_or_default();
    let scheme = source.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    });
    // `git@host:path` or `host:path`.
    let host =
        source.split_once(':').is_some_and(|(host, path)| !host.contains('/') && host.len() > 1 && !path.is_empty());
    if source.starts_with("<<") {
        return Place::Context;
    }
    if scheme || host || is_repository(source) {
        return Place::Address;
    }
    let may_become_one = before_variable.len() < source.len() && !before_variable.contains('/');
    if may_become_one { Place::Variable } else { Place::Context }
}

/// `….git`, optionally with `#REF` or `?ref=…`, or the old form `github.com/OWNER/NAME`.
fn is_repository(source: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let place = source.split(['#', '?']).next().unwrap_or_default();
    (place.ends_with(".git") && place.len() > 4 && !place.ends_with("/.git")) || source.starts_with("github.com/")
}

fn run(rest: &str, instruction: &str, documents: &[HereDocument], stages: &Stages, inputs: &mut Inputs) {
    let arguments = arguments(rest, stages.escape);
    mounts(&arguments, stages, inputs);
    if arguments.flags.iter().any(|flag| flag == "--network=none") {
        return;
    }
    list(&programs_of(&arguments, documents, stages), instruction, inputs);
}

/// What RUN runs. If the whole command is a single here-document, it is a script; otherwise the shell reads the command and the here-documents.
fn programs_of(arguments: &Arguments<'_>, documents: &[HereDocument], stages: &Stages) -> Programs {
    let exec = exec_form(arguments.text);
    if let Exec::Words(words) = exec {
        return follow::of_words(&words);
    }
    if let Some(programs) = follow::on_windows(arguments.text).filter(|_| documents.is_empty()) {
        return programs;
    }
    let alone = arguments.text.strip_prefix("<<").is_some_and(|name| !name.contains(char::is_whitespace));
    let mut programs = match documents {
        [document] if alone => match document.content.strip_prefix("#!") {
            Some(interpreted) => interpreter(interpreted),
            None => follow::in_shell(&stages.shell, &document.content),
        },
        _ => {
            let mut text = arguments.text.to_owned();
            for document in documents {
                text.push('\n');
                text.push_str(&document.content);
                text.push_str(&document.name);
            }
            if !documents.is_empty() {
                text.push('\n');
            }
            follow::in_shell(&stages.shell, &text)
        }
    };
    if matches!(exec, Exec::Doubtful) {
        programs.unclear.get_or_insert("malformed JSON array in exec form");
    }
    // Builders without here-document support read the document's lines and its delimiter as instructions.
    if documents.iter().any(|document| FORMS.iter().any(|(name, _)| document.name.eq_ignore_ascii_case(name))) {
        programs.unclear.get_or_insert("the here-document's delimiter is the name of an instruction");
    }
    programs
}

/// A script with `#!PROGRAM ARGUMENT`.
fn interpreter(script: &str) -> Programs {
    let (line, text) = script.split_once('\n').unwrap_or((script, ""));
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let name = words.iter().map(|word| word.rsplit('/').next().unwrap_or_default()).find(|name| *name != "env");
    if name.is_some_and(|name| matches!(name, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh")) {
        words.extend(["-c".to_owned(), text.to_owned()]);
    } else {
        words.push("script".into());
    }
    follow::of_words(&words)
}

/// Adds to the list what one RUN step does.
fn list(programs: &Programs, instruction: &str, inputs: &mut Inputs) {
    let step = || shortened(&instruction.split_whitespace().collect::<Vec<_>>().join(" "));
    if !programs.fetching.is_empty() {
        let mut names: Vec<String> = Vec::new();
        for name in &programs.fetching {
            let name = shortened(name);
            if names.len() < 6 && !names.contains(&name) {
                names.push(name);
            }
        }
        inputs.add(Kind::Run, format!("a RUN step that uses the network ({}): {}", names.join(", "), step()));
    }
    if let Some(why) = programs.unclear {
        inputs.add(Kind::Unclear, format!("a RUN step that cannot be analysed ({why}): {}", step()));
    }
    for name in &programs.unknown {
        inputs.add(Kind::Program, format!("may use the network: {}", shortened(name)));
    }
    for name in &programs.scripts {
        inputs.add(Kind::Script, format!("may use the network: {}, which runs a script", shortened(name)));
    }
}

/// `--mount=type=…,from=…`: mounted images, and files that the builder stores or receives.
fn mounts(arguments: &Arguments<'_>, stages: &Stages, inputs: &mut Inputs) {
    for mount in arguments.flags.iter().filter_map(|flag| flag.strip_prefix("--mount=")) {
        let field = |wanted: &[&str]| {
            mount.split(',').find_map(|field| {
                let (key, value) = field.trim_matches('"').split_once('=')?;
                wanted.iter().any(|name| key.eq_ignore_ascii_case(name)).then(|| value.trim_matches('"').to_owned())
            })
        };
        let target = field(&["id"]).or_else(|| field(&["target", "dst", "destination"])).unwrap_or_default();
        if let Some(name) = field(&["from"]) {
            image_of(&name, stages, inputs);
        }
        let kind = field(&["type"]).unwrap_or_default().to_ascii_lowercase();
        let said = match kind.as_str() {
            "" | "bind" | "tmpfs" => continue,
            "cache" => format!("a builder cache mounted in a RUN step: {}", shortened(&target)),
            "secret" => format!("a builder secret mounted in a RUN step: {}", shortened(&target)),
            "ssh" => "the builder's SSH agent mounted in a RUN step".to_owned(),
            _ => format!("unknown mount: {}", shortened(mount)),
        };
        inputs.add(Kind::Mount, said);
    }
}

/// Whether the name ends with a complete digest. A variable does not count as a digest.
fn is_pinned(name: &str) -> bool {
    name.rsplit_once('@').is_some_and(|(_, digest)| Sha256::from_prefixed(digest).is_some())
}

fn how_named(name: &str) -> &'static str {
    if name.contains('$') { "specified with a variable" } else { "specified by tag, not by digest" }
}

/// Whether a builder accepts the name for a stage: it cannot be an image name with a tag or a digest.
fn is_stage_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(allowed)
}
