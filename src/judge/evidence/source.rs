//! Facts about the source.

use serde_json::json;

use super::{Fact, Known};
use crate::git::{HeadFault, SourceProof};

/// The facts that the snapshot proves, and those that its refs and config only state.
pub(super) fn source_facts(proof: &SourceProof) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |fact: &str, witness, value: String, known| facts.push(Fact::new(fact, witness, value, known));
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
            add(fact, "git-objects", format!("{} <{}>{time}", who.name, who.email), Known::Stated);
        }
        add("subject", "git-objects", commit.subject(), Known::Stated);
    }
    let objects = &proof.objects;
    if objects.object_count > 0 {
        let data = json!({
            "total": objects.object_count, "reachable": objects.reachable, "unreachable": objects.unreachable,
        });
        let count = Fact::new("object-count", "git-objects", objects.counts(), Known::Recomputed).with_data(data);
        facts.push(count);
        let mut add = |fact: &str, witness, value: String, known| facts.push(Fact::new(fact, witness, value, known));
        add("history", "git-objects", proof.history_words(), Known::Recomputed);
    }
    let mut add = |fact: &str, witness, value: String, known| facts.push(Fact::new(fact, witness, value, known));
    for name in &proof.refs_at_head {
        add("ref", "git-objects", name.clone(), Known::Signed);
    }
    for remote in &proof.remotes.listed {
        add("repository", "work-tree", format!("remote {remote}"), Known::Signed);
    }
    for module in &proof.tree.submodules {
        let path = String::from_utf8_lossy(&module.path);
        for remote in &module.remotes.listed {
            let value = format!("submodule {path}, remote {remote}; not compared");
            add("submodule-repository", "work-tree", value, Known::Signed);
        }
        for reason in module.remotes.reservations() {
            add("submodule-remote-elsewhere", "work-tree", format!("submodule {path}: {reason}"), Known::Signed);
        }
    }
    for file in &proof.remotes.included {
        add("config-include", "work-tree", file.clone(), Known::Signed);
    }
    for reason in &proof.remotes.elsewhere {
        add("remote-elsewhere", "work-tree", reason.clone(), Known::Signed);
    }
    // If a part of HEAD's tree is not known, nothing can be counted.
    if proof.commit.is_some() && proof.tree.faults.is_empty() {
        let value = format!("{} in HEAD's tree{}", proof.tree.file_count, proof.tree.compared_words());
        add("files", "work-tree", value, Known::Recomputed);
    }
    facts
}
