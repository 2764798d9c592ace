//! What was asked of a run, as its report shows it: a verdict means little to who does not know the question.

use crate::check;
use crate::finding::Group;
use crate::key::Fingerprint;
use crate::limits::Limits;
use crate::mask::mask;
use crate::policy::{Expect, Policy};
use crate::verify::KeyRing;

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
pub struct QuestionReport {
    /// How far was looked.
    pub depth: Depth,
    /// Groups that had to have an answer.
    pub require: Vec<Group>,
    /// What the policy asks of workloads, which an audit of bundles passes over: `admit` and `serve` ask it.
    pub passed_over: Vec<String>,
    /// Groups whose evidence was handed over.
    pub handed: Vec<Group>,
    /// What the command line handed over beside the bundles: flag (without its hyphens) and value, as they were typed.
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

impl Depth {
    const ALL: [Self; 2] = [Self::Everything, Self::SignatureOnly];

    /// The report's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::SignatureOnly => "signature-only",
        }
    }

    /// Reads the report's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|depth| depth.word() == word)
    }
}

impl QuestionReport {
    /// What is asked with this policy, these keys and these bounds.
    pub fn of(depth: Depth, policy: &Policy, keys: &KeyRing, handed: &[Group], limits: &Limits) -> Self {
        let own = Limits::default().entries();
        let changed = limits.entries().into_iter().zip(own).filter(|((_, value, _), (_, own, _))| value != own);
        let (of_workloads, levels): (Vec<_>, Vec<_>) =
            levels(policy).into_iter().partition(|(check, _)| is_on_workloads(check));
        let required = policy.require.contains(&Group::Workload).then(|| "require: workload".to_owned());
        let passed_over = required.into_iter().chain(of_workloads.iter().map(|(check, _)| format!("levels: {check}")));
        Self {
            depth,
            require: policy.require.iter().copied().filter(|group| *group != Group::Workload).collect(),
            passed_over: passed_over.collect(),
            handed: handed.to_vec(),
            given: Vec::new(),
            keys: keys.keys().iter().map(|key| key.fingerprint).collect(),
            expect: expected(&policy.expect),
            levels,
            limits: changed.map(|((name, value, _), _)| (name.into(), value.to_string())).collect(),
        }
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

fn expected(expect: &Expect) -> Vec<(String, String)> {
    let one = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let fields = [
        ("images", expect.images.clone()),
        ("repositories", expect.repositories.clone()),
        ("branch", one(&expect.branch)),
        ("commit", one(&expect.commit.as_ref().map(ToString::to_string))),
        ("platforms", expect.platforms.clone()),
        ("min-server-version", one(&expect.min_server_version)),
        ("max-age", one(&expect.max_age())),
        ("minimum-grade", one(&expect.minimum_grade.map(|grade| grade.word().to_owned()))),
        ("dockerfile", one(&expect.dockerfile)),
        ("base-images", expect.base_images.clone()),
        ("untracked", expect.untracked.clone()),
    ];
    let values = fields.into_iter().flat_map(|(field, values)| values.into_iter().map(move |value| (field, value)));
    values.map(|(field, value)| (field.to_owned(), mask(&value))).collect()
}
