"""The policy (docs/policy.md): strict reading of one TOML file."""

import datetime as dt
import os
import re
import tomllib
from dataclasses import dataclass, field

from . import checks, names
from .keys import load_key
from .limits import NoVerdict, read_file

UTC = dt.timezone.utc
TOP = {"version", "require", "keys", "expect", "levels", "waivers", "trust", "workload", "builder", "signers"}
HEX = re.compile("[0-9a-f]{64}")
GRADES = ("command-line", "recorded", "witnessed", "challenged")

@dataclass
class PolicyKey:
    fingerprint: str
    key: object = None          # None if only a fingerprint is given
    name: str = ""
    not_before: object = None
    not_after: object = None
    revoked: object = None      # (moment, reason)
    record: object = None       # only whether there is one

@dataclass
class Policy:
    require: list
    keys: list = field(default_factory=list)
    expect: dict = field(default_factory=dict)
    levels: dict = field(default_factory=dict)
    waivers: list = field(default_factory=list)

def wrong(message):
    return NoVerdict("policy", message)

def typed(table, name, kind, what):
    """A field of a table, or None; its type must be right."""
    value = table.get(name)
    if name in table and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise wrong(f"{what}: `{name}` has the wrong type")
    return value

def known(table, fields, what):
    if not isinstance(table, dict): raise wrong(f"{what} is not a table")
    extra = set(table) - set(fields)
    if extra: raise wrong(f"{what}: unknown fields {sorted(extra)}")

def texts(table, name, what, may_be_empty=False):
    value = typed(table, name, list, what)
    if value is None: return None
    if not all(isinstance(item, str) for item in value) or (not value and not may_be_empty):
        raise wrong(f"{what}: `{name}` must be a list of texts, and not empty")
    return value

def tables(table, name):
    value = typed(table, name, list, "the policy") or []
    if name in table and not value or not all(isinstance(item, dict) for item in value):
        raise wrong(f"[[{name}]] must be a list of tables, and not empty")
    return value

def text(table, name, what, needed=False):
    value = typed(table, name, str, what)
    if needed and value is None: raise wrong(f"{what}: `{name}` is missing")
    return value

def moment(value, what):
    """A time with an offset, or a date as its first moment in UTC."""
    if isinstance(value, dt.datetime) and value.tzinfo: return value.astimezone(UTC)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise wrong(f"{what} is not a time with an offset")

def load(path):
    data = read_file(path, "policy_bytes")
    try:
        top = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise wrong(f"not TOML: {error}") from error
    known(top, TOP, "the policy")
    if typed(top, "version", int, "the policy") != 1: raise wrong("`version` must be 1")
    require = texts(top, "require", "the policy")
    if not require or set(require) - set(checks.GROUPS) or len(set(require)) != len(require):
        raise wrong("`require` must list known groups, each once")
    policy = Policy(require)
    folder = os.path.dirname(os.path.abspath(path))
    for table in tables(top, "keys"):
        policy.keys.append(read_key(table, folder))
    prints = [key.fingerprint for key in policy.keys]
    if len(set(prints)) != len(prints): raise wrong("two keys with the same fingerprint")
    policy.expect = read_expect(typed(top, "expect", dict, "the policy") or {})
    policy.levels = read_levels(typed(top, "levels", dict, "the policy") or {})
    policy.waivers = read_waivers(tables(top, "waivers"))
    check_required(policy)
    if any(key.revoked and key.revoked[1] == "compromised" for key in policy.keys):
        if policy.levels.get("manifest-key", "require") != "require": raise wrong("manifest-key is weakened for a compromised key")
        if any(waiver["check"] == "manifest-key" for waiver in policy.waivers): raise wrong("a compromised key is waived")
    check_other_tables(top)
    return policy

def read_key(table, folder):
    known(table, ("name", "sha256", "file", "not-before", "not-after", "revoked", "record"), "a key")
    what = "the key " + text(table, "name", "a key", True)
    pin, file = text(table, "sha256", what), text(table, "file", what)
    if pin is None and file is None or pin is not None and not HEX.fullmatch(pin):
        raise wrong(f"{what} needs a file or a fingerprint of 64 lower-case digits")
    key = None
    if file is not None:
        key = load_key(read_file(os.path.join(folder, file), "key_file_bytes"), what)
        if pin not in (None, key.fingerprint): raise wrong(f"{what}: fingerprint and file disagree")
    result = PolicyKey(pin or key.fingerprint, key, table["name"], record=text(table, "record", what))
    if result.record is not None: read_file(os.path.join(folder, result.record), "key_file_bytes")
    if "not-before" in table:
        result.not_before = moment(table["not-before"], what)
    if "not-after" in table:
        result.not_after = moment(table["not-after"], what)
    if result.not_before and result.not_after and result.not_before > result.not_after:
        raise wrong(f"{what}: the window ends before it begins")
    revoked = typed(table, "revoked", dict, what)
    if revoked is not None:
        known(revoked, ("at", "reason"), what)
        if revoked.get("reason") not in ("superseded", "compromised"): raise wrong(f"{what}: unknown reason")
        result.revoked = (moment(revoked.get("at"), what), revoked["reason"])
    return result

def read_expect(table):
    known(table, checks.EXPECT, "[expect]")
    result = {}
    for name in ("images", "repositories", "platforms", "base-images"):
        if name in table:
            result[name] = texts(table, name, "[expect]")
    if "untracked" in table:
        result["untracked"] = texts(table, "untracked", "[expect]", True)
    for name in ("branch", "commit", "min-server-version", "max-age", "minimum-grade", "dockerfile"):
        if name in table:
            result[name] = text(table, name, "[expect]", True)
            if not result[name]: raise wrong(f"[expect]: `{name}` is empty")
    check_expect(result)
    return result

def check_expect(e):
    forms = {"commit": "[0-9a-f]{40}", "min-server-version": r"[0-9]{1,19}(\.[0-9]{1,19})*", "max-age": "[0-9]{1,9}[dhms]",
             "minimum-grade": "|".join(GRADES)}
    for name, form in forms.items():
        if name in e and not re.fullmatch(form, e[name]): raise wrong(f"[expect]: `{name}` has a wrong form")
    for image in e.get("images", ()):
        repository, tag, digest = names.split_image(image)
        if tag is not None or digest is not None or not names.full_repository(repository):
            raise wrong(f"[expect]: {image} is not an image repository")
    for base in e.get("base-images", ()):
        repository, _, digest = names.split_image(base)
        if not digest or not names.DIGEST.fullmatch(digest) or not names.full_repository(repository):
            raise wrong(f"[expect]: {base} is not an image with a digest")
    for repository in e.get("repositories", ()):
        if not names.address(repository, True):
            raise wrong(f"[expect]: {repository} is not a repository's address")
    for platform in e.get("platforms", ()):
        if not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?", platform): raise wrong(f"[expect]: {platform} is not a platform")
    if any(pattern.startswith(("!", "#")) or not pattern.strip(" /") for pattern in e.get("untracked", ())):
        raise wrong("[expect]: a pattern of `untracked` has a wrong form")

def read_levels(table):
    for name, level in table.items():
        if name not in checks.CHECKS or level not in ("require", "warn", "off"): raise wrong(f"[levels]: {name} = {level}")
        if name == "manifest-signature" and level != "require": raise wrong("manifest-signature is always at `require`")
    return table

def read_waivers(items):
    seen, result = set(), []
    for table in items:
        known(table, ("check", "bundle", "owner", "reason", "expires"), "a waiver")
        for name in ("check", "bundle", "owner", "reason"):
            text(table, name, "a waiver", True)
        check = table["check"]
        if check not in checks.CHECKS or check == "manifest-signature" or checks.CHECKS[check][0] == "workload":
            raise wrong(f"a waiver for {check}")
        if not HEX.fullmatch(table["bundle"]) or (check, table["bundle"]) in seen:
            raise wrong("a waiver without a bundle's digest, or twice")
        seen.add((check, table["bundle"]))
        result.append(dict(table, expires=moment(table.get("expires"), "a waiver")))
    return result

def check_required(policy):
    level = checks.levels(policy)
    for group in policy.require:
        idle = {"source-approved"} | ({"source-repository"} if "repositories" not in policy.expect else set())
        if not any(level[name] == "require" for name, (of, _) in checks.CHECKS.items() if of == group and name not in idle):
            raise wrong(f"no check of the required group {group} is at `require`")

def check_other_tables(top):
    """[trust], [workload], [builder] and [[signers]]: only their fields, since their checks are out of scope."""
    for name, fields in (("trust", ("minimum", "reference", "signed-as", "remap", "signers")),
                         ("workload", ("contract-keys", "kinds-without-images")),
                         ("builder", ("roots", "workloads", "base-images", "root-archives"))):
        table = typed(top, name, dict, "the policy")
        if table is None: continue
        known(table, fields, f"[{name}]")
        if not table or any(value == [] for value in table.values()): raise wrong(f"[{name}] is empty, or a list in it")
        if name == "builder" and not all(HEX.fullmatch(item) for field in table for item in texts(table, field, "[builder]")):
            raise wrong("[builder]: not a digest")
        if name == "trust" and "minimum" in table:
            if not 1 <= typed(table, "minimum", int, "[trust]") <= len(table.get("signers", ())):
                raise wrong("[trust]: `minimum` exceeds the number of signers")
        if name == "trust" and table.get("reference", "exact") not in ("repo-digest-or-exact", "exact", "repository"):
            raise wrong("[trust]: unknown reference")
    for signer in tables(top, "signers"):
        known(signer, ("name", "ssh", "pem", "openpgp"), "a signer")
        text(signer, "name", "a signer", True)
        kinds = [name for name in ("ssh", "pem", "openpgp") if text(signer, name, "a signer")]
        if len(kinds) != 1: raise wrong("a signer needs exactly one key")
        if kinds == ["ssh"]:
            check_ssh(signer["ssh"])

def check_ssh(line):
    """Is this a whole public key line in OpenSSH's format? The key's numbers are not examined."""
    import base64
    import binascii
    fields = {"ssh-ed25519": 2, "ecdsa-sha2-nistp256": 3, "ssh-rsa": 3, "sk-ssh-ed25519@openssh.com": 3,
              "sk-ecdsa-sha2-nistp256@openssh.com": 4}
    words = line.split()
    try:
        blob, parts = base64.b64decode(words[1], validate=True), []
    except (IndexError, binascii.Error) as error:
        raise wrong("a signer's key cannot be read") from error
    while len(blob) >= 4 and 4 + int.from_bytes(blob[:4], "big") <= len(blob):
        size = int.from_bytes(blob[:4], "big")
        parts.append(blob[4:4 + size])
        blob = blob[4 + size:]
    if blob or len(parts) != fields.get(words[0]) or parts[0] != words[0].encode(): raise wrong("a signer's key cannot be read")
    if words[0] == "ssh-ed25519" and len(parts[1]) != 32: raise wrong("a signer's key cannot be read")
