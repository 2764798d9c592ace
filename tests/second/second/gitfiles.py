"""The text files of a repository: config, HEAD, refs, packed-refs and shallow."""

import re

from . import names
from .limits import LIMITS

ID = re.compile(rb"[0-9a-f]{40}")

class Fault(Exception):
    """Something that makes `source-objects` fail."""

def parse_config(data):
    """[(section, subsection or None, key, value or None)], as git reads a config. Raises Fault."""
    if len(data) > LIMITS["git_config_bytes"] or b"\0" in data: raise Fault("a config is too large, or contains a NUL")
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").replace("\r\n", "\n")
    entries, section, at = [], None, 0
    header = re.compile(r'\[([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\\n]|\\[^\n])*)")?\]')
    key = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*(=?)")
    while at < len(text):
        if text[at] in " \t\n\r\f\v":
            at += 1
        elif text[at] in "#;":
            at = text.find("\n", at) % (len(text) + 1)
        elif text[at] == "[":
            match = header.match(text, at)
            if not match: raise Fault("a config with a section that cannot be read")
            section = section_name(match)
            at = match.end()
        else:
            match = key.match(text, at)
            if not match or section is None: raise Fault("a config with a line that cannot be read")
            at, value = match.end(), None
            if match[2]:
                value, at = config_value(text, at)
            elif text[at:at + 1] not in ("", "\n", "#", ";"):
                raise Fault("a config with a line that cannot be read")
            entries.append((*section, match[1].lower(), value))
    return entries

def section_name(match):
    if match[2] is not None: return match[1].lower(), re.sub(r"\\(.)", r"\1", match[2])
    name, dot, sub = match[1].lower().partition(".")
    return name, sub if dot else None

def config_value(text, at):
    """A value up to the end of its line: quotes, escapes, comments, continued lines."""
    out, quoted, blanks = [], False, ""
    escapes = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}
    while at < len(text) and text[at] != "\n":
        letter = text[at]
        at += 1
        if letter in " \t\f\v\r" and not quoted:
            blanks += letter if out else ""
            continue
        if letter in "#;" and not quoted:
            at = text.find("\n", at) % (len(text) + 1)
            break
        out.append(blanks)
        blanks = ""
        if letter == '"':
            quoted = not quoted
        elif letter == "\\":
            follow = text[at:at + 1]
            at += 1
            if follow != "\n":
                if follow not in escapes or not follow: raise Fault("a config with an unknown escape")
                out.append(escapes[follow])
        else:
            out.append(letter)
    if quoted: raise Fault("a config with an open quote")
    return "".join(out), at

def valid_ref(name):
    """git check-ref-format, for full names below refs/."""
    if not name.startswith(b"refs/") or name.endswith((b"/", b".")) or b"@{" in name or b".." in name or b"//" in name: return False
    if re.search(rb"[\x00-\x20\x7f~^:?*\[\\]", name): return False
    return not any(part.startswith(b".") or part.endswith(b".lock") for part in name.split(b"/"))

def parse_ref(data):
    """(commit id, None) or (None, name of the ref it points to). Raises Fault."""
    match = re.fullmatch(rb"([0-9a-f]{40})\n?", data)
    if match: return match[1].decode(), None
    match = re.fullmatch(rb"ref: (refs/[^\n]+)\n?", data)
    if match and valid_ref(match[1]): return None, match[1]
    raise Fault("a ref that cannot be read")

def parse_packed_refs(data):
    """{name: id}. A header promises sorted names; a peeled id follows its ref."""
    refs, lines = {}, data.split(b"\n")
    if lines.pop(): raise Fault("packed-refs without a final newline")
    header = lines.pop(0) if lines and lines[0].startswith(b"#") else b""
    name, last = None, b""
    for line in lines:
        if name and re.fullmatch(rb"\^[0-9a-f]{40}", line):
            name = None
            continue
        match = re.fullmatch(rb"([0-9a-f]{40}) (.+)", line)
        if not match or not valid_ref(match[2]) or match[2] in refs: raise Fault("a line of packed-refs that git would not write")
        name = match[2]
        if b"sorted" in header.split(b" ") and name < last: raise Fault("packed-refs that are not sorted")
        refs[name], last = match[1].decode(), name
    return refs

def parse_shallow(data):
    lines = [line for line in data.split(b"\n") if line]
    if not all(ID.fullmatch(line) for line in lines): raise Fault("a shallow file that cannot be read")
    return {line.decode() for line in lines}

FLAGS = {"true": True, "yes": True, "on": True, "1": True, "": False, "false": False, "no": False, "off": False, "0": False}

def settings(files):
    """The entries of `config` and, if it is read, of `config.worktree`; and whether all of them are known."""
    found, known = [], True
    try:
        found += parse_config(files.get(b"config", b""))
        flags = [FLAGS.get("true" if value is None else value.lower()) for section, sub, key, value in found
                 if (section, sub, key) == ("extensions", None, "worktreeconfig")]
        known = None not in flags
        if flags and flags[-1]:
            found += parse_config(files.get(b"config.worktree", b""))
    except Fault:
        known = False
    return found, known

def elsewhere(files):
    """Can git fetch from an address that is not a remote's url?"""
    entries, known = settings(files)
    urls = {sub for section, sub, key, value in entries if (section, key) == ("remote", "url")}
    named = {sub for sub in urls if sub and not sub.startswith("/")}
    odd = any(section in ("include", "includeif") or sub is not None and (section, key) == ("remote", "vcs")
              or section in ("bundle", "remotes") or (section, key) == ("fetch", "bundleuri")
              or sub is not None and (section, key) == ("branch", "remote") and value != "." and value not in named
              or sub is not None and section == "remote" and sub not in urls
              or (section, key) == ("extensions", "partialclone") and value not in named
              for section, sub, key, value in entries)
    return odd or not known or any(path.startswith((b"remotes/", b"branches/")) for path in files)

def remotes(entries):
    """The addresses of all remotes after `insteadOf`: [text]."""
    rules = [(value, sub) for section, sub, key, value in entries
             if section == "url" and key == "insteadof" and value is not None and sub is not None]
    found = []
    for section, sub, key, value in entries:
        if section == "remote" and key == "url":
            best = max((rule for rule in rules if (value or "").startswith(rule[0])), key=lambda r: len(r[0]), default=None)
            found.append(best[1] + value[len(best[0]):] if best else value or "")
    return found

def remote_addresses(files):
    return [names.address(url) for url in remotes(settings(files)[0])]
