//! `data/build.json` and names are signed and well-formed, but a check fails.

use super::super::case::{Case, build_name, image_tag};
use super::super::inputs::STAMP;
use super::super::tar::Entry;

pub fn cases() -> Vec<Case> {
    [names(), statuses(), root_ssh(), several()].into_iter().flatten().collect()
}

fn good_name() -> String {
    build_name(&image_tag(), STAMP)
}

fn names() -> Vec<Case> {
    let later = build_name(&image_tag(), "2026-03-09_08-00-00.000000");
    let disagrees = |name: &str, about| Case::fails(name, "manifest-name", about);
    vec![
        disagrees("renamed-file", "The file's name is that of a later build than the one in the file.")
            .bundle_name(format!("manifest.{later}.sig.tbz")),
        disagrees("renamed-file-freely", "The file has a custom name.").bundle_name("download.sig.tbz"),
        disagrees(
            "renamed-file-and-members",
            "The names of file and members are those of a later build than the signed record's.",
        )
        .build_name(later),
        disagrees("record-of-another-build", "The signed record names a different build.")
            .record(|text| text.replace(STAMP, "2026-03-01_00-00-00.000000")),
        disagrees("record-of-another-image", "The signed record names a different image.")
            .record(|text| text.replace("docker.io.acme.wallet", "docker.io.acme.purse"))
            .expect("log-image", "fail"),
        disagrees("tag-of-another-image", "The record's image tag is a full image name, of a different repository.")
            .record(|text| {
                text.replace(
                    &format!("\"image_tag\": \"{}\"", image_tag()),
                    &format!("\"image_tag\": \"docker.io/acme/purse:{}\"", image_tag()),
                )
            }),
        disagrees("tag-disagrees", "The record's image tag is not the one in the build's name.").record(|text| {
            text.replace(&format!("\"image_tag\": \"{}\"", image_tag()), "\"image_tag\": \"v2-b0398d3\"")
        }),
        Case::error("name-without-stamp", 3, "malformed", "The members' names are not build names.")
            .build_name("wallet of acme"),
    ]
}

fn statuses() -> Vec<Case> {
    let status = |name: &str, about, status: &'static str| {
        Case::fails(name, "build-status", about).record(move |text| text.replace("image pushed", status))
    };
    vec![
        status("status-image-built", "The image was built but not pushed.", "image built"),
        status("status-empty", "The status is empty.", ""),
        status("status-cleaned-up", "The build was deleted on the server.", "cleaned up"),
        status("status-unknown", "An unknown status.", "done"),
        status("status-upper-case", "The status is in upper case.", "IMAGE PUSHED"),
        status("status-prefix", "The right status is only a prefix of this one.", "image pushed not"),
    ]
}

fn root_ssh() -> Vec<Case> {
    let enabled = |text: String| text.replacen('{', "{\n    \"root_ssh_enabled\": true,", 1);
    let disabled = |text: String| text.replacen('{', "{\n    \"root_ssh_enabled\": false,", 1);
    vec![
        Case::fails("root-ssh-enabled", "root-ssh", "The record states that root could log in to the build server.")
            .record(enabled),
        Case::good("good-root-ssh-null", "The record has null for whether root could log in: treated as absent.")
            .record(|text| text.replacen('{', "{\n    \"root_ssh_enabled\": null,", 1))
            .expect("root-ssh", "not-run: no-evidence"),
        Case::rejected("root-ssh-empty-text", "The record has an empty string for whether root could log in.")
            .record(|text| text.replacen('{', "{\n    \"root_ssh_enabled\": \"\",", 1))
            .expect("root-ssh", "unknown"),
        Case::fails("root-ssh-key", "root-ssh", "Root ssh is off, but there is a key for it.").record(disabled).inner(
            |entries| {
                entries.push(Entry::directory("root_ssh"));
                entries.push(Entry::file("root_ssh/authorized_keys", "ssh-ed25519 AAAA ada@example.com\n"));
            },
        ),
        Case::fails("root-ssh-file", "root-ssh", "A file is where the folder of keys belongs.")
            .record(disabled)
            .inner(|entries| entries.push(Entry::file("root_ssh", "ssh-ed25519 AAAA ada@example.com\n"))),
    ]
}

fn several() -> Vec<Case> {
    let second = |case: Case| {
        let name = build_name(&image_tag(), "2026-03-02_11-40-00.000001");
        case.build_name(name.clone()).record(move |text| text.replace(&good_name(), &name))
    };
    let beside = |name: &str, about, other: Case| Case::rejected(name, about).beside(second(other));
    vec![
        beside("two-bundles-one-rejected", "Two bundles, the second of which is not signed by the trusted key.", {
            Case::unsigned("second", "").signature(|text| text[0] = if text[0] == b'0' { b'1' } else { b'0' })
        }),
        Case::error("two-bundles-one-cut", 3, "truncated", "Two bundles: the first cut off, the second good.")
            .bundle(|bundle| bundle.truncate(1000))
            .beside(second(Case::good("second", ""))),
        Case::error("nothing-to-verify", 4, "nothing-to-verify", "There is no bundle in the folder.").without_bundle(),
    ]
}
