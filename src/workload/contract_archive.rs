//! Files in a contract's archives that the machine starts. `compose.archive` contains a compose file, and docker compose runs in the folder where the
//! archive is unpacked. `play.archive` contains Pods and ConfigMaps as YAML files at the top level; all other files are data
//! (ibm-cloud-docs/vpc@009bede4, about-contract.md).

use serde_json::{Map, Value};

use super::{Images, archive, compose, contract_table, kubernetes, nodes};
use crate::base::budget::Work;
use crate::base::limits::Limits;
use crate::base::strict_yaml;

const ARCHIVE: &str = "the archive of the contract";
const NOTHING: &str = "no file in the archive defines a workload";
/// The advice for a YAML file that belongs to the workload's data.
const DATA: &str = "if the file is the workload's data, give it a name that does not end in .yaml, .yml or .json";

/// Reads every file that may determine what docker compose starts: compose files under any name, and `.env` files. Docker compose reads further
/// compose files only for `include`, `extends` and `COMPOSE_FILE`, each of which is reported as unknown.
pub(super) fn compose(part: &Map<String, Value>, images: &mut Images, limits: &Limits) {
    let place = "workload.compose.archive";
    let Some(files) = files(part, place, images, limits) else { return };
    let mut taken = false;
    for (path, bytes) in files {
        let name = format!("{place}: {path}");
        if path.rsplit('/').next() == Some(".env") {
            variables(&bytes, &name, images);
        }
        let named_so = compose::is_named_so(&path);
        if !named_so && !is_yaml(&path) && !mentions_services(&bytes) {
            continue;
        }
        let Some(read) = documents(&bytes, images, limits) else { return };
        match read {
            Ok(documents) if named_so || documents.iter().any(compose::is_compose) => {
                taken = true;
                match documents.as_slice() {
                    [one] => compose::read(one, &name, images),
                    // Some tools merge several documents; other tools read only the first document.
                    several => images.unknown(name, format!("expected one document, found {}", several.len())),
                }
            }
            Ok(_) => {}
            Err(why) if named_so => images.unknown(name, why),
            // The machine may start this file, because its parser may accept input that ours rejects.
            Err(why) if is_yaml(&path) => images.unknown(name, format!("{why}; {DATA}")),
            Err(_) => {}
        }
    }
    if !taken {
        images.unknown(place, NOTHING);
    }
}

/// Reads every resource at the top level. podman starts the kinds that it supports and ignores all others. podman does not require
/// `apiVersion`, and ignores the case of keys.
pub(super) fn play(part: &Map<String, Value>, images: &mut Images, limits: &Limits) {
    let place = "workload.play.archive";
    let Some(files) = files(part, place, images, limits) else { return };
    let has_kind = |document: &Value| {
        document.as_object().is_some_and(|fields| fields.keys().any(|key| key.to_lowercase() == "kind"))
    };
    let mut taken = false;
    for (path, bytes) in files.iter().filter(|(path, _)| is_yaml(path) && !path.contains('/')) {
        let name = format!("{place}: {path}");
        let Some(read) = documents(bytes, images, limits) else { return };
        match read {
            Ok(documents) if documents.iter().any(has_kind) => {
                taken = true;
                documents.iter().for_each(|document| kubernetes::read(document, &name, images));
            }
            Ok(_) => {}
            Err(why) => images.unknown(name, format!("{why}; {DATA}, or put it into a folder")),
        }
    }
    if !taken {
        images.unknown(place, NOTHING);
    }
    kubernetes::podman::builds(files.iter().map(|(path, _)| path.as_str()), place, images);
}

/// The documents of a file, within the budget for all files; `None` if the budget is used up.
fn documents(bytes: &[u8], images: &mut Images, limits: &Limits) -> Option<Result<Vec<Value>, String>> {
    images.spend(Work::Bytes(bytes.len() as u64), ARCHIVE);
    if images.over.is_some() {
        return None;
    }
    let read = strict_yaml::documents(bytes, limits);
    images.spend(Work::Nodes(read.iter().flatten().map(nodes).sum()), ARCHIVE);
    Some(read)
}

/// Whether a file may be a compose file, regardless of its name.
fn mentions_services(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.contains("services"))
}

fn is_yaml(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [".yaml", ".yml", ".json"].iter().any(|end| lower.ends_with(end))
}

/// The files of `archive`, with their paths.
fn files(
    part: &Map<String, Value>,
    place: &str,
    images: &mut Images,
    limits: &Limits,
) -> Option<Vec<(String, Vec<u8>)>> {
    let Some(Value::String(text)) = part.get("archive") else {
        images.unknown(place, "expected a base64-encoded archive");
        return None;
    };
    match archive::files(text, limits) {
        Ok(files) => Some(files),
        Err(why) => {
            images.unknown(place, why);
            None
        }
    }
}

/// Reads a `.env` file, with a line `NAME=VALUE` or `export NAME=VALUE` for each variable. docker compose reads statements, not lines: after a quoted
/// value, the rest of the line is another statement, and a quoted value may end on a later line (compose-go, dotenv/parser.go). A file with any line
/// that does not have one plain meaning is therefore unknown.
fn variables(bytes: &[u8], place: &str, images: &mut Images) {
    let names = std::str::from_utf8(bytes).ok().and_then(|text| {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        lines.map(name_of).collect::<Option<Vec<_>>>()
    });
    match names {
        Some(names) => names.into_iter().flatten().for_each(|name| contract_table::variable(name, place, images)),
        None => images.unknown(
            place,
            "a line is neither NAME=VALUE nor a comment, or has a quoted value that does not end the line: docker compose may read other variables in it",
        ),
    }
}

/// The name of the variable that a line of a `.env` file sets: `Some(None)` for a blank line or a comment, `None` for a line that could be read in
/// another way.
fn name_of(line: &str) -> Option<Option<&str>> {
    let blank = [' ', '\t'];
    let line = line.trim_matches(blank);
    if line.is_empty() || line.starts_with('#') {
        return Some(None);
    }
    if line.chars().any(|letter| letter.is_control() && letter != '\t') {
        return None;
    }
    let line =
        line.strip_prefix("export").filter(|rest| rest.starts_with(blank)).unwrap_or(line).trim_start_matches(blank);
    let (name, value) = line.split_once(['=', ':']).unwrap_or((line, ""));
    let name = name.trim_end_matches(blank);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(is_plain) {
        return None;
    }
    let value = value.trim_start_matches(char::is_whitespace);
    let Some(quote) = value.chars().next().filter(|letter| matches!(letter, '"' | '\'' | '`')) else {
        return Some(Some(name));
    };
    let (content, rest) = value.strip_prefix(quote)?.split_once(quote)?;
    let rest = rest.trim_matches(blank);
    (!content.contains('\\') && (rest.is_empty() || rest.starts_with('#'))).then_some(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_have_one_plain_variable_per_line() {
        for (line, name) in [
            ("A=1", Some("A")),
            ("  export\tA_b.c-d = x y 'z' \"w", Some("A_b.c-d")),
            ("A: 1", Some("A")),
            ("A=\"x\"", Some("A")),
            ("A='{\"x\": 1}'  # text", Some("A")),
            ("COMPOSE_FILE", Some("COMPOSE_FILE")),
            ("exported=1", Some("exported")),
            ("", None),
            (" # A=\"", None),
        ] {
            assert_eq!(name_of(line), Some(name), "{line}");
        }
        for line in [
            "A=\"x\" COMPOSE_FILE=y",
            "A=\"x\"COMPOSE_FILE=y",
            "A=\u{a0}'x' COMPOSE_FILE=y",
            "A=\"x",
            "A=\"x\\\" y\"",
            "'COMPOSE_FILE'=y",
            "export\u{a0}COMPOSE_FILE=y",
            "A B=1",
            "=1",
            "A=x\ry",
        ] {
            assert_eq!(name_of(line), None, "{line}");
        }
    }
}
