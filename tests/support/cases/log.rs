//! `data/build.log` is signed, but contradicts the record, itself or the build's time.

use super::super::case::{Case, build_name, image_tag};
use super::super::inputs::{self, IMAGE_DIGEST, STAMP, log_key_id};
use super::super::keys::Named;

pub fn cases() -> Vec<Case> {
    [images(), names(), builders(), keys(), times()].into_iter().flatten().collect()
}

fn other_digest() -> String {
    format!("sha256:{}", "12".repeat(32))
}

fn images() -> Vec<Case> {
    let disagrees = |name: &str, about| Case::fails(name, "log-image", about);
    vec![
        disagrees("log-other-image", "The log pushes to a different repository.")
            .log(|text| text.replace("docker.io/acme/wallet", "docker.io/evil/wallet")),
        disagrees("log-other-tag", "The tag pushed in the log is not the record's.")
            .log(|text| text.replace(&image_tag(), "v1-0123abc")),
        disagrees("log-push-with-tag", "A line of the push names a tag inside the brackets.")
            .log(|text| text.replace("[docker.io/acme/wallet]", "[docker.io/acme/wallet:v2]")),
        Case::fails(
            "log-name-with-blank",
            "manifest-name",
            "The record's build name has a letter that no build name has.",
        )
        .record(|text| text.replace("\"docker.io.acme.wallet", "\"docker.io acme.wallet"))
        .expect("log-image", "not-run: refused"),
        Case::fails(
            "record-tag-of-no-image",
            "manifest-name",
            "The record's tag has a colon and no image name before it.",
        )
        .record(|text| {
            text.replace(&format!("\"image_tag\": \"{}", image_tag()), &format!("\"image_tag\": \":{}", image_tag()))
        })
        .expect("log-image", "fail"),
        disagrees("log-two-digests", "The two tags of one build have different digests.").log(|text| {
            text.replace(&format!("latest: digest: {IMAGE_DIGEST}"), &format!("latest: digest: {}", other_digest()))
        }),
        disagrees("log-tag-pushed-twice", "A tag is pushed twice, with different digests.").log(|text| {
            let line = format!("run: latest: digest: {} size: 1157", other_digest());
            super::insert_before(&text, "Successfully signed docker.io/acme/wallet:latest", &line)
        }),
        disagrees("log-other-folder", "The log clones into a folder other than the one in the archive.")
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
                "The log begins with the push: no line of a known builder distinguishes it from build output.",
            )
            .expect("log-image", "unknown"),
            "",
        ),
        Case::rejected(
            "log-missing-with-images",
            "The policy names the images, but no log states which one was pushed.",
        )
        .inner(|entries| entries.retain(|entry| entry.path != b"data/build.log"))
        .expect("log-image", "unknown")
        .policy(super::policy::with("[expect]\nimages = [\"docker.io/acme/wallet\"]\n")),
        Case::rejected("log-push-failed", "The log reports that BuildKit's push was denied.")
            .log(|text| {
                super::good::pushed_by_build_kit(text)
                    .replace("#12 DONE 9.1s", "#12 ERROR: failed to push docker.io/acme/wallet: denied")
            })
            .expect("log-image", "unknown"),
        Case::rejected("log-push-failed-but-signed", "After BuildKit's push was denied, the log reports a signature.")
            .log(|text| {
                let text = super::good::pushed_by_build_kit(text)
                    .replace("#12 DONE 9.1s", "#12 ERROR: failed to push docker.io/acme/wallet: denied");
                super::insert_before(&text, "extracting an image keyid", "run: Successfully signed docker.io/acme/wallet:latest")
            })
            .expect("log-image", "unknown"),
        Case::rejected("log-ends-in-the-build", "A builder's line follows the lines about the push and the key.")
            .log(|text| format!("{text}2026-03-02 10:15:30,123  root       INFO    run: Removing intermediate container 0123456789ab\n"))
            .expect("log-image", "unknown")
            .expect("log-key", "unknown"),
        Case::good(
            "log-fake-push-only",
            "The only line with a digest was printed by a RUN step: there is no trustworthy digest.",
        )
        .log(|text| {
            let text = super::without(&text, &["digest: sha256:d8c1"]);
            let fake = format!("run: {}: digest: {} size: 1157", image_tag(), other_digest());
            super::insert_before(&text, "building the wallet", &fake)
        })
        .expect("log-image", "pass"),
    ]
}

/// Full names in the log that contradict each other or the record, and builds in which only unsigned names specify HEAD.
fn names() -> Vec<Case> {
    let disagrees = |name: &str, about| Case::fails(name, "log-image", about);
    let signed = format!("Successfully signed docker.io/acme/wallet:{}", image_tag());
    let (tag, nameless) = (signed.clone(), signed.clone());
    vec![
        disagrees("log-repository-above", "The log pushes to a repository whose name is only a prefix of the build's name.")
            .build_name(super::good::icr_name())
            .record(|text| text.replace(&build_name(&image_tag(), STAMP), &super::good::icr_name()))
            .log(|text| text.replace("docker.io/acme/wallet", "us.icr.io/acme")),
        disagrees("log-signed-other-tag", "The signed tag is not the one that was pushed.")
            .log(move |text| text.replace(&tag, "Successfully signed docker.io/acme/wallet:v1-0123abc")),
        disagrees("log-signed-without-tag", "The signed name has no tag.")
            .log(move |text| text.replace(&nameless, "Successfully signed docker.io/acme/wallet")),
        disagrees("log-signed-other-image", "The signed repository is not the one that was pushed to.")
            .log(move |text| text.replace(&signed, &signed.replace("wallet", "purse"))),
        {
            let purse = || build_name(&image_tag(), STAMP).replace("wallet", "purse");
            disagrees("log-of-another-build", "The record, the file and its members name one image, the log a different one.")
                .build_name(purse())
                .record(move |text| text.replace(&build_name(&image_tag(), STAMP), &purse()))
        },
        Case::rejected(
            "commit-named-by-the-file",
            "The record and the log name a commit other than HEAD; only the names of the file and its members contain HEAD's digits.",
        )
        .record(|text| {
            let text = text.replace(&image_tag(), "v1-0123abc");
            super::without(&text, &["image_tag\": \"v1"])
        })
        .log(|text| text.replace(&image_tag(), "v1-0123abc"))
        .expect("manifest-name", "fail")
        .expect("source-commit", "fail"),
        Case::good(
            "good-commit-by-file-name",
            "Neither the record nor the log names a tag; the unsigned file name does, as the report states.",
        )
        .record(|_| "{\"status\": \"success\"}".into())
        .log(|text| super::without(&text, &[&image_tag(), "latest: digest", "latest"]))
        .expect("source-commit", "pass"),
    ]
}

/// The Dockerfile's steps as docker's classic builder prints them.
fn classic_steps() -> String {
    let steps = inputs::LOG.lines().filter_map(|line| line.split_once("run: Step ").map(|(_, step)| step));
    steps.map(|step| format!("run: Step {step}")).collect::<Vec<_>>().join("\n")
}

/// The output of programs in RUN steps, in addition to the builder's output.
fn builders() -> Vec<Case> {
    let policy = |case: Case| {
        let text = super::policy::with("[levels]\nsource-dockerfile = \"require\"\n");
        case.file("key.pem", Named::Server.public_pem()).policy(text)
    };
    vec![
        policy(Case::rejected(
            "dockerfile-two-builders",
            "BuildKit built the image, and a program printed the Dockerfile's steps as docker's classic builder would: which one is real is unknown.",
        ))
        .log(|text| super::insert_before(&super::good::build_kit(text), "#9 DONE", &classic_steps()))
        .expect("source-dockerfile", "unknown"),
        Case::good("log-two-builders", "A program printed podman and BuildKit lines: base images and steps are unknown, but the push is certain.")
            .log(|text| {
                let lines = "run: STEP 1/1: FROM docker.io/library/alpine\nrun: #5 [1/1] FROM docker.io/library/alpine";
                super::insert_before(&text, "Removing intermediate container 1e2f3a4b5c6d", lines)
            })
            .expect("log-image", "pass")
            .expect("source-dockerfile", "unknown"),
        policy(Case::good(
            "good-dockerfile-steps-imitated",
            "A program printed its own numbered steps, a stack trace and the end of an installation, in forms that no builder prints.",
        ))
        .log(|text| {
            let lines = "run: Step 1/5: compile\nrun: Step 2/5 : link\nrun:   Step 5/9 : RUN true\nrun: STEP 1/9 : FROM evil\n\
                         run: #0 [internal function]: f()\nrun: #1 /srv/a.php(12): g()\nrun: Successfully built wheel";
            super::insert_before(&text, "Removing intermediate container 1e2f3a4b5c6d", lines)
        })
        .expect("source-dockerfile", "pass"),
    ]
}

fn keys() -> Vec<Case> {
    let wrong = |name: &str, about| Case::fails(name, "log-key", about);
    let undecided = |name: &str, about| Case::rejected(name, about).expect("log-key", "unknown");
    vec![
        undecided("log-key-without-certificate", "The log has a key id but no certificate.")
            .log(|text| super::without(&text, &["publickey="])),
        undecided("log-two-keys", "The log has two key ids.")
            .log(|text| super::insert_before(&text, "keyid=", &format!("keyid={}", "0".repeat(64)))),
        Case::good(
            "good-log-forged-entries",
            "A RUN step prints lines that begin like the server's own, with time and level, and appear in the log \
             without `run: `. They come before the build's last line and are ignored.",
        )
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
        Case::good("log-times-back", "The log's times decrease, which is a warning.")
            .log(back)
            .expect("log-order", "fail"),
        required("log-times-back-required", "The log's times decrease, and the policy rejects the bundle for it.")
            .log(back),
        Case::good("log-after-stamp", "The log ends more than a second after the build's stamp, which is a warning.")
            .log(late)
            .expect("log-order", "fail"),
        required(
            "log-after-members-stamp",
            "The record has no build name, and the log ends more than a second after the stamp in the members' names.",
        )
        .record(|_| "{\"status\": \"success\"}".into())
        .log(late),
        required(
            "log-after-stamp-required",
            "The log ends more than a second after the build's stamp, and the policy rejects that.",
        )
        .log(late),
    ]
}
