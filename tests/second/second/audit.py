"""One bundle: the order of the steps, and the findings."""

import hashlib
import os
from dataclasses import dataclass

from . import approvals as approval_list
from . import archive, buildlog, checks, dockerfile, keys, manifest, names, source
from .checks import Finding, fail, not_run, passed, unknown
from .limits import EXIT, LIMITS, NoVerdict, read_file

@dataclass
class Question:
    """What the caller asks: trusted keys, policy, moment, evidence."""
    keys: list                  # policy.PolicyKey entries; `key` is None if only a fingerprint is trusted
    policy: object
    require: list
    now: object
    approvals: object = None            # rows
    approvals_signed: bool = False      # there is a signature of the list: its check is out of scope

class Case:
    """What the checks read. Everything comes from the signed archive, except path and member_name."""

    def __init__(self, question, path, member_name, files, key, bundles_in_folder):
        self.policy, self.now, self.approvals = question.policy, question.now, question.approvals
        self.path, self.member_name, self.files = path, member_name, files
        self.policy_key, self.bundles_in_folder = key, bundles_in_folder
        self.record = manifest.read_record(files)
        log = files.get(b"data/build.log")
        self.log = buildlog.read_log(bytes(log.data)) if log else None
        self.time = manifest.build_time(self.record, self.log)
        self.folder = self.repository = self.work = None

    def expect(self, field):
        return self.policy.expect.get(field) if self.policy else None

def keys_beside(path):
    """The public keys in the files next to a bundle."""
    folder = os.path.dirname(os.path.abspath(path))
    found = []
    for name in sorted(os.listdir(folder))[:LIMITS["key_files_beside"]]:
        file = os.path.join(folder, name)
        if os.path.isfile(file) and os.path.getsize(file) <= LIMITS["key_file_bytes"]:
            try:
                found.append(keys.parse_key(read_file(file, "key_file_bytes")))
            except (ValueError, NoVerdict):
                pass
    return found

def check_signature(question, path, signed, signature):
    """(finding, the trusted entry whose key verifies, or None)."""
    beside, missing = None, False
    for entry in question.keys:
        candidates = [entry.key]
        if entry.key is None:
            beside = keys_beside(path) if beside is None else beside
            candidates = [key for key in beside if key.fingerprint == entry.fingerprint]
            missing |= not candidates
        if any(keys.verifies(key, signed, signature) for key in candidates[:1]): return passed(), entry
    if missing: return unknown("no file next to the bundle has the trusted key"), None
    return fail("no trusted key signed these bytes"), None

def audit(question, path, bundles_in_folder):
    """A bundle's report as a dictionary. Input that gives no verdict is reported as an error."""
    report = {"bundle": path, "verdict": None, "exit": 3, "error": None, "checks": {}}
    findings = {}
    try:
        if not question.keys: raise NoVerdict("no-key", "no key was specified")
        data = read_file(path, "bundle_bytes")
        digest = hashlib.sha256(data).hexdigest()
        member_name, signed, signature = archive.read_outer(data)
        if not names.split_build_name(member_name): raise NoVerdict("malformed", "the members' names are not build names")
        finding, entry = check_signature(question, path, signed, signature)
        findings["manifest-signature"] = finding
        if entry:
            case = Case(question, path, member_name, archive.read_inner(signed), entry, bundles_in_folder)
            findings.update(manifest_findings(case))
            findings.update(source_findings(case, question))
        finish(findings, question)
        verdict, code = checks.verdict(findings, question.policy, question.require, digest, question.now)
        report.update(verdict=verdict, exit=code, sha256=digest)
    except Exception as error:      # a defect of this program must not look like an answer
        error = error if isinstance(error, NoVerdict) else NoVerdict("internal", repr(error))
        finish(findings, question)
        report.update(error={"code": error.code, "message": str(error)}, exit=EXIT[error.code])
    for name, (group, _) in checks.CHECKS.items():
        if group in ("manifest", "source"):
            found = findings[name]
            report["checks"][name] = {"status": found.status, "reason": found.reason or None,
                                      "caused_by": found.caused_by or None, "message": found.message}
    return report

def manifest_findings(case):
    fault = source.examine(case)
    case.fault = fault
    return {"manifest-key": manifest.key(case), "key-record": key_record(case), "manifest-name": manifest.name(case),
            "build-status": manifest.status(case), "build-server": manifest.server(case),
            "build-age": manifest.age(case), "root-ssh": manifest.root_ssh(case), "log-image": manifest.log_image(case),
            "log-key": manifest.log_key(case), "log-order": manifest.log_order(case), "server-record": manifest.server_record(case)}

def key_record(case):
    if case.expect("minimum-grade") is None and not case.policy_key.record: return not_run("no-expectation")
    return Finding("not-checked")

def source_findings(case, question):
    approved = Finding("not-checked") if question.approvals_signed else approval_list.check(case)
    return {"source-objects": source.objects(case, case.fault), "source-commit": source.commit(case),
            "source-tree": source.tree(case), "source-repository": source.repository(case), "source-approved": approved,
            "source-signature": Finding("not-checked"), "source-dockerfile": dockerfile.check(case),
            "base-image": dockerfile.check_bases(case)}

def finish(findings, question):
    """Adds the checks that could not run, and switches off those at level `off`."""
    level = checks.levels(question.policy)
    for name, (group, _) in checks.CHECKS.items():
        if group in ("manifest", "source"):
            findings.setdefault(name, not_run("refused", cause="manifest-signature"))
        else:
            findings.setdefault(name, not_run("no-evidence"))
        if level[name] == "off":
            findings[name] = not_run("off")
