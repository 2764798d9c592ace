//! Signatures made by ssh-keygen through git; the expected results come from `git verify-commit`.

use ed25519_dalek::Signer as _;

use super::*;
use crate::base::limits::Limits;
use crate::git::test_repository::{TestRepository, command};
use crate::git::{SignedObject, prove};

/// Creates a key pair in the repository's folder, configures git to sign with it, and returns the public key line.
fn signing_key(repository: &TestRepository, name: &str, options: &[&str]) -> String {
    let path = repository.path.join(name);
    let mut keygen = command("ssh-keygen");
    keygen.args(["-q", "-N", "", "-C", "ada@example.org", "-f"]).arg(&path).args(options);
    assert!(keygen.status().unwrap().success());
    let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    repository.git(&["config", "gpg.format", "ssh"]);
    repository.git(&["config", "user.signingkey", path.to_str().unwrap()]);
    std::fs::write(repository.path.join(".git/allowed"), format!("ada@example.org {line}")).unwrap();
    repository.git(&["config", "gpg.ssh.allowedSignersFile", ".git/allowed"]);
    line
}

fn signed(repository: &TestRepository) -> Vec<SignedObject> {
    let proof = prove(&repository.snapshot(), 1, &Limits::default());
    assert_eq!(proof.objects.faults, Vec::<String>::new());
    proof.signed
}

fn verify(object: &SignedObject, line: &str) -> Result<usize, SshFault> {
    SshSignature::from_armour(&object.signature)?.verify(
        GIT_NAMESPACE,
        &object.payload,
        &[SshKey::from_line(line).unwrap()],
    )
}

#[test]
fn commits_and_tags_signed_with_ed25519_p256_and_rsa_keys_are_verified() {
    for (name, options) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
    ] {
        let repository = TestRepository::new();
        let line = signing_key(&repository, name, options);
        repository.write("a", "a").git(&["add", "a"]);
        repository.git(&["commit", "--quiet", "--gpg-sign", "--message", "signed\n\ngpgsig is a word too\n gpgsig x"]);
        repository.git(&["tag", "--sign", "--message", "one", "v1"]);
        repository.git(&["verify-commit", "HEAD"]);
        repository.git(&["verify-tag", "v1"]);
        let objects = signed(&repository);
        let subjects: Vec<String> = objects.iter().map(|object| object.subject.to_string()).collect();
        assert_eq!(
            subjects,
            [format!("commit {}", repository.git(&["rev-parse", "HEAD"]).trim()), "tag v1".to_owned()]
        );
        for object in &objects {
            assert_eq!(verify(object, &line), Ok(0), "{name}: {}", object.subject);
            let mut other = object.clone();
            other.payload.push(b' ');
            assert_eq!(verify(&other, &line), Err(SshFault::Mismatch), "{name}");
        }
        let fingerprint = SshKey::from_line(&line).unwrap().fingerprint();
        let listed = command("ssh-keygen").arg("-lf").arg(repository.path.join(name)).output().unwrap().stdout;
        assert!(String::from_utf8_lossy(&listed).contains(&fingerprint));
    }
}

#[test]
fn errors_describe_wrong_keys_namespaces_and_forms() {
    let repository = TestRepository::new();
    let other = signing_key(&repository, "other", &["-t", "ed25519"]);
    let line = signing_key(&repository, "key", &["-t", "ed25519"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--gpg-sign", "--message", "x"]);
    let object = signed(&repository).remove(0);
    assert_eq!(verify(&object, &line), Ok(0));
    let signer = SshKey::from_line(&line).unwrap().fingerprint();
    assert_eq!(verify(&object, &other), Err(SshFault::OtherKey(signer)));

    std::fs::write(repository.path.join("payload"), &object.payload).unwrap();
    let mut sign = command("ssh-keygen");
    sign.args(["-q", "-Y", "sign", "-n", "file", "-f"])
        .arg(repository.path.join("key"))
        .arg(repository.path.join("payload"));
    assert!(sign.status().unwrap().success());
    let file = std::fs::read(repository.path.join("payload.sig")).unwrap();
    let answer = SshSignature::from_armour(&file).unwrap().verify(
        GIT_NAMESPACE,
        &object.payload,
        &[SshKey::from_line(&line).unwrap()],
    );
    assert_eq!(answer, Err(SshFault::Namespace { expected: "git".into(), found: "file".into() }));

    let text = String::from_utf8(object.signature.clone()).unwrap();
    for bad in [
        text.replace("BEGIN", "BEGINN"),
        text.replacen('\n', "\n!", 1),
        text.replacen("U1NIU0lH", "U1NIU0lI", 1),
        String::new(),
    ] {
        assert!(matches!(SshSignature::from_armour(bad.as_bytes()), Err(SshFault::Malformed(_))), "{bad}");
    }
    let bytes = Base64::decode_vec(&text.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let armour = |bytes: &[u8]| format!("{BEGIN}\n{}\n{END}\n", Base64::encode_string(bytes));
    for length in 0..bytes.len() {
        assert!(SshSignature::from_armour(armour(&bytes[..length]).as_bytes()).is_err(), "{length}");
    }
    assert!(SshSignature::from_armour(armour(&[&bytes[..], b"x"].concat()).as_bytes()).is_err());
    let mut version = bytes.clone();
    version[9] = 2;
    assert_eq!(SshSignature::from_armour(armour(&version).as_bytes()), Err(SshFault::Unsupported("version 2".into())));
}

/// Hardware tokens also sign their application, flags and counter. This test computes such signatures as PROTOCOL.u2f describes, without a token.
#[test]
fn signatures_of_hardware_tokens_are_verified() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let mut blob = Vec::new();
    for field in [b"sk-ssh-ed25519@openssh.com".as_slice(), secret.verifying_key().as_bytes(), b"ssh:"] {
        put_string(&mut blob, field);
    }
    let key = SshKey::from_line(&format!("sk-ssh-ed25519@openssh.com {} ada", Base64::encode_string(&blob))).unwrap();
    let sign = |flags: u8, message: &[u8]| {
        let mut signed = Sha256::digest(b"ssh:").to_vec();
        signed.extend_from_slice(&[flags, 0, 0, 0, 9]);
        signed.extend_from_slice(&Sha256::digest(message));
        let mut signature = Vec::new();
        put_string(&mut signature, b"sk-ssh-ed25519@openssh.com");
        put_string(&mut signature, &secret.sign(&signed).to_bytes());
        signature.extend_from_slice(&[flags, 0, 0, 0, 9]);
        signature
    };
    assert_eq!(key.verify(b"x", &sign(1, b"x")), Ok(()));
    assert_eq!(key.verify(b"y", &sign(1, b"x")), Err(SshFault::Mismatch));
    assert_eq!(
        key.verify(b"x", &sign(0, b"x")),
        Err(SshFault::Unsupported("a hardware token that was not touched".into()))
    );
    let mut counter = sign(1, b"x");
    *counter.last_mut().unwrap() = 8;
    assert_eq!(key.verify(b"x", &counter), Err(SshFault::Mismatch));
}

#[test]
fn unusable_key_lines_are_refused() {
    let repository = TestRepository::new();
    let line = signing_key(&repository, "key", &["-t", "ed25519"]);
    let weak = signing_key(&repository, "weak", &["-t", "rsa", "-b", "1024"]);
    let big = signing_key(&repository, "p384", &["-t", "ecdsa", "-b", "384"]);
    let encoded = line.split(' ').nth(1).unwrap();
    for bad in [
        String::new(),
        "ssh-ed25519".into(),
        format!("ssh-rsa {encoded}"),
        format!("ssh-ed25519 {}", &encoded[4..]),
        format!("ssh-ed25519 {encoded}AAAA"),
        format!("cert-authority ssh-ed25519 {encoded}"),
        weak,
        big,
    ] {
        assert!(SshKey::from_line(&bad).is_err(), "{bad}");
    }
}

/// A certificate is a key signed by a CA, and a list of keys does not state whether that CA may be trusted.
#[test]
fn certificates_are_refused_as_unsupported() {
    let repository = TestRepository::new();
    let line = signing_key(&repository, "key", &["-t", "ed25519"]);
    signing_key(&repository, "authority", &["-t", "ed25519"]);
    let path = |name: &str| repository.path.join(name);
    let mut sign = command("ssh-keygen");
    sign.arg("-q").arg("-s").arg(path("authority")).args(["-I", "ada", "-n", "ada"]).arg(path("key.pub"));
    assert!(sign.status().unwrap().success());
    let certificate = path("key-cert.pub");
    repository.git(&["config", "user.signingkey", certificate.to_str().unwrap()]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--gpg-sign", "--message", "x"]);
    let object = signed(&repository).remove(0);
    assert_eq!(verify(&object, &line), Err(SshFault::Unsupported("an SSH certificate".into())));
}
