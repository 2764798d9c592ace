//! What the checks look at: facts, each with who says it and how that is known.

use crate::approvals::Approvals;
use crate::attestation::Attestation;
use crate::build_log::{BuildLog, LogEvent};
use crate::builds::BuiltImage;
use crate::dockerfile::{self, Instruction};
use crate::git::{HeadFault, Snapshot, SourceProof};
use crate::image::ImageFacts;
use crate::image_name::repository_of;
use crate::key_record::Grading;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::server_record::ServerRecord;
use crate::time::Timestamp;
use crate::trust::TrustFile;
use crate::verify::VerifiedArchive;

/// Everything that was gathered about one build. It exists only behind the gate.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The bundle's file name. Nobody signed it.
    pub file_name: Option<&'a str>,
    /// The signed archive.
    pub archive: &'a VerifiedArchive,
    /// What is in it.
    pub manifest: &'a Manifest,
    /// What the one source snapshot proves. `None` where there is none, or several.
    pub source: Option<&'a SourceProof>,
    /// The list of approvals that was given.
    pub approvals: Option<&'a Approvals>,
    /// How well it is known whose key it is.
    pub grading: Grading,
    /// What was saved of the build server's answers.
    pub server: Option<&'a ServerRecord>,
    /// The files of the image's signatures, where they were given.
    pub trust: Option<&'a [TrustFile]>,
    /// The build server's own attestation record, where it was given.
    pub builder: Option<&'a Attestation>,
    /// The image that was handed over, or lies beside the bundle.
    pub image: Option<&'a ImageFacts>,
    /// Base images that were handed over.
    pub bases: &'a [ImageFacts],
    /// The bounds.
    pub limits: &'a Limits,
    /// The moment that the audit is for.
    pub now: Timestamp,
}

/// Why there are no instructions of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoInstructions {
    /// It is not in the proved tree, in words.
    NoFile(String),
    /// It is there and cannot be read for certain, in words.
    NotRead(String),
}

/// The Dockerfile where nobody names another.
pub(crate) const DOCKERFILE: &str = "Dockerfile";

/// How a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The key's holder wrote it.
    Signed,
    /// This program proved it from bytes.
    Recomputed,
    /// Somebody handed it over.
    Given,
}

impl Known {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Signed, Self::Recomputed, Self::Given];

    /// Reads the contract's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Recomputed => "recomputed",
            Self::Given => "given",
        }
    }
}

/// One thing that one witness says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is about: `commit`, `tag`, `image-digest` …
    pub fact: String,
    /// Who says it: `file-name`, `build.json`, `build.log`, `git-objects` …
    pub witness: &'static str,
    /// What is said.
    pub value: String,
    /// How it is known.
    pub known: Known,
}

impl Evidence<'_> {
    /// When the build was made, as the signed archive says it: the stamp in build.json's `build_name`, or else the last time in
    /// the log. The stamp in a file's or member's name is not signed and not used. It is the server's own clock either way.
    pub fn build_time(&self) -> Option<Timestamp> {
        let recorded =
            self.manifest.record.build_name().and_then(crate::BuildName::parse).and_then(|name| name.stamp());
        recorded.or_else(|| self.log()?.last_time())
    }

    /// The log, where there is one.
    pub fn log(&self) -> Option<&BuildLog> {
        self.manifest.log.as_ref()
    }

    /// The one source snapshot.
    ///
    /// # Errors
    /// In words, when the archive holds none or several.
    pub fn snapshot(&self) -> Result<&Snapshot, String> {
        match self.manifest.snapshots.as_slice() {
            [one] => Ok(one),
            [] => Err("the archive has no folder below git/".into()),
            several => Err(format!("the archive has {} folders below git/, a build has one", several.len())),
        }
    }

    /// What the one source snapshot proves.
    ///
    /// # Errors
    /// In words, when there is not exactly one.
    pub fn source(&self) -> Result<&SourceProof, String> {
        self.snapshot()?;
        self.source.ok_or_else(|| "the snapshot was not looked at".into())
    }

    /// The instructions of the Dockerfile at `path`, relative to the top of the repository, from its proved blob.
    ///
    /// # Errors
    /// [`NoInstructions`].
    pub fn dockerfile(&self, path: Option<&str>) -> Result<Vec<Instruction>, NoInstructions> {
        let path = path.unwrap_or(DOCKERFILE);
        let path = path.strip_prefix("./").unwrap_or(path);
        let proof = self.source().map_err(NoInstructions::NoFile)?;
        if proof.commit.is_none() {
            return Err(NoInstructions::NoFile("HEAD's commit is not proved: see source-objects".into()));
        }
        let snapshot = self.snapshot().map_err(NoInstructions::NoFile)?;
        let content = proof.read_file(snapshot, path.as_bytes());
        let content = content.map_err(|fault| NoInstructions::NoFile(fault.to_string()))?;
        dockerfile::read(&content).map_err(|fault| NoInstructions::NotRead(format!("{path}: {fault}")))
    }

    /// The image's tag: build.json's, or else what follows the pushed repository in the build's name.
    pub fn image_tag(&self) -> Option<String> {
        if let Some(tag) = self.manifest.record.image_tag() {
            return Some(
                tag.rsplit_once('/')
                    .map_or(tag, |(_, last)| last)
                    .rsplit_once(':')
                    .map_or(tag, |(_, tag)| tag)
                    .to_owned(),
            );
        }
        let name = self.archive.build_name();
        let pushed = self.log()?.pushed().map(|(tag, ..)| tag.to_owned());
        let mut named =
            pushed.filter(|tag| name.subject().is_some_and(|subject| subject.ends_with(&format!(".{tag}"))));
        named.next()
    }

    /// What the signed log says of the image that was pushed.
    pub fn built_image(&self) -> BuiltImage {
        let mut image = BuiltImage {
            commit: self.source.and_then(|proof| {
                proof.commit.as_ref()?;
                Some(proof.head.as_ref().ok()?.commit.to_string())
            }),
            built: self.build_time(),
            ..BuiltImage::default()
        };
        let Some(log) = self.log() else { return image };
        image.pushed = log.pushed().map(|(tag, digest, _)| (tag.to_owned(), digest)).collect();
        let mut keys: Vec<&String> = Vec::new();
        for event in log.push_events() {
            match event {
                LogEvent::PushTo(name) | LogEvent::Signed(name) => image.repositories.push(repository_of(name)),
                LogEvent::PublicKey(key) => keys.push(key),
                _ => {}
            }
        }
        image.repositories.sort();
        image.repositories.dedup();
        keys.dedup();
        // Several keys are no key: see the check log-key.
        image.root_key = if let [one] = keys.as_slice() { Some((*one).clone()) } else { None };
        image
    }

    /// Every fact, in the order of the witnesses.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut add =
            |fact: &str, witness, value: String, known| facts.push(Fact { fact: fact.into(), witness, value, known });
        let name = self.archive.build_name();
        add("build-name", "file-name", name.to_string(), Known::Given);
        if let Some(stamp) = name.stamp() {
            add("built-at", "file-name", stamp.to_string(), Known::Given);
        }
        for (field, value) in self.manifest.record.fields() {
            add(
                record_fact(field),
                "build.json",
                if record_fact(field) == "record" { format!("{field}: {value}") } else { value },
                Known::Signed,
            );
        }
        if let Some(log) = self.log() {
            if let Some(time) = log.last_time() {
                add("built-at", "build.log", time.to_string(), Known::Signed);
            }
            for (fact, value) in log.events().filter_map(build_fact).chain(log.push_events().filter_map(push_fact)) {
                add(fact, "build.log", value, Known::Signed);
            }
            if let Some(id) = log.image_id() {
                add("image-id", "build.log", id.to_owned(), Known::Signed);
            }
            for (tag, digest, size) in log.pushed() {
                add("image-digest", "build.log", format!("{tag} {digest} ({size} bytes)"), Known::Signed);
            }
        }
        if let Ok(snapshot) = self.snapshot() {
            add(
                "repository",
                "work-tree",
                format!("folder {}", String::from_utf8_lossy(&snapshot.repository)),
                Known::Signed,
            );
            if let Some(proof) = self.source {
                source_facts(proof, &mut add);
            }
        }
        for (fact, value) in self.server.map(server_facts).unwrap_or_default() {
            add(fact, "server", value, Known::Given);
        }
        facts.extend(self.image.into_iter().flat_map(image_facts));
        facts.dedup();
        facts
    }
}

/// What the snapshot proves, and what its refs and config only say.
fn source_facts(proof: &SourceProof, add: &mut impl FnMut(&str, &'static str, String, Known)) {
    match &proof.head {
        Ok(head) => {
            let known = if proof.commit.is_some() { Known::Recomputed } else { Known::Signed };
            add("commit", "git-objects", head.commit.to_string(), known);
            let branch = head.reference.clone().unwrap_or_else(|| "detached HEAD".into());
            add("branch", "git-objects", branch, Known::Signed);
        }
        Err(HeadFault::Missing) => {}
        Err(fault) => add("commit", "git-objects", fault.to_string(), Known::Signed),
    }
    if let Some(commit) = &proof.commit {
        add("tree", "git-objects", commit.tree.to_string(), Known::Recomputed);
        for (fact, who) in [("author", &commit.author), ("committer", &commit.committer)] {
            let time = who.time.map(|time| format!(" at {time}")).unwrap_or_default();
            add(fact, "git-objects", format!("{} <{}>{time}", who.name, who.email), Known::Recomputed);
        }
        add("subject", "git-objects", commit.subject(), Known::Recomputed);
    }
    let objects = &proof.objects;
    if objects.object_count > 0 {
        let (all, reached) = (objects.object_count, objects.reachable);
        add("object-count", "git-objects", format!("{all}, {reached} of them reachable"), Known::Recomputed);
        let history = match objects.shallow.len() {
            0 => "complete".to_owned(),
            count => format!("shallow: the parents of {count} commits are left out"),
        };
        add("history", "git-objects", history, Known::Recomputed);
    }
    for name in &proof.refs_at_head {
        add("ref", "git-objects", name.clone(), Known::Signed);
    }
    for remote in &proof.remotes {
        let place = remote.repository.as_ref().map_or_else(|| remote.url.clone(), ToString::to_string);
        add("repository", "work-tree", format!("remote {}: {place}", remote.name), Known::Signed);
    }
    if proof.commit.is_some() {
        let (files, differences) = (proof.tree.files.len(), proof.tree.differences.len());
        add("files", "work-tree", format!("{files} in HEAD's tree, {differences} differences"), Known::Recomputed);
    }
}

/// What the saved answers say. Nobody signed them.
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

/// What the image's bytes say. Digests are recomputed; what its documents say of themselves is given.
pub(crate) fn image_facts(image: &ImageFacts) -> Vec<Fact> {
    let witness = image.form.witness();
    let mut facts = Vec::new();
    let mut add = |fact: &str, value: String, known| facts.push(Fact { fact: fact.into(), witness, value, known });
    for index in &image.indexes {
        add("image-index", format!("{} ({} bytes)", index.digest, index.size), Known::Recomputed);
    }
    if let Some(manifest) = &image.manifest {
        add("image-digest", format!("{} ({} bytes)", manifest.digest, manifest.size), Known::Recomputed);
    }
    if let Some(tag) = &image.tag {
        add("tag", format!("{}:{} leads to {}", tag.repository, tag.tag, tag.digest), Known::Given);
    }
    for name in &image.names {
        add("image", name.clone(), Known::Given);
    }
    if let Some(config) = &image.config {
        add("image-id", config.digest.to_string(), Known::Recomputed);
        add("platform", config.platform.to_string(), Known::Given);
        if let Some(created) = &config.created {
            add("created", created.clone(), Known::Given);
        }
    }
    for layer in &image.layers {
        match &layer.measured {
            Some(measured) => {
                let inside = match &measured.content {
                    Ok((diff_id, size)) => format!("diff_id {diff_id} ({size} bytes)"),
                    Err(message) => message.clone(),
                };
                let compression = measured.compression.word();
                add(
                    "layer",
                    format!("{} ({} bytes, {compression}), {inside}", measured.digest, measured.size),
                    Known::Recomputed,
                );
            }
            None => {
                let named = layer.descriptor.as_ref().map_or(layer.name.clone(), |said| said.digest.to_string());
                add("layer", format!("{named}, not at hand"), Known::Given);
            }
        }
    }
    facts
}

/// The fact that a field of build.json is about; `record` for one that has no name of its own.
fn record_fact(field: &str) -> &'static str {
    match field {
        "build_name" => "build-name",
        "image_tag" => "tag",
        "build_image_tag" => "server-version",
        "status" => "status",
        _ => "record",
    }
}

/// What is believed wherever it stands. Lines about bases come from the builder, and a RUN step can print the like.
fn build_fact(event: &LogEvent) -> Option<(&'static str, String)> {
    Some(match event {
        LogEvent::Directory(name) => ("repository", format!("folder {name}")),
        LogEvent::Host(name) => ("repository", format!("host {name}")),
        LogEvent::ResolvedBase(name) => ("base-image", name.clone()),
        LogEvent::PulledImage(name) => ("base-image", name.clone()),
        LogEvent::PulledDigest(digest) => ("base-image", digest.to_string()),
        _ => return None,
    })
}

/// What is believed only behind the build's last line.
fn push_fact(event: &LogEvent) -> Option<(&'static str, String)> {
    Some(match event {
        LogEvent::PushTo(name) => ("image", name.clone()),
        LogEvent::Signed(name) => ("image", format!("{name} (signed by content trust)")),
        LogEvent::KeyId(id) => ("key-id", id.clone()),
        _ => return None,
    })
}
