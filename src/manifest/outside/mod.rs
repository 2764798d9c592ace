//! Build inputs that the commit does not pin. Reports list these inputs, because a proved commit does not cover them.
//!
//! There are two closed lists: `forms.rs` has a rule for every Dockerfile instruction, and every program that a RUN step starts is looked up in
//! `table.rs` and `table_local.rs`. A program that is not in any table is listed as unknown, and so is a step that cannot be followed. Files of the
//! commit and of base images are not read: a script that a RUN step starts is listed as a script, and its downloads are unknown.
//!
//! To add a program, add its name to a row of a table.

mod doors;
mod follow;
mod forms;
mod lexer;
mod programs;
#[cfg(test)]
mod public_tests;
mod sed;
mod shell;
mod socket;
mod subcommand;
mod table;
mod table_local;
#[cfg(test)]
mod tests;
mod windows;
mod words;
mod wrapper;

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::manifest::build_log::{BuildLog, LogEvent};
use crate::manifest::dockerfile::{Dockerfile, HereDocument};

/// The maximum number of lines of each kind that a report shows. For further lines, the report shows only their number.
const SHOWN: usize = 50;
/// The maximum number of instruction bytes that are read. The longest known Dockerfiles are about 50 KB long.
const READ: usize = 2 << 20;
/// The maximum number of characters shown of a name or an instruction.
const LINE: usize = 120;

/// The kinds of input, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Notes about what is missing or unknown in the list itself.
    Note,
    /// The frontend that reads the Dockerfile.
    Frontend,
    /// FROM.
    Base,
    /// Images from which files are copied or mounted.
    Files,
    /// ADD.
    Add,
    /// RUN steps that use the network.
    Run,
    /// Mounts of files that the builder provides.
    Mount,
    /// ARG.
    Argument,
    /// RUN steps that cannot be analysed.
    Unclear,
    /// Programs that are not in any table.
    Program,
    /// Programs that run scripts.
    Script,
}

const KINDS: [(Kind, &str); 11] = [
    (Kind::Note, "notes"),
    (Kind::Frontend, "frontends"),
    (Kind::Base, "base images"),
    (Kind::Files, "images from which files are used"),
    (Kind::Add, "ADD instructions"),
    (Kind::Run, "RUN steps that use the network"),
    (Kind::Mount, "builder mounts"),
    (Kind::Argument, "build arguments"),
    (Kind::Unclear, "RUN steps that cannot be analysed"),
    (Kind::Program, "unknown programs"),
    (Kind::Script, "programs that run scripts"),
];

/// The inputs found so far. The number of lines kept for display is bounded.
pub(crate) struct Inputs {
    kinds: Vec<Found>,
    hasher: RandomState,
    /// The number of instruction bytes that may still be read.
    left: usize,
}

#[derive(Default)]
struct Found {
    shown: Vec<String>,
    /// Hashes of all lines, to count those that are not shown.
    seen: HashSet<u64>,
}

impl Inputs {
    pub(crate) fn new() -> Self {
        Self { kinds: KINDS.iter().map(|_| Found::default()).collect(), hasher: RandomState::new(), left: READ }
    }

    /// Adds a note about what is missing or unknown in the list itself.
    pub(crate) fn note(&mut self, sentence: impl Into<String>) {
        self.add(Kind::Note, sentence.into());
    }

    /// Reads the instructions in a log: numbered steps, and then lines without step numbers, which may be shortened or imitated. Imitated lines
    /// without step numbers can only add to the list.
    pub(crate) fn read_log(&mut self, log: &BuildLog) {
        let steps = log.events().filter_map(|event| match event {
            LogEvent::Step { instruction, .. }
            | LogEvent::StageStep { instruction, .. }
            | LogEvent::PlainStep { instruction, .. } => Some(instruction.as_str()),
            _ => None,
        });
        self.read_steps(steps.filter(|step| !step.starts_with("COMMIT")));
        let mut stages = forms::Stages::new('\\');
        for event in log.events() {
            match event {
                LogEvent::ResolvedBase { stage, .. } => stages.add(stage),
                LogEvent::Instruction { stage, .. } if !stage.is_empty() => stages.add(stage),
                LogEvent::BuildTriggers => {
                    self.note("ONBUILD instructions of a base image ran, and the log does not show them");
                }
                _ => {}
            }
        }
        for event in log.events() {
            match event {
                LogEvent::ResolvedBase { name, .. } => forms::resolved(name, Kind::Base, "base image", self),
                LogEvent::Instruction { instruction, .. } => match instruction.strip_prefix("FROM ").map(str::trim) {
                    Some(name) => forms::resolved(name, Kind::Files, "files from the image", self),
                    None => forms::read(instruction, &[], &mut stages, self),
                },
                _ => {}
            }
        }
    }

    /// Reads the instructions that a builder printed.
    fn read_steps<'t>(&mut self, steps: impl Iterator<Item = &'t str>) {
        let mut stages = forms::Stages::new('\\');
        steps.for_each(|step| forms::read(step, &[], &mut stages, self));
    }

    /// Reads a Dockerfile.
    pub(crate) fn read_file(&mut self, file: &Dockerfile) {
        for (name, value) in &file.directives {
            forms::directive(name, value, self);
        }
        let mut stages = forms::Stages::new(file.escape);
        for instruction in &file.instructions {
            forms::read(&instruction.text, &instruction.documents, &mut stages, self);
        }
    }

    fn add(&mut self, kind: Kind, sentence: String) {
        let hash = self.hasher.hash_one(&sentence);
        let at = KINDS.iter().position(|(listed, _)| *listed == kind);
        let Some(found) = at.and_then(|at| self.kinds.get_mut(at)) else { return };
        if found.seen.insert(hash) && found.shown.len() < SHOWN {
            found.shown.push(sentence);
        }
    }

    /// Whether the budget allows reading this instruction. If the budget does not allow it, adds a note.
    fn may_read(&mut self, text: &str, documents: &[HereDocument]) -> bool {
        let bytes = documents.iter().fold(text.len(), |sum, document| sum.saturating_add(document.content.len()));
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        if left.is_none() {
            self.note("instructions beyond the first 2 MiB are not read");
        }
        left.is_some()
    }

    /// The number of inputs, and the number of notes about the list itself.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let count = |is_note: bool| {
            let kinds = KINDS.iter().zip(&self.kinds).filter(|((kind, _), _)| (*kind == Kind::Note) == is_note);
            kinds.map(|(_, found)| found.seen.len()).sum()
        };
        (count(false), count(true))
    }

    /// One line for each input, by kind and in order of discovery: the first lines of each kind, then the number of further lines.
    pub(crate) fn lines(self) -> Vec<String> {
        let mut lines = Vec::new();
        for ((_, name), found) in KINDS.iter().zip(self.kinds) {
            let more = found.seen.len().saturating_sub(found.shown.len());
            lines.extend(found.shown);
            if more > 0 {
                lines.push(format!("{name}: {more} more"));
            }
        }
        lines
    }
}

/// A name or an instruction, cut to the maximum length.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
