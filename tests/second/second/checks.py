"""The checks with group and default level (docs/generated/checks.md), and the verdict (docs/policy.md)."""

from dataclasses import dataclass

# The checks of each group. A check with `?` has the default level `warn`; all others have `require`.
TABLE = {
    "manifest": "manifest-signature manifest-key key-record? manifest-name build-status build-server? build-age? root-ssh "
        "log-image log-key log-order? server-record",
    "source": "source-objects source-commit source-tree source-repository source-approved source-signature? "
        "source-dockerfile? base-image?",
    "image": "image-digest image-config image-layers image-platform image-tag? image-labels? image-history?",
    "trust": "image-signature image-key trust-freshness?",
    "builder": "builder-record builder-workload builder-image? builder-key-binding?",
    "workload": "workload-image workload-pinned workload-key contract-signature attestation-record",
}
CHECKS = {name.rstrip("?"): (group, "warn" if name.endswith("?") else "require")
          for group, names in TABLE.items() for name in names.split()}
GROUPS = ("manifest", "source", "image", "trust", "builder", "workload")
EXPECT = {"images": "log-image", "repositories": "source-repository", "branch": "source-commit",
          "commit": "source-commit", "platforms": "image-platform", "min-server-version": "build-server",
          "max-age": "build-age", "minimum-grade": "key-record", "dockerfile": "source-dockerfile",
          "base-images": "base-image", "untracked": "source-tree"}
RAISED = ("min-server-version", "max-age", "minimum-grade", "base-images")
ONLY_IF_REQUESTED = {"root-ssh", "log-image", "log-key", "server-record", "source-approved", "workload-key",
                     "contract-signature", "attestation-record"}
# Checks that are not evaluated here. A verdict that depends on one of them is "undetermined".
OUT_OF_SCOPE = ("key-record", "source-signature")

@dataclass
class Finding:
    status: str             # pass, fail, unknown, not-run, or not-checked for what is out of scope
    reason: str = ""        # of not-run: refused, no-evidence, no-expectation, off
    caused_by: str = ""
    message: str = ""

def passed(message=""):
    return Finding("pass", message=message)

def fail(message):
    return Finding("fail", message=message)

def unknown(message):
    return Finding("unknown", message=message)

def not_run(reason, message="", cause=""):
    return Finding("not-run", reason, cause, message)

def levels(policy):
    """The level of every check under this policy (or none)."""
    result = {name: level for name, (_, level) in CHECKS.items()}
    if policy:
        for field in RAISED:
            if field in policy.expect:
                result[EXPECT[field]] = "require"
        result.update(policy.levels)
    return result

def requested(policy):
    """The checks that the policy requests, by a level or by a field of [expect]."""
    return set(policy.levels) | {EXPECT[field] for field in policy.expect} if policy else set()

def refuses(name, finding, asked, groups_asked):
    """Would this answer reject at level `require`?"""
    group = CHECKS[name][0]
    if finding.status != "not-run": return finding.status in ("fail", "unknown")
    if finding.caused_by: return True
    if finding.reason == "no-evidence" and name in ONLY_IF_REQUESTED: return name in asked
    return finding.reason in ("refused", "no-evidence") and (name in asked or group in groups_asked)

def verdict(findings, policy, require, bundle_sha256, now):
    """(verdict, exit code) of one bundle."""
    level, asked = levels(policy), requested(policy)
    groups_asked = (set(require) | set(policy.require if policy else ())) - {"workload"}
    waived_checks = {w["check"] for w in (policy.waivers if policy else ()) if w["bundle"] == bundle_sha256 and now < w["expires"]}
    in_play = {"manifest", "source"} | groups_asked
    rejecting, waived, undetermined = set(), False, False
    for name in sorted(findings, key=lambda check: bool(findings[check].caused_by)):
        finding = findings[name]
        if level[name] != "require" or CHECKS[name][0] not in in_play: continue
        if finding.status == "not-checked":
            undetermined = True
        elif refuses(name, finding, asked, groups_asked) and finding.caused_by not in rejecting:
            if name in waived_checks:
                waived = True
            else:
                rejecting.add(name)
    if rejecting: return "reject", 1
    if undetermined: return "undetermined", 5
    answered = {CHECKS[name][0] for name, finding in findings.items()
                if level[name] == "require" and finding.status in ("pass", "fail", "unknown")}
    if not policy or waived or not groups_asked or groups_asked - answered: return "accept-in-part", 0
    return "accept", 0
