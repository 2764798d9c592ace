//! OpenPGP signatures on commits and tags. SSH signatures are tested in `crypto/ssh`.

use super::*;
use crate::judge::policy::Signer;

fn signers(keys: &[(&str, &[u8])]) -> Signers {
    let signers = keys
        .iter()
        .map(|(name, certificate)| Signer { name: (*name).into(), key: SignerKey::OpenPgp(certificate.to_vec()) });
    Signers::of(&Policy { signers: signers.collect(), ..Policy::default() })
}

#[cfg(not(feature = "openpgp"))]
#[test]
fn a_build_without_openpgp_reports_the_limitation() {
    let signature = b"-----BEGIN PGP SIGNATURE-----\n\nwsB7\n-----END PGP SIGNATURE-----\n";
    let now = Timestamp::from_unix_seconds(1_800_000_000).unwrap();
    let answer = signers(&[("Ada", b"key")]).verify(b"payload", signature, now);
    assert!(matches!(&answer, Answer::NotBuiltIn(message) if message.contains("feature openpgp")), "{answer:?}");
}

#[cfg(all(unix, feature = "openpgp"))]
mod with_gpg {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Stdio;
    use std::time::SystemTime;

    use super::*;
    use crate::base::limits::Limits;
    use crate::git::prove;
    use crate::git::test_repository::{TestRepository, command};

    fn now() -> Timestamp {
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        Timestamp::from_unix_seconds(seconds as i64).unwrap()
    }

    /// A separate gpg home directory that contains keys without passphrases.
    struct Gpg {
        home: TestRepository,
    }

    impl Gpg {
        fn new() -> Self {
            let home = TestRepository::empty();
            std::fs::set_permissions(&home.path, std::fs::Permissions::from_mode(0o700)).unwrap();
            let gpg = Self { home };
            let path = gpg.home.path.display();
            gpg.home.write(
                "program",
                format!("#!/bin/sh\nexec gpg --homedir {path} --batch --quiet --pinentry-mode loopback --passphrase '' \"$@\"\n"),
            );
            std::fs::set_permissions(gpg.program(), std::fs::Permissions::from_mode(0o755)).unwrap();
            // If a parallel test forks a process while the file is being written, that process keeps the file open until it calls exec.
            while let Err(error) = command(gpg.program().to_str().unwrap()).arg("--version").output() {
                assert_eq!(error.kind(), std::io::ErrorKind::ExecutableFileBusy);
                std::thread::yield_now();
            }
            gpg
        }

        fn program(&self) -> std::path::PathBuf {
            self.home.path.join("program")
        }

        fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
            let mut gpg = command(self.program().to_str().unwrap());
            gpg.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut gpg = gpg.spawn().expect("gpg runs");
            gpg.stdin.take().unwrap().write_all(input).unwrap();
            let output = gpg.wait_with_output().unwrap();
            assert!(output.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        }

        /// Creates a key with this creation time and expiry.
        fn key(&self, name: &str, created: &str, expires: &str) {
            let who = format!("{name} <{name}@example.org>");
            self.run(&["--faked-system-time", created, "--quick-gen-key", &who, "ed25519", "sign,cert", expires], b"");
        }

        fn fingerprint(&self, name: &str) -> String {
            let list = String::from_utf8(self.run(&["--with-colons", "--list-keys", name], b"")).unwrap();
            let line = list.lines().find(|line| line.starts_with("fpr:")).unwrap();
            line.split(':').nth(9).unwrap().to_owned()
        }

        fn certificate(&self, name: &str) -> Vec<u8> {
            self.run(&["--armor", "--export", name], b"")
        }

        fn sign(&self, name: &str, more: &[&str], payload: &str) -> String {
            let arguments = [&["--armor", "--detach-sign", "--local-user", name], more].concat();
            String::from_utf8(self.run(&arguments, payload.as_bytes())).unwrap()
        }

        /// Revokes a key for a reason: 1 is compromised, 2 is superseded.
        fn revoke(&self, name: &str, reason: &str) {
            let answers = format!("y\n{reason}\n\ny\n");
            let mut gpg = command("gpg");
            gpg.arg("--homedir").arg(&self.home.path).args([
                "--no-tty",
                "--command-fd",
                "0",
                "--pinentry-mode",
                "loopback",
            ]);
            gpg.args(["--passphrase", "", "--armor", "--gen-revoke", name]);
            gpg.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut gpg = gpg.spawn().unwrap();
            gpg.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
            let output = gpg.wait_with_output().unwrap();
            assert!(output.status.success());
            self.run(&["--import"], &output.stdout);
        }
    }

    impl Drop for Gpg {
        fn drop(&mut self) {
            let _ = command("gpgconf").arg("--homedir").arg(&self.home.path).args(["--kill", "all"]).output();
        }
    }

    /// A repository with one commit, and that commit's content without a signature.
    fn repository() -> (TestRepository, String) {
        let repository = TestRepository::new();
        repository.write("a", "a").commit("signed");
        let commit = repository.git(&["cat-file", "commit", "HEAD"]);
        (repository, commit)
    }

    /// Sets HEAD to this commit with this signature.
    fn set_head(repository: &TestRepository, commit: &str, signature: &str) {
        let header = format!("gpgsig {}\n", signature.trim_end().replace('\n', "\n "));
        let (headers, message) = commit.split_once("\n\n").unwrap();
        let signed = format!("{headers}\n{header}\n{message}");
        let id = repository.git_input(&["hash-object", "-t", "commit", "-w", "--stdin"], signed.as_bytes());
        repository.git(&["update-ref", "refs/heads/main", &id]);
    }

    fn ours(repository: &TestRepository, keys: &[(&str, &[u8])]) -> Vec<Answer> {
        let proof = prove(&repository.snapshot(), 1, &Limits::default());
        assert!(proof.commit.is_some(), "{:?}", proof.objects.faults);
        let signers = signers(keys);
        proof.signed.iter().map(|object| signers.verify(&object.payload, &object.signature, now())).collect()
    }

    /// Whether git accepts the signature if gpg has only this certificate.
    fn git_says(repository: &TestRepository, certificate: &[u8], question: &[&str]) -> bool {
        let gpg = Gpg::new();
        gpg.run(&["--import"], certificate);
        repository.git(&["config", "gpg.program", gpg.program().to_str().unwrap()]);
        repository.try_git(question).status.success()
    }

    const COMMIT: [&str; 2] = ["verify-commit", "HEAD"];

    #[test]
    fn git_signatures_on_commits_and_tags_verify() {
        let gpg = Gpg::new();
        gpg.key("ada", "20240101T000000", "never");
        gpg.run(&["--quick-add-key", &gpg.fingerprint("ada"), "rsa2048", "sign"], b"");
        let certificate = gpg.certificate("ada");
        for (key, options) in [("ada", "!"), ("ada", "")] {
            let (repository, _) = repository();
            repository.git(&["config", "gpg.program", gpg.program().to_str().unwrap()]);
            // With the exclamation mark, the primary key signs; without it, the newest subkey signs.
            let key = format!("{}{options}", gpg.fingerprint(key));
            repository.git(&["config", "user.signingkey", &key]);
            repository.git(&["commit", "--quiet", "--amend", "--gpg-sign", "--message", "signed\n\ngpgsig x"]);
            repository.git(&["tag", "--sign", "--message", "one", "v1"]);
            assert!(git_says(&repository, &certificate, &COMMIT));
            assert!(git_says(&repository, &certificate, &["verify-tag", "v1"]));
            let answers = ours(&repository, &[("Bob", b"no key"), ("Ada", &certificate)]);
            assert_eq!(answers.len(), 2);
            for answer in answers {
                let fingerprint = gpg.fingerprint("ada").to_lowercase();
                match &answer {
                    Answer::Good { signer, detail } => assert!(signer == "Ada" && detail.contains(&fingerprint)),
                    other => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn git_and_gpg_refuse_the_same_signatures() {
        let gpg = Gpg::new();
        for name in ["ada", "eve", "lost", "dave"] {
            gpg.key(name, "20240101T000000", "never");
        }
        let (repository, commit) = repository();
        let late = ["--faked-system-time", "20240401T000000"];
        let in_time = ["--faked-system-time", "20240201T000000"];
        let expiring = ["--faked-system-time", "20240201T000000", "--default-sig-expire", "1d"];
        let cases = [
            ("good", "ada", gpg.sign("ada", &[], &commit), "signed by ada"),
            ("key expired before", "dave", gpg.sign("dave", &late, &commit), "expired at"),
            ("expired signature", "ada", gpg.sign("ada", &expiring, &commit), "the signature expired at"),
            ("another commit", "ada", gpg.sign("ada", &[], &commit.replace("signed", "other")), "does not verify"),
            ("revoked key", "lost", gpg.sign("lost", &in_time, &commit), "the primary key was revoked"),
            ("another key", "ada", gpg.sign("eve", &[], &commit), "none of the policy's signers"),
            ("two signatures", "ada", gpg.sign("ada", &["--local-user", "eve"], &commit), "one OpenPGP signature"),
        ];
        gpg.run(
            &["--faked-system-time", "20240201T000000", "--quick-set-expire", &gpg.fingerprint("dave"), "30d"],
            b"",
        );
        gpg.revoke("lost", "1");
        for (what, name, signature, words) in cases {
            set_head(&repository, &commit, &signature);
            let certificate = gpg.certificate(name);
            let answer = ours(&repository, &[(name, &certificate)]).remove(0);
            assert!(answer.to_string().contains(words), "{what}: {answer}");
            let good = matches!(answer, Answer::Good { .. });
            assert_eq!(git_says(&repository, &certificate, &COMMIT), good, "{what}: {answer}");
        }
    }

    /// Cases in which the answer differs from git's, each with the reason.
    #[test]
    fn known_differences_from_git_are_unchanged() {
        let gpg = Gpg::new();
        gpg.key("ada", "20240101T000000", "never");
        gpg.key("sue", "20240101T000000", "never");
        gpg.key("rex", "20240101T000000", "2024-03-01");
        let (repository, commit) = repository();
        let in_time = ["--faked-system-time", "20240201T000000"];
        let late = ["--faked-system-time", "20240401T000000"];
        let cases = [
            // gpg still accepts SHA-1 for signatures over data.
            ("ada", gpg.sign("ada", &["--digest-algo", "SHA1"], &commit), "SHA-256 or stronger", true),
            // A text signature covers different bytes if the line endings differ.
            ("ada", gpg.sign("ada", &["--textmode"], &commit), "does not cover a binary document", true),
            // A key that has since expired was valid when it signed: archives are read years later.
            ("rex", gpg.sign("rex", &in_time, &commit), "signed by rex", false),
            // A key that was only replaced was valid before its replacement.
            ("sue", gpg.sign("sue", &late, &commit), "signed by sue", false),
            // gpg ignores text outside the armour, although the text is not signed.
            ("ada", format!("{}approved\n", gpg.sign("ada", &[], &commit)), "one armoured", true),
        ];
        gpg.revoke("sue", "2");
        for (name, signature, words, gits) in cases {
            set_head(&repository, &commit, &signature);
            let certificate = gpg.certificate(name);
            let answer = ours(&repository, &[(name, &certificate)]).remove(0);
            assert!(answer.to_string().contains(words), "{words}: {answer}");
            assert_eq!(git_says(&repository, &certificate, &COMMIT), gits, "{words}");
        }
    }

    #[test]
    fn a_revoked_key_of_one_signer_does_not_affect_another() {
        let gpg = Gpg::new();
        gpg.key("ada", "20240101T000000", "never");
        gpg.key("lost", "20240101T000000", "never");
        gpg.revoke("lost", "1");
        let (repository, commit) = repository();
        set_head(&repository, &commit, &gpg.sign("ada", &[], &commit));
        let answers = ours(&repository, &[("lost", &gpg.certificate("lost")), ("ada", &gpg.certificate("ada"))]);
        assert!(matches!(&answers[0], Answer::Good { signer, .. } if signer == "ada"), "{answers:?}");
    }

    /// In this signature, the two octets that repeat the start of the hash are wrong: GitHub's web-flow key wrote 74 72 there for
    /// years.
    #[test]
    fn the_octets_that_repeat_the_start_of_the_hash_are_ignored() {
        use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature};

        let gpg = Gpg::new();
        gpg.key("ada", "20240101T000000", "never");
        gpg.run(&["--quick-add-key", &gpg.fingerprint("ada"), "rsa2048", "sign"], b"");
        let certificate = gpg.certificate("ada");
        for key in [format!("{}!", gpg.fingerprint("ada")), gpg.fingerprint("ada")] {
            let (repository, commit) = repository();
            for (payload, is_good) in [(commit.clone(), true), (commit.replace("signed", "other"), false)] {
                let signed = gpg.sign(&key, &[], &payload);
                let (parsed, _) = DetachedSignature::from_string(&signed).unwrap();
                let (config, numbers) = (parsed.signature.config().unwrap(), parsed.signature.signature().unwrap());
                assert_ne!(parsed.signature.signed_hash_value(), Some([0x74, 0x72]));
                let altered =
                    pgp::packet::Signature::from_config(config.clone(), [0x74, 0x72], numbers.clone()).unwrap();
                let altered = DetachedSignature::new(altered).to_armored_string(ArmorOptions::default()).unwrap();
                set_head(&repository, &commit, &altered);
                let answer = ours(&repository, &[("ada", &certificate)]).remove(0);
                assert_eq!(matches!(answer, Answer::Good { .. }), is_good, "{answer}");
                assert_eq!(git_says(&repository, &certificate, &COMMIT), is_good, "{answer}");
                let says_mismatch = answer.to_string().contains("does not verify");
                assert_eq!(says_mismatch, !is_good, "{answer}");
            }
        }
    }

    #[test]
    fn signatures_for_other_purposes_or_in_other_forms_are_refused() {
        let gpg = Gpg::new();
        gpg.key("ada", "20240101T000000", "never");
        let certificate = gpg.certificate("ada");
        let signers = signers(&[("Ada", &certificate)]);
        let list = gpg.sign("ada", &[], "list");
        let answer = signers.verify_for("hpsb-audit-approvals", b"list", list.as_bytes(), now());
        assert!(matches!(answer, Answer::Unsupported(_)), "{answer}");
        assert!(matches!(signers.verify(b"list", list.as_bytes(), now()), Answer::Good { .. }));
        let before = Timestamp::from_unix_seconds(1_700_000_000).unwrap();
        assert!(matches!(signers.verify(b"list", list.as_bytes(), before), Answer::Bad(_)));
        let message = String::from_utf8(gpg.run(&["--armor", "--sign", "--local-user", "ada"], b"list")).unwrap();
        assert!(matches!(signers.verify(b"list", message.as_bytes(), now()), Answer::Unsupported(_)));
        for length in 0..list.trim_end().len() {
            let answer = signers.verify(b"list", &list.as_bytes()[..length], now());
            assert!(!matches!(answer, Answer::Good { .. }), "{length}");
        }
    }
}
