//! The commands `key enroll` and `key countersign`.

use crate::base::words::counted;
use std::path::Path;

use zeroize::Zeroizing;

use crate::base::digest::{HashingReader, Sha256};
use crate::base::error::Error;
use crate::base::escape::{for_lines, for_terminal};
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::cli::args::key_record::{CountersignArguments, EnrollArguments};
use crate::cli::files::{self, Existing};
use crate::cli::{limits_with, output};
use crate::crypto::person_key::PersonSecret;
use crate::disk::folder;
use crate::gate::bundle::Bundle;
use crate::gate::key::PublicKey;
use crate::gate::signature::Signature;
use crate::gate::verify::{KeyRing, KeySource, TrustedKey, VerifiedArchive};
use crate::git::prove;
use crate::given::key_record::{Challenge, KeyRecord, KeyStatement, Retrieval, VerifiedBundle};
use crate::manifest::Manifest;

/// The reason why no record is written: an error or contradictory inputs.
enum Stop {
    Fault(Error),
    No(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

pub(crate) fn enroll(arguments: &EnrollArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let to = arguments.to.clone().unwrap_or_else(|| arguments.key.with_extension("record.json"));
    match statement(arguments, &limits) {
        Ok(statement) => {
            let secret = read_secret(&arguments.sign_key, &limits)?;
            let record = KeyRecord::new(statement, &secret, &limits)?;
            files::write_whole(&to, &record.to_json(&limits)?, Existing::Refused)?;
            print(&format!("wrote {}", slashed(&to)), &record, &secret, &limits)
        }
        Err(Stop::No(message)) => {
            let hint = "no record was written: all inputs must agree".to_owned();
            output::complain(&Error::Usage { message, hint });
            Ok(1)
        }
        Err(Stop::Fault(error)) => Err(error),
    }
}

pub(crate) fn countersign(arguments: &CountersignArguments) -> Result<u8, Error> {
    let limits = Limits::default();
    let bytes = folder::read_file(&arguments.record, limits.key_file_bytes())?;
    let mut record = KeyRecord::from_json(&bytes, &limits)?;
    // Do not sign a record that contradicts itself.
    record.unverified_statement(&limits)?;
    let secret = read_secret(&arguments.sign_key, &limits)?;
    record.sign(&secret)?;
    files::write_whole(&arguments.record, &record.to_json(&limits)?, Existing::Replaced)?;
    print(&format!("signed {}", slashed(&arguments.record)), &record, &secret, &limits)
}

/// Prints what was signed, for the signer.
fn print(first: &str, record: &KeyRecord, secret: &PersonSecret, limits: &Limits) -> Result<u8, Error> {
    let statement = record.unverified_statement(limits)?;
    let key = PublicKey::from_pem("the key", statement.key_pem.as_bytes(), limits)?;
    let signer = secret.public().map_err(|message| Error::Key { name: "--sign-key".into(), message })?;
    let mut lines =
        vec![first.to_owned(), format!("  key        {} ({}, {} bits)", key.fingerprint(), key.kind(), key.bits())];
    lines.extend(statement.lines().into_iter().map(|line| format!("  {line}")));
    lines.push(format!("  signed by  {}", signer.fingerprint()));
    if let Some(others @ 1..) = record.signature_count().checked_sub(1) {
        lines.push(format!("  not verified: {}", counted(others, "other signature")));
    }
    lines.push(
        "The record counts under policies that refer to it (record = …) and list a signer ([[signers]]) whose signature verifies.".into(),
    );
    output::print(&for_lines(&(lines.join("\n") + "\n")))
}

fn statement(arguments: &EnrollArguments, limits: &Limits) -> Result<KeyStatement, Stop> {
    let (key, text) = read_key(&arguments.key, limits)?;
    let by = arguments.obtained_by.clone();
    let mut retrievals = vec![Retrieval {
        by: by.clone(),
        at: arguments.obtained_at.to_string(),
        channel: arguments.channel,
        file_sha256: Sha256::of(text.as_bytes()).hex(),
        key_sha256: key.fingerprint().hex(),
    }];
    if let Some(path) = &arguments.second_copy {
        if files::is_same_file(&arguments.key, path) {
            return Err(Stop::Fault(Error::Usage {
                message: format!("{} is the same file as {}", slashed(path), slashed(&arguments.key)),
                hint: "a second copy must be obtained separately".into(),
            }));
        }
        let (second, text) = read_key(path, limits)?;
        if second.spki_der() != key.spki_der() {
            let (first, second) = (key.fingerprint(), second.fingerprint());
            return Err(Stop::No(format!("the second copy is a different key: expected {first}, found {second}")));
        }
        retrievals.push(Retrieval {
            by: arguments.second_by.clone().unwrap_or(by),
            at: arguments.second_at.unwrap_or(arguments.obtained_at).to_string(),
            channel: arguments.second_channel.unwrap_or(arguments.channel),
            file_sha256: Sha256::of(text.as_bytes()).hex(),
            key_sha256: second.fingerprint().hex(),
        });
    }
    let mut bundles = Vec::new();
    for path in &arguments.bundles {
        bundles.push(verified(path, &key, limits)?.0);
    }
    let challenge = arguments.challenge_bundle.as_ref().map(|path| challenge(path, &key, limits)).transpose()?;
    Ok(KeyStatement { key_pem: text, retrievals, bundles, challenge })
}

/// Verifies a bundle with this key only.
fn verified(
    path: &Path,
    key: &PublicKey,
    limits: &Limits,
) -> Result<(VerifiedBundle, VerifiedArchive, Signature), Stop> {
    let mut bytes = HashingReader::new(folder::open(path)?);
    let bundle = Bundle::from_reader(&mut bytes, limits)?;
    let (sha256, _) = bytes.finish();
    let signature = bundle.signature().clone();
    let mut keys = KeyRing::default();
    keys.add(TrustedKey {
        fingerprint: key.fingerprint(),
        key: Some(key.clone()),
        source: KeySource::CommandLine,
        name: None,
        not_before: None,
        not_after: None,
        revoked: None,
    });
    let archive = bundle
        .verify(&keys)
        .map_err(|_| Stop::No(format!("the key {} does not verify {}", key.fingerprint(), slashed(path))))?;
    let named = VerifiedBundle {
        build_name: archive.build_name().to_string(),
        sha256: sha256.hex(),
        archive_sha256: archive.digest().hex(),
    };
    Ok((named, archive, signature))
}

fn challenge(path: &Path, key: &PublicKey, limits: &Limits) -> Result<Challenge, Stop> {
    let (bundle, archive, signature) = verified(path, key, limits)?;
    let manifest = Manifest::read(&archive, limits)?;
    let no = |what: String| Stop::No(format!("{} is not a challenge: {what}", slashed(path)));
    let source = match manifest.snapshots.as_slice() {
        [one] => prove(one, std::thread::available_parallelism().map_or(1, usize::from), limits),
        several => return Err(no(format!("expected one folder below git/, found {}", several.len()))),
    };
    let head = source.head.as_ref().map_err(|fault| no(format!("the commit cannot be read: {fault}")))?;
    if source.commit.is_none() {
        let fault = source.objects.faults.first().cloned().unwrap_or_default();
        return Err(no(format!("the commit {} is not proved: {fault}", head.commit)));
    }
    Ok(Challenge::new(bundle, &signature, head.commit.to_string()))
}

fn read_key(path: &Path, limits: &Limits) -> Result<(PublicKey, String), Error> {
    let name = slashed(path);
    let bytes = folder::read_file(path, limits.key_file_bytes())?;
    let key = PublicKey::from_pem(&name, &bytes, limits)?;
    let text = String::from_utf8(bytes).map_err(|_| Error::Key { name, message: "not UTF-8 text".into() })?;
    Ok((key, text))
}

/// Reads a private key. Its passphrase, if any, is read from the terminal, even if standard input or output is a file.
pub(crate) fn read_secret(path: &Path, limits: &Limits) -> Result<PersonSecret, Error> {
    let bytes = Zeroizing::new(folder::read_file(path, limits.key_file_bytes())?);
    let name = slashed(path);
    let secret = if PersonSecret::needs_passphrase(&bytes) {
        passphrase(&name).and_then(|passphrase| PersonSecret::from_encrypted_pem(&bytes, passphrase.as_bytes()))
    } else {
        PersonSecret::from_pem(&bytes)
    };
    secret.map_err(|message| Error::SigningKey { name, message })
}

fn passphrase(name: &str) -> Result<Zeroizing<String>, String> {
    let asked = rpassword::prompt_password(format!("Passphrase for {}: ", for_terminal(name)));
    asked.map(Zeroizing::new).map_err(|_| {
        "the key has a passphrase, and there is no terminal to read it from; to unlock a copy: openssl pkey -in LOCKED.pem -out KEY.pem".into()
    })
}
