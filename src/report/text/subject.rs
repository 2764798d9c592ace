//! The subject of a bundle, with how each fact is known, and the grade of its key.

use super::Page;
use super::page::clipped;
use crate::base::escape::for_terminal;
use crate::judge::check;
use crate::judge::evidence::{Fact, Known};
use crate::report::{BundleReport, Report, key_words, summary};

/// The claims that no acceptance proves, in short. The other formats explain these claims.
pub(in crate::report) const UNPROVED: &str = "who has the key; that the log is true; that this source made the image";

/// The meaning of the labels in brackets.
pub(super) const KNOWN: &str = "signed: stated by the signer; recomputed: by the audit; given: unproved";

/// The build name.
pub(super) fn put_build(page: &mut Page, bundle: &BundleReport) {
    if let Some((name, known)) = summary::build_name(bundle) {
        let how = if known == Known::Given { "unsigned" } else { known.word() };
        page.put("build", &format!("{} ({how})", for_terminal(name)));
    }
}

/// The statements that were proved, followed by image, commit, repository, time and key.
pub(super) fn put(page: &mut Page, report: &Report, bundle: &BundleReport) {
    let proved = proved(bundle);
    if !proved.is_empty() {
        page.put("proved", &proved.join("; "));
    }
    image(page, bundle);
    put_fact(page, "commit", summary::fact(bundle, "commit"));
    repository(page, bundle);
    built(page, report, bundle);
    put_key(page, bundle);
}

/// The time of the build, and the time as of which it is judged: an acceptance for a past time is not one for today.
fn built(page: &mut Page, report: &Report, bundle: &BundleReport) {
    let judged = summary::judged(report, Some(bundle));
    let built = summary::fact(bundle, "built-at").map(|fact| known(&clipped(&for_terminal(&fact.value)), fact));
    match (built, judged) {
        (Some(built), Some(judged)) => page.put("built", &format!("{built}; judged as of {judged}")),
        (Some(built), None) => page.put("built", &built),
        (None, Some(judged)) => page.put("judged", &format!("as of {judged}")),
        (None, None) => {}
    }
}

fn put_fact(page: &mut Page, label: &str, fact: Option<&Fact>) {
    if let Some(fact) = fact {
        page.put(label, &known(&clipped(&for_terminal(&fact.value)), fact));
    }
}

fn known(text: &str, fact: &Fact) -> String {
    format!("{text} ({})", fact.known.word())
}

/// The main statements that this audit recomputed, each included only if its checks passed.
fn proved(bundle: &BundleReport) -> Vec<String> {
    let all = |checks: &[&str]| checks.iter().all(|check| summary::passes(bundle, check));
    let has_digest = all(&["image-digest"]);
    let is_whole = has_digest && all(&["image-config", "image-layers"]);
    // The check's message is used, because a pass may have exceptions (allowed files, submodules that were not cloned), or be about an index.
    let message = |check: &check::Check| check.answer_in(&bundle.findings).map(|finding| finding.message.as_str());
    let image = message(check::IMAGE_DIGEST).filter(|_| has_digest).unwrap_or_default();
    let whole = format!("{image}; its configuration and layers are those of its manifest");
    let source = message(check::SOURCE_TREE);
    let source = source.filter(|_| all(&["source-objects", "source-commit", "source-tree"]));
    let things = [
        (all(&["manifest-signature"]), "the archive is unaltered since the key below signed it"),
        (source.is_some(), source.unwrap_or_default()),
        (is_whole, whole.as_str()),
        (has_digest && !is_whole, image),
        (
            all(&["image-signature"]),
            "a signature by or under a key or identity from the policy or the log covers the digest in the log",
        ),
    ];
    things.into_iter().filter(|(is_proved, _)| *is_proved).map(|(_, words)| words.to_owned()).collect()
}

/// The image in the log with the record's tag, and its digest.
fn image(page: &mut Page, bundle: &BundleReport) {
    let tag = tag(bundle);
    let named = || in_log(bundle, "image");
    let first_word = |fact: &Fact| fact.value.split(' ').next().unwrap_or_default().to_owned();
    let is_tagged = |fact: &&Fact| tag.is_some_and(|tag| first_word(fact).ends_with(&format!(":{tag}")));
    let image = named().find(is_tagged).or_else(|| named().next());
    if let Some(image) = image {
        // "(signed)" would read as a signature over the image.
        page.put("image", &format!("{} (signed log)", for_terminal(&first_word(image))));
    }
    if let Some(value) = digest(bundle) {
        page.put(if image.is_some() { "" } else { "image" }, &for_terminal(value));
    }
}

/// The digest in the log for the record's tag.
pub(super) fn digest(bundle: &BundleReport) -> Option<&str> {
    let tag = tag(bundle);
    let of_tag = |fact: &&Fact| tag.is_some_and(|tag| fact.value.starts_with(&format!("{tag} ")));
    let named = || in_log(bundle, "image-digest");
    let fact = named().find(of_tag).or_else(|| named().next())?;
    fact.value.split(' ').find(|word| word.starts_with("sha256:"))
}

fn tag(bundle: &BundleReport) -> Option<&str> {
    summary::facts(bundle, "tag").find(|fact| fact.known == Known::Signed).map(|fact| fact.value.as_str())
}

fn in_log<'b>(bundle: &'b BundleReport, name: &'b str) -> impl Iterator<Item = &'b Fact> {
    summary::facts(bundle, name).filter(|fact| fact.witness == "build.log")
}

/// The remote of the snapshot, or else the repository in the log.
fn repository(page: &mut Page, bundle: &BundleReport) {
    let remotes: Vec<(&Fact, &str, &str)> = summary::facts(bundle, "repository")
        .filter_map(|fact| {
            let (name, address) = fact.value.strip_prefix("remote ")?.split_once(": ")?;
            Some((fact, name, address))
        })
        .collect();
    let origin = remotes.iter().find(|(_, name, _)| *name == "origin").or_else(|| remotes.first());
    if let Some((fact, name, address)) = origin {
        let text = format!("{}, the snapshot's remote {}", for_terminal(address), for_terminal(name));
        page.put("source", &known(&clipped(&text), fact));
        if summary::facts(bundle, summary::INCLUDE).next().is_some() {
            page.put("", &format!("the config {}", summary::HAS_INCLUDES));
        }
        if summary::facts(bundle, summary::ELSEWHERE).next().is_some() {
            page.put("", summary::HAS_ELSEWHERE);
        }
        return;
    }
    let in_log: Vec<&Fact> = in_log(bundle, "repository").collect();
    if let Some(fact) = in_log.first() {
        let parts: Vec<String> = in_log.iter().map(|fact| for_terminal(&fact.value)).collect();
        page.put("source", &known(&clipped(&parts.join(", ")), fact));
    }
}

/// The key, its source, and its grade.
pub(super) fn put_key(page: &mut Page, bundle: &BundleReport) {
    let Some(key) = &bundle.key else {
        page.put("key", summary::no_key(bundle));
        return;
    };
    page.put("key", &key.fingerprint.to_string());
    let source = for_terminal(&key.source);
    page.put("", &clipped(&format!("{}, {} bits; {} (given)", key.kind, key.bits, key_words::named(&source))));
    // The acceptance of a key that is revoked as compromised rests on a time-stamp.
    let says = check::MANIFEST_KEY.answer_in(&bundle.findings).into_iter().flat_map(summary::found_by);
    for said in says.filter(|said| said.known == Known::Timestamped) {
        page.put("", &format!("{} ({})", for_terminal(&said.sentence), said.known.word()));
    }
    page.put("grade", &key_words::grade_words(key.grade));
}
