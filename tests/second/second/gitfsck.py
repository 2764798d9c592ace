"""Commits, trees and tags: lenient reading of the history, and the strict rules for HEAD's commit and trees."""

import re
import unicodedata

from .gitfiles import Fault

ENTRY = re.compile(rb"([0-7]{1,7}) ([^\0]*)\0(.{20})", re.S)
IDENT = re.compile(rb"(?:[^<>\n]* )?<[^<>\n]*> (0|[1-9][0-9]{0,18}) [+-][0-9]{4}")
KINDS = {0o040000: "tree", 0o100000: "blob", 0o120000: "link", 0o160000: "commit"}
# Characters that HFS+ ignores in names.
IGNORED = dict.fromkeys([0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])

def read_tree(data):
    """[(mode text, mode, name, id)]. Raises Fault if the tree cannot be read to its end."""
    entries, at = [], 0
    while at < len(data):
        match = ENTRY.match(data, at)
        if not match: raise Fault("a tree that cannot be read")
        entries.append((match[1], int(match[1], 8), match[2], match[3].hex()))
        at = match.end()
    return entries

def kind_of(mode):
    """tree, blob, link or commit (a submodule), by the type bits of the mode. git reads any other as a submodule."""
    return KINDS.get(mode & 0o170000, "commit")

def like(name, word):
    """Do macOS or Windows treat this name as `.word`?"""
    lowered = name.lower()
    short = word[:6] + b"~"
    if lowered in (b"." + word,): return True
    text = unicodedata.normalize("NFC", name.decode("utf-8", "replace").translate(IGNORED)).lower()
    if text == "." + word.decode(): return True
    stem = re.split(rb"[:\\]", lowered)[0].rstrip(b" .")
    if word == b"git":
        return stem in (b".git", b"git~1") or any(re.sub(rb"[ .]+\Z", b"", part) in (b".git", b"git~1") for part in lowered.split(b"\\"))
    hashed = word == b"gitmodules" and re.fullmatch(rb"gi7eba~[1-9]|gi7eb~[1-9][0-9]|gi7e~[1-9][0-9]{2}", stem)
    return stem == b"." + word or bool(hashed or re.fullmatch(re.escape(short) + rb"[1-4]", stem))

def check_tree(data):
    """Applies the rules of `git fsck --strict` to a tree of HEAD. Raises Fault."""
    entries, keys, seen = read_tree(data), [], set()
    for mode_text, mode, name, target in entries:
        kind = kind_of(mode)
        if mode_text.startswith(b"0"): raise Fault("a tree with a malformed mode")
        if name in (b"", b".", b"..") or b"/" in name or like(name, b"git") or len(name) > 4096:
            raise Fault("a tree with a name that git refuses")
        if target == "0" * 40: raise Fault("a tree with a null id")
        if name in seen: raise Fault("a tree with a name twice")
        seen.add(name)
        keys.append(name + (b"/" if kind == "tree" else b""))
        if like(name, b"gitmodules") and kind != "blob": raise Fault(".gitmodules is not a file")
        if name == b".gitattributes" and kind not in ("blob", "link"): raise Fault(".gitattributes is not a file")
    if keys != sorted(keys): raise Fault("a tree that is not sorted")
    return entries

def split_headers(data):
    """The header lines of a commit or tag."""
    head = data.split(b"\n\n", 1)[0].split(b"\n")
    return head[:-1] if head and head[-1] == b"" else head

def read_commit(data):
    """(tree, [parents]) of a commit. Raises Fault if they cannot be read."""
    lines = data.split(b"\n")
    match = re.fullmatch(rb"tree ([0-9a-f]{40})", lines[0])
    if not match: raise Fault("a commit without a tree")
    parents = []
    for line in lines[1:]:
        parent = re.fullmatch(rb"parent ([0-9a-f]{40})", line)
        if not parent: break
        parents.append(parent[1].decode())
    return match[1].decode(), parents

def check_commit(data):
    """The tree of HEAD's commit, after the rules of `git fsck --strict`. Raises Fault."""
    tree, parents = read_commit(data)
    if b"\0" in data: raise Fault("a commit with a NUL")
    if b"\n\n" not in data and not data.endswith(b"\n"): raise Fault("a commit whose headers do not end")
    rest = split_headers(data)[1 + len(parents):]
    if len(rest) < 2 or not rest[0].startswith(b"author ") or not rest[1].startswith(b"committer "):
        raise Fault("a commit without author and committer in their places")
    for line in rest[:2]:
        if not IDENT.fullmatch(line.split(b" ", 1)[1]): raise Fault("a commit whose author or committer is malformed")
    if any(re.match(rb"(tree|parent|author|committer) ", line) for line in rest[2:]): raise Fault("a commit with a header twice")
    return tree

def people(data):
    """{author: (name, address), committer: ...} and the declared encoding of HEAD's commit."""
    found, encoding = {}, ""
    for line in split_headers(data):
        role, _, rest = line.partition(b" ")
        match = re.fullmatch(rb"(.*?) ?<([^<>]*)> .*", rest)
        if role in (b"author", b"committer") and match:
            found[role.decode()] = (match[1].decode("utf-8", "replace"), match[2].decode("utf-8", "replace"))
        if role == b"encoding":
            encoding = rest.decode("ascii", "replace")
    return found, encoding

def read_tag(data):
    """(id, type) of the object that a tag names. Raises Fault if they cannot be read."""
    match = re.match(rb"object ([0-9a-f]{40})\ntype (commit|tree|blob|tag)\n", data)
    if not match: raise Fault("a tag that cannot be read")
    return match[1].decode(), match[2]

def bad_url(url):
    """Relative addresses that replace the host, http addresses without one, and line endings in either."""
    relative = re.match(r"(?:\./)*((?:\.\./(?:\./)*)*)", url)
    line_end = "\n" in url or re.search("%0a", url, re.I)
    if url.startswith(("./", "../")): return bool(line_end or relative[1] and url[relative.end():][:1] in (":", "/"))
    http = re.match(r"(?:(?:https?|ftps?)::)?(?:https?|ftps?)://(?:[^/@]*@)?", url)
    return bool(http and (line_end or url[http.end():][:1] in ("", "/", ":")) or url.startswith("git://") and line_end)

def check_modules(entries):
    """Refuses names and addresses in .gitmodules that `git fsck` refuses: [(section, subsection, key, value)]."""
    for section, sub, key, value in entries:
        if section != "submodule" or sub is None: continue
        if not sub or ".." in re.split(r"[/\\]", sub): raise Fault(".gitmodules with a name that leads elsewhere")
        if key in ("url", "path") and (value or "").startswith("-"):
            raise Fault(".gitmodules with an option in place of an address or path")
        if key == "url" and bad_url(value or ""): raise Fault(".gitmodules with an address that git refuses")
    return True
