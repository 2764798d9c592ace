"""bzip2 and tar, as docs/format.md ("Archives") reads them."""

import bz2
import re
from dataclasses import dataclass

from .limits import LIMITS, NoVerdict, check_limit, malformed
from .names import BUILD_NAME

BLOCK = 512
ZEROS = bytes(BLOCK)
KEYWORDS = {b"path", b"linkpath", b"size", b"uid", b"gid", b"atime", b"ctime", b"mtime", b"hdrcharset", b"comment",
            b"charset", b"uname", b"gname", b"SCHILY.fflags", b"SCHILY.dev", b"SCHILY.ino", b"SCHILY.nlink",
            b"RHT.security.selinux", b"LIBARCHIVE.creationtime"}
KEYWORD_FAMILY = re.compile(rb"(SCHILY\.xattr|SCHILY\.acl|LIBARCHIVE\.xattr)\.[!-~]+")
TIME = re.compile(rb"-?[0-9]{1,11}(\.[0-9]{1,20})?")
OCTAL = re.compile(rb" *([0-7]+)[ \0]*")
EMPTY = re.compile(rb"[ \0]*")

@dataclass
class Member:
    name: bytes         # normalised; empty for the archive's own top folder
    kind: str           # file, folder, link (symbolic), hard
    mode: int
    data: memoryview
    target: bytes = b""

def decompress(data, bound):
    """Decompresses one or more bzip2 streams, with nothing after the last one."""
    parts, total, rest = [], 0, data
    while True:
        stream = bz2.BZ2Decompressor()
        feed = rest
        while not stream.eof:
            try:
                out = stream.decompress(feed, 1 << 20)
            except OSError as error:
                raise malformed("invalid bzip2 data") from error
            feed = b""
            total += len(out)
            check_limit("expanded_bytes", total)
            if total > bound: raise NoVerdict("over-limit", "the outer archive expands to more than the signed archive may have")
            parts.append(out)
            if not out and stream.needs_input: raise NoVerdict("truncated", "the bzip2 data end too early")
        rest = stream.unused_data
        if not rest: return b"".join(parts)

def number(field, what, lenient=False):
    """An octal number. Lenient fields may be empty or base-256; their value is not used."""
    match = OCTAL.fullmatch(field)
    if match: return int(match[1], 8)
    if lenient and (field[0] in (0x80, 0xFF) or EMPTY.fullmatch(field)): return 0
    raise malformed(f"a tar header whose {what} is not an octal number")

def text(field):
    return field.split(b"\0", 1)[0]

def normalise(name):
    """Removes `./`, repeated and trailing slashes; refuses names that lead elsewhere."""
    check_limit("path_bytes", len(name))
    if not name or name.startswith(b"/") or b"\0" in name: raise malformed("an empty or absolute member name, or one with a NUL")
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if b".." in parts: raise malformed("a member name with `..`")
    return b"/".join(parts)

def pax_records(data, is_global):
    """The records of a PAX header: a list of `LENGTH KEYWORD=VALUE` lines."""
    records, at = {}, 0
    while at < len(data):
        match = re.compile(rb"([1-9][0-9]{0,7}) ").match(data, at)
        end = at + int(match[1]) if match else 0
        if not match or end > len(data) or end <= match.end() or data[end - 1:end] != b"\n":
            raise malformed("a PAX header that is not a list of records")
        keyword, equals, value = data[match.end():end - 1].partition(b"=")
        if not equals or not keyword: raise malformed("a PAX record without a keyword")
        if keyword in records: raise malformed("a PAX keyword twice in one header")
        records[keyword] = value
        at = end
    for keyword, value in records.items():
        check_pax(keyword, value, is_global)
    return records

def check_pax(keyword, value, is_global):
    if keyword not in KEYWORDS and not KEYWORD_FAMILY.fullmatch(keyword): raise malformed(f"the PAX keyword {keyword!r}")
    if is_global and keyword in (b"path", b"linkpath", b"size"): raise malformed("a global PAX header that renames or resizes members")
    if keyword in (b"uid", b"gid") and not re.fullmatch(rb"[0-9]{1,10}", value): raise malformed("a PAX owner that is not a number")
    if keyword in (b"atime", b"ctime", b"mtime") and not TIME.fullmatch(value):
        raise malformed("a PAX time in an unknown form")
    if keyword == b"hdrcharset" and value not in (b"BINARY", b"ISO-IR 10646 2000 UTF-8"):
        raise malformed("a PAX character set that converts names")

class Reader:
    """Reads the members of one tar archive. `size_limit(name)` names the limit for a file's size, or is None."""

    def __init__(self, data, size_limit):
        self.data = memoryview(data)
        self.size_limit = size_limit
        self.at = 0
        self.members = []
        self.names = set()
        self.names_bytes = 0
        self.clear()

    def clear(self):
        self.pax, self.long_name, self.long_link, self.pending = None, None, None, False

    def take(self, size):
        """The content of a member, and its padding, which is zero."""
        end = self.at + size
        padded = -(-end // BLOCK) * BLOCK
        if padded > len(self.data): raise NoVerdict("truncated", "the tar archive ends in the middle of a member")
        content, padding = self.data[self.at:end], self.data[end:padded]
        if any(padding): raise malformed("padding that is not zero")
        self.at = padded
        return content

    def read(self):
        while True:
            header = bytes(self.data[self.at:self.at + BLOCK])
            if len(header) < BLOCK: raise NoVerdict("truncated", "the tar archive has no end")
            self.at += BLOCK
            if header == ZEROS:
                self.read_end()
                return self.members
            self.read_member(header)

    def read_end(self):
        if self.pending: raise malformed("an extension header without a member after it")
        second = bytes(self.data[self.at:self.at + BLOCK])
        if any(second): raise malformed("a block of zeros between members")
        if len(second) < BLOCK: raise NoVerdict("truncated", "the tar archive has half an end")
        if bytes(self.data[self.at:]).strip(b"\0"): raise malformed("data after the end of the tar archive")

    def read_member(self, h):
        magic, kind = h[257:265], h[156:157]
        if magic not in (b"ustar\x0000", b"ustar  \0"): raise malformed("a tar header with an unknown magic")
        unsigned = sum(h[:148]) + 8 * 32 + sum(h[156:])
        if number(h[148:156], "checksum") != unsigned: raise malformed("a tar header with a wrong checksum")
        extension = kind in (b"x", b"g", b"L", b"K")
        mode = number(h[100:108], "mode", extension)
        size = number(h[124:136], "size")
        for begin, end, what in ((108, 116, "owner"), (116, 124, "group"), (136, 148, "time"), (329, 337, "device"), (337, 345, "device")):
            number(h[begin:end], what, True)
        gnu = magic == b"ustar  \0"
        if any(h[345 if gnu else 500:]): raise malformed("a header with data after its last field")
        if extension:
            self.read_extension(kind, size)
            return
        own = text(h[:100])
        if not gnu and text(h[345:500]):
            own = text(h[345:500]) + b"/" + own
        self.add(kind, mode & 0o7777, size, own, text(h[157:257]))

    def read_extension(self, kind, size):
        check_limit("extended_header_bytes", size)
        content = bytes(self.take(size))
        self.pending = True
        if kind == b"g":
            if self.pax is not None or self.long_name is not None or self.long_link is not None:
                raise malformed("a global PAX header between an extension header and its member")
            pax_records(content, True)
        elif kind == b"x":
            if self.pax is not None: raise malformed("two PAX headers for one member")
            self.pax = pax_records(content, False)
        else:
            if content.find(b"\0") != len(content) - 1: raise malformed("a GNU long name that does not end with exactly one NUL")
            if (self.long_name if kind == b"L" else self.long_link) is not None: raise malformed("two GNU long names for one member")
            if kind == b"L":
                self.long_name = content[:-1]
            else:
                self.long_link = content[:-1]

    def add(self, kind, mode, size, own_name, own_target):
        pax = self.pax or {}
        if (b"path" in pax and self.long_name is not None) or (b"linkpath" in pax and self.long_link is not None):
            raise malformed("a PAX and a GNU long name for one member")
        if b"size" in pax and (not re.fullmatch(rb"[0-9]{1,20}", pax[b"size"]) or int(pax[b"size"]) != size):
            raise malformed("a PAX size that differs from the header's")
        name = pax.get(b"path", own_name if self.long_name is None else self.long_name)
        target = pax.get(b"linkpath", own_target if self.long_link is None else self.long_link)
        self.clear()
        kinds = {b"0": "file", b"\0": "file", b"5": "folder", b"2": "link", b"1": "hard"}
        if kind not in kinds: raise malformed(f"a member of type {kind!r}")
        what, normal = kinds[kind], normalise(name)
        if what != "folder" and (not normal or name.endswith((b"/", b"/."))):
            raise malformed("a file or link whose name is that of a folder")
        if kind == b"\0" and own_name.endswith(b"/"): raise malformed("an old header that names a folder")
        if normal in self.names: raise malformed(f"two members with the name {normal!r}")
        if what in ("link", "hard") and (not target or b"\0" in target): raise malformed("a link without a target, or with a NUL in it")
        if what != "file" and size: raise malformed("a folder or link with content")
        check_limit("path_bytes", len(target))
        self.remember(normal, target)
        limit = self.size_limit(normal) if what == "file" else None
        if limit:
            check_limit(limit, size)
        self.members.append(Member(normal, what, mode, self.take(size), target if what in ("link", "hard") else b""))

    def remember(self, name, target):
        self.names.add(name)
        self.names_bytes += len(name) + len(target)
        check_limit("names_bytes", self.names_bytes)
        check_limit("archive_members", len(self.names))

def below_non_folder(members):
    """Refuses members below a link or file: programs unpack them to different places."""
    kinds = {member.name: member.kind for member in members}
    for member in members:
        parts = member.name.split(b"/")
        for count in range(1, len(parts)):
            if kinds.get(b"/".join(parts[:count]), "folder") != "folder": raise malformed("a member below a link or a file")

OUTER = re.compile(rb"manifest\.(.*)\.(tbz|sig)", re.S)

def outer_limit(name):
    return "signed_archive_bytes" if name.endswith(b".tbz") else "signature_bytes" if name.endswith(b".sig") else None

def read_outer(bundle):
    """The build name in the members' names, the signed archive and the signature's bytes."""
    members = Reader(decompress(bundle, LIMITS["signed_archive_bytes"] + (1 << 20)), outer_limit).read()
    found = {}
    for member in members:
        match = OUTER.fullmatch(member.name)
        if not match or not BUILD_NAME.fullmatch(match[1].decode("latin-1")) or member.kind != "file" or member.mode & 0o7000:
            raise malformed(f"the outer member {member.name!r}")
        found[match[2]] = (match[1], member.data)
    if len(members) != 2 or set(found) != {b"tbz", b"sig"} or found[b"tbz"][0] != found[b"sig"][0]:
        raise malformed("the outer archive does not have exactly the two members of one build")
    signature = bytes(found[b"sig"][1])
    if not re.fullmatch(rb"([0-9A-Fa-f]{2})+\n?", signature): raise malformed("the signature member is not hexadecimal text")
    return found[b"tbz"][0].decode(), bytes(found[b"tbz"][1]), bytes.fromhex(signature.decode())

def inner_limit(name):
    return {b"data/build.json": "build_record_bytes", b"data/build.log": "build_log_bytes"}.get(name)

def read_inner(archive):
    """The members of the signed archive, by name. Hard links stay members of their own kind."""
    members = Reader(decompress(archive, LIMITS["expanded_bytes"]), inner_limit).read()
    below_non_folder(members)
    files = {}
    for member in members:
        depth = member.name.count(b"/")
        is_top = member.name in (b"data", b"git") or (member.name.startswith(b"git/") and depth == 1)
        if is_top and member.kind != "folder": raise malformed(f"{member.name!r} is not a folder")
        if member.name in (b"data/build.json", b"data/build.log") and member.kind != "file":
            raise malformed(f"{member.name!r} is not a regular file")
        if member.kind == "hard":
            first = files.get(normalise(member.target))
            if first is None or first.kind != "file" or first.mode != member.mode:
                raise malformed("a hard link to anything but an earlier file with the same mode")
            member.target, member.data = first.name, first.data
        files[member.name] = member
    work = sum(len(m.data) for n, m in files.items() if n.startswith(b"git/") and b"/.git/" not in n)
    check_limit("work_tree_bytes", work)
    check_limit("git_bytes", sum(len(m.data) for n, m in files.items() if b"/.git/" in n))
    return files
