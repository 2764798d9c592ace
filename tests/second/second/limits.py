"""Bounds on untrusted input, and the errors that end without a verdict."""

EXIT = {"usage": 2, "policy": 2, "key": 2, "no-key": 2, "unreadable": 3, "truncated": 3, "over-limit": 3,
        "malformed": 3, "nothing-to-verify": 4, "internal": 3}

# The names are those of `hpsb-audit explain limits`. expanded_bytes is lower here, because this program holds archives in memory.
LIMITS = {"bundle_bytes": 1 << 32, "signed_archive_bytes": 1 << 31, "signature_bytes": 8192, "expanded_bytes": 3 << 30,
    "archive_members": 2_000_000, "path_bytes": 4096, "names_bytes": 512 << 20, "extended_header_bytes": 1 << 20,
    "build_record_bytes": 1 << 20, "build_log_bytes": 256 << 20, "build_log_line_bytes": 1 << 20,
    "git_bytes": 1 << 31, "git_objects": 20_000_000, "git_object_bytes": 1 << 30, "git_delta_depth": 4095,
    "git_inflated_bytes": 128 << 30, "git_tree_entries": 2_000_000, "git_tree_depth": 1000,
    "git_listing_bytes": 256 << 20, "git_config_bytes": 1 << 20, "git_submodule_depth": 16,
    "work_tree_bytes": 16 << 30, "key_file_bytes": 65536, "key_files_beside": 1000, "approvals_bytes": 64 << 20,
    "policy_bytes": 1 << 20, "server_answer_bytes": 1 << 20, "server_log_bytes": 512 << 20,}

class NoVerdict(Exception):
    """The input gives no verdict. `code` is the category; the exit code follows from it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code

def malformed(message):
    return NoVerdict("malformed", message)

def check_limit(name, value):
    if value > LIMITS[name]: raise NoVerdict("over-limit", f"{name}: {value} exceeds {LIMITS[name]}")

def read_file(path, limit_name):
    """Reads a file of at most the named limit."""
    try:
        with open(path, "rb") as file:
            data = file.read(LIMITS[limit_name] + 1)
    except OSError as error:
        raise NoVerdict("unreadable", f"{path}: {error.strerror}") from error
    check_limit(limit_name, len(data))
    return data
