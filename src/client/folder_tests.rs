use super::*;
use crate::base::time::Timestamp;
use crate::client::disk::PASSING_PREFIX;
use crate::client::step::{Outcome, Source};

const NAME: &str = "docker.io.acme.wallet.latest-b3416d8.2020-06-23_08-39-48.301849";

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hpsb-audit-folder-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn origin(seconds: i64) -> Origin {
    let at = Timestamp::from_unix_seconds(seconds).unwrap();
    Origin {
        from: "https://sbs/image".into(),
        asked: None,
        status: Some(200),
        version: Some("e1".into()),
        at,
        peer: None,
        redirected_to: None,
    }
}

fn name() -> BuildName {
    BuildName::parse(NAME).unwrap()
}

fn place(text: &str) -> Place {
    Place::new(text).unwrap()
}

/// Ends a step that did not receive the files in `missing`, and writes evidence.json.
fn end_step(build: &BuildFolder, missing: &[&str]) {
    let missing = missing.iter().map(|what| Missing {
        what: (*what).into(),
        from: "x".into(),
        status: None,
        why: "the server reports: none".into(),
        at: "t".into(),
        source: Some(Source::ImageKey),
    });
    let (source, outcome) = (Source::ImageKey, Outcome::Note);
    let step = Step { source, from: "x".into(), outcome, files: 0, at: "t".into() };
    build.end_step(step, missing.collect(), &BTreeSet::new()).unwrap();
}

/// All files below a folder, sorted, each with its bytes.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn names(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn files_are_never_replaced_and_differing_content_is_kept_once() {
    let scratch = Scratch::new("beside");
    let folder = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
    let build = folder.build(&name()).unwrap();
    let status = place("status.json");
    assert_eq!(build.keep(&status, b"one", origin(1)).unwrap(), Kept::New);
    assert_eq!(build.keep(&status, b"one", origin(2)).unwrap(), Kept::Same);
    assert_eq!(build.keep(&status, b"two", origin(3)).unwrap(), Kept::Beside("status.json.differs-1".into()));
    assert_eq!(build.keep(&status, b"six", origin(4)).unwrap(), Kept::Beside("status.json.differs-2".into()));
    end_step(&build, &[]);
    let before = tree(&scratch.0);
    assert_eq!(build.keep(&status, b"two", origin(5)).unwrap(), Kept::Beside("status.json.differs-1".into()));
    assert_eq!(tree(&scratch.0), before);
    assert_eq!(fs::read(scratch.0.join(NAME).join("status.json")).unwrap(), b"one");
    assert_eq!(
        names(&scratch.0.join(NAME)),
        ["evidence.json", "status.json", "status.json.differs-1", "status.json.differs-2"]
    );
}

#[test]
fn the_record_states_when_bytes_were_first_saved() {
    let scratch = Scratch::new("record");
    {
        let folder = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
        let build = folder.build(&name()).unwrap();
        build.keep(&place("status.json"), b"one", origin(1)).unwrap();
        end_step(&build, &["image-key.pem"]);
    }
    let folder = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
    let build = folder.build(&name()).unwrap();
    build.keep(&place("status.json"), b"one", origin(9)).unwrap();
    end_step(&build, &["image-key.pem", "image-key.asc"]);
    let text = String::from_utf8(fs::read(scratch.0.join(NAME).join("evidence.json")).unwrap()).unwrap();
    assert!(text.contains("1970-01-01T00:00:01Z") && !text.contains("1970-01-01T00:00:09Z"), "{text}");
    // `printf one | sha256sum`
    assert!(text.contains("7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"), "{text}");
    assert!(text.contains("image-key.pem"));
    assert!(text.contains("image-key.asc"));
    // A file's "missing" entry is removed only when the file is in the folder, also if the step no longer lists it.
    build.keep(&place("image-key.pem"), b"key", origin(9)).unwrap();
    end_step(&build, &["image-key.pem"]);
    let text = String::from_utf8(fs::read(scratch.0.join(NAME).join("evidence.json")).unwrap()).unwrap();
    assert_eq!(text.matches("the server reports: none").count(), 1, "{text}");
    build.keep(&place("image-key.asc"), b"key", origin(9)).unwrap();
    end_step(&build, &[]);
    let text = String::from_utf8(fs::read(scratch.0.join(NAME).join("evidence.json")).unwrap()).unwrap();
    assert!(!text.contains("the server reports: none"), "{text}");
    assert!(build.holds_version(&place("status.json"), "https://sbs/image", "e1").unwrap());
    assert!(!build.holds_version(&place("status.json"), "https://sbs/image", "e2").unwrap());
    drop(build);
    let build = folder.build(&name()).unwrap();
    fs::write(scratch.0.join(NAME).join("status.json"), b"changed").unwrap();
    assert!(!build.holds_version(&place("status.json"), "https://sbs/image", "e1").unwrap());
}

#[test]
fn leftover_files_are_removed_and_a_dropped_draft_leaves_no_file() {
    let scratch = Scratch::new("passing");
    let build = scratch.0.join(NAME);
    fs::create_dir_all(build.join("image").join(format!("{PASSING_PREFIX}set-7"))).unwrap();
    fs::write(build.join(format!("{PASSING_PREFIX}1-0")), b"half").unwrap();
    fs::write(build.join("image").join(format!("{PASSING_PREFIX}1-1")), b"half").unwrap();
    fs::write(build.join("image").join(format!("{PASSING_PREFIX}set-7/x")), b"half").unwrap();
    fs::write(build.join("notes.txt"), b"the auditor's own").unwrap();
    let folder = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
    let build = folder.build(&name()).unwrap();
    let mut draft = build.draft(&place("image/blobs/sha256/ab")).unwrap();
    draft.take(b"half").unwrap();
    drop(draft);
    assert_eq!(names(&scratch.0), [format!("{NAME}/notes.txt")]);
}

#[test]
fn a_set_of_files_is_kept_completely_or_not_at_all() {
    let scratch = Scratch::new("set");
    let folder = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
    let build = folder.build(&name()).unwrap();
    let notary = place("trust/notary");
    let set = |snapshot: &str| {
        let mut set = build.file_set(&notary).unwrap();
        for (name, bytes) in [("root.json", "root"), ("targets/releases.json", "releases"), ("snapshot.json", snapshot)]
        {
            set.add(place(name), bytes.as_bytes(), origin(1)).unwrap();
        }
        set
    };
    assert_eq!(build.keep_set(&notary, &set("one")).unwrap(), Kept::New);
    assert_eq!(build.keep_set(&notary, &set("one")).unwrap(), Kept::Same);
    assert_eq!(build.keep_set(&notary, &set("two")).unwrap(), Kept::Beside("trust/notary.differs-1".into()));
    assert_eq!(build.keep_set(&notary, &set("two")).unwrap(), Kept::Beside("trust/notary.differs-1".into()));
    drop(set("three"));
    end_step(&build, &[]);
    assert_eq!(
        names(&scratch.0.join(NAME)),
        [
            "evidence.json",
            "trust/notary.differs-1/root.json",
            "trust/notary.differs-1/snapshot.json",
            "trust/notary.differs-1/targets/releases.json",
            "trust/notary/root.json",
            "trust/notary/snapshot.json",
            "trust/notary/targets/releases.json",
        ]
    );
}

#[test]
fn only_one_run_at_a_time_can_use_the_folder() {
    let scratch = Scratch::new("lock");
    let first = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
    let error = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("another `fetch` run"), "{error}");
    drop(first);
    EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
}

#[cfg(unix)]
#[test]
fn symlinks_are_not_followed() {
    let scratch = Scratch::new("links");
    let outside = Scratch::new("links-outside");
    fs::create_dir_all(&scratch.0).unwrap();
    fs::create_dir_all(&outside.0).unwrap();
    std::os::unix::fs::symlink(&outside.0, scratch.0.join(NAME)).unwrap();
    let folder = EvidenceFolder::open(&scratch.0, &Limits::default()).unwrap();
    assert_eq!(folder.build(&name()).unwrap_err().code(), "unwritable");
    fs::remove_file(scratch.0.join(NAME)).unwrap();
    let build = folder.build(&name()).unwrap();
    std::os::unix::fs::symlink(outside.0.join("new"), scratch.0.join(NAME).join("status.json")).unwrap();
    std::os::unix::fs::symlink(&outside.0, scratch.0.join(NAME).join("image")).unwrap();
    assert!(build.keep(&place("status.json"), b"x", origin(1)).is_err());
    assert!(build.keep(&place("image/index.json"), b"x", origin(1)).is_err());
    assert_eq!(names(&outside.0), [""; 0]);
}

#[test]
fn names_that_lead_outside_are_refused() {
    for bad in [
        "",
        "../x",
        "/x",
        "a//b",
        "a/../b",
        ".hidden",
        "a/.b",
        "a b",
        "a\\b",
        "a\n",
        &"x".repeat(241),
        &"a/".repeat(20),
    ] {
        assert!(Place::new(bad).is_err(), "{bad:?}");
    }
    assert!(Place::new("trust/notary/targets/a/b.json").is_ok());
}
