//! Writes the JSON report of every fixture into a folder, in one process. `tests/windows` runs it where starting a program takes a long time, and
//! compares the reports with those of the program on this machine.
//!
//!     answers FOLDER
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::{env, fs};

use hpsb_audit::image::{Choice, Source};
use hpsb_audit::report::Options;
use hpsb_audit::{
    Budget, Format, Group, Limits, Means, NamedKey, Queue, Report, Request, Storage, Timestamp, audit_all,
};

use self::case_file::{CaseFile, directories};

#[path = "../tests/case_file/mod.rs"]
mod case_file;

fn main() {
    let to = PathBuf::from(env::args_os().nth(1).unwrap());
    fs::create_dir_all(&to).unwrap();
    let to = std::path::absolute(to).unwrap();
    for directory in directories() {
        env::set_current_dir(&directory).unwrap();
        let mut page = Vec::new();
        answer(&CaseFile::read(&directory)).write(Format::Json, &Options::default(), &mut page).unwrap();
        let name = directory.file_name().unwrap().to_string_lossy();
        fs::write(to.join(format!("{name}.json")), page).unwrap();
    }
}

/// The bundles of the fixture in this folder.
fn bundles() -> Vec<PathBuf> {
    let entries = fs::read_dir(".").unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    let mut bundles: Vec<PathBuf> = entries.filter(|path| path.to_str().unwrap().ends_with(".sig.tbz")).collect();
    bundles.sort();
    if bundles.is_empty() { vec![".".into()] } else { bundles }
}

fn answer(case: &CaseFile) -> Report {
    let args = case.args();
    let all = |flag: &str| {
        let pairs = args.iter().zip(args.iter().skip(1));
        pairs.filter(|(name, _)| *name == flag).map(|(_, value)| value.clone()).collect::<Vec<String>>()
    };
    let path = |flag: &str| all(flag).pop().map(PathBuf::from);
    let source = |text: String| Source::parse(&text).unwrap();
    let known = ["--approvals", "--base", "--image", "--key", "--limit", "--policy", "--require", "--trust"];
    let unknown = args.iter().find(|word| word.starts_with("--") && !known.contains(&word.as_str()));
    assert_eq!(unknown, None, "a flag that this example does not support");

    let now = Timestamp::from_rfc3339(&case.now()).unwrap();
    let keys: Vec<NamedKey> = all("--key").iter().map(|text| NamedKey::parse(text).unwrap()).collect();
    let require: Vec<Group> =
        all("--require").iter().flat_map(|list| list.split(',')).map(|word| Group::from_word(word).unwrap()).collect();
    let bases: Vec<Source> = all("--base").into_iter().map(source).collect();
    let (policy, approvals, trust) = (path("--policy"), path("--approvals"), path("--trust"));
    let mut limits = Limits::default();
    for pair in all("--limit") {
        let (name, value) = pair.split_once('=').unwrap();
        limits.set(name, number(value)).unwrap();
    }
    let image = all("--image").pop().map(source);
    let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
        Storage::Disk.read_image(source, choice, limits, budget)
    };
    let queue =
        Queue { storage: Storage::Disk, read_image: &read_image, threads: 1, memory: None, state: None, step: &|| {} };
    let request = Request {
        evidence: Storage::Disk,
        trusted: Storage::Disk,
        paths: &bundles(),
        keys: &keys,
        policy: policy.as_deref(),
        require: &require,
        approvals: approvals.as_deref(),
        image: image.as_ref(),
        bases: &bases,
        trust: trust.as_deref(),
        builder: None,
        seal_key: None,
        authorities: &[],
        shard: None,
        now: Some(now),
        today: now,
    };
    let audit = |paths: &[PathBuf], question: &hpsb_audit::Question<'_>, _: &Report| audit_all(paths, question, &queue);
    request.report(&Means { read_image: &read_image, threads: 1, audit: &audit, limits: &limits })
}

/// A number with K, M or G, which are powers of 1,024.
fn number(text: &str) -> u64 {
    let unit = ["K", "M", "G"].iter().position(|unit| text.ends_with(unit)).map_or(0, |at| at + 1);
    text.trim_end_matches(['K', 'M', 'G']).parse::<u64>().unwrap() << (10 * unit)
}
