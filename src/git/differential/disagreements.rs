//! Where this program and git answer differently, and why that is right. git's answer is that of version 2.47.

/// Recipe and reason.
pub(super) const DISAGREEMENTS: &[(&str, &str)] = &[
    // git objects, and here it is a detail.
    (
        "unreachable tree, malformed",
        "an object outside HEAD's tree that hashes right and is malformed is a detail: public repositories have them",
    ),
    ("commit whose parent has no tree", "a malformed commit of the history is a detail"),
    ("commit in the history with a malformed author", "a malformed commit of the history is a detail"),
    ("tag without a type", "a malformed tag is a detail, and leads nowhere"),
    ("tag with a malformed tagger", "a malformed tag is a detail"),
    ("tag with a tagger without a date", "a malformed tag is a detail"),
    (
        "symbolic ref that leads nowhere",
        "HEAD does not pass it: a detail; servers delete branches that a clone's origin/HEAD names",
    ),
    ("reflog that names nothing", "nothing rests on reflogs: a detail"),
    (
        "module that is updated by a command",
        "git has not run such commands since 2.20.2, and nothing here does: a detail",
    ),
    (
        "module in the history that is called ..",
        "contents of .gitmodules are judged in HEAD's tree alone: only they can be used",
    ),
    // git objects, and what it objects to is not looked at.
    ("pack without its index", "git sees no objects; here they are found by reading the pack"),
    ("commit-graph with another byte", "passed over and said: nothing needs it"),
    ("multi-pack-index with another byte", "passed over and said: nothing needs it"),
    ("no index", "the work tree is compared with HEAD's tree, not with the index"),
    (
        "change that is staged and undone in the work tree",
        "the work tree is compared with HEAD's tree, not with the index",
    ),
    // git does not object.
    (
        "submodule with a .git folder of its own",
        "no clone has made one since git 1.7.8 of 2011, and what is below it is not among the objects that are held: refused by name",
    ),
    (
        "ref in a folder like a lock",
        "git passes the folder over and never makes it, another reader could take it for a branch",
    ),
    ("lock without a name", "git before 2.48 passes it over; since then git refs verify calls it a bad name"),
    ("index without its pack", "a pack was removed, or somebody added an index: no clone is so"),
    ("packed-refs with HEAD", "git passes the line over, another reader could take it for HEAD"),
    ("replace ref", "refused by name: git shows another commit than HEAD's"),
    ("grafts", "refused by name: git shows other parents than the commit's"),
    ("promisor, a blob of the history is missing", "what is missing is not proved, whoever promises it"),
    ("change that the index is told to overlook", "a flag of the index excuses nothing"),
    ("execute bit that the config overlooks", "the config excuses nothing: an image gets the bit"),
    ("line ends by the config alone", "the config excuses nothing: only HEAD's own attributes do"),
    ("sparse checkout", "files of HEAD are missing: said by name, with what to do"),
    ("ident that names another blob", "only the bytes that a checkout writes count as equal"),
    ("encoding that is not known here", "said by name: few encodings are converted here"),
];
