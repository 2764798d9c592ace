//! `data/build.log`: signed, and disagreeing with the record, with itself or with the build's time.

use super::super::case::{Case, image_tag};
use super::super::inputs::{IMAGE_DIGEST, log_key_id};

pub fn cases() -> Vec<Case> {
    [images(), keys(), times()].into_iter().flatten().collect()
}

fn other_digest() -> String {
    format!("sha256:{}", "12".repeat(32))
}

fn images() -> Vec<Case> {
    let disagrees = |name: &str, about| Case::fails(name, "log-image", about);
    vec![
        disagrees("log-other-image", "The log pushes to another repository.")
            .log(|text| text.replace("docker.io/acme/wallet", "docker.io/evil/wallet")),
        disagrees("log-other-tag", "The log pushes another tag than the record names.")
            .log(|text| text.replace(&image_tag(), "v1-0123abc")),
        disagrees("log-two-digests", "The two tags of one build have two digests.").log(|text| {
            text.replace(&format!("latest: digest: {IMAGE_DIGEST}"), &format!("latest: digest: {}", other_digest()))
        }),
        disagrees("log-tag-pushed-twice", "One tag is pushed twice, with two digests.").log(|text| {
            let line = format!("run: latest: digest: {} size: 1157", other_digest());
            super::insert_before(&text, "Successfully signed docker.io/acme/wallet:latest", &line)
        }),
        disagrees("log-other-folder", "The log clones into another folder than the one in the archive.")
            .log(|text| text.replace("github_dir=wallet", "github_dir=purse")),
        disagrees("log-second-push", "After the build's own push the log pushes to another repository.").log(|text| {
            let lines = format!(
                "run: The push refers to repository [docker.io/evil/wallet]\nrun: latest: digest: {} size: 1157",
                other_digest()
            );
            super::insert_before(&text, "extracting an image keyid", &lines)
        }),
        super::good::public_log(
            Case::rejected(
                "log-without-a-build",
                "The log begins with the push: no line of a known builder tells it from what a build printed.",
            )
            .expect("log-image", "unknown"),
            "",
        ),
        Case::rejected(
            "log-missing-with-images",
            "The policy names the images, and there is no log that says which was pushed.",
        )
        .inner(|entries| entries.retain(|entry| entry.path != b"data/build.log"))
        .expect("log-image", "unknown")
        .policy(super::policy::with("[expect]\nimages = [\"docker.io/acme/wallet\"]\n")),
        Case::good(
            "log-fake-push-only",
            "The only line with a digest was printed by a RUN step: there is no digest to believe.",
        )
        .log(|text| {
            let text = super::without(&text, &["digest: sha256:d8c1"]);
            let fake = format!("run: {}: digest: {} size: 1157", image_tag(), other_digest());
            super::insert_before(&text, "building the wallet", &fake)
        })
        .expect("log-image", "pass"),
    ]
}

fn keys() -> Vec<Case> {
    let wrong = |name: &str, about| Case::fails(name, "log-key", about);
    let undecided = |name: &str, about| Case::rejected(name, about).expect("log-key", "unknown");
    vec![
        undecided("log-key-without-certificate", "The log has a key id and no certificate.")
            .log(|text| super::without(&text, &["publickey="])),
        undecided("log-two-keys", "The log has two key ids.")
            .log(|text| super::insert_before(&text, "keyid=", &format!("keyid={}", "0".repeat(64)))),
        Case::good("good-log-forged-entries", "A RUN step prints lines that begin like the server's own, with time and level, and they stand in the log without `run: `. They come before the build's last line and are not believed.")
            .expect("log-key", "pass")
            .log(|text| {
                let at = text.find("2026-03-02 10:15:07,615").unwrap();
                let entry = |message: &str| format!("2026-03-02 10:15:07,000  root       INFO    {message}\n");
                let forged = entry(&format!("keyid={}", "0".repeat(64))) + &entry("publickey=AAAA");
                format!("{}{forged}{}", &text[..at], &text[at..])
            }),
        wrong("log-key-id-wrong", "The key id is not that of the certificate in the log.").log(|text| {
            let other: String = log_key_id().chars().rev().collect();
            text.replace(&log_key_id(), &other)
        }),
        wrong("log-key-other-certificate", "The certificate in the log is not that of the key id.")
            .log(|text| text.replace("publickey=LS0t", "publickey=LS0u")),
        wrong("log-key-upper-case", "The key id is in upper case.")
            .log(|text| text.replace(&log_key_id(), &log_key_id().to_uppercase())),
    ]
}

fn times() -> Vec<Case> {
    let back = |text: String| text.replace("10:12:43,377", "10:12:41,000");
    let late = |text: String| {
        text.replace("10:15:30,123  root       INFO    generating", "10:15:31,624  root       INFO    generating")
    };
    let required = |name: &str, about| {
        Case::fails(name, "log-order", about).policy(super::policy::with("[levels]\nlog-order = \"require\"\n"))
    };
    vec![
        Case::good("log-times-back", "The times of the log go back, which is a warning.")
            .log(back)
            .expect("log-order", "fail"),
        required("log-times-back-required", "The times of the log go back, and the policy insists.").log(back),
        Case::good("log-after-stamp", "The log ends more than a second after the build's stamp, which is a warning.")
            .log(late)
            .expect("log-order", "fail"),
        required(
            "log-after-stamp-required",
            "The log ends more than a second after the build's stamp, and the policy insists.",
        )
        .log(late),
    ]
}
