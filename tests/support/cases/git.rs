//! Parts of repositories that git handles specially: modes, `.gitmodules`, submodules, promisors, refs, conversions.

use super::super::case::Case;
use super::super::keys::Named;
use super::super::objects::{add_object, commit_of, object_id, tree};
use super::super::tar::Entry;
use super::policy::with;
use super::source::{built_from, remove};

/// The id of README.md in the recorded HEAD.
const BLOB: &str = "07cb36c5a036157eb9fd8426ce2ec5fd9795c4ef";
const MERGE: &str = "ae216163cffcebdd31cde54d045da5617d67a40a";

pub fn cases() -> Vec<Case> {
    [modes(), modules(), submodules(), promisors(), refs(), conversions()].into_iter().flatten().collect()
}

/// The entry of a path in HEAD's tree, and the work tree's content at that path.
struct File {
    mode: &'static str,
    name: &'static str,
    blob: Vec<u8>,
    work: Option<Entry>,
}

impl File {
    fn plain(mode: &'static str, name: &'static str, content: &str) -> Self {
        let path = format!("git/wallet/{name}");
        let work = match mode {
            "120000" | "120777" => Entry::link(b'2', &path, content),
            "100755" | "100777" => Entry { mode: 0o755, ..Entry::file(path, content) },
            _ => Entry::file(path, content),
        };
        Self { mode, name, blob: content.into(), work: Some(work) }
    }

    fn missing(self) -> Self {
        Self { work: None, ..self }
    }

    /// The file in the work tree differs from the blob.
    fn written(self, content: impl Into<Vec<u8>>) -> Self {
        let work = self.work.map(|work| Entry { content: content.into(), ..work });
        Self { work, ..self }
    }
}

/// The build of a commit with this tree; `more` contains further entries, each with mode, name and id.
fn built_of(case: Case, files: Vec<File>, more: &[(&str, &str, String)]) -> Case {
    let mut entries: Vec<(String, String, String)> =
        files.iter().map(|file| (file.mode.into(), file.name.into(), object_id("blob", &file.blob))).collect();
    entries.extend(more.iter().map(|(mode, name, id)| ((*mode).into(), (*name).into(), id.clone())));
    // Entries are sorted as paths: a folder is sorted as if its name ended with a slash.
    entries.sort_by_key(|(mode, name, _)| format!("{name}{}", if mode.starts_with('4') { "/" } else { "" }));
    let borrowed: Vec<(&str, &str, &str)> =
        entries.iter().map(|(mode, name, id)| (mode.as_str(), name.as_str(), id.as_str())).collect();
    let content = tree(&borrowed);
    let commit = commit_of(&object_id("tree", &content));
    let case = case.inner(|entries| {
        let is_kept = |path: &[u8]| !path.starts_with(b"git/wallet/") || path.starts_with(b"git/wallet/.git/");
        entries.retain(|entry| is_kept(&entry.path));
        add_object(entries, "tree", &content);
        for file in files {
            add_object(entries, "blob", &file.blob);
            entries.extend(file.work);
        }
    });
    built_from(case, &commit)
}

fn good(name: &str, about: &'static str) -> Case {
    Case::good(name, about).expect("source-objects", "pass").expect("source-tree", "pass")
}

fn modes() -> Vec<Case> {
    let folder = tree(&[("100644", "inner", BLOB)]);
    let folder_id = object_id("tree", &folder);
    let with_folder = |case: Case| {
        let folder = folder.clone();
        built_of(case, vec![File::plain("100644", "a", "a\n")], &[("40755", "folder", folder_id.clone())])
            .inner(move |entries| drop(add_object(entries, "tree", &folder)))
    };
    vec![
        built_of(
            good("good-tree-odd-modes", "HEAD's tree has modes that git reads but never writes: a detail names them."),
            vec![
                File::plain("100600", "file", "file\n"),
                File::plain("100777", "run", "#!/bin/sh\n"),
                File::plain("120777", "link", "file"),
            ],
            &[],
        ),
        built_of(
            Case::fails(
                "tree-odd-mode-missing",
                "source-tree",
                "A file of HEAD's tree has mode 100777 and is missing.",
            ),
            vec![File::plain("100644", "a", "a\n"), File::plain("100777", "run", "#!/bin/sh\n").missing()],
            &[],
        )
        .expect("source-objects", "pass"),
        with_folder(Case::fails(
            "tree-odd-folder-missing",
            "source-tree",
            "A folder of HEAD's tree has mode 40755 and is missing.",
        ))
        .expect("source-objects", "pass"),
    ]
}

fn modules() -> Vec<Case> {
    let fails = |name: &str, about| Case::fails(name, "source-objects", about);
    let folder = tree(&[("100644", "inner", BLOB)]);
    let folder_id = object_id("tree", &folder);
    let with_folder = |case: Case, name: &'static str| {
        let folder = folder.clone();
        built_of(case, vec![File::plain("100644", "a", "a\n")], &[("40000", name, folder_id.clone())])
            .inner(move |entries| drop(add_object(entries, "tree", &folder)))
    };
    let of = |case: Case, mode, name, content: &str| {
        built_of(case, vec![File::plain("100644", "a", "a\n"), File::plain(mode, name, content)], &[])
    };
    vec![
        of(fails("tree-modules-link", ".gitmodules is a symbolic link in HEAD's tree."), "120000", ".gitmodules", "a"),
        with_folder(fails("tree-modules-folder", ".gitmodules is a folder in HEAD's tree."), ".gitmodules"),
        with_folder(fails("tree-attributes-folder", ".gitattributes is a folder in HEAD's tree."), ".gitattributes"),
        of(
            good(
                "good-tree-attributes-link",
                ".gitattributes is a symbolic link in HEAD's tree, for which git fsck only warns.",
            ),
            "120000",
            ".gitattributes",
            "a",
        ),
        of(
            good(
                "good-tree-ignore-link",
                ".gitignore is a symbolic link in HEAD's tree, for which git fsck only warns.",
            ),
            "120000",
            ".gitignore",
            "a",
        ),
        of(
            fails("modules-name-climbs", "A submodule's name points outside .git/modules."),
            "100644",
            ".gitmodules",
            "[submodule \"../../x\"]\n\tpath = lib\n\turl = ../lib.git\n",
        ),
        of(
            fails("modules-address-is-option", "A submodule's address is a command-line option."),
            "100644",
            ".gitmodules",
            "[submodule \"lib\"]\n\tpath = lib\n\turl = --upload-pack=x\n",
        ),
        of(
            good(
                "good-modules-update-command",
                "A submodule is configured to be updated by a command, which is not run here: a detail.",
            ),
            "100644",
            ".gitmodules",
            "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib.git\n\tupdate = !touch x\n",
        ),
    ]
}

/// A cloned submodule: its repository below `.git/modules`, its work tree, and its checked-out commit.
fn cloned(entries: &mut Vec<Entry>, name: &str) -> String {
    let git = format!("git/wallet/.git/modules/{name}");
    let start = entries.len();
    let blob = add_object(entries, "blob", name.as_bytes());
    let root = add_object(entries, "tree", &tree(&[("100644", "lib.c", &blob)]));
    let commit = add_object(entries, "commit", commit_of(&root).as_bytes());
    for entry in entries.iter_mut().skip(start) {
        let path = String::from_utf8(entry.path.clone()).unwrap();
        entry.path = path.replace("git/wallet/.git", &git).into_bytes();
    }
    entries.push(Entry::file(format!("{git}/HEAD"), format!("{commit}\n")));
    entries.push(Entry::file(format!("{git}/config"), format!("[core]\n\tworktree = ../../../{name}\n")));
    entries.push(Entry::directory(format!("git/wallet/{name}")));
    entries.push(Entry::file(format!("git/wallet/{name}/.git"), format!("gitdir: ../.git/modules/{name}\n")));
    entries.push(Entry::file(format!("git/wallet/{name}/lib.c"), name));
    commit
}

fn submodules() -> Vec<Case> {
    let plain = || vec![File::plain("100644", "a", "a\n")];
    let mut scratch = Vec::new();
    let commits: Vec<(&str, &str, String)> =
        ["lib", "lib-x"].map(|name| ("160000", name, cloned(&mut scratch, name))).into_iter().collect();
    let gone = [("160000", "lib", "3".repeat(40))];
    vec![
        built_of(
            good("good-submodules-alike", "Two cloned submodules whose names have the same beginning."),
            plain(),
            &commits,
        )
        .inner(|entries| ["lib", "lib-x"].iter().for_each(|name| drop(cloned(entries, name)))),
        built_of(good("good-submodule-not-cloned", "A submodule was not cloned: its folder is empty."), plain(), &gone)
            .inner(|entries| entries.push(Entry::directory("git/wallet/lib"))),
        built_of(
            Case::fails(
                "tree-submodule-deleted",
                "source-tree",
                "A submodule's folder is deleted, as git status reports.",
            ),
            plain(),
            &gone,
        )
        .expect("source-objects", "pass"),
    ]
}

fn promisors() -> Vec<Case> {
    let config =
        |case: Case, text: &'static str| case.text("git/wallet/.git/config", move |config| format!("{config}{text}"));
    let remote = "[remote \"origin\"]\n\tpromisor = true\n\tpartialclonefilter = blob:none\n";
    vec![
        config(good("good-partial-clone-complete", "A partial clone by its config, and no object is missing."), remote),
        config(
            good("good-partial-clone-by-extension", "A partial clone by an extension, and no object is missing."),
            "[extensions]\n\tpartialClone = origin\n",
        ),
        good("good-partial-clone-pack", "A pack from a promisor, and no object is missing.")
            .inner(|entries| entries.push(Entry::file("git/wallet/.git/objects/pack/pack-0.promisor", ""))),
        config(
            Case::fails("git-partial-clone", "source-objects", "A partial clone, and a blob of HEAD is missing."),
            remote,
        )
        .inner(|entries| remove(entries, BLOB)),
    ]
}

fn refs() -> Vec<Case> {
    let packed = |name: &str, about, edit: fn(String) -> String| {
        Case::fails(name, "source-objects", about).text("git/wallet/.git/packed-refs", edit)
    };
    vec![
        packed("git-packed-refs-cr-lf", "packed-refs has CR LF: each name ends in CR.", |text| {
            text.replace('\n', "\r\n")
        }),
        packed("git-packed-refs-head", "packed-refs has a ref named just HEAD.", |text| {
            format!("{text}{MERGE} HEAD\n")
        }),
        packed("git-packed-refs-dots", "packed-refs has a ref whose name contains `..`.", |text| {
            format!("{text}{MERGE} refs/heads/../../x\n")
        }),
        packed("git-packed-refs-text", "packed-refs has a line of text.", |text| format!("{text}not a ref\n")),
        Case::fails("git-branch-of-blob", "source-objects", "A branch points to a blob.")
            .inner(|entries| entries.push(Entry::file("git/wallet/.git/refs/heads/odd", format!("{BLOB}\n")))),
        Case::fails("git-head-outside-heads", "source-objects", "HEAD points to a ref that is not a branch.")
            .inner(|entries| {
                let id = super::super::inputs::head_commit();
                entries.push(Entry::file("git/wallet/.git/refs/funny/place", format!("{id}\n")));
            })
            .text("git/wallet/.git/HEAD", |_| "ref: refs/funny/place\n".into()),
        good("good-odd-refs", "A dangling symbolic ref, a tag of a blob, a reflog with an unknown object: details.")
            .inner(|entries| {
                entries.push(Entry::file("git/wallet/.git/refs/remotes/origin/odd", "ref: refs/remotes/origin/gone\n"));
                entries.push(Entry::file("git/wallet/.git/refs/tags/odd", format!("{BLOB}\n")));
                let line = format!("{0} {0} Ada <ada@example.com> 1592901588 +0200\todd\n", "1".repeat(40));
                entries.push(Entry::file("git/wallet/.git/logs/refs/heads/odd", line));
            }),
    ]
}

/// A Git LFS pointer to this content.
fn pointer(content: &[u8]) -> String {
    let digest = hpsb_audit::Sha256::of(content).hex();
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {}\n", content.len())
}

fn conversions() -> Vec<Case> {
    let attributes = |text| File::plain("100644", ".gitattributes", text);
    let ident = |id: &str| format!("$Id: {id} $\n");
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let allowed = with("[expect]\nuntracked = ['/a\\ ']\n");
    vec![
        built_of(
            good("good-ident", "HEAD's attributes request $Id$ with the blob's id in it."),
            vec![
                attributes("*.txt ident\n"),
                File::plain("100644", "a.txt", "$Id$\n").written(ident(&object_id("blob", b"$Id$\n"))),
            ],
            &[],
        ),
        built_of(
            Case::fails(
                "tree-ident-of-another",
                "source-tree",
                "HEAD's attributes request $Id$, but the id in it is wrong.",
            ),
            vec![attributes("*.txt ident\n"), File::plain("100644", "a.txt", "$Id$\n").written(ident(BLOB))],
            &[],
        ),
        built_of(
            good("good-encoding", "HEAD's attributes request UTF-16 without a byte order mark."),
            vec![
                attributes("*.txt text working-tree-encoding=UTF-16LE\n"),
                File::plain("100644", "a.txt", "é\n").written(utf_16("é\n")),
            ],
            &[],
        ),
        built_of(
            Case::fails(
                "tree-encoding-unknown",
                "source-tree",
                "HEAD's attributes request an encoding that is not converted here.",
            ),
            vec![
                attributes("*.txt text working-tree-encoding=SHIFT-JIS\n"),
                File::plain("100644", "a.txt", "あ\n").written(b"\x82\xa0\n".to_vec()),
            ],
            &[],
        ),
        built_of(
            good("good-line-ends", "HEAD's attributes request CR LF, and the file has it."),
            vec![attributes("*.txt text eol=crlf\n"), File::plain("100644", "a.txt", "a\nb\n").written("a\r\nb\r\n")],
            &[],
        ),
        built_of(
            good("good-lfs", "A file of HEAD is a pointer of Git LFS, and the work tree has the file that it names."),
            vec![File::plain("100644", "a.bin", &pointer(b"large\n")).written("large\n")],
            &[],
        ),
        built_of(
            Case::fails(
                "tree-lfs-other",
                "source-tree",
                "The file in the work tree is not the one that the pointer of Git LFS names.",
            ),
            vec![File::plain("100644", "a.bin", &pointer(b"large\n")).written("other\n")],
            &[],
        ),
        built_of(
            Case::fails(
                "tree-sparse",
                "source-tree",
                "A sparse checkout: a file of HEAD is missing, and the report states the reason and what to do.",
            ),
            vec![File::plain("100644", "a", "a\n"), File::plain("100644", "b", "b\n").missing()],
            &[],
        )
        .text("git/wallet/.git/config", |text| format!("{text}[core]\n\tsparseCheckout = true\n")),
        good(
            "good-untracked-allowed-blank",
            "The policy allows a file whose name ends in a blank, by a pattern with a backslash.",
        )
        .file("key.pem", Named::Server.public_pem())
        .policy(allowed)
        .inner(|entries| entries.push(Entry::file("git/wallet/a ", "x\n"))),
    ]
}
