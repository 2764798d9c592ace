"""Patterns of .gitignore and .gitattributes, and the attributes of HEAD's files."""

import re

CLASS = re.compile(rb"\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]")
NAMED = {b"alpha": b"a-zA-Z", b"digit": b"0-9", b"alnum": b"a-zA-Z0-9", b"upper": b"A-Z", b"lower": b"a-z",
         b"space": rb"\s", b"xdigit": b"0-9a-fA-F", b"blank": rb" \t", b"punct": rb"!-/:-@\[-`{-~"}

def translate(pattern):
    """git's wildmatch, with `/` special, as a regular expression."""
    out, at = [], 0
    while at < len(pattern):
        if pattern.startswith(b"**/", at) and (at == 0 or pattern[at - 1:at] == b"/"):
            out.append(b"(?:.*/)?")
            at += 3
        elif pattern[at:] == b"**" and (at == 0 or pattern[at - 1:at] == b"/"):
            out.append(b".*")
            at += 2
        elif pattern[at:at + 1] == b"*":
            out.append(b"[^/]*")
            at += 1
        elif pattern[at:at + 1] == b"?":
            out.append(b"[^/]")
            at += 1
        elif pattern[at:at + 1] == b"[" and CLASS.match(pattern, at):
            match = CLASS.match(pattern, at)
            inside = re.sub(rb"\[:([a-z]+):\]|[\[\]\\]", lambda m: NAMED.get(m[1], b"") if m[1] else b"\\" + m[0], match[2])
            out.append(b"(?!/)[" + (b"^" if match[1] else b"") + inside + b"]")
            at = match.end()
        elif pattern[at:at + 1] == b"\\" and at + 1 < len(pattern):
            out.append(re.escape(pattern[at + 1:at + 2]))
            at += 2
        else:
            out.append(re.escape(pattern[at:at + 1]))
            at += 1
    try:
        return re.compile(b"".join(out), re.S)
    except re.error:
        return re.compile(b"(?!)")

def strip_blanks(line):
    """Removes blanks at the end that have no backslash before them."""
    while line.endswith((b" ", b"\t", b"\r")):
        before = line[:-1]
        if (len(before) - len(before.rstrip(b"\\"))) % 2: break
        line = before
    return line

class Ignore:
    """One line of a top-level .gitignore."""

    def __init__(self, line):
        line = strip_blanks(line)
        self.only_folder = line.endswith(b"/")
        line = line[:-1] if self.only_folder else line
        self.anchored = b"/" in line
        self.regex = translate(line.removeprefix(b"/"))

    def matches(self, path):
        """Does the pattern match this file, or a folder above it?"""
        parts = path.split(b"/")
        for count in range(1, len(parts) + 1):
            if self.only_folder and count == len(parts): return False
            subject = b"/".join(parts[:count]) if self.anchored else parts[count - 1]
            if self.regex.fullmatch(subject): return True
        return False

def parse_states(words):
    for word in words:
        if word.startswith((b"-", b"!")):
            yield word[1:], (False if word[:1] == b"-" else None)
        elif b"=" in word:
            key, _, value = word.partition(b"=")
            yield key, value
        else:
            yield word, True

class Attributes:
    """The attributes that the .gitattributes files of one proved tree set."""

    def __init__(self, blobs):
        """`blobs`: {path of a .gitattributes file: bytes}."""
        self.macros = {b"binary": [(b"diff", False), (b"merge", False), (b"text", False)]}
        self.rules = {}
        for path in sorted(blobs, key=lambda p: p.count(b"/")):
            folder = path.rpartition(b"/")[0]
            self.rules[folder] = list(self.parse(blobs[path], folder))

    def parse(self, data, folder):
        for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            line = line.strip(b" \t\r")
            if not line or line.startswith(b"#"):
                continue
            quoted = re.match(rb'"((?:[^"\\]|\\.)*)"[ \t]', line)
            pattern = re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else line.split()[0]
            words = line[quoted.end():].split() if quoted else line.split()[1:]
            if pattern.startswith(b"[attr]"):
                if not folder:
                    self.macros[pattern[6:]] = list(parse_states(words))
                continue
            if pattern.startswith(b"!") or pattern.endswith(b"/"): continue
            yield b"/" in pattern, translate(pattern.removeprefix(b"/")), list(parse_states(words))

    def of(self, path):
        """{attribute: True, False, None or bytes} of a file; later and deeper lines count."""
        result, parts = {}, path.split(b"/")
        for count in range(len(parts)):
            folder = b"/".join(parts[:count])
            below = b"/".join(parts[count:])
            for anchored, regex, states in self.rules.get(folder, ()):
                if regex.fullmatch(below if anchored else parts[-1]):
                    self.set(result, states, 0)
        return result

    def set(self, result, states, depth):
        for key, value in states:
            result[key] = value
            if value is True and key in self.macros and depth < 8:
                self.set(result, self.macros[key], depth + 1)
