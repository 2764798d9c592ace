//! The answer of a check's function.

use super::Check;
use crate::judge::evidence::Known;
use crate::judge::finding::{Reason, Said, Status};

/// A check's answer, before its level is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// The check whose answer prevented this check from deciding.
    pub(crate) caused_by: Option<&'static str>,
    pub(crate) message: String,
    /// How the message of a pass is known, if this differs from the check's usual `known`.
    pub(crate) known: Option<Known>,
    /// Further statements of a pass.
    pub(crate) also: Box<[Said]>,
    pub(crate) expected: Option<Box<str>>,
    pub(crate) found: Option<Box<str>>,
    pub(crate) details: Vec<String>,
    /// The number of details that were left out.
    pub(crate) more: u32,
}

/// The maximum number of details that an answer lists. Further details are only counted. All details were evaluated.
pub(crate) const DETAILS_SHOWN: usize = 100;

impl Outcome {
    pub(crate) fn pass(message: impl Into<String>) -> Self {
        Self::new(Status::Pass, message)
    }

    pub(crate) fn fail(message: impl Into<String>) -> Self {
        Self::new(Status::Fail, message)
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(Status::Unknown, message)
    }

    pub(crate) fn not_run(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::NotRun(reason), message)
    }

    /// Nothing could be examined, because the check `cause` does not pass on the same evidence. The message contains the
    /// reason.
    pub(crate) fn caused_by(cause: &'static Check, message: impl Into<String>) -> Self {
        Self::not_run(Reason::Refused, message).because_of(cause)
    }

    /// Marks the answer as a consequence: the check `cause` does not pass, for the same reason.
    pub(crate) fn because_of(self, cause: &'static Check) -> Self {
        Self { caused_by: Some(cause.name), ..self }
    }

    /// Sets how the message of a pass is known.
    pub(crate) fn known(self, known: Known) -> Self {
        Self { known: Some(known), ..self }
    }

    /// Adds a statement of a pass that is known in a different way from the message.
    pub(crate) fn also(mut self, text: impl Into<String>, known: Known) -> Self {
        self.also = self.also.into_iter().chain([Said { text: text.into(), known }]).collect();
        self
    }

    /// Sets the expected and the found value of a comparison.
    pub(crate) fn sides(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.expected = Some(expected.to_string().into());
        self.found = Some(found.to_string().into());
        self
    }

    /// Adds a line of details.
    pub(crate) fn detail(mut self, line: impl Into<String>) -> Self {
        match self.details.len() < DETAILS_SHOWN {
            true => self.details.push(line.into()),
            false => self.more = self.more.saturating_add(1),
        }
        self
    }

    /// Adds lines of details.
    pub(crate) fn details(self, lines: impl IntoIterator<Item = String>) -> Self {
        lines.into_iter().fold(self, Self::detail)
    }

    /// The statements of a pass, each with how it is known. Other answers have no statements.
    pub(crate) fn says(&self, of_check: Known) -> Vec<Said> {
        if self.status != Status::Pass {
            return Vec::new();
        }
        let own = Said { text: self.message.clone(), known: self.known.unwrap_or(of_check) };
        std::iter::once(own).chain(self.also.iter().cloned()).collect()
    }

    /// All statements in one line.
    pub(crate) fn message(&self) -> String {
        let also: &[Said] = if self.status == Status::Pass { &self.also } else { &[] };
        also.iter().fold(self.message.clone(), |message, said| format!("{message}; {}", said.text))
    }

    /// Limits the details, and adds a count of the omitted details.
    pub(crate) fn shown(mut self) -> Self {
        let more = self.more as usize + self.details.len().saturating_sub(DETAILS_SHOWN);
        self.details.truncate(DETAILS_SHOWN);
        self.details.extend((more > 0).then(|| format!("further lines: {more}")));
        self
    }

    fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            caused_by: None,
            message: message.into(),
            known: None,
            also: Box::default(),
            expected: None,
            found: None,
            details: Vec::new(),
            more: 0,
        }
    }
}

/// Several comparisons that yield one answer. The answer is a failure if any comparison disagrees.
#[derive(Default)]
pub(crate) struct Comparison {
    agreed: Vec<String>,
    disagreed: Vec<(String, String, String)>,
    more_agreed: u32,
    more_disagreed: u32,
}

impl Comparison {
    /// Compares the expected value of `what` with the found value.
    pub(crate) fn compare(&mut self, what: &str, expected: &str, found: &str) {
        if expected == found {
            self.agree(format_args!("{what}: {found}"));
        } else {
            self.disagree(what, expected, found);
        }
    }

    /// Records that `what` agrees.
    pub(crate) fn agree(&mut self, what: impl ToString) {
        match self.agreed.len() < DETAILS_SHOWN {
            true => self.agreed.push(what.to_string()),
            false => self.more_agreed = self.more_agreed.saturating_add(1),
        }
    }

    /// Records that `what` should be `expected` but is `found`.
    pub(crate) fn disagree(&mut self, what: &str, expected: impl ToString, found: impl ToString) {
        match self.disagreed.len() < DETAILS_SHOWN {
            true => self.disagreed.push((what.into(), expected.to_string(), found.to_string())),
            false => self.more_disagreed = self.more_disagreed.saturating_add(1),
        }
    }

    /// Whether all values that were compared so far agree.
    pub(crate) fn agrees(&self) -> bool {
        self.disagreed.is_empty()
    }

    /// Whether nothing was compared.
    pub(crate) fn is_empty(&self) -> bool {
        self.agreed.is_empty() && self.disagreed.is_empty()
    }

    /// The outcome: `pass` with the items that agreed as details, or `fail` with the first disagreement as the message and,
    /// if there are several, the disagreements as details.
    pub(crate) fn outcome(self, pass: &str) -> Outcome {
        let Some((what, expected, found)) = self.disagreed.first().cloned() else {
            let mut outcome = Outcome::pass(pass);
            (outcome.details, outcome.more) = (self.agreed, self.more_agreed);
            return outcome;
        };
        let mut outcome = Outcome::fail(format!("{what}: expected and found differ")).sides(expected, found);
        outcome.more = self.more_disagreed;
        if self.disagreed.len() > 1 {
            outcome.details = self.disagreed.iter().map(|(w, e, f)| format!("{w}: expected {e}, found {f}")).collect();
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_limited_and_the_omitted_ones_are_counted() {
        let lines = (0..250).map(|number| number.to_string());
        let outcome = Outcome::pass("x").details(lines).shown();
        assert_eq!((outcome.details.len(), outcome.details[99].as_str()), (101, "99"));
        assert_eq!(outcome.details[100], "further lines: 150");
        let mut comparison = Comparison::default();
        (0..250).for_each(|_| comparison.compare("a", "1", "1"));
        let agreed = comparison.outcome("x").shown();
        assert_eq!((agreed.status, agreed.details.last().unwrap().as_str()), (Status::Pass, "further lines: 150"));
        let mut comparison = Comparison::default();
        (0..250).for_each(|_| comparison.compare("a", "1", "1"));
        (0..150).for_each(|_| comparison.compare("a", "1", "2"));
        let disagreed = comparison.outcome("x").shown();
        assert_eq!((disagreed.status, disagreed.details.last().unwrap().as_str()), (Status::Fail, "further lines: 50"));
        assert_eq!(Outcome::pass("x").details(vec!["a".into()]).shown().details, ["a"]);
    }
}
