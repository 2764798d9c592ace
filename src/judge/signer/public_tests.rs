//! Compares this program's results for signatures on public commits and tags with those of git and gpg. The signatures are not in this repository:
//! `tests/signatures` documents where they come from.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use base64ct::{Base64, Encoding as _};

use super::*;
use crate::judge::policy::Signer;

/// An object's signed payload and its signature, found by the headers that git writes.
fn taken_apart(kind: &str, object: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if kind == "tag" {
        let at = ["-----BEGIN PGP SIGNATURE-----", "-----BEGIN SSH SIGNATURE-----"]
            .iter()
            .find_map(|begin| object.windows(begin.len()).position(|part| part == begin.as_bytes()))?;
        return Some((object[..at].to_vec(), object[at..].to_vec()));
    }
    let (mut payload, mut signature, mut inside, mut in_headers) = (Vec::new(), Vec::new(), false, true);
    for line in object.split_inclusive(|&byte| byte == b'\n') {
        inside = in_headers && ((inside && line.starts_with(b" ")) || line.starts_with(b"gpgsig "));
        in_headers &= line != b"\n";
        match inside {
            true => signature.extend_from_slice(line.strip_prefix(b"gpgsig ").unwrap_or(&line[1..])),
            false => payload.extend_from_slice(line),
        }
    }
    (!signature.is_empty()).then_some((payload, signature))
}

/// The public key inside an SSH signature, as one line.
fn ssh_key(signature: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(signature).ok()?.trim().strip_prefix("-----BEGIN SSH SIGNATURE-----")?;
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = Base64::decode_vec(&body).ok()?;
    let field = |at: usize| {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        bytes.get(at + 4..at + 4 + usize::try_from(length).ok()?)
    };
    // The signature begins with magic bytes and a version; the key follows, and begins with its type.
    let kind = field(14)?;
    Some(format!("{} {}", String::from_utf8_lossy(kind), Base64::encode_string(field(10)?)))
}

/// HPSB_SIGNATURES is a file with lines `kind id grade certificate` for the repository HPSB_REPOSITORY. The grade is git's (`%G?`); the
/// certificate is a file with the key's certificate, or `-`.
#[test]
#[ignore = "needs repositories from tests/signatures"]
fn results_for_signatures_in_public_repositories_are_counted() {
    let variable = |name: &str| std::env::var(name).expect("tests/signatures sets it");
    let (list, repository) =
        (std::fs::read_to_string(variable("HPSB_SIGNATURES")).unwrap(), variable("HPSB_REPOSITORY"));
    let mut git = Command::new("git");
    git.args(["--git-dir", &repository, "cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut git = git.spawn().unwrap();
    let (mut asks, mut answers) = (git.stdin.take().unwrap(), BufReader::new(git.stdout.take().unwrap()));
    let now = Timestamp::from_rfc3339(&variable("HPSB_NOW")).unwrap();
    let mut counts: BTreeMap<(String, String), (u64, String)> = BTreeMap::new();
    for line in list.lines() {
        let [kind, id, grade, file] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        writeln!(asks, "{id}").unwrap();
        let mut head = String::new();
        answers.read_line(&mut head).unwrap();
        let size: usize = head.trim().rsplit(' ').next().unwrap().parse().unwrap();
        let mut object = vec![0; size + 1];
        std::io::Read::read_exact(&mut answers, &mut object).unwrap();
        object.pop();
        let Some((payload, signature)) = taken_apart(kind, &object) else { continue };
        let keys = match (file, ssh_key(&signature)) {
            // git has no list of SSH keys here, so it verifies with the key inside the signature, and reports U.
            (_, Some(line)) => vec![SignerKey::Ssh(line)],
            ("-", None) => Vec::new(),
            (file, None) => vec![SignerKey::OpenPgp(std::fs::read(file).unwrap())],
        };
        let signers = keys.into_iter().map(|key| Signer { name: "S".into(), key }).collect();
        let signers = Signers::of(&Policy { signers, ..Policy::default() });
        let answer = match signers.verify(&payload, &signature, now) {
            Answer::Good { detail, .. } => format!("good ({})", detail.split(' ').next().unwrap()),
            Answer::Bad(message) => format!("bad: {message}"),
            Answer::OtherKey(_) => "another key".into(),
            Answer::Unsupported(message) | Answer::NotBuiltIn(message) => format!("unknown: {message}"),
        };
        // Times and key ids would make every line unique.
        let answer: String = answer
            .split(' ')
            .filter(|word| !word.contains(|c: char| c.is_ascii_digit()) || word.contains("SHA-256"))
            .collect::<Vec<_>>()
            .join(" ");
        let count = counts.entry((grade.to_owned(), answer)).or_insert((0, id.to_owned()));
        count.0 += 1;
    }
    for ((grade, answer), (count, example)) in counts {
        println!("{count}\tgit {grade}\t{answer}\t{example}");
    }
    drop(asks);
    git.wait().unwrap();
}
