"""The list of approvals (docs/git-proof.md, "Approvals"), without its signature."""

import csv
import io
import re

from . import gitfsck, gitfiles, names, strict_json
from .checks import fail, not_run, passed, unknown
from .limits import malformed, read_file

FIELDS = ["repository", "commit", "change", "approver", "time"]
NAME = r"(?:[^\W_]|[ .'`_-])+"
ATOMS = r"[A-Za-z0-9_+%='~#/-]+(?:\.[A-Za-z0-9_+%='~#/-]+)*"
ADDRESS = f"{ATOMS}@{ATOMS}"
APPROVER = re.compile(rf"(?P<only>{ADDRESS})|(?P<name>{NAME})(?: +<(?P<a>{ADDRESS})>| +\((?P<b>{ADDRESS})\))?")

def load(path):
    """The rows of the list. What is not a list of this form gives no verdict."""
    data = read_file(path, "approvals_bytes")
    try:
        text = data.decode("utf-8")
        if text.lstrip().startswith("["):
            rows = strict_json.loads(data)
        else:
            table = [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True) if row]
            if re.search(r'[^",\r\n]"[^",\r\n]', re.sub(r'"(?:[^"]|"")*"', "", text)): raise ValueError("a quote inside a field")
            if not table or table[0] != FIELDS or any(len(row) != len(FIELDS) for row in table[1:]):
                raise ValueError("the header or a row has the wrong fields")
            rows = [dict(zip(FIELDS, row)) for row in table[1:]]
        for row in rows:
            if not isinstance(row, dict) or set(row) != set(FIELDS) or not all(isinstance(v, str) and v.strip() for v in row.values()):
                raise ValueError("an entry with missing or unknown fields")
            if not names.COMMIT.fullmatch(row["commit"]): raise ValueError("a commit without all forty digits")
            if not names.address(row["repository"], True): raise ValueError("not a repository's address")
            row["moment"] = names.rfc3339(row["time"])
    except (ValueError, csv.Error, RecursionError) as error:
        raise malformed(f"{path}: {error}") from error
    return rows

def fold(text):
    return " ".join(text.casefold().split())

def check(case):
    """The check `source-approved`."""
    if case.approvals is None: return not_run("no-evidence")
    repository = case.repository
    if repository is None or not repository.proved: return not_run("refused", cause="source-objects")
    people, encoding = gitfsck.people(repository.commit)
    readable = encoding.lower() in ("", "utf-8", "utf8")
    rows = [row for row in case.approvals if row["commit"] == repository.head]
    parsed = [(row, APPROVER.fullmatch(row["approver"].strip())) for row in rows]
    if any(match is None for _, match in parsed): return unknown("a row does not state who approved the commit")
    remotes = {found for found in gitfiles.remote_addresses(repository.files) if found}
    late = False
    for row, match in parsed:
        address = match["only"] or match["a"] or match["b"]
        if names.address(row["repository"], True) not in remotes or (not readable and not address): continue
        if any(address and fold(address) == fold(email) or readable and match["name"] and fold(match["name"]) == fold(name)
               for name, email in people.values()):
            continue
        if case.time is None:
            late = True
        elif row["moment"] < case.time:
            return passed()
    return unknown("the archive states no time") if late else fail("no approval of this commit counts")
