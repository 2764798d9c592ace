"""The checks of the group `manifest` that need the signed archive."""

import datetime as dt
import hashlib
import os
import re

from . import names, strict_json
from .checks import fail, not_run, passed, unknown
from .limits import NoVerdict, malformed, read_file

TEXT_FIELDS = ("status", "build_name", "image_tag", "build_image_tag", "manifest_key_gen", "manifest_public_key")
PUSHED = ("image pushed", "success")

def read_record(files):
    """data/build.json: a JSON object with a `status`; the known fields are strings or null."""
    if b"data/build.json" not in files: raise malformed("data/build.json is missing")
    try:
        record = strict_json.loads(bytes(files[b"data/build.json"].data))
    except (ValueError, RecursionError) as error:
        raise malformed(f"data/build.json: {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("status"), str):
        raise malformed("data/build.json is not an object with a status")
    for name in TEXT_FIELDS:
        if not isinstance(record.get(name), (str, type(None))): raise malformed(f"data/build.json: {name} is not a string")
    return record

def build_time(record, log):
    """The stamp of build.json's build_name, or else the last time in the log."""
    split = names.split_build_name(record.get("build_name") or "")
    if split: return split[1]
    return log.times[-1] if log and log.times else None

def status(case):
    if case.record["status"] in PUSHED: return passed()
    return fail("the record does not state that the image was pushed")

def key(case):
    """Window and revocation, by the policy's entry for the key."""
    entry = case.policy_key
    if not entry: return passed()
    if entry.revoked and entry.revoked[1] == "compromised": return fail("the key is revoked as compromised")
    needs_time = entry.not_before or entry.not_after or entry.revoked
    if not needs_time: return passed()
    if case.time is None: return unknown("the archive states no time")
    if entry.not_before and case.time < entry.not_before or entry.not_after and case.time > entry.not_after:
        return fail("the build is outside the key's window")
    if entry.revoked and case.time > entry.revoked[0]: return fail("the key was superseded before the build")
    return passed()

def name(case):
    """Compares build.json's names with each other, with the members' names and with the file's name."""
    recorded, tag = case.record.get("build_name"), case.record.get("image_tag")
    whole = recorded or case.member_name
    split = names.split_build_name(whole)
    if not split: return fail("the build's name has no time stamp")
    if tag:
        repository, own = names.image_tag(tag)
        if not split[0].endswith("." + own): return fail("the build's name does not end with the tag")
        if repository is not None and split[0].removesuffix("." + own) != names.dotted(repository):
            return fail("the build's name is not the repository and tag")
    if case.member_name != whole: return fail("the members' names differ from build.json's")
    if os.path.basename(case.path) != f"manifest.{whole}.sig.tbz": return fail("the file's name differs from the build's name")
    return passed()

def own_tag(record):
    """The tag in build.json's image_tag, or None."""
    tag = record.get("image_tag")
    return names.image_tag(tag)[1] if tag else None

def version(text):
    numbers = [int(part) for part in text.split(".")] if re.fullmatch(r"[0-9]+(\.[0-9]+)*", text) else None
    return numbers if numbers and max(numbers) < 1 << 64 else None

def server(case):
    minimum = case.expect("min-server-version")
    if minimum is None: return not_run("no-expectation")
    stated = case.record.get("build_image_tag")
    if not stated: return not_run("no-evidence")
    found, least = version(stated), version(minimum)
    if found is None: return unknown("the version is not a list of numbers")
    width = max(len(found), len(least))
    pad = [part + [0] * (width - len(part)) for part in (found, least)]
    return passed() if pad[0] >= pad[1] else fail("the server is too old")

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}

def age(case):
    limit = case.expect("max-age")
    if limit is None: return not_run("no-expectation")
    if case.time is None: return not_run("no-evidence")
    if case.time > case.now + dt.timedelta(days=1): return fail("the build is in the future")
    seconds = int(limit[:-1]) * UNITS[limit[-1]]
    return passed() if (case.now - case.time).total_seconds() <= seconds else fail("the build is too old")

def root_ssh(case):
    enabled = case.record.get("root_ssh_enabled")
    folder = case.files.get(b"root_ssh")
    content = [member for member in case.files if member.startswith(b"root_ssh/")]
    if enabled is True or content or (folder and folder.kind != "folder"): return fail("root login was possible")
    if enabled is False: return passed()
    if enabled is None: return not_run("no-evidence")
    return unknown("root_ssh_enabled is neither true nor false")

def log_image(case):
    log = case.log
    images = case.expect("images")
    if log is None: return unknown("there is no log") if images else not_run("no-evidence")
    if log.last < 0 and log.early: return unknown("no line of a known builder: no push line counts")
    folders = log.server_values("github_dir")
    folder = case.folder
    if folder is not None and any(stated.encode() != folder for stated in folders): return fail("the log clones into a different folder")
    digests = {push.digest for push in log.pushes if push.digest}
    sizes = {push.size for push in log.pushes if push.size}
    if len(digests) > 1 or len(sizes) > 1: return fail("the pushes have different digests or sizes")
    fault = wrong_names(case, log.pushes)
    if fault: return fail(fault)
    allowed = {names.full_repository(image) for image in images or ()}
    repositories = {push.repository for push in log.pushes if push.repository}
    bad_name = repositories and case.record.get("build_name") and not names.BUILD_NAME.fullmatch(case.record["build_name"])
    if images and any(names.full_repository(repository) not in allowed for repository in repositories):
        return fail("the policy does not allow the pushed image")
    if bad_name: return not_run("refused", "there is no build name to compare with", "manifest-name")
    if log.failed and not log.pushed: return unknown("the push failed")
    if log.early and not any(push.repository or push.digest for push in log.pushes): return unknown("no push line counts")
    if images and not repositories: return unknown("the log does not state which image was pushed")
    if not folders and not log.pushes: return not_run("no-evidence")
    return passed()

def wrong_names(case, pushes):
    """What disagrees between the pushed names and tags and the build's name and tag."""
    recorded = case.record.get("build_name")
    split = names.split_build_name(recorded or case.member_name)
    subject = split[0] if split else None
    tags = {push.tag for push in pushes if push.tag}
    own = own_tag(case.record)
    if own is None and recorded and subject:
        ends = [tag for tag in tags if subject.endswith("." + tag)]
        own = max(ends, key=len) if ends else None
    if own is None and len(tags - {"latest"}) == 1:
        own = next(iter(tags - {"latest"}))
    if any(push.whole_name and not push.tag for push in pushes): return "a signed or pushed name without a tag"
    if tags - {own, "latest"}: return "a pushed or signed tag is not the build's"
    for push in pushes:
        if not push.repository or recorded and not names.BUILD_NAME.fullmatch(recorded):
            continue        # manifest-name fails for such a name
        begin = names.dotted(push.repository) + "."
        rest = subject[len(begin):] if subject and subject.startswith(begin) else None
        if rest is None or (rest != own if own is not None else not names.TAG.fullmatch(rest)):
            return "the pushed image is not the one in the build's name"
    return None

def log_key(case):
    log = case.log
    ids = sorted(set(log.server_values("keyid", True))) if log else []
    certificates = sorted(set(log.server_values("publickey", True))) if log else []
    if not ids and not certificates:
        early = log and (log.server_values("keyid") or log.server_values("publickey"))
        return unknown("no line counts") if early else not_run("no-evidence")
    if len(ids) != 1 or len(certificates) != 1: return unknown("the log does not have exactly one key id and one certificate")
    text = '{"keytype":"ecdsa-x509","keyval":{"private":null,"public":"%s"}}' % certificates[0]
    if hashlib.sha256(text.encode()).hexdigest() != ids[0]: return fail("the key id is not that of the certificate")
    return passed()

def log_order(case):
    times = case.log.times if case.log else []
    if not times: return not_run("no-evidence")
    if any(later < earlier for earlier, later in zip(times, times[1:])): return fail("the log's times decrease")
    split = names.split_build_name(case.record.get("build_name") or case.member_name)
    if split and times[-1] > split[1] + dt.timedelta(seconds=1): return fail("the log continues after the build's stamp")
    return passed()

def read_answer(folder, file):
    """A saved response as JSON, or None if there is none. Raises ValueError if it cannot be read."""
    path = os.path.join(folder, file)
    if not os.path.lexists(path): return None
    try:
        return strict_json.loads(read_file(path, "server_answer_bytes"))
    except (NoVerdict, RecursionError) as error:
        raise ValueError(str(error)) from error

def server_record(case):
    """Compares the build server's saved responses with the signed archive."""
    folder = os.path.dirname(os.path.abspath(case.path))
    if case.bundles_in_folder != 1: return not_run("no-evidence")
    try:
        state = read_answer(folder, "status.json")
        digest = read_answer(folder, "image-digest.json")
    except ValueError as error:
        return fail(f"a saved response cannot be read: {error}")
    if state is None and digest is None: return not_run("no-evidence")
    compared = 0
    if state is not None:
        if not isinstance(state, dict) or any(not isinstance(state.get(f), (str, type(None))) for f in TEXT_FIELDS[:4]):
            return fail("the saved status is not a status")
        if state.get("status") and state["status"] not in PUSHED: return fail("the saved status is not that of a push")
        for field in TEXT_FIELDS[1:4]:
            saved, signed = state.get(field), case.record.get(field)
            if field == "build_name": signed = signed or case.member_name
            if saved and signed:
                if saved != signed: return fail(f"the saved {field} differs")
                compared += field != "build_image_tag"
    if digest is not None:
        repository, _, value = names.split_image(digest) if isinstance(digest, str) else ("", None, None)
        if not value or not names.DIGEST.fullmatch(value): return fail("the saved digest is not an image's digest")
        pushes = case.log.pushes if case.log else []
        digests, repositories = {p.digest for p in pushes if p.digest}, {p.repository for p in pushes if p.repository}
        if digests and value not in digests or repositories and repository not in repositories:
            return fail("the saved digest is a different image's")
        compared += bool(digests)
    return passed() if compared else not_run("no-evidence")
