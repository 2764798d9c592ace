//! What was asked of a run, as its report shows it: a verdict means little to who does not know the question.

use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::base::words::words;
use crate::gate::key::Fingerprint;
use crate::gate::verify::KeyRing;
use crate::judge::check;
use crate::judge::finding::Group;
use crate::judge::policy::Policy;

/// How far an audit looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every check.
    Everything,
    /// The signature alone: nothing in the archive is read.
    SignatureOnly,
}

/// The question of a run, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuestionReport {
    /// How far was looked.
    pub depth: Depth,
    /// Groups that had to have an answer.
    pub require: Vec<Group>,
    /// What the policy asks of workloads, which an audit of bundles passes over: `admit` and `serve` ask it.
    pub passed_over: Vec<String>,
    /// Groups whose evidence was handed over.
    pub handed: Vec<Group>,
    /// What the command line gave: flag (without its hyphens) and value, as they were typed; `path` for bundles and folders.
    pub given: Vec<(String, String)>,
    /// Fingerprints of the keys that were trusted.
    pub keys: Vec<Fingerprint>,
    /// What the policy expects: field and value.
    pub expect: Vec<(String, String)>,
    /// Levels that the policy changes: check and level.
    pub levels: Vec<(String, String)>,
    /// Limits that differ from the program's own: name and value.
    pub limits: Vec<(String, String)>,
}

words! {
    /// The report's word.
    pub Depth { Everything = "everything", SignatureOnly = "signature-only" }
}

impl QuestionReport {
    /// What is asked with this policy, these keys and these bounds.
    pub fn of(depth: Depth, policy: &Policy, keys: &KeyRing, handed: &[Group], limits: &Limits) -> Self {
        let own = Limits::default().entries();
        let changed = limits.entries().into_iter().zip(own).filter(|((_, value, _), (_, own, _))| value != own);
        let (of_workloads, levels): (Vec<_>, Vec<_>) =
            levels(policy).into_iter().partition(|(check, _)| is_on_workloads(check));
        let each = |(field, values): (&'static str, Vec<String>)| values.into_iter().map(move |value| (field, value));
        let expected = policy.expect.values().flat_map(each);
        let required = policy.require.contains(&Group::Workload).then(|| "require: workload".to_owned());
        let passed_over = required.into_iter().chain(of_workloads.iter().map(|(check, _)| format!("levels: {check}")));
        Self {
            depth,
            require: policy.require.iter().copied().filter(|group| *group != Group::Workload).collect(),
            passed_over: passed_over.collect(),
            handed: handed.to_vec(),
            given: Vec::new(),
            keys: keys.keys().iter().map(|key| key.fingerprint).collect(),
            expect: expected.map(|(field, value)| (field.to_owned(), mask(&value))).collect(),
            levels,
            limits: changed.map(|((name, value, _), _)| (name.into(), value.to_string())).collect(),
        }
    }

    /// Is this field of `[expect]` set?
    pub(super) fn expects(&self, field: &str) -> bool {
        self.expect.iter().any(|(name, _)| name == field)
    }

    /// The same where workloads are asked about too: nothing of the policy is passed over.
    pub fn of_admission(self, policy: &Policy) -> Self {
        Self { require: policy.require.clone(), levels: levels(policy), passed_over: Vec::new(), ..self }
    }
}

fn levels(policy: &Policy) -> Vec<(String, String)> {
    policy.levels.iter().map(|(check, level)| ((*check).into(), level.word().into())).collect()
}

fn is_on_workloads(check: &str) -> bool {
    check::find(check).is_some_and(|check| check.group == Group::Workload)
}
