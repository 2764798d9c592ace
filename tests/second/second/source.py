"""The checks of the group `source`."""

from . import gitfiles, names
from .checks import fail, not_run, passed, unknown
from .manifest import own_tag
from .repository import Repository, members_below
from .worktree import WorkTree

REFUSED = "source-objects"

def locate(files):
    """(folder's name, fault): below git/ there is exactly one folder, a clone with its .git."""
    folders = sorted({name.split(b"/")[1] for name in files if name.startswith(b"git/")})
    if len(folders) != 1: return None, "there is not exactly one repository below git/"
    git = b"git/" + folders[0] + b"/.git"
    member = files.get(git)
    if member is not None and member.kind != "folder": return folders[0], ".git is not a folder"
    if not any(name.startswith(git + b"/") for name in files): return folders[0], "the repository has no .git"
    return folders[0], None

def examine(case):
    """Reads the repository and the work tree. Sets case.folder, case.repository and case.work; answers a fault."""
    case.folder, fault = locate(case.files)
    if fault: return fault
    prefix = b"git/" + case.folder + b"/"
    files, links = members_below(case.files, prefix + b".git/")
    case.repository = Repository(files, links)
    outside = [name for name, member in case.files.items() if member.kind == "hard" and name.startswith(prefix)
               and not name.startswith(prefix + b".git/")
               and (not member.target.startswith(prefix) or member.target.startswith(prefix + b".git/"))]
    if outside:
        case.repository.faults.append("a hard link to a file outside the work tree")
    if case.repository.proved:
        case.work = WorkTree({name: member for name, member in case.files.items() if name not in outside}, prefix, prefix + b".git/", case.repository, case.expect("untracked") or ())
        case.work.compare()
    return None

def objects(case, fault):
    if fault or case.repository.faults: return fail(fault or case.repository.faults[0])
    return passed()

def commit(case):
    repository = case.repository
    if repository is None or not repository.proved: return not_run("refused", cause=REFUSED)
    wanted, branch = case.expect("commit"), case.expect("branch")
    if wanted and wanted != repository.head: return fail("HEAD is not the policy's commit")
    digits = find_digits(case)
    if digits and not repository.head.startswith(digits): return fail("HEAD's id does not begin with the tag's digits")
    on_branch = on(repository, branch) if branch else True
    if on_branch is False: return fail("HEAD is on another branch")
    if on_branch is None: return unknown("HEAD is detached, and no branch of that name points to it")
    if not digits and not wanted and not branch: return not_run("no-expectation")
    if digits and not wanted and repository.others_with(digits): return unknown("another commit begins with the same digits")
    return passed()

def find_digits(case):
    """The seven digits of the tag in build.json, or else in the signed log, or else in the members' names."""
    recorded = names.split_build_name(case.record.get("build_name") or "")
    tags = [tag for tag in (own_tag(case.record), recorded and recorded[0]) if tag]
    tags = tags or sorted({push.tag for push in (case.log.pushes if case.log else ()) if push.tag} - {"latest"})
    if not tags:
        tags = [names.split_build_name(case.member_name)[0]]
    return next((digits for digits in map(names.commit_digits, tags) if digits), None)

def on(repository, branch):
    """True, False, or None if a detached HEAD is on no branch of this name."""
    name = branch.encode()
    if repository.head_ref is not None: return repository.head_ref == b"refs/heads/" + name
    for ref in repository.refs:
        local = ref == b"refs/heads/" + name
        remote = ref.startswith(b"refs/remotes/") and ref.split(b"/", 3)[3:] == [name]
        if (local or remote) and repository.follow(ref) == repository.head: return True
    return None

def tree(case):
    if case.work is None: return not_run("refused", cause=REFUSED)
    if case.work.differences:
        path, why = case.work.differences[0]
        return fail(f"{path.decode('utf-8', 'replace')}: {why}")
    if case.work.unproved or case.repository.incomplete: return not_run("refused", cause=REFUSED)
    return passed()

def repository(case):
    wanted = case.expect("repositories")
    if case.folder is None: return not_run("refused", cause=REFUSED)
    if wanted is None: return not_run("no-expectation")
    if case.repository is None: return not_run("refused", cause=REFUSED)
    found = gitfiles.remote_addresses(case.repository.files)
    allowed = {names.address(text, True) for text in wanted} - {None}
    if not found or any(remote not in allowed for remote in found): return fail("a remote is not one of the policy's repositories")
    hosts = case.log.server_values("github_host") if case.log else []
    if any(host.lower() != remote.host.split(":")[0] for host in hosts for remote in found): return fail("the log names another host")
    return unknown("git may fetch from elsewhere") if gitfiles.elsewhere(case.repository.files) else passed()
