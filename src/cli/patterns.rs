//! Patterns such as `*.sig.tbz`. On Unix, the shell replaces a pattern with the names that match it. Shells on Windows do not, so on Windows the
//! program expands patterns in the arguments for bundles, folders of evidence, workloads, inventories and keys to show. Expanded names are not parsed
//! as flags; a name that looks like one is still refused, so that the answer is the same as on Unix: see
//! [`flag_by_a_files_name`](super::flag_by_a_files_name).

use std::path::PathBuf;

use crate::base::error::Error;
use crate::cli::args::Command;
use crate::cli::args::admit::ContractCommand;
use crate::cli::args::key_record::KeyCommand;
use crate::cli::read_as_flag;
use crate::disk::folder;
use crate::git::PathPattern;

/// Replaces the patterns in a command's arguments with the matching paths. Only the last component of a path can be a pattern. A pattern without a
/// match is kept, and the command reports that there is no such file.
pub(super) fn expand(command: &mut Command) -> Result<(), Error> {
    match command {
        Command::Audit(arguments) => many(&mut arguments.paths),
        Command::Seal(arguments) => many(&mut arguments.paths),
        Command::Admit(arguments) => many(&mut arguments.workloads).and_then(|()| many(&mut arguments.evidence)),
        Command::Reconcile(arguments) => many(&mut arguments.evidence).and_then(|()| many(&mut arguments.inventory)),
        Command::Key(KeyCommand::Show { files }) => many(files),
        Command::Key(KeyCommand::Enroll(arguments)) => many(&mut arguments.bundles),
        Command::Contract(ContractCommand::Images(arguments)) => one(&mut arguments.bundle),
        Command::Verify(arguments) => one(&mut arguments.bundle),
        Command::Inspect(arguments) => one(&mut arguments.bundle),
        Command::Extract(arguments) => one(&mut arguments.bundle),
        Command::Source(arguments) => one(&mut arguments.bundle),
        _ => Ok(()),
    }
}

fn many(paths: &mut Vec<PathBuf>) -> Result<(), Error> {
    let mut expanded = Vec::new();
    for path in paths.drain(..) {
        let found = matching(&path.to_string_lossy())?;
        if found.is_empty() { expanded.push(path) } else { expanded.extend(found) }
    }
    *paths = expanded;
    Ok(())
}

fn one(path: &mut PathBuf) -> Result<(), Error> {
    let pattern = path.to_string_lossy().into_owned();
    let mut found = matching(&pattern)?;
    match (found.pop(), found.len()) {
        (Some(only), 0) => *path = only,
        (None, _) => {}
        (Some(_), others) => {
            return Err(Error::Usage {
                message: format!("{pattern} matches {} files, but this command accepts one bundle", others + 1),
                hint: "specify one of them".into(),
            });
        }
    }
    Ok(())
}

/// The paths that match, sorted. There are none if the path has no `*` or `?`, or if the folder cannot be read.
fn matching(path: &str) -> Result<Vec<PathBuf>, Error> {
    let cut = path.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (parent, pattern) = path.split_at(cut);
    if !pattern.contains(['*', '?']) {
        return Ok(Vec::new());
    }
    let place = if parent.is_empty() { "." } else { parent };
    let is_wanted = |name: &std::path::Path| matches(pattern, &name.to_string_lossy());
    let found = folder::sorted_entries(place.as_ref(), is_wanted).unwrap_or_default();
    let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
    if let Some(flag) = names.iter().find(|name| parent.is_empty() && name.as_encoded_bytes().starts_with(b"-")) {
        return Err(read_as_flag(flag));
    }
    Ok(names.into_iter().map(|name| PathBuf::from(parent).join(name)).collect())
}

/// Whether a name matches a pattern of `*` (any text) and `?` (any byte). Case is ignored, as in file names on Windows. As in shells, a name that
/// starts with a dot matches only a pattern that also starts with one. A bracket is an ordinary character.
fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let mut plain = String::new();
    for character in pattern.to_lowercase().chars() {
        if "[!#".contains(character) {
            plain.push('\\');
        }
        plain.push(character);
    }
    PathPattern::parse(&plain).is_some_and(|pattern| pattern.covers(name.to_lowercase().as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn patterns_match_names_as_in_a_shell() {
        for (pattern, name) in [
            ("*", "manifest.a.sig.tbz"),
            ("*.sig.tbz", "manifest.a.sig.tbz"),
            ("manifest.*.sig.tbz", "MANIFEST.a.b.SIG.tbz"),
            ("*a*b*", "xxaxxbxx"),
            ("?.pem", "k.pem"),
            (".*", ".hidden"),
            ("a*", "a"),
            ("a[1]*.tbz", "a[1].sig.tbz"),
            ("!*", "!a"),
            ("#?", "#a"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*", ".hidden"),
            ("?", ""),
            ("*.sig.tbz", "a.sig.tbz.part"),
            ("a*b*c", "abbb"),
            ("?.pem", "key.pem"),
            ("", "a"),
            ("a[1]*", "a1"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_is_replaced_with_the_matching_paths() {
        let top = std::env::temp_dir().join(format!("hpsb-audit-patterns-{}", std::process::id()));
        fs::create_dir_all(top.join("folder.sig.tbz")).unwrap();
        for name in ["b.sig.tbz", "a.sig.tbz", "key.pem", "-k.sig.tbz"] {
            fs::write(top.join(name), "").unwrap();
        }
        let names = |pattern: &str| {
            let paths = matching(&format!("{}/{pattern}", top.display())).unwrap();
            let names = paths.iter().map(|path| path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned());
            names.collect::<Vec<String>>()
        };
        // A path that includes the folder cannot be read as a flag.
        assert_eq!(names("*.sig.tbz"), ["-k.sig.tbz", "a.sig.tbz", "b.sig.tbz", "folder.sig.tbz"]);
        assert_eq!(names("*.none"), Vec::<String>::new());
        assert_eq!(names("key.pem"), Vec::<String>::new());
        let pattern = top.join("*.sig.tbz");
        assert!(one(&mut pattern.clone()).unwrap_err().to_string().contains("matches 4 files"));
        let mut only = top.join("*.pem");
        one(&mut only).unwrap();
        assert_eq!(only, top.join("key.pem"));
        let mut paths = vec![top.join("missing*"), top.join("?.sig.tbz")];
        many(&mut paths).unwrap();
        assert_eq!(paths, ["missing*", "a.sig.tbz", "b.sig.tbz"].map(|name| top.join(name)));
        fs::remove_dir_all(top).unwrap();
    }
}
