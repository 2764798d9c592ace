//! The question of a run, as shown in its report. A verdict means little without its question.

use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::base::words::words;
use crate::gate::key::Fingerprint;
use crate::gate::verify::KeyRing;
use crate::judge::check;
use crate::judge::finding::Group;
use crate::judge::policy::Policy;

/// The depth of an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every check.
    Everything,
    /// Only the signature was checked, and nothing in the archive was read.
    SignatureOnly,
}

/// The question of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuestionReport {
    /// The depth of the audit.
    pub depth: Depth,
    /// Groups that must have an answer.
    pub require: Vec<Group>,
    /// The policy's requirements for workloads. An audit of bundles ignores these requirements; `admit` and `serve`
    /// check them.
    pub passed_over: Vec<String>,
    /// Groups for which evidence was supplied.
    pub handed: Vec<Group>,
    /// Command-line arguments, with secrets masked: flag (without hyphens) and value; `path` for bundles and folders.
    pub given: Vec<(String, String)>,
    /// Fingerprints of the trusted keys.
    pub keys: Vec<Fingerprint>,
    /// The values that the policy expects: field and value.
    pub expect: Vec<(String, String)>,
    /// The levels that the policy changes: check and level.
    pub levels: Vec<(String, String)>,
    /// The limits that differ from the defaults: name and value.
    pub limits: Vec<(String, String)>,
}

words! {
    /// The depth, as it is written in the report.
    pub Depth { Everything = "everything", SignatureOnly = "signature-only" }
}

impl QuestionReport {
    /// The fields of the policy that only `admit` and `serve` evaluate, as a clause; `None` if there are none.
    pub(crate) fn ignored(&self) -> Option<String> {
        ignored(&self.passed_over)
    }

    /// The question for this policy, these keys and these limits.
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

    /// Whether this field of `[expect]` is set.
    pub(super) fn expects(&self, field: &str) -> bool {
        self.expect.iter().any(|(name, _)| name == field)
    }

    /// The same question extended to workloads, so that nothing in the policy is ignored.
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

/// The clause about fields that were not evaluated.
pub(super) fn ignored(passed_over: &[String]) -> Option<String> {
    (!passed_over.is_empty()).then(|| format!("only for `admit` and `serve`, ignored here: {}", passed_over.join(", ")))
}
