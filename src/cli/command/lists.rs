//! Commands that print lists: keys, policies, checks, limits, completions, manual pages.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::cli::args::{Arguments, ListFormat};
use crate::cli::output;
use crate::disk::folder;
use crate::dossier::Storage;
use crate::gate::key::PublicKey;
use crate::given::key_record::Grading;
use crate::judge::check::{self, CHECKS};
use crate::judge::finding::Group;
use crate::judge::policy::{Policy, SignerKey};
use crate::trust::{ImageSignerKey, ReferenceRule};

pub(crate) fn keys(files: &[PathBuf]) -> Result<u8, Error> {
    let limits = Limits::default();
    let mut page = String::new();
    for path in files {
        let name = slashed(path);
        let bytes = folder::read_file(path, limits.key_file_bytes())?;
        let key = PublicKey::from_pem(&name, &bytes, &limits)?;
        let name = for_terminal(&name);
        let _ = writeln!(page, "{}  {}, {} bits  {name}", key.fingerprint(), key.kind(), key.bits());
    }
    output::print(&page)
}

pub(crate) fn policy(file: &Path) -> Result<u8, Error> {
    let policy = Storage::Disk.read_policy(file, &Limits::default())?;
    let mut page = String::new();
    let digest = policy.source.as_ref().map(|source| source.sha256.to_string()).unwrap_or_default();
    let _ = writeln!(page, "{}  {digest}", for_terminal(&slashed(file)));
    let _ =
        writeln!(page, "requires: {}", policy.require.iter().map(|group| group.word()).collect::<Vec<_>>().join(", "));
    for key in policy.keys.keys() {
        let at_hand = if key.key.is_some() { "read from its file" } else { "pinned; looked up next to the bundle" };
        let name = for_terminal(key.name.as_deref().unwrap_or_default());
        let _ = writeln!(page, "key: {name} {} ({at_hand})", key.fingerprint);
        let grading = policy.grading(key.fingerprint, &Limits::default());
        if grading != Grading::NoRecord {
            let _ = writeln!(page, "  grade: {}", grading.grade().word());
            for line in grading.details() {
                let _ = writeln!(page, "  {}", for_terminal(&line));
            }
        }
        let _ = writeln!(page, "  for builds from {}", crate::judge::policy::window_text(key));
        if let Some(revoked) = key.revoked {
            let _ = writeln!(page, "  revoked at {} as {}", revoked.at, revoked.reason.word());
        }
    }
    for (field, value) in policy.expect.rows() {
        let _ = writeln!(page, "expects {field}: {}", for_terminal(&value));
    }
    for (label, value) in people_and_places(&policy) {
        let _ = writeln!(page, "{label}: {}", for_terminal(&value));
    }
    let _ = writeln!(page, "levels:");
    for check in CHECKS {
        let level = policy.level(check);
        let changed = if level == check.level { String::new() } else { format!(" (default: {})", check.level.word()) };
        let _ = writeln!(page, "  {:<20} {}{changed}", check.name, level.word());
    }
    for waiver in &policy.waivers {
        let (owner, reason) = (for_terminal(&waiver.owner), for_terminal(&waiver.reason));
        let _ = writeln!(page, "waives {} for bundle {}", waiver.check, waiver.bundle);
        let _ = writeln!(page, "  by {owner} until {}: {reason}", waiver.expires);
    }
    output::print(&page)
}

/// The signers, and what `[trust]`, `[workload]` and `[builder]` specify: a label and a value for each.
fn people_and_places(policy: &Policy) -> Vec<(&'static str, String)> {
    let signers = policy.signers.iter().map(|signer| {
        let kind = match signer.key {
            SignerKey::Ssh(_) => "SSH",
            SignerKey::OpenPgp(_) => "OpenPGP",
            SignerKey::Pem(_) => "PEM",
        };
        ("signer", format!("{} ({kind})", signer.name))
    });
    let images = policy.trust.signers.iter().map(|signer| {
        let kind = match &signer.key {
            ImageSignerKey::ContentTrust(_) => "content trust, root key",
            ImageSignerKey::OpenPgp { .. } => "OpenPGP key",
            ImageSignerKey::Cosign { log: Some(_), .. } => "cosign key, with a log entry",
            ImageSignerKey::Cosign { log: None, .. } => "cosign key",
            ImageSignerKey::Sigstore(_) => "sigstore identity",
        };
        ("image signer", format!("{} ({kind} {})", signer.name, signer.key.identity()))
    });
    let minimum = policy.trust.minimum.map(|minimum| ("image signers needed", minimum.to_string()));
    let rule = match &policy.trust.reference {
        ReferenceRule::RepositoryWithDigest => None,
        other => Some(("names in simple signing", other.words())),
    };
    let contracts = policy
        .workload
        .contract_keys
        .iter()
        .map(|(file, key)| ("contract key", format!("{file} ({})", key.identity())));
    let kinds = policy.workload.kinds_without_images.names().into_iter().map(|kind| ("kind without images", kind));
    let builder = &policy.builder;
    let builder = [
        ("builder root", &builder.roots),
        ("builder workload", &builder.workloads),
        ("builder base image", &builder.base_images),
        ("builder root archive", &builder.root_archives),
    ];
    let builder =
        builder.into_iter().flat_map(|(label, digests)| digests.iter().map(move |one| (label, one.to_string())));
    signers.chain(images).chain(minimum).chain(rule).chain(contracts).chain(kinds).chain(builder).collect()
}

pub(crate) fn checks(format: ListFormat) -> Result<u8, Error> {
    if format == ListFormat::Markdown {
        return output::print(&check::markdown());
    }
    let mut page = String::new();
    for group in Group::ALL {
        let _ = writeln!(page, "{}", group.word());
        for check in CHECKS.iter().filter(|check| check.group == group) {
            let _ = writeln!(page, "  {:<20} {:<8} {}", check.name, check.level.word(), check.says);
        }
    }
    output::print(&page)
}

pub(crate) fn explain(name: &str) -> Result<u8, Error> {
    if name == "limits" {
        return output::print(&limits());
    }
    if name == "verdicts" {
        return output::print(VERDICTS);
    }
    let check = check::find(name).ok_or_else(|| Error::Usage {
        message: format!("unknown check {name:?}{}", check::near(name)),
        hint: "run `hpsb-audit checks` for a list; `explain verdicts` and `explain limits` are separate pages".into(),
    })?;
    let mut page = format!(
        "{} (group {}, level {})\n\nA pass means: {}.\n\n",
        check.name,
        check.group.word(),
        check.level.word(),
        check.says
    );
    for line in wrapped(check.explanation, 100) {
        let _ = writeln!(page, "{line}");
    }
    output::print(&page)
}

/// The meaning of the verdicts for readers new to the program (full rules: docs/policy.md).
const VERDICTS: &str = "\
Verdicts

  ACCEPTED          exit 0  A policy was supplied, each required group has an answer, and no check
                            rejects the bundle.
  ACCEPTED IN PART  exit 0  No check rejects the bundle, but no policy was supplied, a required group
                            has no answer, this build of hpsb-audit lacks a required check, or the
                            policy waives an answer.
  REJECTED          exit 1  A required check failed, could not decide, or did not run when requested.
  NO VERDICT        exit 2  Wrong usage, an invalid policy, or no key.
                    exit 3  The input is unreadable, malformed or over a limit.
                    exit 4  There is nothing to verify.

Only checks at the level `require` decide. `require` in a policy, or --require, requires a group.
A check that could not run because another check failed is counted under that failure. If the
failure is waived, or its level is warn or off, the dependent check itself rejects the bundle.
An acceptance does not say who holds the key, that the log is true, or that the image was built
from the source. Programs read the exit code, or `verdict` and `scope` in the JSON report.
";

fn limits() -> String {
    let mut page =
        "Limits on untrusted input. Set a limit with --limit NAME=NUMBER (K, M and G are powers of 1024).\n\n"
            .to_owned();
    for (name, value, reason) in Limits::default().entries() {
        let _ = writeln!(page, "  {name:<24} {value:>14}  {reason}");
    }
    page
}

pub(crate) fn completions(shell: Shell) -> Result<u8, Error> {
    let mut page = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hpsb-audit", &mut page);
    output::print(&String::from_utf8_lossy(&page))
}

pub(crate) fn manual(dir: &Path) -> Result<u8, Error> {
    let unwritable = |error: std::io::Error| Error::unwritable(slashed(dir), &error);
    std::fs::create_dir_all(dir).map_err(unwritable)?;
    let is_page = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(env!("CARGO_PKG_NAME")))
    };
    if std::fs::read_dir(dir).map_err(unwritable)?.any(is_page) {
        return Err(Error::Usage {
            message: format!("{} contains manual pages of this program, which are not overwritten", slashed(dir)),
            hint: "choose a new folder, or remove the old pages".into(),
        });
    }
    clap_mangen::generate_to(Arguments::command(), dir).map_err(unwritable)?;
    Ok(0)
}

/// Wraps text at spaces to `columns`; a longer word is put on a separate line.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
