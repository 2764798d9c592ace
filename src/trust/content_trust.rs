//! Checks whether the image was signed with content trust.

use super::notary::{Fault, Leaf, Pins, Repository, State, Trusted};
use super::{AcceptedSigner, Answer, ImageSignerKey, ImageTarget, Kind, SignatureReport, TrustFile, TrustPolicy};
use crate::base::budget::{Budget, Work};
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

pub(super) fn judge(
    files: &[TrustFile],
    image: &ImageTarget,
    trusted: &TrustPolicy,
    recorded_key: Option<&str>,
    limits: &Limits,
    budget: &Budget,
) -> Vec<SignatureReport> {
    let pins = pins(trusted, recorded_key);
    let repositories = Repository::all(files, budget);
    // Every tag may be looked up in each repository.
    let within = |_: &&Repository<'_>| budget.spend(Work::Nodes(image.tags.len() as u64), "the image's tags").is_ok();
    let judged: Vec<(SignatureReport, Option<State>)> = repositories
        .iter()
        .take_while(within)
        .map(|repository| judge_one(repository, image, trusted, &pins, limits))
        .collect();
    let pairs = (judged.len() as u64).saturating_pow(2);
    if budget.spend(Work::Nodes(pairs), "the states of repositories").is_err() {
        return Vec::new();
    }
    judged.iter().map(|(report, state)| refuse_overtaken(report, state.as_ref(), &judged)).collect()
}

/// As in TUF, whoever has seen the newer metadata of a repository no longer accepts the older.
fn refuse_overtaken(
    report: &SignatureReport,
    own: Option<&State>,
    all: &[(SignatureReport, Option<State>)],
) -> SignatureReport {
    let is_newer = |(_, other): &&(SignatureReport, Option<State>)| {
        own.zip(other.as_ref()).is_some_and(|(own, other)| own.is_overtaken_by(other))
    };
    let mut report = report.clone();
    if let Some((newer, _)) = all.iter().find(is_newer) {
        let message = format!("{} has newer or different metadata of the same repository", newer.file);
        report.answer = Answer::Refused(message);
    }
    report
}

/// The policy's root keys or, if there are none, the key recorded in the signed log.
fn pins(trusted: &TrustPolicy, recorded_key: Option<&str>) -> Vec<String> {
    let named: Vec<String> = trusted
        .signers
        .iter()
        .filter_map(|signer| match &signer.key {
            ImageSignerKey::ContentTrust(id) => Some(id.clone()),
            _ => None,
        })
        .collect();
    if named.is_empty() { recorded_key.map(str::to_owned).into_iter().collect() } else { named }
}

fn judge_one(
    repository: &Repository<'_>,
    image: &ImageTarget,
    policy: &TrustPolicy,
    pins: &[String],
    limits: &Limits,
) -> (SignatureReport, Option<State>) {
    let report = |answer| SignatureReport::new(Kind::ContentTrust, &repository.folder, answer);
    if pins.is_empty() {
        let message = "no root key is pinned: the policy's [trust] lists none, and the signed log does not record exactly one key id with its certificate";
        return (report(Answer::Undecided(message.into())), None);
    }
    let refused = |fault| match fault {
        Fault::Refused(message) => report(Answer::Refused(message)),
        Fault::Missing(message) => report(Answer::Undecided(message)),
    };
    let begun = match repository.begin(Pins::Keys(pins), Some(&image.repository), limits) {
        Ok(begun) => begun,
        Err(fault) => return (refused(fault), None),
    };
    let state = Some(begun.state());
    let walked = match begun.finish(repository, limits) {
        Ok(walked) => walked,
        Err(fault) => return (refused(fault), state),
    };
    let answer = match out_of_date(&walked, image.built) {
        Some(message) => Answer::Refused(message),
        None => match signed_target(&walked, image) {
            Ok(role) => Answer::Accepted(signer(&walked, role, policy)),
            Err(answer) => answer,
        },
    };
    let mut report = report(answer);
    report.expiries = expiries(&walked);
    report.details = details(&walked, image);
    (report, state)
}

/// The reason why the metadata was not valid when the image was built. The start of the validity period is checked only for the first root's
/// certificates: a later root, reached through a verified chain, may have a certificate that became valid after the build.
fn out_of_date(walked: &Trusted, built: Timestamp) -> Option<String> {
    let early = |leaf: &&Leaf| leaf.not_before.is_clearly_after(built);
    if let Some(leaf) = walked.anchor_certificates.iter().find(early) {
        return Some(format!(
            "the root key's certificate is valid only from {}, after the build at {built}",
            leaf.not_before
        ));
    }
    let over = expiries(walked).into_iter().find(|(_, moment)| *moment <= built);
    over.map(|(what, moment)| format!("{what} expired at {moment}, before the build at {built}"))
}

pub(super) fn expiries(walked: &Trusted) -> Vec<(String, Timestamp)> {
    let roles = walked.roles.iter().map(|role| (format!("{}.json", role.name), role.expires));
    let certificates = walked.anchor_certificates.iter().chain(&walked.later_certificates);
    roles.chain(certificates.map(|leaf| ("the root key's certificate".to_owned(), leaf.not_after))).collect()
}

/// The maximum number of tags that are listed individually; a build pushes two.
const TAGS_SHOWN: usize = 20;

/// The role that signed the image for the build's own tag or, if it has none, for its first signed tag. By now, `latest` may point to a later build.
fn signed_target<'w>(walked: &'w Trusted, image: &ImageTarget) -> Result<&'w str, Answer> {
    let tags = match &image.tag {
        Some(tag) => std::slice::from_ref(tag),
        None => image.tags.as_slice(),
    };
    let mut missing = Vec::new();
    for tag in tags {
        match walked.look_up(tag) {
            Err(Fault::Refused(message)) => return Err(Answer::Refused(message)),
            Err(Fault::Missing(message)) => return Err(Answer::Undecided(message)),
            Ok(None) => missing.push(tag.as_str()),
            Ok(Some((role, target)))
                if target.sha256 != image.digest || image.size.is_some_and(|size| target.length != size) =>
            {
                let size = image.size.map(|size| format!(" ({size} bytes)")).unwrap_or_default();
                return Err(Answer::Refused(format!(
                    "{role}.json: {tag} refers to {} ({} bytes), but the signed log states {}{size}",
                    target.sha256, target.length, image.digest
                )));
            }
            Ok(Some((role, _))) => return Ok(role),
        }
    }
    missing.truncate(TAGS_SHOWN);
    Err(Answer::Refused(format!("neither targets/releases nor targets signs {}", missing.join(" or "))))
}

fn signer(walked: &Trusted, role: &str, policy: &TrustPolicy) -> AcceptedSigner {
    let key = walked.anchor_keys.first().cloned().unwrap_or_default();
    let named =
        policy.signers.iter().find(|signer| matches!(&signer.key, ImageSignerKey::ContentTrust(id) if *id == key));
    let keys = walked.roles.iter().find(|one| one.name == role).map(|one| one.signers.join(", "));
    let below = keys.map(|keys| format!("{role} with key {keys}"));
    AcceptedSigner { name: named.map(|signer| signer.name.clone()), key, below }
}

fn details(walked: &Trusted, image: &ImageTarget) -> Vec<String> {
    let mut lines: Vec<String> = walked
        .roles
        .iter()
        .map(|role| format!("{} version {} until {}", role.name, role.version, role.expires))
        .collect();
    for tag in image.tags.iter().filter(|tag| Some(*tag) != image.tag.as_ref()).take(TAGS_SHOWN) {
        lines.push(match walked.look_up(tag) {
            Ok(Some((_, target))) if target.sha256 == image.digest => format!("{tag} also refers to this image"),
            Ok(Some((_, target))) => format!("{tag} now refers to a different image: {}", target.sha256),
            Ok(None) => format!("neither targets/releases nor targets signs {tag}"),
            Err(Fault::Refused(message) | Fault::Missing(message)) => {
                format!("it is not known whether {tag} is signed: {message}")
            }
        });
    }
    lines.extend(walked.targets().faults().iter().map(|(role, fault)| match fault {
        Fault::Refused(message) | Fault::Missing(message) => format!("{role} was not accepted: {message}"),
    }));
    lines
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::base::time::DAY_SECONDS;

    /// Metadata recorded from a Notary server, as files; `altered` changes the delegation targets/releases.
    fn recorded(folder: &str, altered: bool) -> Vec<TrustFile> {
        let folder = format!("{}/fixtures/inputs/trust/notary/{folder}", env!("CARGO_MANIFEST_DIR"));
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        let mut files: Vec<TrustFile> = files
            .map(|path| TrustFile {
                path: path.file_name().unwrap().to_string_lossy().into_owned(),
                bytes: fs::read(path).unwrap(),
            })
            .collect();
        if let Ok(text) = fs::read_to_string(format!("{folder}/targets/releases.json")) {
            let text = if altered { text.replacen("1157", "1158", 1) } else { text };
            files.push(TrustFile { path: "targets/releases.json".into(), bytes: text.into() });
        }
        files
    }

    /// If targets/releases cannot be read, it is not known which tags it signs.
    #[test]
    fn a_tag_counts_as_not_signed_only_if_both_roles_were_read() {
        let time = Timestamp::from_unix_seconds(1_800_000_000).unwrap();
        let image = ImageTarget {
            repository: "docker.io/acme/wallet".into(),
            tag: None,
            tags: vec!["latest".into(), "never-pushed".into()],
            digest: crate::base::digest::Sha256::of(b""),
            size: None,
            built: time,
            now: time,
        };
        let said = |altered: bool| {
            let files = recorded("delegated", altered);
            let repository = Repository::all(&files, &Budget::of_unknown_input(&Limits::default())).remove(0);
            details(&repository.walk(Pins::Unpinned, None, &Limits::default()).unwrap(), &image).join("\n")
        };
        let (sound, altered) = (said(false), said(true));
        assert!(sound.contains("latest now refers to a different image"), "{sound}");
        assert!(sound.contains("neither targets/releases nor targets signs never-pushed"), "{sound}");
        for tag in &image.tags {
            assert!(altered.contains(&format!("it is not known whether {tag} is signed: ")), "{altered}");
        }
        assert!(!altered.contains("neither"), "{altered}");
    }

    /// A root certificate's validity period may start up to a day after the build, because clocks differ. Anything that expires exactly at the time
    /// of the build counts as expired.
    #[test]
    fn validity_at_the_time_of_the_build_is_exact() {
        let files = recorded("first", false);
        let repository = Repository::all(&files, &Budget::of_unknown_input(&Limits::default())).remove(0);
        let walked = repository.walk(Pins::Unpinned, None, &Limits::default()).unwrap();
        let begins = walked.anchor_certificates.iter().map(|leaf| leaf.not_before).max().unwrap();
        let ends = expiries(&walked).into_iter().map(|(_, moment)| moment).min().unwrap();
        let early = begins.plus_seconds(-DAY_SECONDS);
        assert_eq!(out_of_date(&walked, early), None);
        assert!(out_of_date(&walked, early.plus_seconds(-1)).unwrap().contains("is valid only from"));
        assert_eq!(out_of_date(&walked, ends.plus_seconds(-1)), None);
        assert!(out_of_date(&walked, ends).unwrap().contains("expired at"));
    }
}
