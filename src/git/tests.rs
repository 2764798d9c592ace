//! Real repositories, compared with git: `rev-list`, `fsck`, `status`, `ls-files`.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::test_repository::TestRepository;
use super::*;
use crate::base::budget::Budget;
use crate::base::limits::Limits;

fn run(repository: &TestRepository) -> SourceProof {
    prove(&repository.snapshot(), 2, &Limits::default())
}

/// Paths and changes as in git's output: `M`, `T`, `D`, `?`.
fn status_of_git(repository: &TestRepository) -> Vec<String> {
    let status = repository.git(&["status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching"]);
    let mut lines: Vec<String> = status
        .split('\0')
        .filter(|line| !line.is_empty())
        .map(|line| format!("{} {}", line[1..2].replace('!', "?"), &line[3..]))
        .collect();
    lines.sort();
    lines
}

fn status_of_ours(proof: &SourceProof) -> Vec<String> {
    let letter = |change| match change {
        Change::Modified | Change::ModeChanged => "M",
        Change::TypeChanged => "T",
        Change::Deleted => "D",
        Change::Untracked => "?",
    };
    let differences = proof.tree.differences.iter();
    let mut lines: Vec<String> = differences
        .map(|difference| format!("{} {}", letter(difference.change), String::from_utf8_lossy(&difference.path)))
        .collect();
    lines.sort();
    lines
}

fn reason_of(proof: &SourceProof, path: &str) -> String {
    let difference = proof.tree.differences.iter().find(|difference| difference.path == path.as_bytes()).unwrap();
    difference.reason.clone().unwrap_or_default()
}

/// The total number of objects and the number of reachable objects, according to git.
fn counts_of_git(repository: &TestRepository) -> (u64, u64) {
    let all = repository.git(&["cat-file", "--batch-all-objects", "--batch-check", "--unordered"]);
    let reachable = repository.git(&["rev-list", "--objects", "--all", "HEAD"]);
    let tags = repository.git(&["for-each-ref", "--format=%(objecttype)", "refs/tags"]);
    let tags = tags.lines().filter(|kind| *kind == "tag").count();
    let named: std::collections::HashSet<&str> = reachable.lines().filter_map(|line| line.split(' ').next()).collect();
    // rev-list also lists annotated tags if they are specified by ref.
    let _ = tags;
    (all.lines().count() as u64, named.len() as u64)
}

fn sample() -> TestRepository {
    let repository = TestRepository::new();
    repository
        .write("README.md", "hello\n")
        .write("src/main.c", "int main;\n")
        .write("src/deep/er/x", "x")
        .write("run.sh", "#!/bin/sh\n");
    std::fs::set_permissions(repository.path.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("README.md", repository.path.join("link")).unwrap();
    repository.write(".gitignore", "*.o\n/build/\n").write("ä", "umlaut");
    repository.commit("first");
    for number in 0..12 {
        repository.write("src/main.c", format!("int main;\n// {number}\n"));
        repository.commit(&format!("change {number}"));
    }
    repository.git(&["tag", "--annotate", "--message", "one", "v1"]);
    repository.git(&["tag", "light"]);
    repository.git(&["branch", "other"]);
    repository
}

#[test]
fn a_clone_is_proved_and_its_facts_match_git() {
    let origin = sample();
    for options in [&[][..], &["--depth=3"], &["--branch=v1"], &["--single-branch", "--no-tags"]] {
        let clone = origin.clone_with(options);
        let proof = run(&clone);
        assert_eq!(proof.objects.faults, Vec::<String>::new(), "{options:?}");
        assert_eq!(proof.objects.malformed, []);
        assert_eq!(status_of_ours(&proof), Vec::<String>::new());
        assert!(clone.try_git(&["fsck", "--full", "--strict"]).status.success());
        let (all, reachable) = counts_of_git(&clone);
        assert_eq!((proof.objects.object_count, proof.objects.reachable), (all, reachable), "{options:?}");
        assert_eq!(proof.objects.unreachable, all - reachable);
        let head = proof.head.clone().unwrap();
        assert_eq!(head.commit.to_string(), clone.git(&["rev-parse", "HEAD"]).trim_end());
        let branch = clone.try_git(&["symbolic-ref", "--quiet", "HEAD"]).stdout;
        assert_eq!(head.reference.unwrap_or_default(), String::from_utf8(branch).unwrap().trim_end());
        let commit = proof.commit.as_ref().unwrap();
        let shown = clone.git(&["log", "-1", "--format=%T|%P|%an|%ae|%at|%cn|%ce|%ct|%s"]);
        let parents: Vec<String> = commit.parents.iter().map(ToString::to_string).collect();
        let seconds = |who: &Identity| who.time.unwrap().unix_seconds();
        let ours = format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}\n",
            commit.tree,
            parents.join(" "),
            commit.author.name,
            commit.author.email,
            seconds(&commit.author),
            commit.committer.name,
            commit.committer.email,
            seconds(&commit.committer),
            commit.subject()
        );
        assert_eq!(ours, shown);
        let list = clone.git(&["ls-tree", "-r", "-z", "HEAD"]);
        let ours: String = proof
            .tree
            .files
            .iter()
            .map(|file| format!("{} blob {}\t{}\0", file.mode.as_str(), file.id, String::from_utf8_lossy(&file.path)))
            .collect();
        assert_eq!(ours, list);
        let at_head = clone.git(&["for-each-ref", "--points-at=HEAD", "--format=%(refname)%(symref)"]);
        let at_head: Vec<&str> = at_head.lines().filter(|name| !name.contains("HEAD")).collect();
        assert_eq!(proof.refs_at_head, at_head);
        let shallow = clone.git(&["rev-parse", "--is-shallow-repository"]);
        assert_eq!(proof.objects.shallow.len(), usize::from(shallow == "true\n"));
    }
}

#[test]
fn subjects_match_git_log() {
    let repository = TestRepository::new();
    for message in ["one", "\n \none  \ntwo\t\n\nthree", "  one\n two \n \nthree", "", "one\r\n\r\ntwo"] {
        let arguments = ["commit", "--quiet", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim"];
        repository.git(&[&arguments[..], &["--message", message]].concat());
        let subject = run(&repository).commit.unwrap().subject();
        assert_eq!(format!("{subject}\n"), repository.git(&["log", "-1", "--format=%s"]), "{message:?}");
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let snapshot = sample().clone_with(&[]).snapshot();
    let [one, many] = [1, 7].map(|threads| format!("{:?}", prove(&snapshot, threads, &Limits::default()).tree));
    assert_eq!(one, many);
}

#[test]
fn loose_packed_and_unreachable_objects_are_counted() {
    let repository = sample();
    repository.git(&["repack", "--quiet"]);
    repository.write("new", "loose");
    repository.commit("loose");
    repository.git_input(&["hash-object", "-w", "--stdin"], b"unreachable");
    let tree = repository.git_input(&["mktree"], b"");
    repository.git_input(&["commit-tree", &tree], b"unreachable too\n");
    let proof = run(&repository);
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    let (all, reachable) = counts_of_git(&repository);
    assert_eq!((proof.objects.object_count, proof.objects.reachable), (all, reachable));
    assert_eq!(proof.objects.unreachable, 3);
    assert!(proof.objects.loose_count >= 6 && proof.objects.pack_count == 1);
}

#[test]
fn unreachable_history_is_counted_even_if_it_is_stored_twice() {
    let repository = sample();
    repository.git(&["checkout", "--quiet", "--detach"]);
    repository.write("side/new", "one").commit("one");
    repository.write("side/new", "two").write("more", "two").commit("two");
    repository.git(&["checkout", "--quiet", "-"]);
    // An object that only an unreachable object references may be missing.
    let missing = format!("100644 blob {}\tgone\n", "1".repeat(40));
    repository.git_input(&["mktree", "--missing"], missing.as_bytes());
    let check = |packs| {
        let proof = run(&repository);
        assert_eq!(proof.objects.faults, Vec::<String>::new());
        let (all, reachable) = counts_of_git(&repository);
        assert_eq!((proof.objects.object_count, proof.objects.reachable), (all, reachable));
        assert_eq!(proof.objects.unreachable, all - reachable);
        assert!(proof.objects.unreachable >= 9 && proof.objects.loose_count > 0);
        assert_eq!(proof.objects.pack_count, packs);
    };
    check(0);
    let ids = repository.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    repository.git_input(&["pack-objects", "--quiet", ".git/objects/pack/pack"], ids.as_bytes());
    check(1);
}

#[test]
fn differences_match_git_status() {
    let repository = sample().clone_with(&[]);
    repository
        .write("README.md", "changed\n")
        .write("extra", "x")
        .write("a.o", "x")
        .write("build/x", "x")
        .remove("src/deep/er/x");
    std::fs::set_permissions(repository.path.join("src/main.c"), std::fs::Permissions::from_mode(0o755)).unwrap();
    repository.remove("run.sh");
    symlink("README.md", repository.path.join("run.sh")).unwrap();
    repository.remove("link");
    symlink("elsewhere", repository.path.join("link")).unwrap();
    repository.remove("ä");
    std::fs::create_dir(repository.path.join("ä")).unwrap();
    repository.write("ä/inner", "x");
    let proof = run(&repository);
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    let ours = status_of_ours(&proof);
    // git reports an ignored folder as one line.
    let theirs: Vec<String> =
        status_of_git(&repository).iter().map(|line| line.replace("? build/", "? build/x")).collect();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 10);
    assert_eq!(reason_of(&proof, "a.o"), "ignored by .gitignore:1");
    assert_eq!(reason_of(&proof, "build/x"), "ignored by .gitignore:2");
    assert_eq!(reason_of(&proof, "extra"), "");
    assert_eq!(reason_of(&proof, "link"), "it points to \"elsewhere\"");
    assert_eq!(reason_of(&proof, "src/main.c"), "it is executable; in the tree it is not executable");
}

#[test]
fn empty_folders_are_listed_and_names_that_differ_in_case_are_two_files() {
    let repository = sample();
    std::fs::create_dir_all(repository.path.join("empty/inner")).unwrap();
    repository.write("readme.MD", "twin\n");
    let proof = run(&repository);
    assert_eq!(proof.tree.empty_folders, [b"empty/inner".to_vec()]);
    assert_eq!(status_of_ours(&proof), ["? readme.MD"]);
}

#[test]
fn line_endings_are_excused_only_if_heads_own_attributes_request_them() {
    let origin = TestRepository::new();
    origin
        .write(".gitattributes", "*.bat text eol=crlf\n*.auto text=auto eol=crlf\n*.txt text\n*.bin -text eol=crlf\n");
    for name in ["a.bat", "a.auto", "a.txt", "a.bin", "plain"] {
        origin.write(name, "one\ntwo\n");
    }
    origin.commit("line endings");
    let clone = origin.clone_with(&[]);
    assert_eq!(std::fs::read(clone.path.join("a.bat")).unwrap(), b"one\r\ntwo\r\n");
    let proof = run(&clone);
    assert_eq!(status_of_ours(&proof), Vec::<String>::new());
    let converted: Vec<(&[u8], Conversion)> =
        proof.tree.converted.iter().map(|(path, by)| (path.as_slice(), *by)).collect();
    assert_eq!(converted, [(&b"a.auto"[..], Conversion::LineEnds), (b"a.bat", Conversion::LineEnds)]);
    // These files have mixed line endings, line endings without attributes, and attributes that are not in HEAD.
    clone.write("a.bat", "one\r\ntwo\n").write("plain", "one\r\ntwo\r\n").write("a.txt", "one\r\ntwo\r\n");
    clone.write(".git/info/attributes", "plain text eol=crlf\n");
    let proof = run(&clone);
    assert_eq!(status_of_ours(&proof), ["M a.bat", "M a.txt", "M plain"]);
    assert_eq!(reason_of(&proof, "plain"), "only its line endings differ, and no .gitattributes in HEAD requests this");
    // Attributes that are only in the work tree do not count.
    clone.write(".gitattributes", "* text eol=crlf\n");
    assert_eq!(status_of_ours(&run(&clone)), ["M .gitattributes", "M a.bat", "M a.txt", "M plain"]);
}

#[test]
fn large_files_are_excused_if_a_proved_pointer_identifies_them() {
    let content = vec![7u8; 5000];
    let digest = crate::base::digest::Sha256::of(&content).hex();
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 5000\n");
    let repository = TestRepository::new();
    repository.write("model.bin", &pointer).write("other.bin", &pointer);
    repository.commit("pointers");
    repository.write("model.bin", &content);
    repository.write("other.bin", &content[1..]);
    let proof = run(&repository);
    assert_eq!(proof.tree.converted, [(b"model.bin".to_vec(), Conversion::LargeFile)]);
    assert_eq!(status_of_ours(&proof), ["M other.bin"]);
    assert!(reason_of(&proof, "other.bin").starts_with("its Git LFS pointer specifies sha256:"));
}

#[test]
fn filters_are_reported_but_not_run() {
    let repository = TestRepository::new();
    repository.write(".gitattributes", "*.x filter=evil\n").write("a.x", "clean\n");
    repository.commit("filters");
    repository.git(&["config", "filter.evil.smudge", "touch /hpsb-audit-must-not-run"]);
    repository.write("a.x", "smudged\n");
    let proof = run(&repository);
    assert_eq!(status_of_ours(&proof), ["M a.x"]);
    assert_eq!(reason_of(&proof, "a.x"), "its filter attribute requests a conversion that is not supported");
}

fn with_submodules() -> (TestRepository, TestRepository, TestRepository) {
    let inner = TestRepository::new();
    inner.write("inner.txt", "inner\n");
    inner.commit("inner");
    let middle = TestRepository::new();
    middle.write("middle.txt", "middle\n").write(".gitattributes", "*.txt eol=crlf\n");
    middle.git(&["submodule", "--quiet", "add", &format!("file://{}", inner.path.display()), "deep/inner"]);
    middle.commit("middle");
    let top = TestRepository::new();
    top.write("top.txt", "top\n").write("lib-sibling", "sorts between lib and lib/\n");
    top.git(&["submodule", "--quiet", "add", &format!("file://{}", middle.path.display()), "lib"]);
    top.commit("top");
    (top, middle, inner)
}

#[test]
fn cloned_submodules_are_proved() {
    let (top, _middle, inner) = with_submodules();
    let clone = top.clone_with(&["--recurse-submodules"]);
    let proof = run(&clone);
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    assert_eq!(status_of_ours(&proof), Vec::<String>::new());
    let states: Vec<(&[u8], &SubmoduleState)> =
        proof.tree.submodules.iter().map(|module| (module.path.as_slice(), &module.state)).collect();
    assert!(
        matches!(
            states[..],
            [(b"lib", SubmoduleState::Proved { .. }), (b"lib/deep/inner", SubmoduleState::Proved { object_count: 3 })]
        ),
        "{states:?}"
    );
    let files = clone.git(&["ls-files", "--recurse-submodules"]);
    let ours = proof.tree.files.iter().filter(|file| file.mode != Mode::Submodule);
    let ours: Vec<String> = ours.map(|file| String::from_utf8_lossy(&file.path).into_owned()).collect();
    let mut files: Vec<&str> = files.lines().collect();
    files.sort_unstable();
    assert_eq!(ours, files);
    assert_eq!(proof.tree.converted, [(b"lib/middle.txt".to_vec(), Conversion::LineEnds)]);
    let snapshot = clone.snapshot();
    assert_eq!(proof.read_file(&snapshot, b"lib/deep/inner/inner.txt").as_deref(), Ok(&b"inner\n"[..]));
    assert_eq!(proof.read_file(&snapshot, b"top.txt").as_deref(), Ok(&b"top\n"[..]));
    assert_eq!(proof.read_file(&snapshot, b"lib"), Err(FileFault::NoFile("lib".into())));
    assert_eq!(proof.read_file(&snapshot, b"none"), Err(FileFault::NoSuchFile("none".into())));
    assert_eq!(proof.read_file(&snapshot, b"lib/none"), Err(FileFault::NoSuchFile("lib/none".into())));
    assert_eq!((proof.tree.file_count, proof.tree.submodule_file_count), (3, 4));
    let remotes: Vec<&str> = proof
        .tree
        .submodules
        .iter()
        .flat_map(|module| &module.remotes.listed)
        .map(|remote| remote.name.as_str())
        .collect();
    assert_eq!(remotes, ["origin", "origin"]);
    assert_eq!((proof.remotes.elsewhere.as_slice(), proof.remotes.listed.len()), (&[][..], 1));
    assert_eq!(proof.objects.notes, Vec::<String>::new());

    clone.write("lib/deep/inner/inner.txt", "changed\n").write("lib/extra", "x");
    assert_eq!(status_of_ours(&run(&clone)), ["? lib/extra", "M lib/deep/inner/inner.txt"]);

    // The submodule's commit is not the one that the tree records.
    inner.write("inner.txt", "newer\n");
    inner.commit("newer");
    clone.git(&["-C", "lib/deep/inner", "fetch", "--quiet", "origin", "main"]);
    clone.git(&["-C", "lib/deep/inner", "checkout", "--quiet", "--force", "FETCH_HEAD"]);
    let proof = run(&clone);
    assert!(reason_of(&proof, "lib/deep/inner").starts_with("its HEAD is "));
}

#[test]
fn submodules_that_were_not_cloned_are_neither_proved_nor_a_failure() {
    let (top, _middle, _inner) = with_submodules();
    let clone = top.clone_with(&[]);
    let proof = run(&clone);
    assert_eq!(status_of_ours(&proof), Vec::<String>::new());
    assert!(proof.tree.empty_folders.is_empty(), "{:?}", proof.tree.empty_folders);
    let states: Vec<&SubmoduleState> = proof.tree.submodules.iter().map(|module| &module.state).collect();
    assert_eq!(states, [&SubmoduleState::Empty]);
    let not_known = proof.read_file(&clone.snapshot(), b"lib/Dockerfile").unwrap_err().to_string();
    assert_eq!(
        not_known,
        "it is not known whether HEAD's tree has the file \"lib/Dockerfile\": the submodule lib was not cloned"
    );
    assert_eq!(proof.tree.file_count, 3);
    // A submodule's folder that has files, but no `.git` file that points to its objects, is a fault.
    clone.write("lib/middle.txt", "middle\n");
    let proof = run(&clone);
    assert!(matches!(&proof.tree.submodules[0].state, SubmoduleState::Faulty(faults) if faults.len() == 1));
    // The submodule's files are not compared.
    assert_eq!(status_of_ours(&proof), Vec::<String>::new());
    assert_eq!(proof.tree.compared_words(), ", 0 differences; not compared: 1 submodule");
    let not_known = proof.read_file(&clone.snapshot(), b"lib/middle.txt").unwrap_err().to_string();
    assert!(not_known.ends_with(": the submodule lib is not proved"), "{not_known}");
}

#[test]
fn submodules_whose_objects_remain_are_not_said_to_be_missing() {
    let (top, _middle, _inner) = with_submodules();
    let clone = top.clone_with(&["--recurse-submodules"]);
    clone.git(&["submodule", "--quiet", "deinit", "--force", "lib"]);
    let proof = run(&clone);
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    assert_eq!(proof.tree.submodules[0].state.not_compared(), Some("has no .git in its folder"));
    let notes = ["lib", "lib/modules/deep/inner"]
        .map(|module| format!("not proved: the objects of .git/modules/{module}, which no proved submodule uses"));
    assert_eq!(proof.objects.notes, notes);
    clone.git(&["worktree", "add", "--quiet", "--detach", "other"]);
    assert!(run(&clone).objects.notes.iter().any(|note| note.starts_with("not followed: HEAD and refs of other")));
}

#[test]
fn files_of_a_submodule_without_its_commit_are_not_untracked() {
    let (top, middle, _inner) = with_submodules();
    let clone = top.clone_with(&["--recurse-submodules"]);
    let commit = middle.git(&["rev-parse", "HEAD"]);
    let folder = ".git/modules/lib/objects/pack";
    let pack = std::fs::read_dir(clone.path.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let pack: Vec<_> = pack.filter(|path| path.extension().is_some_and(|end| end == "pack")).collect();
    // The pack's objects become loose objects, without the commit.
    let moved = clone.path.join("moved.pack");
    std::fs::rename(&pack[0], &moved).unwrap();
    std::fs::remove_dir_all(clone.path.join(folder)).unwrap();
    clone.git_input(&["-C", "lib", "unpack-objects", "-q"], &std::fs::read(&moved).unwrap());
    std::fs::remove_file(&moved).unwrap();
    clone.remove(&format!(".git/modules/lib/objects/{}/{}", &commit[..2], &commit[2..40]));
    clone.write("lib-new", "untracked\n");
    let proof = run(&clone);
    assert!(matches!(&proof.tree.submodules[0].state, SubmoduleState::Faulty(_)));
    assert_eq!(status_of_ours(&proof), ["? lib-new"]);
    let fault = proof.read_file(&clone.snapshot(), b"lib/middle.txt");
    assert!(matches!(fault, Err(FileFault::InSubmodule { is_faulty: true, .. })), "{fault:?}");
}

/// The URLs of the fetched remotes by `git remote -v`, and those of this program.
fn fetched(clone: &TestRepository) -> (Vec<String>, Vec<String>) {
    let theirs = clone.git(&["remote", "-v"]);
    let theirs = theirs.lines().filter_map(|line| line.split_once(" (fetch)")?.0.split_once('\t'));
    let theirs = theirs.map(|(name, url)| format!("{name} {url}")).collect();
    let ours = run(clone).remotes.listed.iter().map(|remote| format!("{} {}", remote.name, remote.url)).collect();
    (theirs, ours)
}

#[test]
fn the_config_of_the_work_tree_counts_where_git_reads_it() {
    let worktree = "[url \"https://evil.example/\"]\n\tinsteadOf = https://github.com/\n\
        [remote \"second\"]\n\turl = https://other.example/x/y\n";
    for (extension, is_on) in [
        ("worktreeConfig = true", true),
        ("worktreeConfig", true),
        ("worktreeConfig = false\n\tworktreeConfig = ON", true),
        ("worktreeConfig = true\n\tworktreeConfig =", false),
        ("noop = true", false),
    ] {
        let clone = sample().clone_with(&[]);
        clone.git(&["remote", "set-url", "origin", "https://github.com/acme/wallet"]);
        let config = std::fs::read_to_string(clone.path.join(".git/config")).unwrap();
        clone.write(".git/config", format!("{config}[extensions]\n\t{extension}\n"));
        clone.write(".git/config.worktree", worktree);
        let (theirs, ours) = fetched(&clone);
        assert_eq!(ours, theirs, "{extension}");
        assert_eq!(ours.len(), if is_on { 2 } else { 1 }, "{extension}");
        assert_eq!(run(&clone).remotes.elsewhere, Vec::<String>::new(), "{extension}");
        clone.write(".git/config.worktree", "[include]\n\tpath = more\n");
        assert_eq!(run(&clone).remotes.included.len(), usize::from(is_on), "{extension}");
        clone.write(".git/config.worktree", "[");
        assert_eq!(run(&clone).remotes.elsewhere.len(), usize::from(is_on), "{extension}");
    }
    // git reads a number as a boolean.
    let clone = sample().clone_with(&[]);
    clone.git(&["config", "extensions.worktreeConfig", "2"]);
    assert_eq!(
        run(&clone).remotes.elsewhere,
        ["extensions.worktreeConfig has a value that is not recognised: config.worktree may be in use"]
    );
}

#[test]
fn other_places_to_fetch_from_are_found() {
    let found = |change: &dyn Fn(&TestRepository)| {
        let clone = sample().clone_with(&[]);
        change(&clone);
        run(&clone).remotes.elsewhere
    };
    let set = |key: &'static str, value: &'static str| found(&move |clone| drop(clone.git(&["config", key, value])));
    assert_eq!(
        set("branch.main.remote", "https://ada:s3cret@evil.example/x"),
        ["branch.main.remote is \"https://evil.example/x\", which is not the name of a remote with a url"]
    );
    assert_eq!(set("branch.main.remote", "../evil").len(), 1);
    assert_eq!(set("branch.main.remote", "."), Vec::<String>::new());
    assert_eq!(set("remote.origin.vcs", "ext").len(), 1);
    assert_eq!(set("extensions.partialClone", "https://evil.example/x").len(), 1);
    // A partial clone fetches missing objects from a promisor, whose name git takes as an address.
    assert_eq!(set("remote.origin.promisor", "true"), Vec::<String>::new());
    assert_eq!(set("remote.../evil.promisor", "true"), ["remote.../evil.promisor is set for a remote without a url"]);
    let many = found(&|clone| {
        for at in 0..25 {
            clone.write(&format!(".git/remotes/evil{at}"), "URL: /evil\n");
        }
    });
    assert_eq!((many.len(), many[20].as_str()), (21, "further reasons, not named here: 5"));
    for key in ["fetch.bundleURI", "remotes.default", "bundle.one.uri"] {
        assert_eq!(set(key, "https://evil.example/x").len(), 1, "{key}");
    }
    // git ignores a remote whose name begins with a slash.
    let slash = found(&|clone| {
        clone.git(&["config", "remote./x.url", "https://github.com/acme/wallet"]);
        clone.git(&["config", "branch.main.remote", "/x"]);
    });
    assert_eq!(slash.len(), 1, "{slash:?}");
    for (file, content) in [(".git/remotes/evil", "URL: /evil\n"), (".git/branches/evil", "/evil\n")] {
        assert_eq!(
            found(&|clone| {
                clone.write(file, content);
            }),
            [format!("{file} can define a remote")]
        );
    }
}

#[test]
fn clones_that_people_make_fetch_from_their_remotes_only() {
    let origin = sample();
    for arguments in [
        &[][..],
        &["--depth=1"],
        &["--no-single-branch", "--depth=2"],
        &["--origin=upstream"],
        &["--sparse"],
        &["--filter=blob:none"],
    ] {
        let clone = origin.clone_with(arguments);
        clone.git(&["branch", "--quiet", "--track", "topic"]);
        clone.git(&["sparse-checkout", "set", "--no-cone", "/*"]);
        let (theirs, ours) = fetched(&clone);
        assert_eq!(ours.len(), theirs.len(), "{arguments:?}");
        let proof = run(&clone);
        assert_eq!(proof.remotes.reservations().collect::<Vec<_>>(), Vec::<String>::new(), "{arguments:?}");
    }
    // git sparse-checkout moves core.worktree of a submodule to config.worktree.
    let (top, _middle, _inner) = with_submodules();
    let clone = top.clone_with(&["--recurse-submodules"]);
    clone.git(&["-C", "lib", "sparse-checkout", "set", "--no-cone", "/*"]);
    clone.git(&["-C", "lib", "config", "include.path", "more"]);
    let proof = run(&clone);
    let reservations: Vec<String> = proof.tree.submodules[0].remotes.reservations().collect();
    assert_eq!(reservations, ["the config includes more, which was not read and could define other remotes"]);
    assert!(matches!(&proof.tree.submodules[0].state, SubmoduleState::Proved { .. }), "{:?}", proof.tree.submodules[0]);
}

#[test]
fn a_history_states_where_it_ends() {
    let origin = TestRepository::new();
    let commits: Vec<String> = ["one", "two", "three"].map(|name| origin.commit(name)).into();
    let clone = origin.clone_with(&["--depth=2"]);
    let proof = run(&clone);
    let snapshot = clone.snapshot();
    let history = proof.history(&snapshot, 10);
    assert_eq!((history.commits.len(), history.is_cut), (2, false));
    assert_eq!(history.boundary.iter().map(ToString::to_string).collect::<Vec<_>>(), [commits[1].clone()]);
    let history = proof.history(&snapshot, 1);
    assert_eq!((history.commits.len(), history.boundary.len(), history.is_cut), (1, 0, true));
    let proof = run(&origin);
    let history = proof.history(&origin.snapshot(), 3);
    assert_eq!((history.commits.len(), history.boundary.len(), history.is_cut), (3, 0, false));
    // Other refs reach objects, but HEAD's history is not known.
    origin.git(&["symbolic-ref", "HEAD", "refs/heads/none"]);
    assert_eq!(run(&origin).history_words(), "not known: HEAD's commit is not proved");
}

#[test]
fn submodules_that_point_elsewhere_are_refused() {
    let (top, _middle, _inner) = with_submodules();
    for (file, content) in [
        ("lib/.git", "gitdir: ../../outside\n"),
        ("lib/.git", "gitdir: /etc\n"),
        ("lib/.git", "gitdir: ../.git\n"),
        ("lib/.git", "gitdir: ../.git/modules/lib/../../..\n"),
        ("lib/.git", "gitdir: ../.git/modules/none\n"),
        ("lib/.git", "ref: refs/heads/main\n"),
        (".git/modules/lib/config", "[core]\n\tworktree = ../../../other\n"),
        (".git/modules/lib/config", "[core]\n\tworktree = /etc\n"),
        (".git/modules/lib/objects/info/alternates", "/srv/objects\n"),
    ] {
        let clone = top.clone_with(&["--recurse-submodules"]);
        clone.write(file, content);
        let proof = run(&clone);
        let state = &proof.tree.submodules[0].state;
        assert!(matches!(state, SubmoduleState::Faulty(_)), "{content}: {state:?}");
    }
}

/// The first fault that is found after this change to a good clone.
fn fault_after(spoil: impl FnOnce(&TestRepository)) -> String {
    let clone = sample().clone_with(&[]);
    spoil(&clone);
    run(&clone).objects.faults.first().cloned().unwrap_or_default()
}

#[test]
fn settings_that_would_show_git_other_objects_are_refused() {
    for (file, content, fault) in [
        (".git/objects/info/alternates", "/srv/objects\n", "alternates"),
        (".git/info/grafts", "1111111111111111111111111111111111111111\n", "grafts"),
        (".git/refs/replace/1111111111111111111111111111111111111111", "", "replace refs"),
        (".git/commondir", "../..\n", "commondir"),
        (".git/config", "[extensions]\n\tobjectFormat = sha256\n", "sha256 objects"),
        (".git/config", "[extensions]\n\trefStorage = reftable\n", "reftable"),
        (".git/config", "[extensions]\n\tnewThing = 1\n", "the extension newthing"),
        (".git/config", "[core]\n\trepositoryformatversion = 2\n", "format version"),
        (".git/config", "[core\n", "line 1 of config is malformed"),
        (".git/config", "[core]\n\tworktree = /etc\n", "core.worktree"),
        (".git/shallow", "nonsense\n", "shallow"),
        (".git/refs/heads/bad", "nonsense\n", "refs/heads/bad"),
        (
            ".git/refs/heads/gone",
            "1111111111111111111111111111111111111111\n",
            "1111111111111111111111111111111111111111, which",
        ),
    ] {
        let found = fault_after(|clone| {
            clone.write(file, content);
        });
        assert!(found.contains(fault), "{file}: {found:?}");
    }
    let packed = fault_after(|clone| {
        let refs = std::fs::read_to_string(clone.path.join(".git/packed-refs")).unwrap();
        clone.write(".git/packed-refs", format!("{refs}{0} refs/replace/{0}\n", "1".repeat(40)));
    });
    assert!(packed.contains("replace refs"), "{packed}");
}

#[test]
fn hooks_and_other_files_of_git_do_not_change_the_result() {
    let clone = sample().clone_with(&[]);
    clone.git(&["commit-graph", "write", "--reachable"]);
    clone.git(&["multi-pack-index", "write"]);
    clone.write(".git/hooks/pre-commit.sample", "#!/bin/sh\nexit 1\n");
    clone.write(".git/hooks/post-checkout", "#!/bin/sh\ntouch /hpsb-audit-must-not-run\n");
    clone.write(".git/config", "[core]\n\tfsmonitor = touch /x\n\thooksPath = /x\n[include]\n\tpath = /etc/passwd\n");
    let proof = run(&clone);
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    assert!(proof.objects.passed_over.iter().any(|name| name == "objects/info/commit-graph"), "{:?}", proof.objects);
    assert!(proof.objects.passed_over.iter().any(|name| name.ends_with("multi-pack-index")));
}

#[test]
fn missing_objects_are_reported() {
    // The objects are loose, so that single objects can be removed.
    let repository = sample();
    let path = |repository: &TestRepository, name: &str| {
        let id = repository.git(&["rev-parse", name]);
        format!(".git/objects/{}/{}", &id[..2], id[2..].trim_end())
    };
    for (name, fault) in [
        ("HEAD", "HEAD: commit"),
        ("HEAD^{tree}", "tree "),
        ("HEAD:src/main.c", "blob "),
        ("HEAD~10", "commit "),
        ("HEAD~10:src/main.c", "blob "),
    ] {
        let file = path(&repository, name);
        let content = std::fs::read(repository.path.join(&file)).unwrap();
        repository.remove(&file);
        let proof = run(&repository);
        assert!(proof.objects.faults[0].starts_with(fault), "{name}: {:?}", proof.objects.faults);
        assert!(!repository.try_git(&["fsck", "--full"]).status.success());
        repository.write(&file, &content);
        assert_eq!(run(&repository).objects.faults, Vec::<String>::new());
        // An object stored under a different object's id.
        let other = std::fs::read(repository.path.join(path(&repository, "HEAD:README.md"))).unwrap();
        repository.remove(&file);
        repository.write(&file, &other);
        let faults = run(&repository).objects.faults;
        assert!(faults.iter().any(|fault| fault.contains("its content hashes to")), "{name}: {faults:?}");
        repository.remove(&file);
        repository.write(&file, &content);
    }
}

#[test]
fn a_file_below_a_missing_tree_is_not_known() {
    let repository = sample();
    let id = repository.git(&["rev-parse", "HEAD:src"]);
    repository.remove(&format!(".git/objects/{}/{}", &id[..2], id[2..].trim_end()));
    let (proof, snapshot) = (run(&repository), repository.snapshot());
    assert_eq!(proof.read_file(&snapshot, b"src/main.c"), Err(FileFault::NotKnown("src/main.c".into())));
    assert_eq!(proof.read_file(&snapshot, b"src/none"), Err(FileFault::NotKnown("src/none".into())));
    assert_eq!(proof.read_file(&snapshot, b"none"), Err(FileFault::NoSuchFile("none".into())));
    assert!(proof.read_file(&snapshot, b"README.md").is_ok());
}

/// Writes an object with these bytes, which git does not check. A commit becomes HEAD's commit.
fn with_head(repository: &TestRepository, kind: &str, content: &[u8]) -> String {
    let id = repository.git_input(&["hash-object", "-w", "-t", kind, "--literally", "--stdin"], content);
    if kind == "commit" {
        repository.write(".git/refs/heads/main", format!("{id}\n"));
    }
    id
}

#[test]
fn a_malformed_head_fails_and_a_malformed_object_elsewhere_is_a_detail() {
    let who = "Ada <ada@example.org> 1592901588 +0200";
    let repository = sample();
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    let tree = tree.trim_end();
    let good = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n");
    let twice = format!("tree {tree}\ntree {tree}\nauthor {who}\ncommitter {who}\n\nx\n");
    let bad = with_head(&repository, "commit", twice.as_bytes());
    assert!(run(&repository).objects.faults.iter().any(|fault| fault.ends_with("is malformed: missingAuthor")));
    // The same commit, used as a parent.
    let child = good.replacen("author", &format!("parent {bad}\nauthor"), 1);
    with_head(&repository, "commit", child.as_bytes());
    let proof = run(&repository);
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    assert_eq!(proof.objects.malformed, [(ObjectId::from_hex(&bad).unwrap(), Malformed::MissingAuthor)]);
    let fsck = repository.try_git(&["fsck", "--full", "--strict"]);
    assert!(String::from_utf8_lossy(&fsck.stderr).contains(&format!("{bad}: missingAuthor")), "{fsck:?}");

    let blob = repository.git(&["rev-parse", "HEAD:README.md"]);
    let raw = ObjectId::from_hex(blob.trim_end()).unwrap();
    for (name, mode, fault) in [
        ("..", "100644", "hasDotdot"),
        (".git", "100644", "hasDotgit"),
        ("a/b", "100644", "fullPathname"),
        ("a", "0100644", "zeroPaddedFilemode"),
    ] {
        let content = [format!("{mode} {name}\0").as_bytes(), raw.as_bytes()].concat();
        let tree = with_head(&repository, "tree", &content);
        with_head(&repository, "commit", format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n").as_bytes());
        let proof = run(&repository);
        let expected = format!("is malformed: {fault}");
        assert!(proof.objects.faults.iter().any(|found| found.ends_with(&expected)), "{:?}", proof.objects.faults);
        let fsck = repository.try_git(&["fsck", "--full", "--strict"]);
        assert!(String::from_utf8_lossy(&fsck.stderr).contains(fault), "{fsck:?}");
    }
}

#[test]
fn listing_exponentially_nested_trees_stops_at_the_limits() {
    let repository = TestRepository::new();
    let mut tree = repository.git_input(&["mktree"], b"");
    for _ in 0..12 {
        let entries: String = (0..10).map(|number| format!("040000 tree {tree}\t{number}\n")).collect();
        tree = repository.git_input(&["mktree"], entries.as_bytes());
    }
    let who = "Ada <ada@example.org> 1592901588 +0200";
    with_head(&repository, "commit", format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n").as_bytes());
    let limits = Limits { git_tree_entries: 10_000, ..Limits::default() };
    let proof = prove(&repository.snapshot(), 1, &limits);
    assert!(proof.objects.faults[0].contains("git_tree_entries"), "{:?}", proof.objects.faults);
}

/// Collisions are detected wherever bytes are hashed: in packs, in loose objects and in the work tree.
#[test]
fn a_collision_attack_is_reported_and_refused_everywhere() {
    let repository = TestRepository::new();
    repository.write("packed", "bytes of an attack, in a pack").write("held", "bytes of an attack, in a tree");
    repository.commit("attack");
    repository.git(&["repack", "-a", "-d", "--quiet"]);
    repository.write("loose", "bytes of an attack, in a file");
    repository.commit("loose");
    repository.write("work", "bytes of an attack, in the work tree");
    let id = |name: &str| ObjectId::from_hex(repository.git(&["hash-object", name]).trim_end()).unwrap();
    let tree = repository.git(&["rev-parse", "HEAD~1^{tree}"]);
    let attacked = [id("packed"), id("loose"), id("work"), ObjectId::from_hex(tree.trim_end()).unwrap()];
    super::hash::tests::PRETENDED.lock().unwrap().extend(attacked);
    let proof = run(&repository);
    let said = proof.objects.faults.iter().filter(|fault| fault.contains("made by a SHA-1 collision attack")).count();
    assert_eq!(said, 3, "{:#?}", proof.objects.faults);
    assert_eq!(status_of_ours(&proof), ["? work", "M loose", "M packed"]);
    assert_eq!(reason_of(&proof, "loose"), "its bytes were made by a SHA-1 collision attack");
}

/// A tag object for HEAD that looks signed.
fn signed_tag(repository: &TestRepository, name: &str) -> String {
    let head = repository.git(&["rev-parse", "HEAD"]);
    let tag = format!(
        "object {head}type commit\ntag {name}\ntagger Ada <ada@example.org> 1592901588 +0200\n\n{}\n\
         -----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
        "text ".repeat(1000)
    );
    repository.git_input(&["hash-object", "-w", "-t", "tag", "--stdin"], tag.as_bytes())
}

#[test]
fn a_tag_with_many_refs_is_read_and_stored_once() {
    let repository = sample();
    repository.git(&["tag", "--delete", "v1"]);
    let [one, other] = ["one", "other"].map(|name| signed_tag(&repository, name));
    let mut refs = String::new();
    for number in 100..400 {
        refs.push_str(&format!("{one} refs/tags/t{number}\n"));
    }
    repository.write(".git/packed-refs", refs).write(".git/refs/tags/other", format!("{other}\n"));
    let proof = run(&repository);
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    assert_eq!(proof.refs_at_head.iter().filter(|name| name.starts_with("refs/tags/t")).count(), 300);
    let subjects: Vec<String> = proof.signed.iter().map(|signed| signed.subject.to_string()).collect();
    assert_eq!(subjects, ["tag other", "tag t100 (named one in the tag object) (and 299 more refs)"]);
    // There are two tags of five kilobytes each.
    let limits = Limits { git_signed_bytes: 8_000, ..Limits::default() };
    let bounded = prove(&repository.snapshot(), 1, &limits);
    assert_eq!(bounded.signed.len(), 1);
    assert!(bounded.objects.faults.iter().any(|fault| fault.contains("git_signed_bytes=8000")));
}

#[test]
fn comparisons_share_one_budget_and_beyond_it_every_difference_counts() {
    let origin = TestRepository::new();
    origin.write(".gitattributes", "*.bat text eol=crlf\n").write(".gitignore", "*.o\n");
    for number in 0..20 {
        origin.write(&format!("f{number}.bat"), "one\n");
    }
    origin.commit("line endings");
    let clone = origin.clone_with(&[]);
    clone.write("a.o", "x");
    assert_eq!(run(&clone).tree.converted.len(), 20);
    let limits = Limits { git_rule_letters: 10_000, ..Limits::default() };
    let proof = prove(&clone.snapshot(), 1, &limits);
    let excused = proof.tree.converted.len();
    assert!(excused > 0 && excused < 20 && proof.tree.differences.len() == 21 - excused, "{excused}");
    assert_eq!(reason_of(&proof, "f9.bat"), "over the limit git_rule_letters=10000: the reason was not determined");
    assert_eq!(reason_of(&proof, "a.o"), "");
}

#[test]
fn packs_loose_objects_and_submodules_share_one_inflation_limit() {
    let repository = TestRepository::new();
    repository.write("zeros", vec![0; 1 << 20]).write("more", vec![0; 2 << 20]);
    repository.commit("zeros");
    let limits = Limits { git_inflated_bytes: 2 << 20, ..Limits::default() };
    let loose = prove(&repository.snapshot(), 1, &limits).objects.faults;
    let over = "loose objects are over the limit git_inflated_bytes=2097152";
    assert!(loose.iter().any(|fault| fault.contains(over)), "{loose:?}");
    let (top, _middle, _inner) = with_submodules();
    let clone = top.clone_with(&["--recurse-submodules"]);
    let snapshot = clone.snapshot();
    let prove_within = |allowed: u64| {
        let proof = prove(&snapshot, 1, &Limits { git_inflated_bytes: allowed, ..Limits::default() });
        let is_proved = |module: &Submodule| matches!(module.state, SubmoduleState::Proved { .. });
        (proof.objects.faults.is_empty(), proof.tree.submodules.len(), proof.tree.submodules.iter().all(is_proved))
    };
    let enough = (100..20_000).step_by(100).find(|allowed| prove_within(*allowed) == (true, 2, true)).unwrap();
    // A slightly lower limit is enough for the top repository, but not for all repositories together.
    assert_eq!(prove_within(enough - 200), (true, 2, false));
}

/// Proves within `limits`, and returns the limit that was exceeded, if any.
fn over(snapshot: &Snapshot, threads: usize, limits: &Limits) -> Option<&'static str> {
    let budget = Budget::of_audit(0, limits);
    prove_within(snapshot, threads, limits, &budget);
    match budget.check("x") {
        Ok(()) => None,
        Err(crate::Error::OverLimit { limit, .. }) => Some(limit),
        Err(other) => panic!("{other}"),
    }
}

fn held(bytes: u64) -> Limits {
    Limits { held_base_bytes: bytes, ..Limits::default() }
}

#[test]
fn the_audit_budget_stops_a_proof_at_the_same_point_on_any_number_of_threads() {
    let (top, _middle, _inner) = with_submodules();
    let snapshot = top.clone_with(&["--recurse-submodules"]).snapshot();
    let work = |units: u64| Limits { work_base_units: units, ..Limits::default() };
    for (limits, name) in
        [(work as fn(u64) -> Limits, "work_base_units"), (held as fn(u64) -> Limits, "held_base_bytes")]
    {
        let (mut little, mut enough) = (1_u64, 1_u64 << 40);
        while enough - little > 1 {
            let middle = little.midpoint(enough);
            match over(&snapshot, 2, &limits(middle)) {
                None => enough = middle,
                Some(limit) => {
                    assert_eq!(limit, name);
                    little = middle;
                }
            }
        }
        for threads in [1, 7] {
            assert_eq!(over(&snapshot, threads, &limits(enough)), None, "{name} {threads}");
            assert_eq!(over(&snapshot, threads, &limits(little)), Some(name), "{name} {threads}");
        }
    }
}

#[test]
fn rule_files_in_all_folders_count_toward_one_memory_limit() {
    let repository = TestRepository::new();
    let rules = "a x\n".repeat(1_000);
    let folders = |count: usize| {
        for number in 0..count {
            repository.write(&format!("d{number}/.gitattributes"), &rules);
        }
        repository.commit("rules");
        repository.snapshot()
    };
    assert_eq!(over(&folders(1), 1, &held(1_000_000)), None);
    assert_eq!(over(&folders(20), 1, &held(1_000_000)), Some("held_base_bytes"));
}

#[test]
fn commit_headers_and_remote_names_are_limited_before_they_are_stored() {
    let repository = sample();
    let head = repository.git(&["cat-file", "commit", "HEAD"]);
    let (headers, message) = head.split_once("\n\n").unwrap();
    let commit = format!("{headers}\n{}\n{message}", "a b\n".repeat(10_000));
    let id = repository.git_input(&["hash-object", "-w", "-t", "commit", "--stdin"], commit.as_bytes());
    assert_eq!(over(&repository.snapshot(), 1, &held(1_000_000)), None);
    repository.git(&["update-ref", "HEAD", &id]);
    assert_eq!(over(&repository.snapshot(), 1, &held(1_000_000)), Some("held_base_bytes"));
    let repository = sample();
    let config = format!("[remote \"{}\"]\n{}", "n".repeat(4_000), "url = a\n".repeat(1_000));
    repository.write(".git/config", config);
    assert_eq!(over(&repository.snapshot(), 1, &held(1_000_000)), Some("held_base_bytes"));
    // The name is too long to be a real one.
    repository.write(".git/config", format!("[remote \"{}\"]\nurl = a\n", "n".repeat(5_000)));
    let faults = run(&repository).objects.faults;
    assert!(faults.iter().any(|fault| fault.contains("line 1 of config is malformed")), "{faults:?}");
}
