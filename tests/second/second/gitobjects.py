"""Objects of a repository: loose objects and packs, each hashed and compared with its name."""

import hashlib
import re
import zlib

from .gitfiles import Fault
from .limits import LIMITS

KINDS = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
LOOSE = re.compile(rb"objects/([0-9a-f]{2})/([0-9a-f]{38})")
STEP = 16384

def object_id(kind, data):
    return hashlib.sha1(b"%s %d\0" % (kind, len(data)) + data).hexdigest()

class Store:
    """All proved objects by id, and the faults found while reading them."""

    def __init__(self):
        self.objects = {}
        self.faults = []
        self.inflated = 0

    def add(self, name, kind, data):
        if len(self.objects) >= LIMITS["git_objects"]: raise Fault("too many objects")
        self.objects[name] = (kind, data)

    def get(self, name, kind):
        found = self.objects.get(name)
        return found[1] if found and found[0] == kind else None

    def count(self, size):
        self.inflated += size
        if size > LIMITS["git_object_bytes"] or self.inflated > LIMITS["git_inflated_bytes"]: raise Fault("the objects are too large")

    def read(self, files):
        """Reads the objects among `files`: {path below .git: bytes}."""
        for path in sorted(files, key=lambda name: (not name.startswith(b"objects/pack/"), name)):
            match = LOOSE.fullmatch(path)
            try:
                if match:
                    self.read_loose((match[1] + match[2]).decode(), files[path])
                elif path.startswith(b"objects/pack/") and path.endswith(b".pack"):
                    self.read_pack(files[path], files.get(path[:-5] + b".idx"))
                elif path.startswith(b"objects/pack/") and path.endswith(b".idx") and path[:-4] + b".pack" not in files:
                    raise Fault("an index without its pack")
            except Fault as fault:
                self.faults.append(f"{path.decode('utf-8', 'replace')}: {fault}")

    def read_loose(self, name, data):
        raw, used = self.inflate(data, 0, None)
        if used != len(data): raise Fault("bytes after a loose object")
        header, _, content = raw.partition(b"\0")
        match = re.fullmatch(rb"(commit|tree|blob|tag) (0|[1-9][0-9]*)", header)
        if not match or int(match[2]) != len(content) or hashlib.sha1(raw).hexdigest() != name:
            raise Fault("a loose object that does not hash to its id")
        self.add(name, match[1], content)

    def inflate(self, data, at, size):
        """Inflates one zlib stream at `at`: (bytes, position after it). With a size, it must match."""
        stream, parts, total = zlib.decompressobj(), [], 0
        bound = LIMITS["git_object_bytes"] + 64 if size is None else size
        try:
            while not stream.eof:
                feed = stream.unconsumed_tail
                if not feed:
                    feed = bytes(data[at:at + STEP])
                    at += len(feed)
                    if not feed: raise Fault("an object is cut off")
                out = stream.decompress(feed, max(1, min(1 << 20, bound - total + 1)))
                total += len(out)
                if total > bound: raise Fault("an object is larger than it states")
                parts.append(out)
        except zlib.error as error:
            raise Fault("an object cannot be inflated") from error
        if size is not None and total != size: raise Fault("an object has another size than it states")
        self.count(total)
        return b"".join(parts), at - len(stream.unused_data)

    def read_pack(self, data, index):
        if len(data) < 32 or bytes(data[:8]) != b"PACK\0\0\0\2": raise Fault("not a version 2 pack")
        if hashlib.sha1(data[:-20]).digest() != bytes(data[-20:]):
            self.faults.append("a pack with a wrong checksum")
        entries, at, body, count = {}, 12, data[:-20], int.from_bytes(data[8:12], "big")
        starts = entry_starts(index, count, len(body))
        for _ in range(count):
            try:
                entry, end = self.read_entry(body, at)
                entries[at] = (*entry, zlib.crc32(body[at:end]))
            except Fault as fault:
                if at not in starts: raise       # without a usable index, nothing of the pack counts
                self.faults.append(f"the entry at {at}: {fault}")
                end = min((start for start in starts if start > at), default=len(body))
            at = end
        if at != len(body):
            if not starts: raise Fault("bytes after the last object of a pack")
            self.faults.append("bytes after the last object of a pack")
            entries.pop(max(entries, default=None), None)      # it does not end where it should
        named = self.resolve(entries)
        if index is not None:
            check_index(index, data, {name: (at, entries[at][3]) for name, at in named.items()})

    def read_entry(self, body, at):
        """((type, base, content), end) of a pack's entry; `base` is a position or an id."""
        begin = at
        byte, at = take(body, at)
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            byte, at = take(body, at)
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > 60: raise Fault("a pack's entry with a size that is too long")
        base = None
        if kind == 6:
            byte, at = take(body, at)
            distance = byte & 0x7F
            while byte & 0x80:
                byte, at = take(body, at)
                distance = (distance + 1) << 7 | byte & 0x7F
            base = begin - distance
            if distance == 0 or base < 12: raise Fault("a delta whose base is outside the pack")
        elif kind == 7:
            base = bytes(body[at:at + 20]).hex()
            at += 20
        elif kind not in KINDS:
            raise Fault("a pack's entry of an unknown type")
        content, end = self.inflate(body, at, size)
        return (kind, base, content), end

    def resolve(self, entries):
        """Rebuilds all objects of a pack: {id: position}. Objects whose base cannot be found are faults."""
        done, named, waiting = {}, {}, {}
        ready = []
        for at, (kind, base, content, _) in entries.items():
            if kind in KINDS:
                ready.append((at, KINDS[kind], content, 0))
            else:
                waiting.setdefault(base, []).append(at)
        while ready:
            at, kind, content, depth = ready.pop()
            name = object_id(kind, content)
            if name in named:
                self.faults.append("a pack contains an object twice")
            named[name] = at
            done[at] = True
            self.add(name, kind, content)
            if depth > LIMITS["git_delta_depth"]: raise Fault("a chain of deltas is too long")
            for child in waiting.pop(at, []) + waiting.pop(name, []):
                try:
                    ready.append((child, kind, self.apply(content, entries[child][2]), depth + 1))
                except Fault as fault:
                    self.faults.append(str(fault))
        if len(done) != len(entries):
            self.faults.append("a pack with deltas that cannot be resolved")
        return named

    def apply(self, base, delta):
        size, at = delta_size(delta, 0)
        result, at = delta_size(delta, at)
        if size != len(base): raise Fault("a delta for a base of another size")
        self.count(result)
        out, total = [], 0
        while at < len(delta):
            code, at = take(delta, at)
            if code & 0x80:
                offset, length = 0, 0
                for bit in range(7):
                    if code & 1 << bit:
                        byte, at = take(delta, at)
                        if bit < 4:
                            offset |= byte << 8 * bit
                        else:
                            length |= byte << 8 * (bit - 4)
                length = length or 0x10000
                if offset + length > size: raise Fault("a delta copies from outside its base")
                out.append(base[offset:offset + length])
            elif code:
                length = code
                if at + code > len(delta): raise Fault("a delta is cut off")
                out.append(delta[at:at + code])
                at += code
            else:
                raise Fault("a delta with an unknown command")
            total += length
            if total > result: break
        if total != result: raise Fault("a delta gives another size than it states")
        return b"".join(out)

def entry_starts(index, count, size):
    """Where the entries of a pack begin, by a version 2 index that need not be right; empty if it is not usable."""
    index = index or b""
    table = index[1032 + 24 * count:1032 + 28 * count]
    starts = {int.from_bytes(table[slot:slot + 4], "big") for slot in range(0, len(table) - 3, 4)}
    usable = int.from_bytes(index[1028:1032], "big") == count == len(starts) and max(starts, default=size) < size
    return starts if usable else set()

def take(data, at):
    if at >= len(data): raise Fault("an object is cut off")
    return data[at], at + 1

def delta_size(delta, at):
    size, shift = 0, 0
    while True:
        byte, at = take(delta, at)
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80: return size, at
        if shift > 60: raise Fault("a delta with a size that is too long")

def check_index(index, pack, named):
    """Compares an index of version 1 or 2 with its pack: {id: (position, CRC-32)}."""
    index = bytes(index)
    if len(index) < 1072 or hashlib.sha1(index[:-20]).digest() != index[-20:] or index[-40:-20] != bytes(pack[-20:]):
        raise Fault("an index with a wrong checksum")
    version2 = index[:4] == b"\xfftOc"
    begin = 8 if version2 else 0
    if version2 and index[4:8] != b"\0\0\0\2": raise Fault("an index of an unknown version")
    fan = [int.from_bytes(index[begin + 4 * i:begin + 4 * i + 4], "big") for i in range(256)]
    count = len(named)
    names = sorted(named)
    if fan != fan_out(names): raise Fault("an index with a wrong fan-out table")
    at = begin + 1024
    if version2:
        ids = index[at:at + 20 * count]
        crcs = index[at + 20 * count:at + 24 * count]
        offsets = index[at + 24 * count:at + 28 * count]
        large = index[at + 28 * count:-40]
        expected_large, fits = b"", len(offsets) == 4 * count
        for number, name in enumerate(names):
            position, crc = named[name]
            stated = int.from_bytes(offsets[4 * number:4 * number + 4], "big")
            if stated & 0x80000000:
                slot = 8 * (stated & 0x7FFFFFFF)
                stated = int.from_bytes(large[slot:slot + 8], "big")
                expected_large += b"\0" * 8
            fits &= stated == position and crcs[4 * number:4 * number + 4] == crc.to_bytes(4, "big")
        if not fits or ids != bytes.fromhex("".join(names)) or len(large) != len(expected_large):
            raise Fault("an index that disagrees with its pack")
    else:
        expected = b"".join(named[name][0].to_bytes(4, "big") + bytes.fromhex(name) for name in names)
        if index[at:-40] != expected: raise Fault("an index that disagrees with its pack")

def fan_out(names):
    counts, total = [0] * 256, 0
    for name in names:
        counts[int(name[:2], 16)] += 1
    result = []
    for count in counts:
        total += count
        result.append(total)
    return result
