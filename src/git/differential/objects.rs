//! Test recipes that change objects, packs, refs and `.gitmodules`.

use super::super::test_repository::TestRepository;
use super::Recipe;

const WHO: &str = "Ada <ada@example.org> 1592901588 +0200";

/// Writes an object, which may be malformed.
pub(super) fn literal(repository: &TestRepository, kind: &str, content: &[u8]) -> String {
    repository.git_input(&["hash-object", "--literally", "-w", "-t", kind, "--stdin"], content)
}

fn rev(repository: &TestRepository, name: &str) -> String {
    repository.git(&["rev-parse", name]).trim_end().to_owned()
}

fn unhex(id: &str) -> Vec<u8> {
    (0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn tree_bytes(entries: &[(&str, &[u8], &str)]) -> Vec<u8> {
    entries.iter().flat_map(|(mode, name, id)| [mode.as_bytes(), b" ", name, b"\0", &unhex(id)].concat()).collect()
}

/// Moves `main` to a commit with this tree, and updates the work tree as far as git can.
fn move_to_tree(repository: &TestRepository, tree: &str) {
    let parent = rev(repository, "HEAD");
    let commit = format!("tree {tree}\nparent {parent}\nauthor {WHO}\ncommitter {WHO}\n\nmoved\n");
    move_to_commit(repository, commit.as_bytes());
}

fn move_to_commit(repository: &TestRepository, content: &[u8]) {
    let id = literal(repository, "commit", content);
    repository.write(".git/refs/heads/main", format!("{id}\n"));
    repository.try_git(&["reset", "--quiet", "--hard"]);
}

/// Makes a HEAD tree with one entry. The entry's object is a blob, a tree or a commit, as the mode requires.
fn with_entry(repository: &TestRepository, mode: &str, name: &[u8]) {
    let digits = mode.trim_start_matches('0');
    let id = match &digits[..digits.len() - 4] {
        "4" => rev(repository, "HEAD:src"),
        "16" => rev(repository, "HEAD"),
        _ => rev(repository, "HEAD:README"),
    };
    let tree = literal(repository, "tree", &tree_bytes(&[(mode, name, &id)]));
    move_to_tree(repository, &tree);
}

/// Moves `main` to a child of HEAD's commit with the same tree, whose text `edit` changes.
fn with_commit(repository: &TestRepository, edit: impl FnOnce(String) -> String) {
    let [tree, parent] = ["HEAD^{tree}", "HEAD"].map(|name| rev(repository, name));
    let commit = edit(format!("tree {tree}\nparent {parent}\nauthor {WHO}\ncommitter {WHO}\n\nmessage\n"));
    move_to_commit(repository, commit.as_bytes());
}

fn with_tag(repository: &TestRepository, edit: impl FnOnce(String) -> String) {
    let head = rev(repository, "HEAD");
    let tag = edit(format!("object {head}\ntype commit\ntag odd\ntagger {WHO}\n\nmessage\n"));
    let id = literal(repository, "tag", tag.as_bytes());
    repository.write(".git/refs/tags/odd", format!("{id}\n"));
}

fn with_modules(repository: &TestRepository, content: &str) {
    repository.write(".gitmodules", content);
    repository.commit("modules");
}

fn loose_path(id: &str) -> String {
    format!(".git/objects/{}/{}", &id[..2], &id[2..])
}

/// Makes HEAD's README a loose object, and returns its path.
fn loose_blob(repository: &TestRepository) -> String {
    repository.write("README", "loose\n");
    repository.commit("loose");
    let path = loose_path(&rev(repository, "HEAD:README"));
    writable(repository, &path);
    path
}

fn writable(repository: &TestRepository, path: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(repository.path.join(path), std::fs::Permissions::from_mode(0o644)).unwrap();
}

fn edit_file(repository: &TestRepository, path: &str, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut content = std::fs::read(repository.path.join(path)).unwrap();
    edit(&mut content);
    repository.write(path, content);
}

/// Puts all reachable objects into one pack, and returns the path of its file with this extension.
fn pack(repository: &TestRepository, ending: &str) -> String {
    repository.git(&["repack", "-a", "-d", "-q", "--window=10"]);
    let folder = std::fs::read_dir(repository.path.join(".git/objects/pack")).unwrap();
    let name =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).find(|name| name.ends_with(ending));
    let path = format!(".git/objects/pack/{}", name.unwrap());
    writable(repository, &path);
    path
}

fn packed_refs(repository: &TestRepository, edit: impl FnOnce(String) -> String) {
    repository.git(&["pack-refs", "--all"]);
    let text = std::fs::read_to_string(repository.path.join(".git/packed-refs")).unwrap();
    repository.write(".git/packed-refs", edit(text));
}

fn append(repository: &TestRepository, path: &str, text: &str) {
    edit_file(repository, path, |content| content.extend_from_slice(text.as_bytes()));
}

pub(super) const RECIPES: &[Recipe] = &[
    ("no change", |_| {}),
    // t1450
    ("loose object with a changed byte", |repository| {
        let path = loose_blob(repository);
        edit_file(repository, &path, |content| *content.last_mut().unwrap() ^= 1);
    }),
    ("loose object with a different object's bytes", |repository| {
        let path = loose_blob(repository);
        let other = literal(repository, "blob", b"other\n");
        let other = std::fs::read(repository.path.join(loose_path(&other))).unwrap();
        repository.write(&path, other);
    }),
    ("truncated loose object", |repository| {
        let path = loose_blob(repository);
        edit_file(repository, &path, |content| content.truncate(9));
    }),
    ("empty loose object", |repository| {
        let path = loose_blob(repository);
        repository.write(&path, "");
    }),
    ("loose object with trailing bytes", |repository| {
        let path = loose_blob(repository);
        edit_file(repository, &path, |content| content.push(0));
    }),
    ("missing loose object", |repository| {
        let path = loose_blob(repository);
        repository.remove(&path);
    }),
    ("missing loose tree", |repository| {
        loose_blob(repository);
        repository.remove(&loose_path(&rev(repository, "HEAD^{tree}")));
    }),
    ("unreachable object with a different object's bytes", |repository| {
        let [one, other] = [&b"one"[..], b"other"].map(|content| loose_path(&literal(repository, "blob", content)));
        writable(repository, &one);
        let other = std::fs::read(repository.path.join(other)).unwrap();
        repository.write(&one, other);
    }),
    ("unreachable blob", |repository| drop(literal(repository, "blob", b"unreachable"))),
    ("malformed unreachable tree", |repository| {
        let id = rev(repository, "HEAD:README");
        literal(repository, "tree", &tree_bytes(&[("100644", b"..", &id)]));
    }),
    ("branch that points to a blob", |repository| {
        let id = rev(repository, "HEAD:README");
        repository.write(".git/refs/heads/odd", format!("{id}\n"));
    }),
    ("tag that points to a blob", |repository| drop(repository.git(&["tag", "odd", "HEAD:README"]))),
    ("tag that points to a tree", |repository| drop(repository.git(&["tag", "odd", "HEAD:src"]))),
    ("branch with an id of zeros", |repository| {
        repository.write(".git/refs/heads/odd", format!("{}\n", "0".repeat(40)));
    }),
    ("branch that points to a missing object", |repository| {
        repository.write(".git/refs/heads/odd", format!("{}\n", "1".repeat(40)));
    }),
    ("branch with text instead of an id", |repository| {
        repository.write(".git/refs/heads/odd", "not an id\n");
    }),
    ("HEAD that points to a blob", |repository| {
        let id = rev(repository, "HEAD:README");
        repository.write(".git/HEAD", format!("{id}\n"));
    }),
    ("HEAD with an id of zeros", |repository| {
        repository.write(".git/HEAD", format!("{}\n", "0".repeat(40)));
    }),
    ("HEAD points outside refs/heads", |repository| {
        let id = rev(repository, "HEAD");
        repository.write(".git/refs/funny/place", format!("{id}\n")).write(".git/HEAD", "ref: refs/funny/place\n");
    }),
    ("HEAD detached", |repository| drop(repository.git(&["checkout", "--quiet", "--detach"]))),
    ("dangling symbolic ref", |repository| {
        drop(repository.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone"]));
    }),
    ("commit without an author", |repository| {
        with_commit(repository, |text| text.replacen(&format!("author {WHO}\n"), "", 1))
    }),
    ("commit without a committer", |repository| {
        with_commit(repository, |text| text.replacen(&format!("committer {WHO}\n"), "", 1))
    }),
    ("commit with two authors", |repository| {
        with_commit(repository, |text| {
            text.replacen(&format!("author {WHO}\n"), &format!("author {WHO}\nauthor {WHO}\n"), 1)
        });
    }),
    ("commit with an unclosed email address", |repository| {
        with_commit(repository, |text| text.replacen("org>", "org", 1))
    }),
    ("commit without a space before the email address", |repository| {
        with_commit(repository, |text| text.replacen("Ada <", "Ada<", 1))
    }),
    ("commit without a name", |repository| with_commit(repository, |text| text.replacen("Ada <", "<", 1))),
    ("commit with a bracket in the name", |repository| {
        with_commit(repository, |text| text.replacen("Ada <", "A> <", 1))
    }),
    ("commit with a date that overflows", |repository| {
        with_commit(repository, |text| text.replacen("1592901588", "18446744073709551617", 1));
    }),
    ("commit whose date has a leading zero", |repository| {
        with_commit(repository, |text| text.replacen("1592901588", "01592901588", 1))
    }),
    ("commit with a three-digit time zone", |repository| {
        with_commit(repository, |text| text.replacen("+0200", "+020", 1))
    }),
    ("commit without a date", |repository| with_commit(repository, |text| text.replacen(" 1592901588 +0200", "", 1))),
    ("commit with a NUL in a header", |repository| with_commit(repository, |text| text.replacen("Ada", "A\0a", 1))),
    ("commit with a NUL in its message", |repository| with_commit(repository, |text| format!("{text}\0hidden"))),
    ("commit with an additional header", |repository| {
        with_commit(repository, |text| text.replacen("\n\n", "\nencoding ISO-8859-1\n\n", 1));
    }),
    ("commit whose tree is a blob", |repository| {
        let blob = rev(repository, "HEAD:README");
        with_commit(repository, |text| format!("tree {blob}{}", &text[45..]));
    }),
    ("commit whose parent has no tree", |repository| {
        let odd = literal(repository, "commit", format!("author {WHO}\ncommitter {WHO}\n\nodd\n").as_bytes());
        let tree = rev(repository, "HEAD^{tree}");
        let commit = format!("tree {tree}\nparent {odd}\nauthor {WHO}\ncommitter {WHO}\n\nmessage\n");
        move_to_commit(repository, commit.as_bytes());
    }),
    ("commit whose parent is missing", |repository| {
        with_commit(repository, |text| text.replacen("parent ", &format!("parent {}\nparent ", "1".repeat(40)), 1));
    }),
    ("commit in the history with a malformed author", |repository| {
        with_commit(repository, |text| text.replacen("Ada <", "Ada<", 1));
        with_commit(repository, |text| text);
    }),
    ("tag without a type", |repository| with_tag(repository, |text| text.replacen("type commit\n", "", 1))),
    ("tag with the wrong type", |repository| with_tag(repository, |text| text.replacen("type commit", "type tree", 1))),
    ("tag of a missing object", |repository| {
        with_tag(repository, |text| format!("object {}{}", "1".repeat(40), &text[47..]))
    }),
    ("tag without a tagger", |repository| {
        with_tag(repository, |text| text.replacen(&format!("tagger {WHO}\n"), "", 1))
    }),
    ("tag with an invalid name", |repository| {
        with_tag(repository, |text| text.replacen("tag odd", "tag wrong name", 1))
    }),
    ("tag with a malformed tagger", |repository| with_tag(repository, |text| text.replacen("Ada <", "Ada<", 1))),
    ("tag whose tagger has no date", |repository| {
        with_tag(repository, |text| text.replacen(" 1592901588 +0200", "", 1))
    }),
    ("unsorted tree", |repository| {
        let id = rev(repository, "HEAD:README");
        let tree = literal(repository, "tree", &tree_bytes(&[("100644", b"b", &id), ("100644", b"a", &id)]));
        move_to_tree(repository, &tree);
    }),
    ("tree with a duplicate name", |repository| {
        let id = rev(repository, "HEAD:README");
        let tree = literal(repository, "tree", &tree_bytes(&[("100644", b"a", &id), ("100644", b"a", &id)]));
        move_to_tree(repository, &tree);
    }),
    ("tree with a file and a folder of the same name", |repository| {
        let [file, folder] = ["HEAD:README", "HEAD:src"].map(|name| rev(repository, name));
        let entries: [(&str, &[u8], &str); 3] =
            [("100644", b"a", &file), ("100644", b"a-", &file), ("40000", b"a", &folder)];
        move_to_tree(repository, &literal(repository, "tree", &tree_bytes(&entries)));
    }),
    ("tree with an id of zeros", |repository| {
        let tree = literal(repository, "tree", &tree_bytes(&[("100644", b"a", &"0".repeat(40))]));
        move_to_tree(repository, &tree);
    }),
    ("truncated tree", |repository| {
        let id = rev(repository, "HEAD:README");
        let tree = literal(repository, "tree", &tree_bytes(&[("100644", b"a", &id)])[..20]);
        move_to_tree(repository, &tree);
    }),
    ("tree with a blob as a folder", |repository| {
        let id = rev(repository, "HEAD:README");
        let tree = literal(repository, "tree", &tree_bytes(&[("40000", b"a", &id)]));
        move_to_tree(repository, &tree);
    }),
    ("tree with the name .", |repository| with_entry(repository, "100644", b".")),
    ("tree with the name ..", |repository| with_entry(repository, "40000", b"..")),
    ("tree with the name .git", |repository| with_entry(repository, "40000", b".git")),
    ("tree with the name .GIT", |repository| with_entry(repository, "40000", b".GIT")),
    ("tree with the name git~1", |repository| with_entry(repository, "100644", b"git~1")),
    ("tree with the name .git in HFS+ spelling", |repository| {
        with_entry(repository, "100644", ".g\u{200c}it".as_bytes())
    }),
    ("tree with the name .git after a backslash", |repository| with_entry(repository, "100644", b"a\\.git")),
    ("tree with a path as a name", |repository| with_entry(repository, "100644", b"a/b")),
    ("tree with a long name", |repository| with_entry(repository, "100644", &[b'a'; 5000])),
    ("mode with a leading zero", |repository| with_entry(repository, "0100644", b"a")),
    ("folder mode with a leading zero", |repository| with_entry(repository, "040000", b"a")),
    ("mode 100664", |repository| with_entry(repository, "100664", b"a")),
    ("mode 100777", |repository| with_entry(repository, "100777", b"a")),
    ("mode 100600", |repository| with_entry(repository, "100600", b"a")),
    ("mode 40755", |repository| with_entry(repository, "40755", b"a")),
    ("mode 120777", |repository| with_entry(repository, "120777", b"a")),
    ("mode 160755", |repository| with_entry(repository, "160755", b"a")),
    ("mode 160000 without .gitmodules", |repository| with_entry(repository, "160000", b"a")),
    ("device mode", |repository| with_entry(repository, "20644", b"a")),
    ("reflog with a missing object", |repository| {
        append(repository, ".git/logs/HEAD", &format!("{0} {0} {WHO}\todd\n", "1".repeat(40)));
    }),
    ("reflog with a malformed line", |repository| append(repository, ".git/logs/HEAD", "not an entry\n")),
    // t5303
    ("pack with a changed byte", |repository| {
        let path = pack(repository, ".pack");
        edit_file(repository, &path, |content| {
            let middle = content.len() / 2;
            content[middle] ^= 1;
        });
    }),
    ("pack with a wrong checksum", |repository| {
        let path = pack(repository, ".pack");
        edit_file(repository, &path, |content| *content.last_mut().unwrap() ^= 1);
    }),
    ("truncated pack", |repository| {
        let path = pack(repository, ".pack");
        edit_file(repository, &path, |content| content.truncate(content.len() - 30));
    }),
    ("pack of an unsupported version", |repository| {
        let path = pack(repository, ".pack");
        edit_file(repository, &path, |content| content[7] = 9);
    }),
    ("index with a changed byte in its names", |repository| {
        let path = pack(repository, ".idx");
        edit_file(repository, &path, |content| content[8 + 1024 + 5] ^= 1);
    }),
    ("index with a wrong checksum", |repository| {
        let path = pack(repository, ".idx");
        edit_file(repository, &path, |content| *content.last_mut().unwrap() ^= 1);
    }),
    ("pack without its index", |repository| {
        let path = pack(repository, ".idx");
        repository.remove(&path);
    }),
    ("index without its pack", |repository| {
        let path = pack(repository, ".idx");
        let index = std::fs::read(repository.path.join(path)).unwrap();
        repository.write(".git/objects/pack/pack-0.idx", index);
    }),
    ("two packs with the same objects", |repository| {
        repository.git(&["repack", "-q", "-a"]);
        repository.write("new", "x");
        repository.commit("new");
        repository.git(&["repack", "-q", "-a", "--window=0"]);
    }),
    ("reference deltas", |repository| {
        repository.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f"]);
    }),
    ("commit-graph, multi-pack-index and bitmap", |repository| {
        repository.git(&["repack", "-q", "-a", "-d"]);
        repository.git(&["commit-graph", "write", "--reachable"]);
        repository.git(&["multi-pack-index", "write"]);
    }),
    ("commit-graph with a changed byte", |repository| {
        repository.git(&["commit-graph", "write", "--reachable"]);
        let path = ".git/objects/info/commit-graph";
        if repository.path.join(path).exists() {
            writable(repository, path);
            edit_file(repository, path, |content| *content.last_mut().unwrap() ^= 1);
        } else {
            // A shallow clone has no commit-graph.
            repository.write(path, "not a commit-graph");
        }
    }),
    ("multi-pack-index with a changed byte", |repository| {
        pack(repository, ".pack");
        repository.git(&["multi-pack-index", "write"]);
        let path = ".git/objects/pack/multi-pack-index";
        writable(repository, path);
        edit_file(repository, path, |content| *content.last_mut().unwrap() ^= 1);
    }),
    // Refs
    ("packed-refs", |repository| packed_refs(repository, |text| text)),
    ("packed-refs with CR LF", |repository| packed_refs(repository, |text| text.replace('\n', "\r\n"))),
    ("packed-refs with a malformed line", |repository| packed_refs(repository, |text| format!("{text}not a ref\n"))),
    ("packed-refs without a final newline", |repository| packed_refs(repository, |text| text.trim_end().to_owned())),
    ("packed-refs with .. in a name", |repository| {
        let id = rev(repository, "HEAD");
        packed_refs(repository, |text| format!("{text}{id} refs/heads/../../x\n"));
    }),
    ("packed-refs with a space in a name", |repository| {
        let id = rev(repository, "HEAD");
        packed_refs(repository, |text| format!("{text}{id} refs/heads/a b\n"));
    }),
    ("packed-refs with HEAD", |repository| {
        let id = rev(repository, "HEAD");
        packed_refs(repository, |text| format!("{text}{id} HEAD\n"));
    }),
    ("ref with two dots in its name", |repository| {
        let id = rev(repository, "HEAD");
        repository.write(".git/refs/heads/a..b", format!("{id}\n"));
    }),
    ("replace ref", |repository| {
        let id = rev(repository, "HEAD");
        repository.write("README", "replaced\n");
        repository.commit("replaced");
        repository.git(&["replace", "HEAD", &id]);
    }),
    ("grafts", |repository| {
        let id = rev(repository, "HEAD");
        repository.write(".git/info/grafts", format!("{id}\n"));
    }),
    ("shallow file that lists a missing commit", |repository| {
        append_or_make(repository, ".git/shallow", &format!("{}\n", "1".repeat(40)));
    }),
    ("shallow file with a malformed line", |repository| append_or_make(repository, ".git/shallow", "everything\n")),
    ("shallow at HEAD", |repository| {
        let id = rev(repository, "HEAD");
        append_or_make(repository, ".git/shallow", &format!("{id}\n"));
    }),
    // These recipes follow git's own tests t7415, t7416, t7417 and t7450.
    (".gitmodules is a link", |repository| with_entry(repository, "120000", b".gitmodules")),
    (".gitmodules is a folder", |repository| with_entry(repository, "40000", b".gitmodules")),
    (".gitmodules is a submodule", |repository| with_entry(repository, "160000", b".gitmodules")),
    (".gitmodules in a different spelling is a link", |repository| with_entry(repository, "120000", b".gitmodules . ")),
    (".gitattributes is a link", |repository| with_entry(repository, "120000", b".gitattributes")),
    (".gitattributes is a folder", |repository| with_entry(repository, "40000", b".gitattributes")),
    (".gitignore is a link", |repository| with_entry(repository, "120000", b".gitignore")),
    (".gitignore is a folder", |repository| with_entry(repository, "40000", b".gitignore")),
    (".mailmap is a link", |repository| with_entry(repository, "120000", b".mailmap")),
    ("submodule named ..", |repository| {
        with_modules(repository, "[submodule \"../x\"]\n\tpath = lib\n\turl = ../lib\n")
    }),
    ("submodule whose URL is an option", |repository| {
        with_modules(repository, "[submodule \"lib\"]\n\tpath = lib\n\turl = -u./payload\n");
    }),
    ("submodule with a newline in its URL", |repository| {
        with_modules(repository, "[submodule \"lib\"]\n\tpath = lib\n\turl = https://example.org/%0ahost=x\n");
    }),
    ("submodule whose URL has no host", |repository| {
        with_modules(repository, "[submodule \"lib\"]\n\tpath = lib\n\turl = https:///example.org/lib\n");
    }),
    ("submodule whose relative URL reaches the host", |repository| {
        with_modules(repository, "[submodule \"lib\"]\n\tpath = lib\n\turl = ../../../../../../:x\n");
    }),
    ("submodule whose path is an option", |repository| {
        with_modules(repository, "[submodule \"lib\"]\n\tpath = -x\n\turl = ../lib\n");
    }),
    ("submodule with an update command", |repository| {
        with_modules(repository, "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib\n\tupdate = !touch x\n");
    }),
    (".gitmodules that cannot be parsed", |repository| with_modules(repository, "[submodule \"lib\n")),
    (".gitmodules in a folder", |repository| {
        repository.write("src/.gitmodules", "[submodule \"../x\"]\n\tpath = lib\n\turl = ../lib\n");
        repository.commit("modules");
    }),
    ("submodule named .. in the history", |repository| {
        with_modules(repository, "[submodule \"../x\"]\n\tpath = lib\n\turl = ../lib\n");
        repository.remove(".gitmodules");
        repository.commit("removed");
    }),
    (".gitattributes with a long line", |repository| {
        repository.write(".gitattributes", format!("{} text\n", "a".repeat(2100)));
        repository.commit("attributes");
    }),
];

fn append_or_make(repository: &TestRepository, path: &str, text: &str) {
    if !repository.path.join(path).exists() {
        repository.write(path, "");
    }
    append(repository, path, text);
}
