//! Known good and tampered cases, audited on the user's machine with data built into the program. An auditor can file the result as
//! evidence that the tool works here as described. The result shows only that these cases give the expected results.
//!
//! To add a case, add a line in `cases.rs` and its files in `data/`. A test compares the data with the fixtures from which they are copied.

mod cases;
mod setup;

use serde_json::{Value, json};

use self::cases::{Case, Expected, cases};
use self::setup::Found;
use crate::report::Tool;

/// The result of the self-test.
#[derive(Debug, Clone)]
pub struct SelfTest(Vec<Outcome>);

/// Audits the cases one after the other. The self-test takes about a second and touches no files.
pub fn self_test() -> SelfTest {
    SelfTest(run(&cases()))
}

impl SelfTest {
    /// The exit code is 0 if every case gave the expected result, and otherwise 1. The exit code is also 1 if there are no cases, because such a run
    /// shows nothing.
    pub fn exit_code(&self) -> u8 {
        exit_code(&self.0)
    }

    /// The result as text.
    pub fn text(&self) -> String {
        as_text(&self.0)
    }

    /// The result as JSON. The schema version of the JSON is 1.
    pub fn json(&self) -> String {
        as_json(&self.0)
    }
}

/// One case and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    /// The name of the case.
    name: &'static str,
    /// What is wrong, or that nothing is wrong.
    about: &'static str,
    /// The expected result.
    expected: Expected,
    /// The actual result, for the parts that the case checks.
    found: Found,
}

impl Outcome {
    /// Whether the result is the expected one.
    fn is_as_expected(&self) -> bool {
        let Expected { exit_code, verdict, error, check } = self.expected;
        let found = &self.found;
        (found.exit_code, found.verdict) == (exit_code, verdict)
            && found.error.as_deref() == error
            && found.status.as_deref() == check.map(|(_, status)| status)
    }
}

/// Runs the cases one after the other.
fn run(cases: &[Case]) -> Vec<Outcome> {
    let outcome = |case: &Case| Outcome {
        name: case.name,
        about: case.about,
        expected: case.expected,
        found: setup::audit(case),
    };
    cases.iter().map(outcome).collect()
}

fn exit_code(outcomes: &[Outcome]) -> u8 {
    let all = !outcomes.is_empty() && outcomes.iter().all(Outcome::is_as_expected);
    u8::from(!all)
}

fn as_text(outcomes: &[Outcome]) -> String {
    let tool = Tool::this();
    let features = if tool.features.is_empty() { "none".into() } else { tool.features.join(", ") };
    let mut page = format!("{} {} (features: {features})\n", tool.name, tool.version);
    for outcome in outcomes {
        let word = if outcome.is_as_expected() { "as expected" } else { "UNEXPECTED" };
        page.push_str(&format!("  {word:<12} {:<26} {}\n", outcome.name, outcome.expected.words()));
        if !outcome.is_as_expected() {
            page.push_str(&format!("               found: {}\n", outcome.found.words()));
        }
    }
    let good = outcomes.iter().filter(|outcome| outcome.is_as_expected()).count();
    page.push_str(&format!("{good} of {} cases gave the expected result.\n", outcomes.len()));
    page
}

fn as_json(outcomes: &[Outcome]) -> String {
    let tool = Tool::this();
    let rows: Vec<Value> = outcomes.iter().map(row).collect();
    let good = outcomes.iter().filter(|outcome| outcome.is_as_expected()).count();
    let document = json!({
        "schema_version": 1,
        "tool": { "name": tool.name, "version": tool.version, "features": tool.features },
        "exit_code": exit_code(outcomes),
        "totals": { "cases": outcomes.len(), "as_expected": good },
        "cases": rows,
    });
    format!("{document:#}\n")
}

fn row(outcome: &Outcome) -> Value {
    let Expected { exit_code, verdict, error, check } = outcome.expected;
    let found = &outcome.found;
    json!({
        "name": outcome.name,
        "about": outcome.about,
        "as_expected": outcome.is_as_expected(),
        "check": check.map(|(name, _)| name),
        "expected": { "exit_code": exit_code, "verdict": verdict, "error": error, "status": check.map(|(_, status)| status) },
        "found": { "exit_code": found.exit_code, "verdict": found.verdict, "error": found.error, "status": found.status },
    })
}

#[cfg(test)]
mod tests;
