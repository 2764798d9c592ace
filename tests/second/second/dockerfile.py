"""The instructions of a Dockerfile, and their comparison with the steps in the log."""

import re

from . import buildlog, names
from .checks import fail, not_run, passed, unknown

WORDS = buildlog.WORDS
DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z]+)[ \t]*=[ \t]*(.*?)[ \t]*")

def instructions(data):
    """The instructions, one text each: continued lines joined, comments and empty lines removed."""
    text = data.decode("utf-8").removeprefix("\ufeff")
    escape, found, current, directives = "\\", [], None, True
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        match = DIRECTIVE.fullmatch(line.strip())
        if directives and match:
            if match[1].lower() == "escape" and match[2] in ("\\", "`"):
                escape = match[2]
            continue
        directives = False
        if line.lstrip().startswith("#") or not line.strip():
            continue
        bare = line.rstrip()
        continued = bare.endswith(escape)
        part = bare[:-1] if continued else bare
        current = part if current is None else current + part
        if not continued:
            found.append(current)
            current = None
    if current is not None:
        found.append(current)
    return [normal(instruction) for instruction in found]

def normal(instruction):
    """The keyword, one blank and the arguments without blanks around them."""
    return " ".join(instruction.split(None, 1)).rstrip()

def same(step, instruction):
    """Is this step of the log this instruction? A FROM may have a digest where the Dockerfile has a tag."""
    step = normal(step)
    word, _, rest = step.partition(" ")
    other_word, _, other_rest = instruction.partition(" ")
    if word.upper() != other_word.upper(): return False
    if rest == other_rest: return True
    if word.upper() != "FROM": return False
    mine, theirs = rest.split(" "), other_rest.split(" ")
    if len(mine) != len(theirs): return False
    for logged, written in zip(mine, theirs):
        if logged == written: continue
        repository, _, digest = names.split_image(logged)
        expected, _, fixed = names.split_image(written)
        full = names.full_repository(repository)
        if not digest or fixed or full is None or "$" in written or full != names.full_repository(expected): return False
    return True

def find(work, path):
    """(the bytes of a file in the proved trees, the answer if they are not known)."""
    repository = work.repository
    entry = repository.tree.get(path)
    module = next((name for name in work.modules if path.startswith(name + b"/")), None)
    if module is not None:
        inner = work.modules[module]
        if inner is None: return None, unknown("the submodule has no files")
        return find(inner, path[len(module) + 1:]) if inner else (None, not_run("refused", cause="source-tree"))
    if entry is None and any(path.startswith(folder) for folder in repository.incomplete):
        return None, not_run("refused", cause="source-objects")
    data = repository.store.get(entry[2], b"blob") if entry and entry[1] != "commit" else None
    return data, fail("the Dockerfile is not in the commit's proved objects") if data is None else None

def check(case):
    """The check `source-dockerfile`."""
    path = (case.expect("dockerfile") or "Dockerfile").removeprefix("./").encode()
    repository = case.repository
    if repository is None or not repository.proved: return not_run("refused", cause="source-objects")
    data, answer = find(case.work, path)
    if answer: return answer
    steps = buildlog.single_stage_steps(case.log) if case.log else None
    if case.log and steps is None: return unknown("the log's steps cannot be compared")
    try:
        expected = instructions(data)
    except UnicodeDecodeError:
        expected = []
    if not expected or any(not re.fullmatch(WORDS, instruction.split(" ")[0]) for instruction in expected):
        return unknown("the Dockerfile cannot be read")
    if not case.log: return not_run("no-evidence")
    if len(steps) != len(expected) or not all(map(same, steps, expected)):
        return fail("the log's steps are not the Dockerfile's instructions")
    return passed()

def check_bases(case):
    """The check `base-image`."""
    wanted = case.expect("base-images")
    if case.log and len(case.log.builders) > 1: return unknown("a program printed lines of another builder")
    if case.log and not buildlog.in_order(case.log): return unknown("the steps are not in order: a program may have printed one")
    if wanted is None: return not_run("no-expectation")
    if case.log is None: return not_run("no-evidence")
    bases = buildlog.bases(case.log)
    if not bases: return not_run("no-evidence")
    allowed = set()
    for name in wanted:
        repository, _, digest = names.split_image(name)
        allowed.add((names.full_repository(repository), digest))
    without = False
    for image, digest in bases:
        repository = None if "$" in image else names.full_repository(names.split_image(image)[0])
        if digest is None and repository in {name for name, _ in allowed}:
            without = True
        elif (repository, digest) not in allowed:
            return fail("a base image is not the policy's")
    return unknown("a base image without a digest") if without else passed()
