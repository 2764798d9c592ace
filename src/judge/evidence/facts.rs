//! Facts: the statements of each witness, and how each statement is known.
//!
//! To add a fact, add a line to the function of its witness, in this folder.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Evidence;
use super::image::image_facts;
use super::source::source_facts;
use crate::base::image_name::repository_of;
use crate::base::mask::{keep_name, mask, mask_name};
use crate::base::words::words;
use crate::given::server_record::ServerRecord;
use crate::manifest::build_log::LogEvent;

/// How a fact is known, from the strongest to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Known {
    /// This program proved the statement from bytes.
    Recomputed,
    /// A time-stamp from an authority that the auditor specified shows that the data existed by that time (RFC 3161).
    Timestamped,
    /// The key's holder signed the statement.
    Signed,
    /// A third party, such as a commit's author, makes the statement in data that is signed or recomputed.
    Stated,
    /// The statement was supplied, and nothing proves it.
    Given,
}

words! {
    /// The category as it is written in reports.
    pub Known {
        Signed = "signed", Recomputed = "recomputed", Timestamped = "timestamped", Stated = "stated", Given = "given"
    }
}

/// One statement by one witness.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact {
    /// The subject of the statement: `commit`, `tag`, `image-digest` …
    pub fact: String,
    /// The witness of the statement: `file-name`, `member-names` (the names inside the bundle), `build.json`, `build.log`, `git-objects` …
    pub witness: &'static str,
    /// The value, formatted for people.
    pub value: String,
    /// The value, formatted for programs, if it consists of numbers or several fields: `object-count` has `total`, `reachable` and
    /// `unreachable`. `image-digest` has `digest` and `size`, and in facts from the log also `tag`.
    pub data: Option<Value>,
    /// How the statement is known.
    pub known: Known,
}

impl Fact {
    /// A fact without a value for programs.
    pub(crate) fn new(fact: &str, witness: &'static str, value: String, known: Known) -> Self {
        Self { fact: fact.into(), witness, value, data: None, known }
    }

    /// Adds the value for programs.
    pub(crate) fn with_data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// All witnesses.
    pub const WITNESSES: [&'static str; 17] = [
        "file-name",
        "member-names",
        "build.json",
        "build.log",
        "git-objects",
        "work-tree",
        "registry",
        "layout",
        "docker-archive",
        "trust",
        "server",
        "beside-bundle",
        "builder",
        "workload",
        "policy",
        "approvals",
        "timestamp",
    ];
}

impl Fact {
    /// The value, with everything that looks like a secret masked. The first word of a fact about an image is masked as a name.
    pub(crate) fn masked_value(&self) -> String {
        let value = self.value.as_str();
        if !["image", "other-image", "base-image", "tag"].contains(&self.fact.as_str()) {
            return mask(value);
        }
        match value.split_once(' ') {
            Some((name, rest)) => mask(&format!("{} {rest}", keep_name(name))),
            None => mask_name(value),
        }
    }
}

/// The maximum number of facts of one kind from one witness that are listed. Further facts are counted in a fact `left-out`. The maximum is far above
/// what is usual: an image may have dozens of layers, and a build pushes two tags.
const FACTS_SHOWN: usize = 100;

/// Collects the first facts of each kind, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct FactList {
    facts: Vec<Fact>,
    counts: BTreeMap<(&'static str, String), usize>,
}

impl FactList {
    /// Adds a fact, unless it equals the previous fact.
    pub(crate) fn add(&mut self, fact: Fact) {
        if self.facts.last() == Some(&fact) {
            return;
        }
        let count = self.counts.entry((fact.witness, fact.fact.clone())).or_default();
        *count += 1;
        if *count <= FACTS_SHOWN {
            self.facts.push(fact);
        }
    }

    fn extend(&mut self, facts: impl IntoIterator<Item = Fact>) {
        facts.into_iter().for_each(|fact| self.add(fact));
    }

    /// The listed facts, and the number of omitted facts of each kind.
    pub(crate) fn finish(mut self) -> Vec<Fact> {
        for ((witness, fact), count) in self.counts {
            if let Some(more @ 1..) = count.checked_sub(FACTS_SHOWN) {
                let value = format!("{fact}: {more} more");
                self.facts.push(Fact::new("left-out", witness, value, Known::Recomputed));
            }
        }
        self.facts
    }
}

impl Evidence<'_> {
    /// The first facts of each kind from each witness, and a count of the others.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = FactList::default();
        let mut add = |fact: &str, witness, value: String, known| facts.add(Fact::new(fact, witness, value, known));
        let name = self.archive.build_name();
        if let Some(file) = self.file_name {
            let own = file.strip_prefix("manifest.").and_then(|rest| rest.strip_suffix(".sig.tbz"));
            add("build-name", "file-name", own.unwrap_or(file).to_owned(), Known::Given);
        }
        add("build-name", "member-names", name.to_string(), Known::Given);
        if let Some(stamp) = name.stamp() {
            add("built-at", "member-names", stamp.to_string(), Known::Given);
        }
        for (field, value) in self.manifest.record.fields() {
            add(
                record_fact(field),
                "build.json",
                if record_fact(field) == "record" { format!("{field}: {value}") } else { value },
                Known::Signed,
            );
        }
        // Checks use the stamp as the time of the build. The last time in the log may differ, and replaces the stamp only if there is none.
        let stamp = self.signed_name().and_then(|name| name.ok()?.stamp());
        if let Some(stamp) = stamp {
            add("built-at", "build.json", stamp.to_string(), Known::Signed);
        }
        if let Some(log) = self.log() {
            if let Some(time) = log.last_time() {
                let fact = if stamp.is_some() { "last-log-time" } else { "built-at" };
                add(fact, "build.log", time.to_string(), Known::Signed);
            }
            for (fact, value) in
                log.input_events().filter_map(build_fact).chain(log.push_events().filter_map(push_fact))
            {
                add(fact, "build.log", value, Known::Signed);
            }
            if let Some(id) = log.image_id() {
                add("image-id", "build.log", id.to_owned(), Known::Signed);
            }
            // If several tags were pushed, only a check can determine which tag belongs to the build.
            let tags: BTreeSet<&str> = log.pushed().map(|(tag, _, _)| tag).collect();
            if let (Some(tag), 1) = (tags.first(), tags.len()) {
                add("tag", "build.log", (*tag).to_owned(), Known::Signed);
            }
            facts.extend(log.pushed().map(|(tag, digest, size)| {
                let bytes = size.map(|size| format!(" ({size} bytes)")).unwrap_or_default();
                let value = format!("{tag} {digest}{bytes}");
                let data = json!({ "tag": tag, "digest": digest.to_string(), "size": size });
                Fact::new("image-digest", "build.log", value, Known::Signed).with_data(data)
            }));
        }
        if let Ok(snapshot) = self.snapshot() {
            let folder = format!("folder {}", String::from_utf8_lossy(&snapshot.repository));
            facts.add(Fact::new("repository", "work-tree", folder, Known::Signed));
            facts.extend(self.source.into_iter().flat_map(source_facts));
        }
        let mut add = |fact: &str, witness, value: String, known| facts.add(Fact::new(fact, witness, value, known));
        if let Some(moment) = self.existed_by {
            add("existed-by", "timestamp", moment.to_string(), Known::Timestamped);
        }
        for (fact, value) in self.server.map(server_facts).unwrap_or_default() {
            add(fact, "server", value, Known::Given);
        }
        for (fact, value) in self.approval_facts() {
            add(fact, "approvals", value, Known::Given);
        }
        facts.extend(self.image.into_iter().flat_map(image_facts));
        facts.finish()
    }

    /// The statements of the supplied list about HEAD's commit. Approvals of other commits are not facts about this
    /// build.
    fn approval_facts(&self) -> Vec<(&'static str, String)> {
        let head = self.source.and_then(|proof| proof.head.as_ref().ok()).map(|head| &head.commit);
        let records = self.approvals.iter().flat_map(|list| &list.records);
        let own = records.filter(|record| Some(&record.commit) == head);
        own.flat_map(|record| {
            let approval = format!("{} by {} at {}", record.change, record.approver, record.time);
            [("commit", record.commit.to_string()), ("approval", approval)]
        })
        .collect()
    }
}

/// The statements of the saved responses. The saved responses are not signed.
fn server_facts(server: &ServerRecord) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let fields = server.status.iter().flat_map(|status| status.fields());
    for (field, value) in fields.filter(|(_, value)| !value.is_empty()) {
        let fact = record_fact(field);
        facts.push((fact, if fact == "record" { format!("{field}: {value}") } else { value }));
    }
    facts.extend(server.image.iter().map(|(name, digest)| ("image-digest", format!("{name} {digest}"))));
    facts
}

/// The fact's name for a field of build.json; `record` for a field with no separate fact.
fn record_fact(field: &str) -> &'static str {
    match field {
        "build_name" => "build-name",
        "image_tag" => "tag",
        "build_image_tag" => "server-version",
        "status" => "status",
        _ => "record",
    }
}

/// A fact about the clone or a base image. A RUN step can print lines like these.
fn build_fact(event: &LogEvent) -> Option<(&'static str, String)> {
    Some(match event {
        LogEvent::Directory(name) => ("repository", format!("folder {name}")),
        LogEvent::Host(name) => ("repository", format!("host {name}")),
        // A step refers to its base by digest if the Dockerfile does, or if content trust inserted the digest.
        LogEvent::Step { instruction, .. }
        | LogEvent::StageStep { instruction, .. }
        | LogEvent::PlainStep { instruction, .. } => ("base-image", base_by_digest(instruction)?.to_owned()),
        LogEvent::ResolvedBase { name, .. } => ("base-image", name.clone()),
        LogEvent::PulledImage(name) => ("base-image", name.clone()),
        LogEvent::PulledDigest(digest) => ("base-image", digest.to_string()),
        _ => return None,
    })
}

/// A fact from an event about the push or the signing, as returned by `BuildLog::push_events`.
fn push_fact(event: &LogEvent) -> Option<(&'static str, String)> {
    Some(match event {
        LogEvent::PushTo(name) => ("image", name.clone()),
        LogEvent::PushedManifest { name, .. } => ("image", repository_of(name)),
        LogEvent::Signed(name) => ("image", format!("{name} (signed with content trust, according to the log)")),
        LogEvent::KeyId(id) => ("key-id", id.clone()),
        _ => return None,
    })
}

/// The image of `FROM … NAME@sha256:…`.
fn base_by_digest(instruction: &str) -> Option<&str> {
    let mut words = instruction.split_whitespace();
    words.next().filter(|keyword| keyword.eq_ignore_ascii_case("FROM"))?;
    words.find(|word| !word.starts_with("--")).filter(|image| image.contains("@sha256:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_facts_of_each_kind_are_listed_and_the_others_counted() {
        let mut facts = FactList::default();
        let fact = |name: &str, number: usize| Fact::new(name, "build.log", number.to_string(), Known::Signed);
        (0..150).for_each(|number| facts.add(fact("image", number)));
        (0..100).for_each(|number| facts.add(fact("tag", number)));
        facts.add(fact("tag", 99));
        let facts = facts.finish();
        assert_eq!(facts.len(), 201);
        let last = facts.last().unwrap();
        assert_eq!(
            (last.fact.as_str(), last.witness, last.value.as_str()),
            ("left-out", "build.log", "image: 50 more")
        );
    }
}
