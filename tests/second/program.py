"""Runs the program under test, and brings its answers and those of verify.py into one form."""

import json
import os
import subprocess

import verify
from second.checks import CHECKS, OUT_OF_SCOPE
from second.limits import EXIT

SCOPE = [name for name, (group, _) in CHECKS.items() if group in ("manifest", "source") and name not in OUT_OF_SCOPE]

def of_program(program, args, paths, folder):
    """{path of a bundle: answer} of one call; `None` is the path of an error without bundles."""
    call = [program, "audit", *paths, *args, "--format", "json"]
    result = subprocess.run(call, cwd=folder, capture_output=True, timeout=600, check=False)
    try:
        document = json.loads(result.stdout)
    except ValueError:
        return {None: {"exit": result.returncode, "error": "no-json", "verdict": None, "checks": {}}}
    answers = {}
    for report in document["reports"]:
        error = (report["error"] or {}).get("code")
        code = EXIT.get(error, 3) if error else {"reject": 1}.get(report["verdict"], 0)
        checks = {f["check"]: (f["status"], f["reason"]) for f in report["findings"] if f["check"] in SCOPE}
        verdict = None if error else report["verdict"]
        answers[report["bundle"]["path"]] = {"exit": code, "error": error, "verdict": verdict, "checks": checks}
    if document["error"]:
        answers[None] = {"exit": result.returncode, "error": document["error"]["code"], "verdict": None, "checks": {}}
    return answers

def of_verifier(args, paths, folder):
    """The same from verify.py, in this process."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        document = verify.run([*paths, *args])
    finally:
        os.chdir(before)
    answers = {}
    for report in document["bundles"]:
        checks = {name: (found["status"], found["reason"]) for name, found in report["checks"].items() if name in SCOPE}
        answers[report["bundle"]] = {"exit": report["exit"], "error": (report["error"] or {}).get("code"),
                                     "verdict": report["verdict"], "checks": checks}
    if document["error"]:
        answers[None] = {"exit": document["exit"], "error": document["error"]["code"], "verdict": None, "checks": {}}
    return answers

def differences(ours, theirs):
    """(texts of differences in verdict or exit code, texts of differences in a check's status, notes)."""
    verdicts, statuses, notes = [], [], []
    for path in sorted(set(ours) | set(theirs), key=str):
        mine, other = ours.get(path), theirs.get(path)
        if mine is None or other is None:
            verdicts.append(f"only one answers for {path}")
            continue
        if mine["verdict"] == "undetermined":
            notes.append("the verdict depends on a check that is out of scope")
        elif (mine["verdict"], mine["exit"]) != (other["verdict"], other["exit"]):
            verdicts.append(f"verdict {mine['verdict']} (exit {mine['exit']}, {mine['error']}), "
                            f"program {other['verdict']} (exit {other['exit']}, {other['error']})")
        elif mine["error"] != other["error"]:
            notes.append(f"error {mine['error']}, program {other['error']}")
        if (mine["verdict"] is None) != (other["verdict"] is None): continue        # then no status is equal
        for name in SCOPE:
            a, b = mine["checks"].get(name, ("-", None)), other["checks"].get(name, ("-", None))
            if a[0] == "not-checked": continue
            if a[0] != b[0]:
                statuses.append(f"{name}: {show(a)}, program {show(b)}")
            elif a != b:
                notes.append(f"{name}: reason {a[1]}, program {b[1]}")
    return verdicts, statuses, notes

def show(answer):
    return f"{answer[0]} ({answer[1]})" if answer[1] else answer[0]
