//! Policies that are malformed, and valid policies that reject a good build.

use super::super::case::Case;
use super::super::keys::Named;

pub fn cases() -> Vec<Case> {
    [good(), malformed(), windows(), expectations()].into_iter().flatten().collect()
}

/// A policy that trusts the signing key, followed by `more`. `[levels]` comes last.
pub(super) fn with(more: &str) -> String {
    // These builds have no saved server responses, so the check of such responses is off.
    let levels = "[levels]\nserver-record = \"off\"\n";
    let more = match more.split_once("[levels]\n") {
        Some((before, after)) => format!("{before}{levels}{after}"),
        None => format!("{more}\n{levels}"),
    };
    format!("version = 1\nrequire = [\"manifest\"]\n\n{}\n{more}", key(""))
}

fn key(more: &str) -> String {
    format!("[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n{more}")
}

/// Like [`with`], with more fields for the key.
fn with_key(more: &str) -> String {
    with("").replace(&key(""), &key(more))
}

/// Uses a policy that refers to `key.pem`.
fn policy(case: Case, text: &str) -> Case {
    case.file("key.pem", Named::Server.public_pem()).policy(text)
}

fn good() -> Vec<Case> {
    let good = |name: &str, about, text: &str| policy(Case::good(name, about), text);
    let pinned = Named::Server.fingerprint().replace("sha256:", "");
    vec![
        good("good-policy", "A policy with most of its fields.", &with(
            "[expect]\nimages = [\"docker.io/acme/other\", \"docker.io/acme/wallet\"]\nbranch = \"main\"\n\
             commit = \"b0398d3eeb1921c4b063ea213713c42e0c584a70\"\nmin-server-version = \"1.3.0.9\"\nmax-age = \"90d\"\nuntracked = []\n\n\
             [levels]\nlog-order = \"require\"\nlog-key = \"require\"\nroot-ssh = \"off\"\n",
        ))
        .expect("log-image", "pass")
        .expect("source-commit", "pass")
        .expect("build-server", "pass")
        .expect("build-age", "pass")
        .expect("root-ssh", "not-run"),
        Case::good("good-policy-pin", "The policy pins the key, and the file next to the bundle supplies it.")
            .file("any-public.pem", Named::Server.public_pem())
            .policy(with("").replace("file = \"key.pem\"", &format!("sha256 = \"{pinned}\""))),
        good(
            "good-branch-detached",
            "HEAD is detached, and the policy's branch points to its commit.",
            &with("[expect]\nbranch = \"main\"\n"),
        )
        .text("git/wallet/.git/HEAD", |_| format!("{}\n", super::super::inputs::head_commit()))
        .expect("source-commit", "pass"),
        good("good-policy-and-key", "The named key is one of the policy's.", &with("")).arguments(&[
            "--policy",
            "policy.toml",
            "--key",
            "key.pem",
        ]),
        good("good-key-rotation", "The windows of two keys overlap, and the second one signed.", &with(
            "[[keys]]\nname = \"build server B\"\nfile = \"other.pem\"\nnot-before = 2026-01-01T00:00:00Z\n",
        ))
        .file("other.pem", Named::Other.public_pem())
        .key(Named::Other),
        good("good-key-window-over", "The key's window has ended; the build is within it.", &with_key(
            "not-before = 2025-01-01T00:00:00Z\nnot-after = 2026-03-03T00:00:00Z\n",
        )),
        good("good-key-superseded-later", "The key was superseded after the build.", &with_key(
            "revoked = { at = 2026-03-05T00:00:00Z, reason = \"superseded\" }\n",
        )),
        good("good-levels-warn", "A wrong status, for which the policy only warns.", &with(
            "[levels]\nbuild-status = \"warn\"\n",
        ))
        .record(|text| text.replace("image pushed", "image built"))
        .expect("build-status", "fail"),
    ]
}

fn malformed() -> Vec<Case> {
    let bad = |name: &str, about, text: &str| policy(Case::error(&format!("policy-{name}"), 2, "policy", about), text);
    vec![
        bad("unknown-field", "An unknown policy field.", &with("[expect]\nimage = [\"docker.io/acme/wallet\"]\n")),
        bad("unknown-top-field", "An unknown policy table.", &with("[expectations]\nbranch = \"main\"\n")),
        bad("unknown-check", "A level for a check that does not exist.", &with("[levels]\nlog-images = \"require\"\n")),
        bad("unknown-level", "A level that does not exist.", &with("[levels]\nlog-image = \"error\"\n")),
        bad("unknown-group", "A group that does not exist.", "version = 1\nrequire = [\"manifests\"]\n"),
        bad(
            "signature-off",
            "The policy turns the signature check off.",
            &with("[levels]\nmanifest-signature = \"off\"\n"),
        ),
        bad("duplicate-key", "A duplicate field.", &with("[expect]\nbranch = \"main\"\nbranch = \"next\"\n")),
        bad(
            "duplicate-table",
            "A duplicate table.",
            &with("[expect]\nbranch = \"main\"\n[expect]\nmax-age = \"1d\"\n"),
        ),
        bad("wrong-type", "Text instead of a list.", &with("[expect]\nimages = \"docker.io/acme/wallet\"\n")),
        bad("text-for-table", "Text instead of a table.", &with_key("revoked = \"true\"\n")),
        bad("empty-list", "An empty list of images.", &with("[expect]\nimages = []\n")),
        bad("empty-keys", "An empty list of keys.", "version = 1\nrequire = [\"manifest\"]\nkeys = []\n"),
        bad("nothing-required", "Nothing is required.", "version = 1\nrequire = []\n"),
        bad("without-require", "The policy does not state what is required.", "version = 1\n"),
        bad("without-version", "The policy has no version.", "require = [\"manifest\"]\n"),
        bad("version-2", "The policy's version is unknown.", "version = 2\nrequire = [\"manifest\"]\n"),
        bad("empty", "The file is empty.", ""),
        bad("not-toml", "The file is JSON.", "{\"version\": 1}\n"),
        bad("bad-date", "A date that does not exist.", &with_key("not-after = 2026-02-30T00:00:00Z\n")),
        bad("date-without-zone", "A date without a time zone.", &with_key("not-after = 2026-02-01T00:00:00\n")),
        bad(
            "window-reversed",
            "The window ends before it begins.",
            &with_key("not-before = 2026-02-01T00:00:00Z\nnot-after = 2026-01-01T00:00:00Z\n"),
        ),
        bad(
            "unknown-reason",
            "A revocation for a reason that does not exist.",
            &with_key("revoked = { at = 2026-03-05T00:00:00Z, reason = \"lost\" }\n"),
        ),
        bad(
            "pin-and-file-disagree",
            "The key's pin and its file disagree.",
            &with_key(&format!("sha256 = \"{}\"\n", Named::Other.fingerprint().replace("sha256:", ""),)),
        ),
        bad("key-without-pin", "A key without a pin or a file.", {
            "version = 1\nrequire = [\"manifest\"]\n\n[[keys]]\nname = \"A\"\n"
        }),
        bad("key-twice", "A duplicate key.", &with(&key("not-after = 2030-01-01T00:00:00Z\n"))),
        bad("short-commit", "A commit of seven digits.", &with("[expect]\ncommit = \"b0398d3\"\n")),
        bad(
            "image-with-tag",
            "An image with a tag: `images` are repositories, and a tag would bind nothing.",
            &with("[expect]\nimages = [\"docker.io/acme/wallet:v1\"]\n"),
        ),
        bad(
            "image-with-digest",
            "An image with a digest: `images` are repositories, and a digest would bind nothing.",
            &with(&format!("[expect]\nimages = [\"docker.io/acme/wallet@sha256:{}\"]\n", "ab".repeat(32))),
        ),
        bad("bad-age", "An age without a unit.", &with("[expect]\nmax-age = \"90\"\n")),
        bad("bad-grade", "A grade that cannot be reached.", &with("[expect]\nminimum-grade = \"attested\"\n")),
        Case::error("policy-key-file-missing", 3, "unreadable", "The policy names a key file that does not exist.")
            .policy(with("").replace("key.pem", "missing.pem")),
        policy(Case::error("policy-weak-key", 2, "key", "The policy's key is too weak."), &with(""))
            .file("key.pem", Named::Weak1024.public_pem()),
        policy(
            Case::error("policy-other-key-named", 2, "usage", "The named key is not one of the policy's."),
            &with(""),
        )
        .file("other.pem", Named::Other.public_pem())
        .arguments(&["--policy", "policy.toml", "--key", "other.pem"]),
        policy(
            Case::error("policy-without-keys", 2, "no-key", "Neither the policy nor the command line names a key."),
            "version = 1\nrequire = [\"manifest\"]\n",
        ),
    ]
}

fn windows() -> Vec<Case> {
    let refused = |name: &str, about, more: &str| policy(Case::fails(name, "manifest-key", about), &with_key(more));
    vec![
        refused(
            "key-before-window",
            "The build is earlier than the key's window.",
            "not-before = 2026-03-03T00:00:00Z\n",
        ),
        refused("key-after-window", "The build is later than the key's window.", "not-after = 2026-03-01T00:00:00Z\n"),
        refused("key-compromised", "The key was compromised before the build.", {
            "revoked = { at = 2026-03-01T00:00:00Z, reason = \"compromised\" }\n"
        }),
        refused(
            "key-compromised-later",
            "The key was compromised after the build's stated date, which a thief can forge.",
            "revoked = { at = 2026-03-05T00:00:00Z, reason = \"compromised\" }\n",
        ),
        refused("key-superseded", "The key was superseded before the build.", {
            "revoked = { at = 2026-03-01T00:00:00Z, reason = \"superseded\" }\n"
        }),
        refused(
            "key-named-and-superseded",
            "The key is named on the command line; the policy's rules for it still apply.",
            "revoked = { at = 2026-03-01T00:00:00Z, reason = \"superseded\" }\n",
        )
        .arguments(&["--policy", "policy.toml", "--key", "key.pem"]),
    ]
}

fn expectations() -> Vec<Case> {
    let refused = |name: &str, check, about, more: &str| policy(Case::fails(name, check, about), &with(more));
    let undecided = |name: &str, check, status, about, more: &str| {
        policy(Case::rejected(name, about).expect(check, status), &with(more))
    };
    vec![
        refused(
            "expect-other-image",
            "log-image",
            "The policy names a different image.",
            "[expect]\nimages = [\"docker.io/acme/purse\"]\n",
        ),
        refused("expect-image-prefix", "log-image", "The policy's image is only a prefix of the pushed one.", {
            "[expect]\nimages = [\"docker.io/acme/wall\"]\n"
        }),
        refused(
            "expect-other-commit",
            "source-commit",
            "The policy names a different commit: this is an older build of the image.",
            "[expect]\ncommit = \"ae216163cffcebdd31cde54d045da5617d67a40a\"\n",
        ),
        refused(
            "expect-other-branch",
            "source-commit",
            "The policy names a different branch.",
            "[expect]\nbranch = \"release/1.x\"\n",
        ),
        undecided(
            "expect-branch-detached",
            "source-commit",
            "unknown",
            "The policy names a branch, HEAD is detached, and no branch of that name points to its commit.",
            "[expect]\nbranch = \"release/2.x\"\n",
        )
        .text("git/wallet/.git/HEAD", |_| format!("{}\n", super::super::inputs::head_commit()))
        .expect("source-commit", "unknown"),
        refused(
            "build-too-old",
            "build-age",
            "The build is older than the policy allows.",
            "[expect]\nmax-age = \"90d\"\n",
        )
        .now("2026-06-30T00:00:00Z"),
        refused("build-from-the-future", "build-age", "The build is in the future.", "[expect]\nmax-age = \"90d\"\n")
            .now("2026-03-01T00:00:00Z"),
        refused(
            "server-too-old",
            "build-server",
            "The server is older than the policy's, although its digits look larger.",
            "[expect]\nmin-server-version = \"1.3.0.100\"\n",
        ),
        undecided(
            "server-unknown",
            "build-server",
            "not-run",
            "The record does not state the server's version, and the policy requires it.",
            "[expect]\nmin-server-version = \"1.3.0.18\"\n",
        )
        .record(|text| text.replace("    \"build_image_tag\": \"1.3.0.18\",\n", "")),
        undecided(
            "server-version-text",
            "build-server",
            "unknown",
            "The record's version is not dot-separated numbers, and the policy requires one.",
            "[expect]\nmin-server-version = \"1.3.0.18\"\n",
        )
        .record(|text| text.replace("1.3.0.18", "latest")),
        undecided(
            "root-ssh-unknown-required",
            "root-ssh",
            "not-run",
            "Nothing states whether root ssh was on, and the policy requires the check by name.",
            "[levels]\nroot-ssh = \"require\"\n",
        ),
        policy(
            Case::rejected("image-required", "The policy requires the image, and none is given."),
            &with("").replace("[\"manifest\"]", "[\"manifest\", \"image\"]"),
        )
        .expect("image-digest", "not-run"),
    ]
}
