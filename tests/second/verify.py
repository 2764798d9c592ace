#!/usr/bin/env python3
"""Verifies signed build manifests of IBM Hyper Protect Secure Build, independently of the program hpsb-audit.

See README.md next to this file for what is checked and what is out of scope.
"""

import argparse
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from second import approvals, checks, names, policy          # noqa: E402
from second.audit import Question, audit                     # noqa: E402
from second.keys import load_key                             # noqa: E402
from second.limits import EXIT, LIMITS, NoVerdict, read_file  # noqa: E402

WORST = (0, 1, 5, 4, 3, 2)
SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", help="bundles (*.sig.tbz) or folders with bundles")
    parser.add_argument("--key", action="append", default=[], help="a PEM file, or sha256:FINGERPRINT")
    parser.add_argument("--policy")
    parser.add_argument("--require", action="append", default=[])
    parser.add_argument("--approvals")
    parser.add_argument("--limit", action="append", default=[], help="NAME=NUMBER, with K, M or G")
    parser.add_argument("--now", required=True, help="the moment of the audit (RFC 3339)")
    return parser.parse_args(argv)

def usage(message):
    return NoVerdict("usage", message)

def set_limits(items):
    for item in items:
        match = re.fullmatch(r"([a-z_]+)=([0-9]+)([KMG]?)", item)
        if not match or match[1] not in LIMITS: raise usage(f"--limit {item}")
        LIMITS[match[1]] = int(match[2]) * SIZES[match[3]]

def trusted_keys(given, rules):
    """The policy's keys and the keys named on the command line."""
    listed = {key.fingerprint: key for key in rules.keys} if rules else {}
    found = dict(listed)
    for text in given:
        if text.startswith("sha256:"):
            if not policy.HEX.fullmatch(text[7:]): raise usage(f"--key {text}")
            entry = policy.PolicyKey(text[7:])
        else:
            key = load_key(read_file(text, "key_file_bytes"), text)
            entry = policy.PolicyKey(key.fingerprint, key)
        if listed and entry.fingerprint not in listed: raise usage("--key: the policy does not list this key")
        known = found.setdefault(entry.fingerprint, entry)
        known.key = known.key or entry.key
    return list(found.values())

def find_bundles(paths, depth=32):
    found = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        for name in sorted(os.listdir(path)):
            below = os.path.join(path, name)
            if os.path.isdir(below) and depth:
                found += find_bundles([below], depth - 1)
            elif name.endswith(".sig.tbz"):
                found.append(below)
    return found

def in_folder(path):
    folder = os.path.dirname(os.path.abspath(path))
    return sum(name.endswith(".sig.tbz") for name in os.listdir(folder)) if os.path.isdir(folder) else 0

def ask(options):
    set_limits(options.limit)
    if any(group not in checks.GROUPS or group == "workload" for group in options.require):
        raise usage("--require: not a group of checks of a bundle")
    try:
        now = names.rfc3339(options.now)
    except ValueError as error:
        raise usage(f"--now: {error}") from error
    rules = policy.load(options.policy) if options.policy else None
    question = Question(trusted_keys(options.key, rules), rules, options.require, now)
    if options.approvals:
        question.approvals = approvals.load(options.approvals)
        question.approvals_signed = os.path.lexists(options.approvals + ".sig")
    return question

def run(argv):
    """The answer as a dictionary. The exit code is the worst of all bundles (best to worst: 0, 1, 5, 4, 3, 2)."""
    saved = dict(LIMITS)
    try:
        options = arguments(argv)
        question = ask(options)
        bundles = find_bundles(options.paths)
        if not bundles: raise NoVerdict("nothing-to-verify", "no bundle below the paths")
        reports = [audit(question, path, max(1, in_folder(path))) for path in bundles]
        return {"exit": max((report["exit"] for report in reports), key=WORST.index), "error": None, "bundles": reports}
    except NoVerdict as error:
        return {"exit": EXIT[error.code], "error": {"code": error.code, "message": str(error)}, "bundles": []}
    finally:
        LIMITS.update(saved)

if __name__ == "__main__":
    answer = run(sys.argv[1:])
    json.dump(answer, sys.stdout, indent=2)
    print()
    sys.exit(answer["exit"])
