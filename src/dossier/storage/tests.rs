//! Tests that the same rules decide on disk and in memory what belongs to a bundle.

use std::collections::BTreeSet;

use super::*;
use crate::base::time::Timestamp;
use crate::dossier::{Beside, Handed, Terms};
use crate::report::{Format, Options};
use crate::run::{Queue, audit_all};

/// Every regular file below a folder, by path.
fn in_memory(folder: &Path, limits: &Limits) -> BTreeMap<String, Vec<u8>> {
    let files = Storage::Disk.files_below(folder, limits.case_members(), limits).unwrap();
    files.into_iter().map(|(_, path)| (slashed(&path), fs::read(path).unwrap())).collect()
}

/// The report on every bundle in a folder, under the folder's policy; `None` if there is no policy or no
/// bundle.
fn report(folder: &Path, storage: Storage<'_>, limits: &Limits) -> Option<Vec<u8>> {
    let policy = storage.read_policy(&folder.join("policy.toml"), limits).ok()?;
    let terms = Terms::new(policy, Vec::new(), Handed::default()).ok()?;
    let paths = storage.find_bundles(&[folder.to_owned()], limits).ok()?;
    let question = terms.question(Timestamp::from_rfc3339("2026-03-09T00:00:00Z").unwrap(), 1, limits);
    let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
        storage.read_image(source, choice, limits, budget)
    };
    let queue = Queue { storage, read_image: &read_image, threads: 1, memory: None, state: None, step: &|| {} };
    let mut report = question.report();
    report.bundles = audit_all(&paths, &question, &queue).unwrap();
    let mut page = Vec::new();
    report.write(Format::Json, &Options::default(), &mut page).unwrap();
    Some(page)
}

#[test]
fn an_audit_in_memory_gives_the_same_report_as_on_disk() {
    let limits = Limits::default();
    // The paths are relative, so that they are identical on disk and in memory.
    let folders = Storage::Disk.entries(Path::new("fixtures")).unwrap();
    let mut same = 0;
    for (folder, _) in folders {
        let Some(on_disk) = report(&folder, Storage::Disk, &limits) else { continue };
        let files = in_memory(&folder, &limits);
        let held = report(&folder, Storage::Memory(&files), &limits);
        let on_disk = String::from_utf8(on_disk).unwrap();
        assert_eq!(held.map(String::from_utf8), Some(Ok(on_disk.clone())), "{}", folder.display());
        // The listed files suffice, together with the policy and the files that it refers to.
        let bundles = Storage::Disk.find_bundles(std::slice::from_ref(&folder), &limits).unwrap();
        let wanted = bundles.iter().flat_map(|bundle| Storage::Disk.files_of(bundle, &limits).unwrap());
        let wanted: BTreeSet<String> = wanted.map(|path| slashed(&path)).collect();
        let policy = fs::read_to_string(folder.join("policy.toml")).unwrap();
        let is_named = |path: &str| path.ends_with("/policy.toml") || policy.contains(path.rsplit('/').next().unwrap());
        let mut few = files;
        few.retain(|path, _| wanted.contains(path) || is_named(path));
        let held = report(&folder, Storage::Memory(&few), &limits);
        assert_eq!(held.map(String::from_utf8), Some(Ok(on_disk)), "{}: only the listed files", folder.display());
        same += 1;
    }
    assert!(same > 100, "{same} folders");
}

#[test]
fn files_next_to_the_only_bundle_of_a_folder_belong_to_it() {
    let pem = fs::read("fixtures/good-rsa-2048/key.pem").unwrap();
    let names = ["a/b.sig.tbz", "a/image/index.json", "a/trust/x", "a/builder/y", "a/status.json", "a/key.pem"];
    let mut files: BTreeMap<String, Vec<u8>> = names.map(|name| (name.to_owned(), pem.clone())).into();
    let (limits, bundle) = (Limits::default(), Path::new("a/b.sig.tbz"));
    let beside = |files: &BTreeMap<String, Vec<u8>>, handed: &Handed| {
        let found = Beside::of(bundle, handed, Storage::Memory(files), &limits).unwrap();
        let Beside { keys, server, trust, builder, image, shared: _ } = found;
        (keys.len(), server.is_some(), trust.is_some(), builder.is_some(), image.is_some())
    };
    assert_eq!(beside(&files, &Handed::default()), (1, true, true, true, true));
    // Supplied evidence replaces the files next to the bundle.
    let given = Handed { trust: Some(Vec::new()), image: Some(Source::Path("i".into())), ..Handed::default() };
    assert_eq!(beside(&files, &given), (1, true, false, true, false));
    files.insert("a/c.sig.tbz".into(), Vec::new());
    assert_eq!(beside(&files, &Handed::default()), (1, false, false, false, false));
}

/// `fetch` saves a file that differs from an existing one under such a name. An audit reads only the existing one.
#[test]
fn files_that_were_set_aside_are_not_read() {
    let names = [
        "a/b.sig.tbz",
        "a/b.sig.tbz.differs-1",
        "a/key.pem.differs-1",
        "a/status.json.differs-1",
        "a/image/index.json",
        "a/image/index.json.differs-2",
        "a/trust/notary/root.json",
        "a/trust/notary.differs-1/root.json",
        "a/trust/simple-signing/signature-1.differs-10",
        "a/trust/x.differs-",
        "a/trust/x.differs-1.json",
        "a/trust/x.differs-1a",
        "a/builder/y.differs-1",
        "a/builder/y",
    ];
    let files: BTreeMap<String, Vec<u8>> = names.map(|name| (name.to_owned(), vec![1])).into();
    let (storage, limits, bundle) = (Storage::Memory(&files), Limits::default(), Path::new("a/b.sig.tbz"));
    let found = Beside::of(bundle, &Handed::default(), storage, &limits).unwrap();
    let paths =
        |files: Option<Vec<TrustFile>>| -> Vec<String> { files.unwrap().into_iter().map(|file| file.path).collect() };
    assert_eq!(paths(found.trust), ["notary/root.json", "x.differs-", "x.differs-1.json", "x.differs-1a"]);
    assert_eq!(paths(found.builder), ["y"]);
    assert!(found.server.is_none() && found.keys.is_empty());
    let read: Vec<String> = storage.files_of(bundle, &limits).unwrap().iter().map(|path| slashed(path)).collect();
    assert_eq!(read.len(), 7, "{read:?}");
    assert_eq!(storage.find_bundles(&["a".into()], &limits).unwrap(), [bundle]);
    // A path that the user specifies is read.
    let given = storage.read_trust(Path::new("a/trust/notary.differs-1"), &limits).unwrap();
    assert_eq!(paths(Some(given)), ["root.json"]);
}

#[test]
fn paths_outside_memory_are_not_found() {
    let files = BTreeMap::from([("a/b.sig.tbz".to_owned(), vec![1]), ("ab".to_owned(), vec![2])]);
    let (storage, limits) = (Storage::Memory(&files), Limits::default());
    let bound = limits.key_file_bytes();
    assert_eq!(storage.read(Path::new("a/b.sig.tbz"), bound).unwrap(), [1]);
    for path in ["a", "b", "a/../ab", "../ab", "/ab", "a/", ""] {
        assert!(storage.read(Path::new(path), bound).is_err(), "{path}");
    }
    assert_eq!(storage.find_bundles(&["".into()], &limits).unwrap(), [PathBuf::from("a/b.sig.tbz")]);
    assert_eq!(storage.find_bundles(&["a".into()], &limits).unwrap(), [PathBuf::from("a/b.sig.tbz")]);
    assert_eq!(storage.entries(Path::new("a")).unwrap(), [(PathBuf::from("a/b.sig.tbz"), Kind::File)]);
}

#[test]
#[cfg(unix)]
fn a_bundle_listed_twice_counts_once() {
    use std::os::unix::fs::symlink;
    let top = std::env::temp_dir().join(format!("hpsb-audit-named-twice-{}", std::process::id()));
    let _ = fs::remove_dir_all(&top);
    for folder in ["a", "b"] {
        fs::create_dir_all(top.join(folder)).unwrap();
    }
    let file = top.join("a/x.sig.tbz");
    fs::write(&file, "x").unwrap();
    symlink("a", top.join("c")).unwrap();
    let (limits, found) = (Limits::default(), |paths: &[PathBuf], limits| Storage::Disk.find_bundles(paths, limits));
    let named = |path: &str| top.join(path);
    let spellings = ["a/x.sig.tbz", "a/../a/./x.sig.tbz", "a", "c/x.sig.tbz", "c", "."].map(named);
    for one in &spellings {
        for other in &spellings {
            let found = found(&[one.clone(), other.clone()], &limits).unwrap();
            assert_eq!(found.len(), 1, "{} {}: {found:?}", one.display(), other.display());
        }
    }
    // A link and the file next to it are one bundle with the file's name, regardless of which of them is
    // found first.
    for link in ["a/0.sig.tbz", "a/y.sig.tbz"] {
        symlink("x.sig.tbz", top.join(link)).unwrap();
    }
    assert_eq!(found(&[named("a")], &limits).unwrap(), std::slice::from_ref(&file));
    assert_eq!(found(&[named("a/y.sig.tbz")], &limits).unwrap(), [named("a/y.sig.tbz")]);
    // A copy is also audited, and so is a link in a different folder, which may have other evidence.
    fs::copy(&file, top.join("a/z.sig.tbz")).unwrap();
    symlink("../a/x.sig.tbz", top.join("b/x.sig.tbz")).unwrap();
    assert_eq!(found(&[named(".")], &limits).unwrap().len(), 3);
    // A path that cannot be opened is kept, so that opening it reports the error.
    assert_eq!(found(&[named("no.sig.tbz"), named("no.sig.tbz")], &limits).unwrap().len(), 1);
    fs::remove_dir_all(&top).unwrap();
}

#[test]
fn files_in_memory_listed_twice_count_once() {
    let files = ["a/b.sig.tbz", "a/c.sig.tbz"].map(|name| (name.to_owned(), vec![1])).into();
    let (storage, limits) = (Storage::Memory(&files), Limits::default());
    let named = ["a/b.sig.tbz", "./a/b.sig.tbz", "a", "a/"].map(PathBuf::from);
    assert_eq!(storage.find_bundles(&named, &limits).unwrap().len(), 2);
}

/// A bundle must not be skipped because a folder has the same name.
#[test]
fn a_name_that_is_both_a_file_and_a_folder_is_an_error() {
    let names = ["e/a.sig.tbz", "e/a.sig.tbz/b", "e/c"];
    let files = names.map(|name| (name.to_owned(), vec![1])).into();
    let (storage, limits) = (Storage::Memory(&files), Limits::default());
    assert!(storage.entries(Path::new("e")).is_err());
    // The search returns the folder itself, which cannot be opened, instead of its entries.
    assert_eq!(storage.find_bundles(&["e".into()], &limits).unwrap(), [PathBuf::from("e")]);
    assert!(storage.open(Path::new("e")).is_err());
}
