"""One repository: what `source-objects` proves, and HEAD's commit and tree (docs/git-proof.md)."""

import re

from . import gitfiles, gitfsck
from .gitfiles import Fault
from .gitobjects import Store
from .limits import LIMITS

EXTENSIONS = {"noop", "noop-v1", "partialclone", "preciousobjects", "worktreeconfig", "relativeworktrees"}
REFUSED = (b"objects/info/alternates", b"objects/info/http-alternates", b"info/grafts", b"commondir")

class Repository:
    """Reads {path below .git: bytes}. `faults` are what makes `source-objects` fail."""

    def __init__(self, files, links=(), submodule=False):
        self.files, self.submodule, self.faults = files, submodule, []
        self.reftable = any(path.startswith(b"reftable/") for path in files)
        self.incomplete = []        # folders of HEAD's tree that are missing or malformed
        if links:
            self.faults.append("a link below .git")
        self.config = self.guard(lambda: gitfiles.parse_config(files.get(b"config", b"")), None)
        self.shallow = self.guard(lambda: gitfiles.parse_shallow(files.get(b"shallow", b"")), set())
        self.check_files()
        self.check_config()
        self.refs = self.read_refs()
        self.store = Store()
        self.store.read(files)
        self.faults += self.store.faults
        self.head_ref, self.head = None, None
        self.guard(self.read_head, None)
        self.commit = self.store.get(self.head, b"commit") if self.head else None
        self.tree = {}
        self.proved = False
        self.check_head()
        self.check_reachable()

    def guard(self, work, otherwise):
        try:
            return work()
        except Fault as fault:
            self.faults.append(str(fault))
            return otherwise

    def check_files(self):
        for path, data in self.files.items():
            if path in REFUSED and data.strip() or path.startswith((b"refs/replace/", b"reftable/")):
                self.faults.append(f"{path.decode('utf-8', 'replace')} makes git read other objects")

    def check_config(self):
        """Refuses settings that would make git read other objects."""
        entries = list(self.config or ())
        extra = self.files.get(b"config.worktree")
        if extra is not None:
            entries += self.guard(lambda: gitfiles.parse_config(extra), [])
        for section, sub, key, value in entries:
            text = value or ""
            if section == "core" and key == "worktree" and not self.submodule:
                self.faults.append("core.worktree moves the work tree")
            if section == "core" and key == "repositoryformatversion" and text not in ("0", "1"):
                self.faults.append("an unsupported repository format")
            if section == "extensions":
                if (key, text) in (("objectformat", "sha1"), ("refstorage", "files")) or key in EXTENSIONS: continue
                self.faults.append(f"the extension {key}")

    def read_refs(self):
        """{name: (id, target)}: loose refs precede packed ones."""
        packed = self.guard(lambda: gitfiles.parse_packed_refs(self.files.get(b"packed-refs", b"")), {})
        refs = {name: (target, None) for name, target in packed.items()}
        for name in refs:
            if name.startswith(b"refs/replace/"):
                self.faults.append("a replace ref")
        for path, data in self.files.items():
            if not path.startswith(b"refs/") or path.endswith(b".lock"): continue
            if not gitfiles.valid_ref(path):
                self.faults.append("a ref with a name that git refuses")
                continue
            refs.pop(path, None)
            ref = self.guard(lambda: gitfiles.parse_ref(data), None)
            if ref:
                refs[path] = ref
        return refs

    def follow(self, name):
        """The id that a ref leads to, or None."""
        for _ in range(5):
            found, target = self.refs.get(name, (None, None))
            if target is None: return found
            name = target
        return None

    def read_head(self):
        if b"HEAD" not in self.files: raise Fault("there is no HEAD")
        self.head, self.head_ref = gitfiles.parse_ref(self.files[b"HEAD"])
        if self.head_ref is not None:
            self.head = self.follow(self.head_ref)
            if not self.head_ref.startswith(b"refs/heads/"): raise Fault("HEAD points to a ref that is not a branch")
        if self.head is None or self.head == "0" * 40:
            self.head = None
            raise Fault("HEAD does not lead to a commit")

    def check_head(self):
        if self.head and self.commit is None:
            self.faults.append("HEAD's commit is missing")
        tree_id = self.guard(lambda: gitfsck.check_commit(self.commit), None) if self.commit else None
        self.proved = tree_id is not None and not self.reftable
        if tree_id:
            self.guard(lambda: self.flatten(tree_id), None)
            self.check_dot_files(self.tree)

    def flatten(self, root):
        """Fills {path: (mode, kind, id)} of HEAD's tree. A missing or malformed tree is left out, and noted."""
        found, stack, listing = self.tree, [(root, b"", 0)], 0
        while stack:
            tree_id, prefix, depth = stack.pop()
            try:
                data = self.store.get(tree_id, b"tree")
                if data is None or depth > LIMITS["git_tree_depth"]: raise Fault("a tree of HEAD is missing or too deep")
                entries = gitfsck.check_tree(data)
            except Fault as fault:
                self.faults.append(str(fault))
                self.incomplete.append(prefix)
                continue
            for _, mode, name, target in entries:
                path, kind = prefix + name, gitfsck.kind_of(mode)
                listing += len(path)
                if kind == "tree":
                    stack.append((target, path + b"/", depth + 1))
                    continue
                found[path] = (mode, kind, target)
                if len(found) > LIMITS["git_tree_entries"] or listing > LIMITS["git_listing_bytes"]:
                    self.incomplete.append(b"")
                    raise Fault("HEAD's tree is too large")

    def check_dot_files(self, tree):
        for path, (_, kind, target) in tree.items():
            name = path.rpartition(b"/")[2]
            data = self.store.get(target, b"blob") if kind == "blob" else None
            if data is None: continue
            if name == b".gitmodules":
                try:
                    entries = gitfiles.parse_config(data)
                except Fault:
                    continue    # git fsck reports this only as information
                if not self.guard(lambda: gitfsck.check_modules(entries), False):
                    self.incomplete.append(path)
            if name == b".gitattributes" and (len(data) > 100 << 20 or any(len(line) > 2048 for line in data.split(b"\n"))):
                self.faults.append(".gitattributes is too large")

    def check_reachable(self):
        """No object that HEAD or a ref reaches is missing, except parents of commits in `shallow`."""
        start = [(self.head, b"commit")] if self.head else []
        for name, (target, symbolic) in self.refs.items():
            if symbolic is not None: continue        # the ref that it leads to is examined by itself
            kind = self.store.objects.get(target, (None,))[0]
            if kind is None:
                self.faults.append("a ref leads to an object that is missing")
            elif name.startswith(b"refs/heads/") and kind != b"commit":
                self.faults.append("a branch does not point to a commit")
            start.append((target, kind))
        self.missing = self.walk(start)
        if self.missing and not self.submodule:
            self.faults.append(f"{len(self.missing)} objects are missing")

    def walk(self, stack):
        seen, missing = set(), set()
        while stack:
            name, kind = stack.pop()
            if (name, kind) in seen: continue
            seen.add((name, kind))
            data = self.store.get(name, kind) if kind else None
            if data is None:
                missing.add(name)
                continue
            try:
                stack += self.targets(name, kind, data)
            except Fault as fault:
                self.faults.append(str(fault))
        return missing

    def targets(self, name, kind, data):
        if kind == b"commit":
            tree, parents = gitfsck.read_commit(data)
            old = [] if name in self.shallow else [(parent, b"commit") for parent in parents]
            return [(tree, b"tree"), *old]
        if kind == b"tree":
            kinds = {"tree": b"tree", "blob": b"blob", "link": b"blob"}
            return [(target, kinds[gitfsck.kind_of(mode)]) for _, mode, _, target in gitfsck.read_tree(data)
                    if gitfsck.kind_of(mode) in kinds]
        return [gitfsck.read_tag(data)] if kind == b"tag" else []

    def others_with(self, digits):
        """Commits other than HEAD that begin with these digits."""
        return [name for name, (kind, _) in self.store.objects.items()
                if kind == b"commit" and name.startswith(digits) and name != self.head]

GITDIR = re.compile(rb"gitdir: ([^\n]+)\n*")

def members_below(files, prefix, top=None):
    """({path below prefix: bytes}, [links]) of a git folder. A hard link counts if its file is below the top .git too."""
    found, links = {}, []
    for name, member in files.items():
        if not name.startswith(prefix): continue
        path = name[len(prefix):]
        if member.kind == "link" or member.kind == "hard" and not member.target.startswith(top or prefix):
            links.append(path)
        elif member.kind != "folder":
            found[path] = member.data
    return {path: bytes(data) for path, data in found.items()}, links
