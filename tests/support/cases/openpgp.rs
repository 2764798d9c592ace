//! Simple signing whose keys are the matter, recorded by `fixtures/inputs/trust/record-openpgp.sh`.

use super::super::case::Case;
use super::trust::{file, signed_image};

/// The recorded message `name` beside a build whose policy names its key.
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
        fails("version-3", "v3", "A signature of version 3, good otherwise."),
        fails("short-key", "short", "An RSA key of 1024 bits."),
        fails("key-not-for-signing", "unfit", "The key says of itself that it does not sign."),
        fails("key-lost", "lost", "The primary key was lost a week later: whoever has it can date a signature back."),
        fails("older-than-key", "young", "The signature is older than its key."),
        fails(
            "older-than-build",
            "early",
            "The signature says that it is older than the image. Its key expired in between: whoever has it dates back.",
        ),
        fails(
            "key-revoked-by-another",
            "named",
            "The key was revoked by another one, which its owner had named for that and which is not at hand.",
        ),
        message(
            Case::error(
                "trust-gpg-revocation-behind",
                2,
                "key",
                "A revocation was put behind the policy's certificate, where readers pass over it.",
            ),
            "lost",
        )
        .file("lost.asc", file("openpgp/lost-behind.asc")),
        message(
            Case::rejected(
                "trust-gpg-server-key",
                "The key is the one that the server showed; the policy names none: a candidate is not trusted.",
            ),
            "lapsed",
        )
        .policy(super::policy::with(""))
        .file("image-key.asc", file("openpgp/lapsed.asc"))
        .expect("image-signature", "unknown")
        .expect("image-key", "not-run: refused"),
        message(
            Case::good("good-trust-gpg-expired-since", "The key has expired since; it was good when it signed."),
            "lapsed",
        )
        .now("2026-11-30T00:00:00Z")
        .expect("image-signature", "pass")
        .expect("image-key", "pass")
        .expect("trust-freshness", "fail"),
        message(
            Case::good(
                "good-trust-gpg-key-replaced-later",
                "The key was replaced a week later: what it signed before stands.",
            ),
            "replaced",
        )
        .expect("image-signature", "pass")
        .expect("image-key", "pass"),
    ]
}
