"""Times, build names, image names and repository addresses."""

import datetime as dt
import re
from dataclasses import dataclass

UTC = dt.timezone.utc
STAMP = re.compile(r"(.+)\.(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(\.\d{6})?", re.A)
LOG_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d),(\d{3})", re.A)
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.A)
BUILD_NAME = re.compile(r"(?!\.)[A-Za-z0-9._:-]{1,236}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")

def split_build_name(name):
    """(subject, moment), or None if the name does not have the form `<subject>.<stamp>`."""
    match = STAMP.fullmatch(name)
    if not match: return None
    try:
        moment = dt.datetime.strptime(match[2], "%Y-%m-%d_%H-%M-%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return match[1], moment + dt.timedelta(seconds=float(match[3] or 0))

def log_time(line):
    """The time at the beginning of a log line, or None."""
    match = LOG_TIME.match(line)
    if not match: return None
    year, month, day, hour, minute, second, milli = map(int, match.groups())
    try:
        return dt.datetime(year, month, day, hour, minute, second, milli * 1000, UTC)
    except ValueError:
        return None

def rfc3339(text):
    if not RFC3339.fullmatch(text): raise ValueError("not an RFC 3339 time")
    text = re.sub(r"(:\d\d):60", r"\1:59", text, count=1)
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.upper().replace(" ", "T"))
    text = re.sub(r"\.(\d{1,5})(?!\d)", lambda m: "." + m[1].ljust(6, "0"), text)
    return dt.datetime.fromisoformat(text).astimezone(UTC)

def commit_digits(tag):
    """The seven commit digits that end an image tag, or None."""
    match = re.search(r"-([0-9a-f]{7})\Z", tag or "")
    return match[1] if match else None

def split_image(name):
    """(repository, tag, digest) of an image name as written; tag and digest may be None."""
    rest, at, digest = name.partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    repository, tag = (rest, None) if colon < 0 else (rest[:colon], rest[colon + 1:])
    return repository, tag, digest if at else None

COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?")

def image_tag(text):
    """(repository or None, tag) of build.json's image_tag: a valid name with a tag, or else only a tag."""
    repository, tag, _ = split_image(text)
    return (repository, tag) if tag and TAG.fullmatch(tag) and full_repository(repository) else (None, text)

def full_repository(repository):
    """`nginx` as `docker.io/library/nginx`; None if this is not a repository's name."""
    first, slash, rest = repository.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        first, rest = "docker.io", repository
    if first in ("index.docker.io", "registry-1.docker.io"):
        first = "docker.io"
    if first == "docker.io" and "/" not in rest:
        rest = "library/" + rest
    if not REGISTRY.fullmatch(first) or not all(COMPONENT.fullmatch(part) for part in rest.split("/")): return None
    return first + "/" + rest

def dotted(repository):
    """How a repository begins a build's name: with its push server, and `/` written as a dot."""
    return (full_repository(repository) or repository).replace("/", ".")

@dataclass(frozen=True)
class Address:
    host: str
    path: str

SCHEMES = {"ssh": "22", "git+ssh": "22", "ssh+git": "22", "https": "443", "http": "80", "git": "9418"}
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")

def address(text, bare=False):
    """A source repository's address, or None. `bare` also accepts `github.com/acme/wallet`."""
    scheme, separator, rest = text.partition("://")
    port = ""
    if separator:
        default = SCHEMES.get(scheme.lower())
        authority, _, path = rest.partition("/")
        if default is None or re.search(r"[?#\\]", rest):
            return None
        host = authority.rpartition("@")[2]
        host, colon, port = host.partition(":")
        if colon and not re.fullmatch(r"[0-9]{1,5}", port): return None
        port = "" if port == default else port
    else:
        head, colon, path = text.partition(":")
        if colon and "/" not in head:
            host = head.rpartition("@")[2]
        elif bare and "/" in text and "@" not in text and ":" not in text:
            host, _, path = text.partition("/")
            if "." not in host: return None
        else:
            return None
    return make_address(host, port, path)

def make_address(host, port, path):
    path = path.strip("/")
    if path.endswith(".git"):
        path = path[:-4].rstrip("/")
    parts = path.split("/")
    if not HOST.fullmatch(host) or not path or any(part in ("", ".", "..") for part in parts): return None
    if re.search(r"[\x00-\x20\x7f?#\\:@]", path):
        return None
    return Address(host.lower() + (":" + port if port else ""), path)
