//! Evidence next to the bundle: the build server's saved responses, and key records that the policy lists.

use super::super::case::{Case, build_name, image_tag};
use super::super::inputs::{IMAGE_DIGEST, STAMP};
use super::super::keys::Named;

pub fn cases() -> Vec<Case> {
    [answers(), records()].into_iter().flatten().collect()
}

/// The server's status record of the fixtures' build.
fn status() -> String {
    let tag = image_tag();
    let name = build_name(&tag, STAMP);
    format!(
        "{{\"status\": \"success\", \"build_name\": \"{name}\", \"image_tag\": \"{tag}\", \"build_image_tag\": \"1.3.0.18\"}}"
    )
}

fn digest(image: &str) -> String {
    format!("\"{image}\"")
}

fn answers() -> Vec<Case> {
    let key = |case: Case| case.file("key.pem", Named::Server.public_pem()).arguments(&["--key", "key.pem"]);
    let good = |name: &str, about| key(Case::good(name, about)).expect("server-record", "pass");
    let bad = |name: &str, about| key(Case::fails(name, "server-record", about));
    let image = format!("docker.io/acme/wallet@{IMAGE_DIGEST}");
    let other = format!("docker.io/acme/wallet@sha256:{}", "0".repeat(64));
    vec![
        good("good-server-answers", "The build server's answers are next to the bundle and agree with it.")
            .file("status.json", status())
            .file("image-digest.json", digest(&image))
            .file("server-build.log", "another log: that is told, and decides nothing\n"),
        key(Case::good(
            "good-server-answers-few",
            "The saved status names no build: neither a disagreement nor evidence.",
        ))
        .expect("server-record", "not-run")
        .file("status.json", "{\"status\": \"success\", \"build_image_tag\": \"1.3.0.18\"}"),
        bad("server-other-build", "The saved status is of a different build.")
            .file("status.json", status().replace("wallet.v1", "wallet.v2")),
        bad(
            "server-other-build-than-members",
            "The saved status is of a build other than the members' names; the record has no name.",
        )
        .record(|_| "{\"status\": \"success\"}".into())
        .file("status.json", status().replace("wallet.v1", "wallet.v2")),
        bad("server-other-version", "The saved status names a different server version.")
            .file("status.json", "{\"status\": \"success\", \"build_image_tag\": \"0.0.1\"}"),
        bad("server-status-cleaned-up", "The saved status is not that of a push.")
            .file("status.json", "{\"status\": \"cleaned up\"}"),
        bad("server-other-digest", "The saved digest is a different image's.")
            .file("image-digest.json", digest(&other)),
        bad("server-other-repository", "The saved digest is in a different repository.")
            .file("image-digest.json", digest(&image.replace("wallet", "purse"))),
        bad("server-status-html", "The saved status is a proxy's page.").file("status.json", "<html>login</html>"),
        bad("server-digest-path", "The saved digest is a path.")
            .file("image-digest.json", digest("docker.io/acme/wallet@sha256:../../x")),
        key(Case::good("secret-in-server-status", "The saved status contains a password."))
            .expect("server-record", "not-run")
            .file("status.json", "{\"status\": \"success\", \"last\": \"docker login --password hunter2hunter2\"}")
            .absent("hunter2hunter2"),
    ]
}

/// A policy with a record of the key, signers, and a minimum grade.
fn policy(case: Case, record: &'static str, signers: &[(&str, &str)], grade: &str) -> Case {
    let people: String =
        signers.iter().map(|(name, file)| format!("\n[[signers]]\nname = \"{name}\"\npem = \"{file}\"\n")).collect();
    let text = format!(
        "version = 1\nrequire = [\"manifest\"]\n\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\nrecord = \"key.record.json\"\n\n\
         [expect]\nminimum-grade = \"{grade}\"\n{people}"
    );
    case.file("key.pem", Named::Server.public_pem())
        .file("key.record.json", record)
        .file("ada.pem", include_str!("../../../fixtures/inputs/key-records/ada.pem"))
        .file("bob.pem", include_str!("../../../fixtures/inputs/key-records/bob.pem"))
        .policy(text)
}

fn records() -> Vec<Case> {
    macro_rules! record {
        ($name:literal) => {
            include_str!(concat!("../../../fixtures/inputs/key-records/", $name, ".json"))
        };
    }
    let both: &[(&str, &str)] = &[("Ada", "ada.pem"), ("Bob", "bob.pem")];
    let good = |name: &str, about| Case::good(name, about).expect("key-record", "pass");
    let bad = |name: &str, about| Case::fails(name, "key-record", about);
    vec![
        policy(
            good("good-key-witnessed", "Two people signed that they obtained the same key."),
            record!("witnessed"),
            both,
            "witnessed",
        ),
        policy(
            good("good-key-recorded", "One person signed a record of how the key was obtained."),
            record!("one-person"),
            both,
            "recorded",
        ),
        policy(
            bad("key-record-one-person", "One person cannot witness alone."),
            record!("one-person"),
            both,
            "witnessed",
        ),
        policy(
            bad("key-record-one-retrieval", "Two people, but the key was obtained only once."),
            record!("one-retrieval"),
            both,
            "witnessed",
        ),
        policy(
            bad("key-record-one-key-twice", "A key under two names counts as one person."),
            record!("one-person"),
            &[("Ada", "ada.pem"), ("Bob", "ada.pem")],
            "witnessed",
        ),
        policy(
            bad(
                "key-record-not-challenged",
                "The record has two witnesses but no challenge, which the policy requires.",
            ),
            record!("witnessed"),
            both,
            "challenged",
        ),
        policy(
            bad("key-record-strangers", "None of the policy's signers signed the record."),
            record!("strangers"),
            both,
            "recorded",
        ),
        policy(bad("key-record-unsigned", "The record is unsigned."), record!("unsigned"), both, "recorded"),
        policy(bad("key-record-no-signers", "The policy lists no signers."), record!("witnessed"), &[], "recorded"),
        policy(
            bad("key-record-other-key", "The record's subject is a different key."),
            record!("other-key"),
            both,
            "recorded",
        ),
        policy(
            bad("key-record-altered", "One word of the record was changed after signing."),
            record!("altered"),
            both,
            "recorded",
        ),
        policy(
            bad("key-record-malformed", "The record is not an envelope."),
            "{\"grade\": \"witnessed\"}",
            both,
            "recorded",
        ),
    ]
}
