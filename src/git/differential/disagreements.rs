//! Cases in which this program deliberately produces a different result from git 2.47, with the reasons.

/// The name of each recipe, and the reason for the disagreement.
pub(super) const DISAGREEMENTS: &[(&str, &str)] = &[
    // git reports a fault that this program reports only as a detail.
    (
        "malformed unreachable tree",
        "a malformed object outside HEAD's tree that matches its id is reported as a detail: public repositories have such objects",
    ),
    ("commit whose parent has no tree", "a malformed commit in the history is reported as a detail"),
    ("commit in the history with a malformed author", "a malformed commit in the history is reported as a detail"),
    ("tag without a type", "a malformed tag is reported as a detail and is not followed"),
    ("tag with a malformed tagger", "a malformed tag is reported as a detail"),
    ("tag whose tagger has no date", "a malformed tag is reported as a detail"),
    (
        "dangling symbolic ref",
        "reported as a detail, because HEAD does not use it; servers delete branches that a clone's origin/HEAD points to",
    ),
    ("reflog with a missing object", "reported as a detail, because no claim depends on reflogs"),
    (
        "submodule with an update command",
        "reported as a detail, because git has not run such commands since 2.20.2 and this program never runs them",
    ),
    (
        "submodule named .. in the history",
        "the content of .gitmodules is checked in HEAD's tree only, because no other copy is used",
    ),
    // git reports a fault in data that this program does not need.
    ("pack without its index", "git does not see the objects; this program finds them by reading the pack"),
    ("commit-graph with a changed byte", "ignored and listed, because it is not needed"),
    ("multi-pack-index with a changed byte", "ignored and listed, because it is not needed"),
    ("no index", "the work tree is compared with HEAD's tree, not with the index"),
    ("staged change, undone in the work tree", "the work tree is compared with HEAD's tree, not with the index"),
    // git reports no fault, but this program does.
    (
        "submodule with a .git folder",
        "refused, because its objects are not in .git/modules; no clone has made such a folder since git 1.7.8 (2011)",
    ),
    (
        "ref in a folder whose name ends in .lock",
        "git ignores refs in such a folder and never creates one, but another tool could read it as a branch",
    ),
    ("lock file without a name", "git before 2.48 ignores it; in later versions, git refs verify reports a bad name"),
    ("index without its pack", "no clone creates this state: a pack was removed or an index was added"),
    ("packed-refs with HEAD", "git ignores the line, but another tool could mistake it for HEAD"),
    ("replace ref", "refused, because git substitutes another commit for HEAD's"),
    ("grafts", "refused, because git shows parents that the commit does not have"),
    ("promisor with a missing blob in the history", "a missing object is not proved, even if a server promised it"),
    ("change to a file marked assume-unchanged", "a flag in the index does not excuse a difference"),
    ("execute bit with core.fileMode=false", "the config does not excuse a difference, and an image keeps the bit"),
    (
        "line endings converted by the config alone",
        "the config does not excuse a difference; only HEAD's own attributes do",
    ),
    ("sparse checkout", "files of HEAD are missing; the message reports this and suggests a remedy"),
    ("ident with a different blob's id", "only the bytes that a checkout writes count as equal"),
    ("unsupported encoding", "only a few encodings are converted here; the message contains the encoding's name"),
];
