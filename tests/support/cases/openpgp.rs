//! Simple signing with various OpenPGP keys, recorded by `fixtures/inputs/trust/record-openpgp.sh`.

use super::super::case::Case;
use super::trust::{file, signed_image};

/// The recorded message `name` next to a build whose policy specifies its key.
fn message(case: Case, name: &str) -> Case {
    let fingerprint = String::from_utf8(file(&format!("openpgp/{name}.fingerprint"))).unwrap();
    let policy = format!(
        "[[trust.signers]]\nname = \"{name}\"\nopenpgp = \"{name}.asc\"\nfingerprint = \"{}\"\n",
        fingerprint.trim()
    );
    signed_image(case, &policy)
        .file(format!("{name}.asc"), file(&format!("openpgp/{name}.asc")))
        .file("trust/simple-signing/signature-1", file(&format!("openpgp/{name}")))
        .feature("openpgp")
}

pub fn cases() -> Vec<Case> {
    let fails = |name: &str, recorded: &str, about| {
        message(Case::fails(&format!("trust-gpg-{name}"), "image-signature", about), recorded)
    };
    vec![
        fails("version-3", "v3", "A version 3 signature that is otherwise good."),
        fails("short-key", "short", "An RSA key of 1024 bits."),
        fails("key-not-for-signing", "unfit", "The key's flags do not allow signing."),
        fails(
            "key-lost",
            "lost",
            "The primary key was lost a week later: anyone with the key can backdate a signature.",
        ),
        fails("older-than-key", "young", "The signature is older than its key."),
        fails(
            "older-than-build",
            "early",
            "The signature states a time before the image was built. Its key expired in between: anyone with the key can backdate a signature.",
        ),
        fails(
            "key-revoked-by-another",
            "named",
            "The key was revoked by a designated revoker, whose key is not available.",
        ),
        message(
            Case::error(
                "trust-gpg-revocation-behind",
                2,
                "key",
                "A revocation was appended to the policy's certificate, where readers ignore it.",
            ),
            "lost",
        )
        .file("lost.asc", file("openpgp/lost-behind.asc")),
        message(
            Case::rejected(
                "trust-gpg-server-key",
                "Only the server supplied the key, and the policy names none: a key from the server is not trusted.",
            ),
            "lapsed",
        )
        .policy(super::policy::with(""))
        .file("image-key.asc", file("openpgp/lapsed.asc"))
        .expect("image-signature", "unknown")
        .expect("image-key", "not-run: refused"),
        message(
            Case::good("good-trust-gpg-expired-since", "The key was valid when it signed, and has expired since."),
            "lapsed",
        )
        .now("2026-11-30T00:00:00Z")
        .expect("image-signature", "pass")
        .expect("image-key", "pass")
        .expect("trust-freshness", "fail"),
        message(
            Case::good(
                "good-trust-gpg-key-replaced-later",
                "The key was replaced a week later: its earlier signatures remain valid.",
            ),
            "replaced",
        )
        .expect("image-signature", "pass")
        .expect("image-key", "pass"),
    ]
}
