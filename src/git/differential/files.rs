//! Test recipes that change the work tree, submodules, conversions and clones.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::super::test_repository::TestRepository;
use super::Recipe;

fn set_mode(repository: &TestRepository, path: &str, mode: u32) {
    std::fs::set_permissions(repository.path.join(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

pub(super) fn make_executable(repository: &TestRepository, path: &str) {
    set_mode(repository, path, 0o755);
}

/// A repository with one file. The repository's folder is deleted on drop, but a clone does not need this folder.
fn library(text: &str) -> TestRepository {
    let library = TestRepository::new();
    library.write("lib.c", text);
    library.commit("library");
    library
}

fn add_module(repository: &TestRepository, path: &str) {
    let library = library(path);
    repository.git(&["submodule", "--quiet", "add", &format!("file://{}", library.path.display()), path]);
    repository.commit("module");
}

/// Commits attributes and a file, and checks the file out again with these attributes.
fn with_attributes(repository: &TestRepository, attributes: &str, file: &str, content: &[u8]) {
    repository.write(".gitattributes", attributes).write(file, content);
    repository.commit("attributes");
    repository.remove(file);
    repository.git(&["checkout", "--quiet", "--", file]);
}

pub(super) const RECIPES: &[Recipe] = &[
    ("file with changed bytes", |repository| {
        repository.write("README", "changed\n");
    }),
    ("file with changed bytes of the same length", |repository| {
        repository.write("src/deep/x", "y");
    }),
    ("file deleted", |repository| {
        repository.remove("src/main.c");
    }),
    ("file added", |repository| {
        repository.write("src/new", "x");
    }),
    ("ignored file added", |repository| {
        repository.write("src/new.o", "x");
    }),
    ("file added that only info/exclude ignores", |repository| {
        repository.write(".git/info/exclude", "new\n").write("src/new", "x");
    }),
    ("file made executable", |repository| make_executable(repository, "README")),
    ("file no longer executable", |repository| set_mode(repository, "run.sh", 0o644)),
    ("world-writable file", |repository| set_mode(repository, "README", 0o666)),
    ("file in place of a link", |repository| {
        repository.remove("link").write("link", "README");
    }),
    ("link in place of a file", |repository| {
        repository.remove("README");
        symlink("run.sh", repository.path.join("README")).unwrap();
    }),
    ("link with a changed target", |repository| {
        repository.remove("link");
        symlink("run.sh", repository.path.join("link")).unwrap();
    }),
    ("folder in place of a file", |repository| {
        repository.remove("README").write("README/x", "x");
    }),
    ("empty folder", |repository| std::fs::create_dir(repository.path.join("empty")).unwrap()),
    ("link to an absolute path", |repository| {
        symlink("/etc/passwd", repository.path.join("absolute")).unwrap();
        repository.commit("absolute");
    }),
    ("staged change", |repository| {
        repository.write("README", "staged\n");
        repository.git(&["add", "README"]);
    }),
    ("staged change, undone in the work tree", |repository| {
        let before = std::fs::read(repository.path.join("README")).unwrap();
        repository.write("README", "staged\n");
        repository.git(&["add", "README"]);
        repository.write("README", before);
    }),
    ("change to a file marked assume-unchanged", |repository| {
        repository.git(&["update-index", "--assume-unchanged", "README"]);
        repository.write("README", "changed\n");
    }),
    ("execute bit with core.fileMode=false", |repository| {
        repository.git(&["config", "core.fileMode", "false"]);
        make_executable(repository, "README");
    }),
    ("no index", |repository| {
        repository.remove(".git/index");
    }),
    ("sparse checkout", |repository| {
        repository.git(&["sparse-checkout", "set", "--no-cone", "/README", "/.gitignore"]);
    }),
    ("odd names", |repository| {
        repository.write("a b", "x").write("é", "x").write("a\\b", "x").write("-n", "x").write("a\nb", "x");
        repository.commit("names");
    }),
    ("submodule", |repository| add_module(repository, "lib")),
    ("submodule changed", |repository| {
        add_module(repository, "lib");
        repository.write("lib/lib.c", "changed");
    }),
    ("submodule with a new file", |repository| {
        add_module(repository, "lib");
        repository.write("lib/new", "new");
    }),
    ("submodule at a different commit", |repository| {
        add_module(repository, "lib");
        repository.git(&["-C", "lib", "commit", "--quiet", "--allow-empty", "--message", "other"]);
    }),
    ("two submodules with a common name prefix", |repository| {
        add_module(repository, "lib");
        add_module(repository, "lib-x");
        add_module(repository, "lib.y");
    }),
    ("submodule in a submodule", |repository| {
        let (outer, inner) = (library("outer"), library("inner"));
        outer.git(&["submodule", "--quiet", "add", &format!("file://{}", inner.path.display()), "in/ner"]);
        outer.commit("inner");
        repository.git(&["submodule", "--quiet", "add", &format!("file://{}", outer.path.display()), "out"]);
        repository.git(&["submodule", "--quiet", "update", "--init", "--recursive"]);
        repository.commit("outer");
    }),
    ("submodule with a .git folder", |repository| {
        let library = library("lib");
        repository.git(&["clone", "--quiet", &format!("file://{}", library.path.display()), "lib"]);
        repository.git(&["submodule", "--quiet", "add", &format!("file://{}", library.path.display()), "lib"]);
        repository.commit("module");
    }),
    ("submodule with a lock file for a branch", |repository| {
        add_module(repository, "lib");
        repository.write(".git/modules/lib/refs/heads/main.lock", "");
    }),
    ("branch lock", |repository| {
        repository.write(".git/refs/heads/main.lock", "").write(".git/refs/heads/topic/x.lock", "not an id\n");
    }),
    ("ref in a folder whose name ends in .lock", |repository| {
        let id = repository.git(&["rev-parse", "HEAD"]);
        repository.write(".git/refs/heads/x.lock/y", id);
    }),
    ("lock file without a name", |repository| {
        repository.write(".git/refs/heads/.lock", "");
    }),
    ("HEAD points to a lock file", |repository| {
        let id = repository.git(&["rev-parse", "HEAD"]);
        repository.write(".git/refs/heads/x.lock", id).write(".git/HEAD", "ref: refs/heads/x.lock\n");
    }),
    ("lock files and temporary files left by an interrupted git", |repository| {
        for file in [
            "HEAD.lock",
            "config.lock",
            "index.lock",
            "packed-refs.lock",
            "shallow.lock",
            "refs/remotes/origin/main.lock",
            "refs/tags/v2.lock",
            "logs/HEAD.lock",
            "objects/ab/tmp_obj_x1Y2z3",
            "objects/pack/tmp_pack_x1Y2z3",
            "objects/pack/tmp_idx_x1Y2z3",
            "gc.pid",
        ] {
            repository.write(&format!(".git/{file}"), "");
        }
    }),
    ("submodule that was not cloned", |repository| {
        add_module(repository, "lib");
        repository.git(&["submodule", "--quiet", "deinit", "--force", "lib"]);
    }),
    ("submodule whose folder is deleted", |repository| {
        add_module(repository, "lib");
        repository.git(&["submodule", "--quiet", "deinit", "--force", "lib"]);
        std::fs::remove_dir(repository.path.join("lib")).unwrap();
    }),
    ("submodule with missing objects", |repository| {
        add_module(repository, "lib");
        std::fs::remove_dir_all(repository.path.join(".git/modules/lib/objects")).unwrap();
        std::fs::create_dir(repository.path.join(".git/modules/lib/objects")).unwrap();
    }),
    ("file in place of a submodule", |repository| {
        add_module(repository, "lib");
        repository.git(&["submodule", "--quiet", "deinit", "--force", "lib"]);
        std::fs::remove_dir(repository.path.join("lib")).unwrap();
        repository.write("lib", "x");
    }),
    ("line endings converted by eol=crlf", |repository| {
        with_attributes(repository, "*.t text eol=crlf\n", "a.t", b"one\ntwo\n")
    }),
    ("line endings converted by text=auto eol=crlf", |repository| {
        with_attributes(repository, "*.t text=auto eol=crlf\n", "a.t", b"one\ntwo\n")
    }),
    ("line endings converted by the old crlf attribute", |repository| {
        with_attributes(repository, "*.t crlf=auto eol=crlf\n", "a.t", b"one\ntwo\n")
    }),
    ("line endings converted by the config alone", |repository| {
        repository.write("a.t", "one\ntwo\n");
        repository.commit("line endings");
        repository.git(&["config", "core.autocrlf", "true"]);
        repository.remove("a.t");
        repository.git(&["checkout", "--quiet", "--", "a.t"]);
    }),
    ("changed line endings in a text file", |repository| {
        with_attributes(repository, "*.t text\n", "a.t", b"one\ntwo\n");
        repository.write("a.t", "one\r\ntwo\r\n");
    }),
    ("ident", |repository| {
        with_attributes(repository, "*.t ident\n", "a.t", b"$Id$ and $Id: 0123 $ and $Id: a b c $ and $Id\n")
    }),
    ("ident keyword without its closing dollar sign", |repository| {
        with_attributes(repository, "*.t ident\n", "a.t", b"$Id$\n$Id: x\n$ and $Id:")
    }),
    ("ident keyword with converted line endings", |repository| {
        with_attributes(repository, "*.t ident text eol=crlf\n", "a.t", b"one\n$Id$\n")
    }),
    ("ident with a different blob's id", |repository| {
        with_attributes(repository, "*.t ident\n", "a.t", b"$Id$\n");
        repository.write("a.t", format!("$Id: {} $\n", "1".repeat(40)));
    }),
    ("encoding UTF-16", |repository| {
        with_attributes(repository, "*.t text working-tree-encoding=UTF-16\n", "a.t", &utf16("é🎉\n", true));
    }),
    ("encoding UTF-16LE", |repository| {
        with_attributes(repository, "*.t text working-tree-encoding=UTF-16LE\n", "a.t", &utf16("é\n", false));
    }),
    ("encoding UTF-16LE-BOM", |repository| {
        with_attributes(repository, "*.t text working-tree-encoding=UTF-16LE-BOM\n", "a.t", &utf16("é\n", true));
    }),
    ("converted encoding with converted line endings", |repository| {
        with_attributes(
            repository,
            "*.t text eol=crlf working-tree-encoding=UTF-16LE\n",
            "a.t",
            &utf16("é\r\nx\r\n", false),
        );
    }),
    ("encoding ISO-8859-1", |repository| {
        with_attributes(repository, "*.t text working-tree-encoding=ISO-8859-1\n", "a.t", b"\xe9\n");
    }),
    ("encoding UTF-8", |repository| {
        with_attributes(repository, "*.t text working-tree-encoding=UTF-8\n", "a.t", "é\n".as_bytes())
    }),
    ("unsupported encoding", |repository| {
        with_attributes(repository, "*.t text working-tree-encoding=SHIFT-JIS\n", "a.t", b"\x82\xa0\n");
    }),
    ("promisor in the config with no missing object", |repository| {
        repository.git(&["config", "remote.origin.promisor", "true"]);
        repository.git(&["config", "remote.origin.partialclonefilter", "blob:none"]);
    }),
    ("promisor pack with no missing object", |repository| {
        repository.git(&["config", "extensions.partialClone", "origin"]);
        repository.git(&["config", "core.repositoryFormatVersion", "1"]);
        repository.git(&["repack", "-q", "-a", "-d"]);
        for entry in std::fs::read_dir(repository.path.join(".git/objects/pack")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "pack") {
                std::fs::write(path.with_extension("promisor"), "").unwrap();
            }
        }
    }),
    ("promisor with a missing blob in the history", |repository| {
        repository.git(&["config", "remote.origin.url", "file:///nowhere"]);
        repository.git(&["config", "remote.origin.promisor", "true"]);
        repository.git(&["config", "extensions.partialClone", "origin"]);
        repository.git(&["config", "core.repositoryFormatVersion", "1"]);
        let blob = repository.git(&["rev-parse", "HEAD~1:README"]);
        repository.git(&["repack", "-q", "-a", "-d", "-F"]);
        let names = repository.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
        let kept: String =
            names.lines().filter(|name| *name != blob.trim_end()).map(|name| format!("{name}\n")).collect();
        let pack = repository.git_input(&["pack-objects", "-q", ".git/objects/pack/pack"], kept.as_bytes());
        for entry in std::fs::read_dir(repository.path.join(".git/objects/pack")).unwrap() {
            let path = entry.unwrap().path();
            if !path.display().to_string().contains(&pack) {
                std::fs::remove_file(path).unwrap();
            }
        }
        repository.write(&format!(".git/objects/pack/pack-{pack}.promisor"), "");
    }),
];

fn utf16(text: &str, with_mark: bool) -> Vec<u8> {
    let mark = if with_mark { "\u{feff}" } else { "" };
    format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}
