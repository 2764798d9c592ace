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
