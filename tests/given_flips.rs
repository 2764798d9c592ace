//! Law: no byte of evidence supplied with a bundle (an image, a policy, a case) can be changed so
//! that the bundle is accepted with different facts.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;

use program::{BUNDLE, Folder, report, run};
use serde_json::Value;

/// The information about the build that a reader gets: findings and facts, not file names and sizes.
fn facts(report: &Value) -> Value {
    let bundle = &report["reports"][0];
    serde_json::json!([bundle["build_name"], bundle["key"]["fingerprint"], bundle["findings"], bundle["evidence"]])
}

/// Flips one bit in every `step`th byte of a file. Returns how often the file was accepted, and the number of attempts.
fn flip(folder: &Folder, file: &str, step: usize, arguments: &[&str]) -> (usize, usize) {
    let path = folder.path().join(file);
    let bytes = fs::read(&path).unwrap();
    let (code, good) = report(folder.path(), arguments);
    assert_eq!(code, 0, "{good}");
    let (mut accepted, mut count) = (0, 0);
    for at in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at / step % 8);
        fs::write(&path, changed).unwrap();
        let (code, found) = report(folder.path(), arguments);
        assert_eq!(code == 0, found["verdict"].as_str().unwrap().starts_with("accept"), "byte {at} of {file}");
        if code == 0 {
            assert_eq!(facts(&found), facts(&good), "byte {at} of {file}");
            accepted += 1;
        }
        count += 1;
    }
    fs::write(&path, bytes).unwrap();
    (accepted, count)
}

/// Some changes, for example to unread owners and times or to padding in the archive, have no effect; the others are refused.
#[test]
fn no_flipped_byte_of_an_image_changes_accepted_facts() {
    let folder = Folder::with_fixture("image-good");
    let line = [BUNDLE, "--key", "key.pem", "--image", "oci-archive:image.tar", "--require", "image"];
    let step = fs::read(folder.path().join("image.tar")).unwrap().len() / 150;
    let (accepted, count) = flip(&folder, "image.tar", step, &line);
    assert!(accepted < count, "{accepted} of {count}");
}

/// The policy is the reader's own, and a changed letter can change a name in the policy. The change
/// does not alter any fact, and no other key becomes trusted.
#[test]
fn no_flipped_byte_of_a_policy_changes_facts() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let pin = "85a5c0f60bd97082558c2a86a39590c78d9a12892a44a9bc19c15a6160a4601e";
    let policy = format!(
        "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"a\"\nfile = \"key.pem\"\nsha256 = \"{pin}\"\n\
         [expect]\nimages = [\"docker.io/acme/wallet\"]\nbranch = \"main\"\n"
    );
    folder.write("policy.toml", &policy);
    let (accepted, count) = flip(&folder, "policy.toml", 1, &[BUNDLE, "--policy", "policy.toml"]);
    assert!(accepted * 20 < count, "{accepted} of {count}");
}

/// The audit is repeated, and a case must list every member. Remarks may change, such as the sealing program's name.
#[test]
fn no_flipped_byte_of_a_case_changes_accepted_facts() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let line = ["seal", BUNDLE, "--key", "key.pem", "--output", "case.tar", "--now", program::NOW];
    assert_eq!(run(folder.path(), &line).code, 0);
    let step = fs::read(folder.path().join("case.tar")).unwrap().len() / 150;
    let (accepted, count) = flip(&folder, "case.tar", step, &["case.tar", "--key", "key.pem"]);
    assert!(accepted * 50 < count, "{accepted} of {count}");
}
