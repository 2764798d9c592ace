//! Tests a bundle that is not made with this project's code: git clones a repository, Python's tarfile packs it and openssl signs it
//! (tests/tools/make-bundle). The tool works with any repository; the test uses the recorded one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn must(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn audit(bundle: &Path, key: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hpsb-audit")).arg("audit").arg(bundle).arg("--key").arg(key).output().unwrap()
}

#[test]
fn a_bundle_made_by_public_tools_is_accepted_and_its_tampered_copies_are_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("independent");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    must(Command::new("tar").arg("-xf").arg(root.join("fixtures/inputs/repository.tar")).arg("-C").arg(&folder));
    let repository =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let made = must(
        Command::new(root.join("tests/tools/make-bundle"))
            .args([&repository, Path::new("HEAD"), &folder.join("bundle")])
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*"),
    );
    let bundle = PathBuf::from(made.trim());

    let accepted = audit(&bundle, &folder.join("bundle/key.pem"));
    let text = String::from_utf8(accepted.stdout).unwrap();
    assert_eq!(accepted.status.code(), Some(0), "{text}");
    assert!(text.starts_with("ACCEPTED IN PART"), "{text}");
    assert_eq!(audit(&bundle, &folder.join("bundle/other.pem")).status.code(), Some(1));

    let good = fs::read(&bundle).unwrap();
    for at in [good.len() / 4, good.len() / 2, good.len() - 20] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let path = folder.join("bundle").join(bundle.file_name().unwrap());
        fs::write(&path, changed).unwrap();
        let code = audit(&path, &folder.join("bundle/key.pem")).status.code();
        assert!(matches!(code, Some(1 | 3)), "byte {at}: {code:?}");
    }
}
