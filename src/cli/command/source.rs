//! `source`: shows the proved commit without unpacking the bundle.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::mask::mask;
use crate::cli::args::SourceArguments;
use crate::cli::command::inspect::{as_text, open, refused, verified};
use crate::cli::{limits_with, output};
use crate::dossier::Storage;
use crate::git::{
    BOUNDARY_NAMED, Commit, FileFault, History, Mode, Snapshot, SourceProof, SubmoduleState, prove_within,
};
use crate::manifest::Manifest;

/// Maximum number of commits in `--log`.
const LOG_MAX: usize = 100_000;
/// The maximum number of converted files that are listed for each conversion, unless `--tree` is specified.
const PATHS_SHOWN: usize = 50;
const WHAT: &str = "the source repository";

pub(crate) fn source(arguments: &SourceArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let keys_beside = Storage::Disk.keys_beside(&arguments.bundle, &limits);
    if arguments.keys.keys.is_empty() {
        let beside = keys_beside.iter().map(|(name, key)| (name.clone(), key.fingerprint())).collect();
        return Err(Error::NoKey { beside });
    }
    let (bundle, _, budget) = open(&arguments.bundle, &limits)?;
    let archive = match verified(bundle, &arguments.keys, &keys_beside, &limits)? {
        Ok(archive) => archive,
        Err(refusal) => {
            output::print(&format!(
                "{}: nothing is shown\n{}",
                output::refusal_words(&refusal),
                as_text(&[refused(&refusal)])
            ))?;
            return Ok(1);
        }
    };
    let manifest = Manifest::read_within(&archive, 1, &limits, &budget)?;
    let [snapshot] = manifest.snapshots.as_slice() else {
        return Err(Error::malformed(
            "the signed archive",
            "expected one repository below git/, found none or several",
        ));
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let proof = prove_within(snapshot, threads, &limits, &budget);
    budget.check(WHAT)?;
    let faults = faults(&proof);
    let mut remarks = remarks(&proof, if arguments.tree { usize::MAX } else { PATHS_SHOWN });
    if let Some(path) = &arguments.file {
        return print_file(path, snapshot, &proof, &faults, &remarks);
    }
    let mut page = String::new();
    if arguments.log {
        let history = proof.history(snapshot, LOG_MAX);
        remarks = ends(&history).into_iter().chain(remarks).collect();
        for (id, commit) in history.commits {
            let time = commit.committer.time.map(|time| time.to_string()).unwrap_or_default();
            let _ = writeln!(page, "{id} {time} {}: {}", shown(&who(&commit)), shown(&commit.subject()));
        }
    } else if arguments.tree {
        tree(&proof, &mut page);
    } else {
        summary(snapshot, &proof, &mut page);
    }
    // Do not print a history that is incomplete because the budget was exhausted.
    budget.check(WHAT)?;
    output::print(&page)?;
    say(&faults, &remarks);
    Ok(u8::from(!faults.is_empty()))
}

/// The reasons why the commit or its work tree is not proved.
fn faults(proof: &SourceProof) -> Vec<String> {
    let head = proof.head.as_ref().err().map(ToString::to_string);
    let compared = proof.tree.differences.iter().filter(|difference| !proof.tree.is_unproved(difference));
    let differences = compared.map(|difference| {
        let reason = difference.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{}: {}{reason}", difference.change.word(), String::from_utf8_lossy(&difference.path))
    });
    let submodules = proof.tree.submodules.iter().filter_map(|module| match &module.state {
        SubmoduleState::Faulty(faults) => {
            Some(format!("submodule {}: {}", String::from_utf8_lossy(&module.path), faults.join("; ")))
        }
        _ => None,
    });
    head.into_iter().chain(proof.objects.faults.iter().cloned()).chain(submodules).chain(differences).collect()
}

/// What the proof of the work tree leaves out: conversions, and submodules without files.
fn remarks(proof: &SourceProof, most: usize) -> Vec<String> {
    let modules = proof.tree.submodules.iter().filter(|module| !matches!(module.state, SubmoduleState::Faulty(_)));
    let absent = modules.filter_map(|module| {
        let why = module.state.not_compared()?;
        Some(format!("not compared: submodule {}, which {why}", String::from_utf8_lossy(&module.path)))
    });
    absent.chain(proof.tree.converted_words(most)).collect()
}

/// Where the list of commits ends although the history does not.
fn ends(history: &History) -> Vec<String> {
    let boundary = history.boundary.iter().take(BOUNDARY_NAMED);
    let mut lines: Vec<String> =
        boundary.map(|id| format!("the history ends at {id}, whose parents .git/shallow omits")).collect();
    if let Some(more @ 1..) = history.boundary.len().checked_sub(BOUNDARY_NAMED) {
        lines.push(format!("further commits at which the history ends: {more}"));
    }
    lines.extend(history.is_cut.then(|| format!("only the first {LOG_MAX} commits are listed")));
    lines
}

/// Faults and remarks go to standard error, because a program may read standard output.
fn say(faults: &[String], remarks: &[String]) {
    for remark in remarks {
        output::talk(format!("{}\n", shown(remark)).as_bytes());
    }
    for fault in faults {
        output::talk(format!("not proved: {}\n", shown(fault)).as_bytes());
    }
}

fn print_file(
    path: &str,
    snapshot: &Snapshot,
    proof: &SourceProof,
    faults: &[String],
    remarks: &[String],
) -> Result<u8, Error> {
    let content = match proof.read_file(snapshot, path.as_bytes()) {
        Ok(content) => content,
        Err(fault @ (FileFault::NoSuchFile(_) | FileFault::NoFile(_))) => {
            return Err(Error::Usage {
                message: fault.to_string(),
                hint: "run `hpsb-audit source BUNDLE --key KEY --tree` to list the files".into(),
            });
        }
        Err(fault @ (FileFault::NotKnown(_) | FileFault::InSubmodule { .. } | FileFault::Missing(_))) => {
            say(&[fault.to_string()], &[]);
            say(faults, remarks);
            return Ok(1);
        }
    };
    if std::io::stdout().is_terminal() {
        // A terminal would interpret control sequences.
        let text = String::from_utf8_lossy(&content);
        output::print(&text.lines().map(|line| format!("{}\n", for_terminal(line))).collect::<String>())?;
    } else {
        output::write_out(&content)?;
    }
    say(faults, remarks);
    Ok(u8::from(!faults.is_empty()))
}

fn summary(snapshot: &Snapshot, proof: &SourceProof, page: &mut String) {
    let mut row = |label: &str, value: &str| {
        let _ = writeln!(page, "{label:<12} {}", shown(value));
    };
    row("repository", &String::from_utf8_lossy(&snapshot.repository));
    if let Ok(head) = &proof.head {
        let known = if proof.commit.is_some() { "recomputed" } else { "NOT PROVED" };
        row("commit", &format!("{} ({known})", head.commit));
        row("HEAD", head.reference.as_deref().unwrap_or("detached"));
    }
    if let Some(commit) = &proof.commit {
        row("tree", &commit.tree.to_string());
        for parent in &commit.parents {
            row("parent", &parent.to_string());
        }
        for (label, person) in [("author", &commit.author), ("committer", &commit.committer)] {
            let time = person.time.map(|time| time.to_string()).unwrap_or_default();
            row(label, &format!("{} <{}> {time} {} (stated by the commit)", person.name, person.email, person.zone));
        }
        row("subject", &commit.subject());
    }
    for name in &proof.refs_at_head {
        row("ref", name);
    }
    for remote in &proof.remotes.listed {
        row("remote", &format!("{}: {}", remote.name, remote.url));
    }
    for reason in proof.remotes.reservations() {
        row("remote", &format!("git may fetch from elsewhere: {reason}"));
    }
    for object in &proof.signed {
        row("signature", &format!("on {}, not verified here", object.subject));
    }
    let objects = &proof.objects;
    row("objects", &objects.counts());
    row("history", &proof.history_words());
    let tree = &proof.tree;
    match (&proof.commit, tree.faults.is_empty()) {
        (None, _) => row("files", "not known: HEAD's commit is not proved"),
        (_, false) => row("files", "not known: objects of HEAD's tree are missing or malformed"),
        (_, true) => row("files", &format!("{}{}", tree.file_count, tree.compared_words())),
    }
    for module in &proof.tree.submodules {
        let state = match &module.state {
            SubmoduleState::Proved { .. } => "recomputed".into(),
            SubmoduleState::Faulty(_) => "NOT PROVED".into(),
            state => format!("not proved: it {}", state.not_compared().unwrap_or_default()),
        };
        let path = String::from_utf8_lossy(&module.path);
        row("submodule", &format!("{path} {} ({state})", module.commit));
        for remote in &module.remotes.listed {
            row("remote", &format!("{}: {}, of the submodule {path}", remote.name, remote.url));
        }
        for reason in module.remotes.reservations() {
            row("remote", &format!("for the submodule {path}, git may fetch from elsewhere: {reason}"));
        }
    }
}

fn tree(proof: &SourceProof, page: &mut String) {
    for file in &proof.tree.files {
        let kind = if file.mode == Mode::Submodule { "commit" } else { "blob" };
        let path = shown(&String::from_utf8_lossy(&file.path));
        let _ = writeln!(page, "{} {kind} {}\t{path}", file.mode.as_str(), file.id);
    }
}

fn who(commit: &Commit) -> String {
    format!("{} <{}>", commit.author.name, commit.author.email)
}

fn shown(text: &str) -> String {
    for_terminal(&mask(text))
}
