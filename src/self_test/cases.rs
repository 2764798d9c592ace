//! The cases: what is wrong in each case, and the expected result.

use super::setup::{Setup, data};
use crate::given::server_record::ServerFiles;

/// A time at which the bundle is not older than [`MAX_AGE`] allows.
const YOUNG: &str = "2026-03-03T00:00:00Z";
const MAX_AGE: &str = "[expect]\nmax-age = \"5d\"\n";

/// One case.
#[derive(Clone)]
pub(super) struct Case {
    /// The name of the case.
    pub(super) name: &'static str,
    /// What is wrong, or that nothing is wrong.
    pub(super) about: &'static str,
    /// The expected result.
    pub(super) expected: Expected,
    pub(super) make: fn() -> Setup,
}

/// The expected result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expected {
    /// The exit code, 0 to 4.
    pub(super) exit_code: u8,
    /// The verdict.
    pub(super) verdict: &'static str,
    /// The error code.
    pub(super) error: Option<&'static str>,
    /// A check and its expected status.
    pub(super) check: Option<(&'static str, &'static str)>,
}

impl Expected {
    pub(super) fn words(self) -> String {
        let mut words = format!("exit {}, {}", self.exit_code, self.verdict);
        if let Some(error) = self.error {
            words.push_str(&format!(", {error}"));
        }
        if let Some((check, status)) = self.check {
            words.push_str(&format!(", {check} {status}"));
        }
        words
    }
}

fn accepted(name: &'static str, check: &'static str, about: &'static str, make: fn() -> Setup) -> Case {
    let expected = Expected { exit_code: 0, verdict: "accept", error: None, check: Some((check, "pass")) };
    Case { name, about, expected, make }
}

fn rejected(
    name: &'static str,
    (check, status): (&'static str, &'static str),
    about: &'static str,
    make: fn() -> Setup,
) -> Case {
    let expected = Expected { exit_code: 1, verdict: "reject", error: None, check: Some((check, status)) };
    Case { name, about, expected, make }
}

fn no_verdict(
    name: &'static str,
    (exit_code, error): (u8, &'static str),
    about: &'static str,
    make: fn() -> Setup,
) -> Case {
    let expected = Expected { exit_code, verdict: "none", error: Some(error), check: None };
    Case { name, about, expected, make }
}

/// All cases.
pub(super) fn cases() -> Vec<Case> {
    [good(), container(), keys(), names_and_log(), source(), image(), others()].concat()
}

fn good() -> Vec<Case> {
    vec![
        accepted("good", "manifest-signature", "nothing is wrong", || Setup::bundle(data!("image-good.sig.tbz"))),
        accepted(
            "good-image",
            "image-digest",
            "nothing is wrong, and the image is the one in the signed log",
            Setup::with_image,
        ),
        accepted(
            "good-image-signature",
            "image-signature",
            "nothing is wrong, and a key in the policy signed the image",
            Setup::with_signature,
        ),
        accepted("good-approved", "source-approved", "nothing is wrong, and a list approves the commit", || Setup {
            approvals: Some(data!("approvals.csv").to_vec()),
            ..Setup::with_image()
        }),
    ]
}

/// A good bundle whose bytes `change` has changed.
fn bytes(change: fn(&mut Vec<u8>)) -> Setup {
    let mut setup = Setup::with_image();
    change(&mut setup.bundle);
    setup
}

fn container() -> Vec<Case> {
    const MALFORMED: (u8, &str) = (3, "malformed");
    vec![
        no_verdict("bundle-byte-flipped", MALFORMED, "one bit in the middle of the file is flipped", || {
            bytes(|bundle| {
                let middle = bundle.len() / 2;
                bundle.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
            })
        }),
        no_verdict("bundle-cut", (3, "truncated"), "half of the file is missing", || {
            bytes(|bundle| bundle.truncate(bundle.len() / 2))
        }),
        no_verdict("bundle-trailing-bytes", MALFORMED, "extra bytes follow the end of the file", || {
            bytes(|bundle| bundle.extend_from_slice(b"more"))
        }),
        no_verdict("bundle-other-format", MALFORMED, "the file begins with the magic number of gzip", || {
            bytes(|bundle| bundle.splice(..2, [0x1f, 0x8b]).for_each(drop))
        }),
        no_verdict("bundle-too-large", (3, "over-limit"), "the file is larger than allowed", || {
            let mut setup = Setup::with_image();
            setup.limits.bundle_bytes = 1000;
            setup
        }),
        no_verdict("member-outside", MALFORMED, "a member's path contains `..`", || {
            Setup::bundle(data!("outer-dot-dot-inside.sig.tbz"))
        }),
        no_verdict("archive-twice", MALFORMED, "a second archive of the same name follows the signed one", || {
            Setup::bundle(data!("outer-evil-archive-last.sig.tbz"))
        }),
        no_verdict("signed-file-twice", MALFORMED, "the signed archive contains the same file twice", || {
            Setup::bundle(data!("inner-file-twice.sig.tbz"))
        }),
    ]
}

fn keys() -> Vec<Case> {
    const NOT_VALID: (&str, &str) = ("manifest-signature", "fail");
    vec![
        rejected("signature-byte-flipped", NOT_VALID, "one byte of the signature is changed", || {
            Setup::bundle(data!("signature-byte-flipped.sig.tbz"))
        }),
        rejected("signature-of-another", NOT_VALID, "the signature belongs to a different build", || {
            Setup::bundle(data!("signature-of-another-build.sig.tbz"))
        }),
        rejected("signature-other-hash", NOT_VALID, "the signature is over the digest's hexadecimal text", || {
            Setup::bundle(data!("hash-over-hex-text.sig.tbz"))
        }),
        rejected("signature-garbage", NOT_VALID, "garbage follows the hash inside the signature", || {
            Setup::bundle(data!("garbage-after-hash.sig.tbz"))
        }),
        rejected("other-key", NOT_VALID, "the bundle is signed with an untrusted key", || {
            Setup::bundle(data!("other-key.sig.tbz"))
        }),
        rejected("key-not-at-hand", ("manifest-signature", "unknown"), "the policy pins a key that is missing", || {
            let mut setup = Setup::with_image();
            setup.policy = setup.policy.replace("file = \"key.pem\"", &format!("sha256 = \"{}\"", "0".repeat(64)));
            setup
        }),
        rejected("key-compromised", ("manifest-key", "fail"), "the policy lists the key as compromised", || {
            Setup::with_image().policy("revoked = { at = 2026-03-05T00:00:00Z, reason = \"compromised\" }\n")
        }),
        rejected(
            "key-window-over",
            ("manifest-key", "fail"),
            "the build was made after the key's validity period",
            || Setup::with_image().policy("not-after = 2026-03-01T00:00:00Z\n"),
        ),
        no_verdict("no-key", (2, "no-key"), "no key is trusted", || {
            let mut setup = Setup::with_image();
            setup.policy = "version = 1\nrequire = [\"manifest\"]\n".into();
            setup
        }),
        no_verdict("policy-unknown-field", (2, "policy"), "the policy has an unrecognised field", || {
            Setup::with_image().policy("surplus = 1\n")
        }),
    ]
}

fn names_and_log() -> Vec<Case> {
    vec![
        rejected("file-renamed", ("manifest-name", "fail"), "the file has the name of a different build", || Setup {
            file_name: "manifest.docker.io.acme.other.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz".into(),
            ..Setup::with_image()
        }),
        rejected(
            "tag-disagrees",
            ("manifest-name", "fail"),
            "the tag in the record differs from the one in the name",
            || Setup::bundle(data!("tag-disagrees.sig.tbz")),
        ),
        rejected(
            "status-not-pushed",
            ("build-status", "fail"),
            "the record does not state that the image was pushed",
            || Setup::bundle(data!("status-cleaned-up.sig.tbz")),
        ),
        rejected(
            "root-ssh-enabled",
            ("root-ssh", "fail"),
            "the record states that root could log in to the build server",
            || Setup::bundle(data!("root-ssh-enabled.sig.tbz")),
        ),
        rejected("log-other-image", ("log-image", "fail"), "the log names a different image", || {
            Setup::bundle(data!("log-other-image.sig.tbz"))
        }),
        rejected("log-two-digests", ("log-image", "fail"), "the log has two digests for one image", || {
            Setup::bundle(data!("log-two-digests.sig.tbz"))
        }),
        rejected(
            "log-key-id-wrong",
            ("log-key", "fail"),
            "the key ID in the log does not match its certificate",
            || Setup::bundle(data!("log-key-id-wrong.sig.tbz")),
        ),
        rejected("other-image-expected", ("log-image", "fail"), "the policy expects a different image", || {
            Setup::with_image().policy("[expect]\nimages = [\"docker.io/acme/other\"]\n")
        }),
        rejected("build-too-old", ("build-age", "fail"), "the build is older than the policy allows", || {
            Setup::with_image().policy("[expect]\nmax-age = \"1d\"\n")
        }),
    ]
}

fn source() -> Vec<Case> {
    vec![
        rejected("commit-other", ("source-commit", "fail"), "HEAD is not the commit in the tag", || {
            Setup::bundle(data!("head-other-commit.sig.tbz"))
        }),
        rejected("commit-other-expected", ("source-commit", "fail"), "the policy expects a different commit", || {
            Setup::with_image().policy(&format!("[expect]\ncommit = \"{}\"\n", "1".repeat(40)))
        }),
        rejected("object-altered", ("source-objects", "fail"), "a git object does not hash to its id", || {
            Setup::bundle(data!("object-other-bytes.sig.tbz"))
        }),
        rejected("object-missing", ("source-objects", "fail"), "a file of the commit is not among the objects", || {
            Setup::bundle(data!("object-missing-blob.sig.tbz"))
        }),
        rejected(
            "object-replaced",
            ("source-objects", "fail"),
            "a replace reference substitutes a different commit",
            || Setup::bundle(data!("git-replace-ref.sig.tbz")),
        ),
        rejected("file-changed", ("source-tree", "fail"), "a file in the work tree differs from the commit", || {
            Setup::bundle(data!("tree-file-changed.sig.tbz"))
        }),
        rejected("file-added", ("source-tree", "fail"), "the work tree has a file that is not in the commit", || {
            Setup::bundle(data!("tree-file-added.sig.tbz"))
        }),
        rejected(
            "repository-other",
            ("source-repository", "fail"),
            "the policy expects a different repository",
            || Setup::with_image().policy("[expect]\nrepositories = [\"git@github.com:acme/other.git\"]\n"),
        ),
        rejected("approval-of-another", ("source-approved", "fail"), "the list approves a different commit", || {
            let list = String::from_utf8_lossy(data!("approvals.csv")).replace("b0398d3e", "c0398d3e");
            Setup { approvals: Some(list.into_bytes()), ..Setup::with_image() }
        }),
        no_verdict("approvals-malformed", (3, "malformed"), "the list of approvals is malformed", || Setup {
            approvals: Some(b"nothing\n".to_vec()),
            ..Setup::with_image()
        }),
    ]
}

/// Replaces bytes in the image archive with different bytes of the same length.
fn in_image(from: &[u8], to: &[u8]) -> Setup {
    let mut setup = Setup::with_image();
    if let Some(image) = &mut setup.image {
        let at = image.windows(from.len()).position(|window| window == from).unwrap_or_default();
        image.iter_mut().skip(at).zip(to).for_each(|(old, new)| *old = *new);
    }
    setup
}

fn image() -> Vec<Case> {
    vec![
        rejected(
            "image-layer-altered",
            ("image-layers", "fail"),
            "the bytes of a layer do not match its digest",
            || {
                // The start of a gzip stream, with a changed time field.
                in_image(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0], &[0x1f, 0x8b, 8, 0, 1, 0, 0, 0])
            },
        ),
        rejected(
            "image-config-altered",
            ("image-config", "fail"),
            "the bytes of the configuration are changed",
            || in_image(b"\"architecture\"", b"\"Architecture\""),
        ),
        rejected("image-of-another", ("image-digest", "fail"), "the bundle belongs to a different image", || Setup {
            bundle: data!("good-trust-cosign.sig.tbz").to_vec(),
            ..Setup::with_image()
        }),
        rejected(
            "image-required",
            ("image-digest", "not-run: no-evidence"),
            "an image is required but missing",
            || {
                let mut setup = Setup::bundle(data!("image-good.sig.tbz"));
                setup.policy = setup.policy.replace("\"source\"", "\"source\", \"image\"");
                setup
            },
        ),
    ]
}

fn others() -> Vec<Case> {
    vec![
        rejected(
            "image-signature-altered",
            ("image-signature", "fail"),
            "the signature on the image is changed",
            || {
                let mut setup = Setup::with_signature();
                for file in setup.trust.iter_mut().flatten().filter(|file| file.path.ends_with("manifest.json")) {
                    let text = String::from_utf8_lossy(&file.bytes).replace("LDSXFS5", "LDSXFS6");
                    file.bytes = text.into_bytes();
                }
                setup
            },
        ),
        rejected(
            "image-signer-unknown",
            ("image-signature", "unknown"),
            "the image signer's key is not in the policy or the log",
            || {
                let mut setup = Setup::with_signature();
                setup.policy.truncate(setup.policy.find("[[trust").unwrap_or_default());
                setup
            },
        ),
        rejected(
            "server-other-build",
            ("server-record", "fail"),
            "the server's saved response identifies a different build",
            || {
                let status = r#"{"status": "success", "build_name": "docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-31.000000"}"#;
                let files = ServerFiles { status: Some(status.into()), ..ServerFiles::default() };
                Setup { server: Some(files), ..Setup::with_image() }
            },
        ),
        accepted(
            "sealed-then",
            "build-age",
            "nothing is wrong: a case under the reader's own policy, as of its own time",
            || Setup {
                sealed_for: Some(YOUNG),
                now: YOUNG,
                ..Setup::bundle(data!("image-good.sig.tbz")).policy(MAX_AGE)
            },
        ),
        rejected("sealed-today", ("build-age", "fail"), "the same case under the same policy, a week later", || {
            Setup { sealed_for: Some(YOUNG), ..Setup::bundle(data!("image-good.sig.tbz")).policy(MAX_AGE) }
        }),
    ]
}
