"""The archived work tree and HEAD's tree (docs/git-proof.md, "What counts as equal" and "Submodules")."""

import hashlib
import posixpath
import re

from .gitfiles import settings
from .gitobjects import object_id
from .patterns import Attributes, Ignore
from .repository import GITDIR, Repository, members_below
from .limits import LIMITS

# Names of encodings, without dashes and in lower case. `+` means that a byte order mark is written.
ENCODINGS = {b"utf8": ["utf-8"], b"utf16le": ["utf-16-le"], b"utf16be": ["utf-16-be"], b"utf32le": ["utf-32-le"],
             b"utf32be": ["utf-32-be"], b"iso88591": ["iso-8859-1"], b"latin1": ["iso-8859-1"],
             b"utf16": ["+utf-16-le", "+utf-16-be"], b"utf32": ["+utf-32-le", "+utf-32-be"],
             b"utf16lebom": ["+utf-16-le"], b"utf16bebom": ["+utf-16-be"]}
POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\n" rb"size (0|[1-9][0-9]*)\n")

def to_crlf(data, automatic):
    if automatic and (b"\r" in data or is_binary(data)): return data
    return re.sub(rb"(?<!\r)\n", b"\r\n", data)

def is_binary(data):
    odd = sum(1 for byte in data if byte == 127 or byte < 32 and byte not in b"\b\t\n\r\x1b\x0c")
    return b"\0" in data or (len(data) - odd) >> 7 < odd

def wants_crlf(attributes):
    """None, or whether the conversion to CR LF depends on the content."""
    text, eol = attributes.get(b"text"), attributes.get(b"eol")
    if text is None and attributes.get(b"crlf") is not None:
        text = attributes[b"crlf"]
    if eol != b"crlf" or text is False: return None
    return text == b"auto"

def checked_out(blob, blob_id, attributes):
    """The forms in which git may write this blob into a work tree under these attributes."""
    form = blob
    if attributes.get(b"ident") is True:
        form = re.sub(rb"\$Id(?::[^$\n]*)?\$", b"$Id: " + blob_id.encode() + b" $", form)
    crlf = wants_crlf(attributes)
    if crlf is not None:
        form = to_crlf(form, crlf)
    encoding = attributes.get(b"working-tree-encoding")
    encoding = encoding.lower().replace(b"-", b"") if isinstance(encoding, bytes) else b""
    return [blob, form, *encode(form, encoding)]

def encode(form, encoding):
    for codec in ENCODINGS.get(encoding, ()):
        try:
            text = form.decode("utf-8")
            yield (("\ufeff" if codec[0] == "+" else "") + text).encode(codec.removeprefix("+"))
        except UnicodeError:
            pass

def equal_file(data, blob, blob_id, attributes):
    """Is the archived file HEAD's blob, or one of its four other forms?"""
    if data in checked_out(blob, blob_id, attributes): return True
    pointer = POINTER.fullmatch(blob)
    return bool(pointer and int(pointer[2]) == len(data) and hashlib.sha256(data).hexdigest() == pointer[1].decode())

def points_back(config, git_folder, work_folder):
    """Does core.worktree of a submodule's git folder lead to the submodule's folder?"""
    found = [value for section, _, key, value in config if section == "core" and key == "worktree"]
    if not found or not found[-1]: return False
    path = posixpath.join(git_folder.decode("utf-8", "surrogateescape"), found[-1])
    return posixpath.normpath(path) == work_folder.decode("utf-8", "surrogateescape")

class WorkTree:
    """Compares the members below `prefix` (`git/<folder>/`) with a repository's HEAD."""

    def __init__(self, files, prefix, git_prefix, repository, allowed=(), depth=0, top_git=None):
        self.files, self.prefix, self.git_prefix, self.repository = files, prefix, git_prefix, repository
        self.allowed = [Ignore(pattern.encode()) for pattern in allowed]
        self.depth, self.top_git = depth, top_git or git_prefix
        self.differences, self.unproved = [], []
        self.modules = {}           # submodules: None without files, False if faulty, otherwise the inner WorkTree
        self.members = {name[len(prefix):]: member for name, member in files.items()
                        if name.startswith(prefix) and not name.startswith(git_prefix) and name + b"/" != git_prefix}

    def compare(self):
        tree, store = self.repository.tree, self.repository.store
        blobs = {path: store.get(target, b"blob") for path, (_, kind, target) in tree.items()
                 if kind == "blob" and path.rpartition(b"/")[2] == b".gitattributes"}
        attributes = Attributes({path: data for path, data in blobs.items() if data is not None})
        modules = [path for path, (_, kind, _) in tree.items() if kind == "commit"]
        for path, (mode, kind, target) in tree.items():
            if kind == "commit":
                self.compare_submodule(path, target)
            else:
                self.compare_file(path, mode, kind, target, attributes)
        for path, member in self.members.items():
            inside = any(path.startswith(module + b"/") for module in modules)
            hidden = any(path.startswith(folder) for folder in self.repository.incomplete)
            if member.kind != "folder" and path not in tree and not inside and not hidden:
                if not any(pattern.matches(path) for pattern in self.allowed):
                    self.differences.append((path, "not in the commit"))

    def compare_file(self, path, mode, kind, target, attributes):
        member = self.members.get(path)
        blob = self.repository.store.get(target, b"blob")
        if member is None or member.kind == "folder":
            self.differences.append((path, "missing"))
            return
        if kind == "link" or member.kind == "link":
            if kind != "link" or member.kind != "link":
                self.differences.append((path, "a link in place of a file, or the other way round"))
            elif blob is None:
                self.unproved.append(path)
            elif member.target != blob:
                self.differences.append((path, "another link target"))
            return
        if member.mode & 0o6000 or bool(member.mode & 0o100) != bool(mode & 0o100):
            self.differences.append((path, "another mode"))
        elif blob is None:
            self.unproved.append(path)
        else:
            data = bytes(member.data)
            same = object_id(b"blob", data) == target
            if not same and not equal_file(data, blob, target, attributes.of(path)):
                self.differences.append((path, "other bytes"))

    def compare_submodule(self, path, target):
        below = {name: member for name, member in self.members.items() if name.startswith(path + b"/")}
        pointer = below.get(path + b"/.git")
        self.modules[path] = False
        content = [name for name, member in below.items() if member.kind != "folder"]
        if pointer is None and not content:
            if path not in self.members and not below or self.members.get(path, pointer) and self.members[path].kind != "folder":
                self.differences.append((path, "a submodule's folder is missing"))
            self.modules[path] = None
            return
        match = GITDIR.fullmatch(bytes(pointer.data)) if pointer is not None and pointer.kind == "file" else None
        folder = posixpath.normpath(posixpath.join(self.prefix + path, match[1]).decode("utf-8", "surrogateescape")) if match else ""
        folder = folder.encode("utf-8", "surrogateescape") + b"/"
        modules = self.git_prefix + b"modules/"
        if not match or match[1].startswith(b"/") or not folder.startswith(modules):
            self.differences.append((path, "a submodule without objects, or with objects elsewhere"))
            return
        if self.depth >= LIMITS["git_submodule_depth"]:
            self.differences.append((path, "submodules are nested too deeply"))
            return
        inner = {name: member for name, member in self.files.items() if name != self.prefix + path + b"/.git"}
        files, links = members_below(inner, folder, self.top_git)
        repository = Repository(files, links, True)
        self.differences += [(path, fault) for fault in repository.faults]
        back = points_back(settings(files)[0], folder, self.prefix + path)
        if not back:
            self.differences.append((path, "core.worktree of a submodule does not lead to its folder"))
        if repository.head != target:
            self.differences.append((path, "a submodule at another commit"))
        if not repository.proved or repository.incomplete:
            self.unproved.append(path)
            return
        nested = WorkTree(inner, self.prefix + path + b"/", folder, repository, (), self.depth + 1, self.top_git)
        nested.compare()
        self.modules[path] = nested if back and not repository.faults else False
        self.differences += [(path + b"/" + name, why) for name, why in nested.differences]
        self.unproved += nested.unproved
