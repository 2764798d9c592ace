"""data/build.log: which lines count (docs/format.md, "data/build.log")."""

import re
from dataclasses import dataclass, field

from . import names
from .limits import check_limit

N = r"(?:0|[1-9][0-9]{0,18})"
WORDS = ("(?i:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER"
         "|VOLUME|WORKDIR)")
HEX64 = "[0-9a-f]{64}"
ENTRY = re.compile(r"\S+ \S+ +(\S+) +(DEBUG|INFO|WARNING|ERROR|CRITICAL) +(.*)", re.S)
STEP = f"#(?P<step>{N}) "
STAGE = rf"\[(?:[^\]]* )?{N}/{N}\]"
# A builder's own lines: (builder, pattern, name of the pattern).
OWN = [(builder, re.compile(pattern, re.S), name) for builder, pattern, name in (
    ("docker", rf"Step (?P<n>{N})/(?P<m>{N}) : (?P<text>(?:{WORDS})(?: .*)?)", "step"), ("docker", "Successfully built [0-9a-f]{12}", "id"),
    ("podman", rf"STEP (?P<n>{N})/(?P<m>{N}): (?P<text>(?:{WORDS})(?: .*)?)", "step"),
    ("podman", rf"\[(?P<stage>{N})/(?P<stages>{N})\] STEP (?P<n>{N})/(?P<m>{N}): (?P<text>(?:{WORDS})(?: .*)?)", "step"),
    ("podman", rf"STEP (?P<n>{N}): (?P<text>(?:{WORDS}|COMMIT)(?: .*)?)", "old-step"),
    ("buildkit", rf"{STEP}{STAGE} (?P<text>(?:{WORDS})(?: .*)?)", "step"), ("buildkit", rf"{STEP}FROM .+", "copied"),
    ("buildkit", rf"{STEP}\[internal\] .*", "internal"), ("buildkit", rf"{STEP}writing image sha256:{HEX64}(?: .*)?", "id"),
    ("buildkit", rf"{STEP}pushing manifest for (?P<name>\S+?)(?:@(?P<digest>sha256:{HEX64}))?(?: [0-9.]+s)? done", "push"),
    ("buildkit", rf"{STEP}pushing (?P<name>\S+) with docker", "push"),
    ("buildkit", rf"{STEP}pushing (?:layers?(?: .*)?|manifest for \S+.*)", "pushing"),)]
PRINTED = [re.compile(pattern, re.S) for pattern in (
    r"# Executing .+ build trigger.*", " ?---> .*", "--> .*", "COMMIT .*", "Removing intermediate container .*",
    rf"{STEP}(?:DONE|CACHED|ERROR|CANCELED)(?:[ :].*)?", rf"{STEP}exporting .*", "Successfully tagged .+", rf"{STEP}naming to .+")]
STOPPED = re.compile(rf"{STEP}(?:ERROR|CANCELED)(?:[ :].*)?", re.S)
PUSH_TO = re.compile(r"The push refers to repository \[(.*)\]", re.S)
PUSHED = re.compile(rf"(.+?): digest: (sha256:{HEX64}) size: ({N})")
SIGNED = re.compile(r"Successfully signed (.+)", re.S)
PULLED = re.compile(rf"Digest: (sha256:{HEX64})")

@dataclass
class Line:
    text: str
    server: bool            # may be a line of the server: begins an entry, and has no `run: `
    builder: str = ""       # docker, podman or buildkit: an own line of that builder
    form: str = ""
    match: object = None
    printed: bool = False   # a line that a build prints

@dataclass
class Push:
    repository: str = ""
    tag: str = ""
    digest: str = ""
    size: str = ""
    whole_name: bool = False    # the line names an image; without a tag, it says too little

@dataclass
class Log:
    lines: list
    times: list
    builders: set = field(default_factory=set)
    last: int = -1          # the last line that a build prints
    pushes: list = field(default_factory=list)      # lines of the push and of content trust that count
    early: int = 0          # push lines that do not count
    failed: bool = False    # a step of BuildKit's push failed
    pushed: bool = False    # a line that counts states a push, not only its address or a signature

    def server_values(self, key, after_build=False):
        """The values of the server's lines `key=VALUE`."""
        found = []
        for index, line in enumerate(self.lines):
            counts = not after_build or 0 <= self.last < index
            if line.server and counts and line.text.startswith(key + "="):
                found.append(line.text[len(key) + 1:])
        return found

def read_log(data):
    lines, times = [], []
    for line in data.split(b"\n"):
        check_limit("build_log_line_bytes", len(line))
        raw = line.decode("utf-8", "replace").rstrip()
        moment = names.log_time(raw)
        entry = ENTRY.match(raw) if moment else None
        if entry:
            times.append(moment)
        text = entry[3] if entry else raw
        run = text.startswith("run: ")
        lines.append(classify(Line(text[5:] if run else text, bool(entry) and not run)))
    log = Log(lines, times)
    for index, line in enumerate(lines):
        if line.printed:
            log.last = index
        if line.builder:
            log.builders.add(line.builder)
    find_pushes(log)
    return log

def classify(line):
    for builder, pattern, form in OWN:
        match = pattern.fullmatch(line.text)
        if match:
            line.builder, line.form, line.match, line.printed = builder, form, match, True
            return line
    line.printed = any(pattern.fullmatch(line.text) for pattern in PRINTED)
    return line

def find_pushes(log):
    kit = log.builders == {"buildkit"}
    stops = [(index, STOPPED.fullmatch(line.text)) for index, line in enumerate(log.lines)]
    stopped = {stop["step"]: index for index, stop in stops if stop}
    for index, line in enumerate(log.lines):
        if line.form == "push":
            if kit and stopped.get(line.match["step"], -1) < index:
                repository, tag, _ = names.split_image(line.match["name"])
                log.pushes.append(Push(repository, tag or "", line.match.groupdict().get("digest") or "", "", True))
                log.pushed = True
            else:
                log.early += 1
                log.failed |= kit
            continue
        push = push_line(line.text)
        if push and log.last >= 0 and index > log.last:
            log.pushes.append(push)
            log.pushed |= bool(push.digest)
        elif push:
            log.early += 1

def push_line(text):
    match = PUSH_TO.fullmatch(text)
    if match:
        repository, tag, digest = names.split_image(match[1])
        return Push("?" if tag is not None or digest is not None or not repository else repository)
    match = PUSHED.fullmatch(text)
    if match and int(match[3]) < 1 << 64: return Push("", match[1], match[2], match[3])
    match = SIGNED.fullmatch(text)
    if match:
        repository, tag, _ = names.split_image(match[1])
        return Push(repository, tag or "", "", "", True)
    return None

def steps(log):
    """The numbered steps as (text, index of the line), or None if the log does not number them in one order."""
    if len(log.builders) != 1 or log.builders == {"buildkit"}: return None
    found = [(line, index) for index, line in enumerate(log.lines) if line.form in ("step", "old-step")]
    return found

def single_stage_steps(log):
    """Steps that can be compared with a Dockerfile: docker's, and podman's `STEP n/m` of a single stage."""
    found = steps(log)
    if not found: return None
    if log.builders == {"podman"} and any("stage" in line.match.groupdict() or line.form == "old-step" for line, _ in found): return None
    if [(int(line.match["n"]), int(line.match["m"])) for line, _ in found] != [(n + 1, len(found)) for n in range(len(found))]:
        return []       # not each step once: no Dockerfile has these instructions
    return [line.match["text"] for line, _ in found]

FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*", re.I)

def bases(log):
    """(image as written, digest or None) of every FROM that names a base image."""
    found, stages = [], set()
    for index, line in enumerate(log.lines):
        if line.form not in ("step", "old-step"): continue
        match = FROM.fullmatch(line.match["text"])
        if not match: continue
        image, alias = match[1], match[2]
        if image.lower() not in stages and image != "scratch":
            found.append((image, names.split_image(image)[2] or pulled(log, index)))
        if alias:
            stages.add(alias.lower())
    return found

def pulled(log, index):
    """The digest in the lines of the pull directly after a FROM of docker's classic builder."""
    if log.lines[index].builder != "docker": return None
    for line in log.lines[index + 1:]:
        other = line.server and re.match(r"cmd=|keyid=|publickey=|starting a build\Z", line.text)
        if line.printed or other or push_line(line.text): return None
        match = PULLED.fullmatch(line.text)
        if match: return match[1]
    return None

def in_order(log):
    """Does every numbered step appear once and in order? If not, a program printed one of them."""
    stage, number, total = 0, 0, 0
    for line, _ in steps(log) or []:
        groups = line.match.groupdict()
        current, n, m = int(groups.get("stage") or 1), int(groups["n"]), int(groups.get("m") or 0)
        first = n == 1 and (current == stage + 1 and number == total or line.form == "old-step")
        if not first and not (current == stage and n == number + 1): return False
        stage, number, total = current, n, m
    return True
