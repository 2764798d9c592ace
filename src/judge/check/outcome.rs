//! What a check's function answers with.

use super::Check;
use crate::judge::evidence::Known;
use crate::judge::finding::{Reason, Said, Status};

/// A check's answer, before its level is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// The check whose answer kept this one from looking.
    pub(crate) caused_by: Option<&'static str>,
    pub(crate) message: String,
    /// How the message of a pass is known, where it is not as the check's passes are.
    pub(crate) known: Option<Known>,
    /// What a pass says beside its message.
    pub(crate) also: Box<[Said]>,
    pub(crate) expected: Option<Box<str>>,
    pub(crate) found: Option<Box<str>>,
    pub(crate) details: Vec<String>,
    /// Details that were left out, because there are so many.
    pub(crate) more: u32,
}

/// Details of one answer: the first ones and a count. Whatever is listed, all of it was judged.
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

    /// Nothing could be looked at, because the check `cause` fails on the same evidence. The message says so in words of its own.
    pub(crate) fn caused_by(cause: &'static Check, message: impl Into<String>) -> Self {
        Self::not_run(Reason::Refused, message).because_of(cause)
    }

    /// The answer says nothing by itself: the check `cause` fails for the same reason.
    pub(crate) fn because_of(self, cause: &'static Check) -> Self {
        Self { caused_by: Some(cause.name), ..self }
    }

    /// How the message of this pass is known.
    pub(crate) fn known(self, known: Known) -> Self {
        Self { known: Some(known), ..self }
    }

    /// Another statement of a pass, known in another way than the message.
    pub(crate) fn also(mut self, text: impl Into<String>, known: Known) -> Self {
        self.also = self.also.into_iter().chain([Said { text: text.into(), known }]).collect();
        self
    }

    /// Both sides of a comparison, for the reader to see.
    pub(crate) fn sides(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.expected = Some(expected.to_string().into());
        self.found = Some(found.to_string().into());
        self
    }

    /// One more line.
    pub(crate) fn detail(mut self, line: impl Into<String>) -> Self {
        match self.details.len() < DETAILS_SHOWN {
            true => self.details.push(line.into()),
            false => self.more = self.more.saturating_add(1),
        }
        self
    }

    /// More lines.
    pub(crate) fn details(self, lines: impl IntoIterator<Item = String>) -> Self {
        lines.into_iter().fold(self, Self::detail)
    }

    /// Every statement of a pass with how it is known. An answer that is no pass has none.
    pub(crate) fn says(&self, of_check: Known) -> Vec<Said> {
        if self.status != Status::Pass {
            return Vec::new();
        }
        let own = Said { text: self.message.clone(), known: self.known.unwrap_or(of_check) };
        std::iter::once(own).chain(self.also.iter().cloned()).collect()
    }

    /// All that is said, in one line.
    pub(crate) fn message(&self) -> String {
        let also: &[Said] = if self.status == Status::Pass { &self.also } else { &[] };
        also.iter().fold(self.message.clone(), |message, said| format!("{message}; {}", said.text))
    }

    /// As it is shown: with a count of the details that are left out.
    pub(crate) fn shown(mut self) -> Self {
        let more = self.more as usize + self.details.len().saturating_sub(DETAILS_SHOWN);
        self.details.truncate(DETAILS_SHOWN);
        self.details.extend((more > 0).then(|| format!("and {more} more lines")));
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

/// Several comparisons that make one answer: it fails if one disagrees, and shows every one that does.
#[derive(Default)]
pub(crate) struct Comparison {
    agreed: Vec<String>,
    disagreed: Vec<(String, String, String)>,
    more_agreed: u32,
    more_disagreed: u32,
}

impl Comparison {
    /// Compares what `what` should be with what it is.
    pub(crate) fn compare(&mut self, what: &str, expected: &str, found: &str) {
        if expected == found {
            self.agree(format_args!("{what}: {found}"));
        } else {
            self.disagree(what, expected, found);
        }
    }

    /// Notes that `what` agrees.
    pub(crate) fn agree(&mut self, what: impl ToString) {
        match self.agreed.len() < DETAILS_SHOWN {
            true => self.agreed.push(what.to_string()),
            false => self.more_agreed = self.more_agreed.saturating_add(1),
        }
    }

    /// Notes that `what` should be `expected` and is `found`.
    pub(crate) fn disagree(&mut self, what: &str, expected: impl ToString, found: impl ToString) {
        match self.disagreed.len() < DETAILS_SHOWN {
            true => self.disagreed.push((what.into(), expected.to_string(), found.to_string())),
            false => self.more_disagreed = self.more_disagreed.saturating_add(1),
        }
    }

    /// Did nothing disagree so far?
    pub(crate) fn agrees(&self) -> bool {
        self.disagreed.is_empty()
    }

    /// Was nothing compared?
    pub(crate) fn is_empty(&self) -> bool {
        self.agreed.is_empty() && self.disagreed.is_empty()
    }

    /// One outcome: the first disagreement in front, all of them as details; or `pass` with what agreed.
    pub(crate) fn outcome(self, pass: &str) -> Outcome {
        let Some((what, expected, found)) = self.disagreed.first().cloned() else {
            let mut outcome = Outcome::pass(pass);
            (outcome.details, outcome.more) = (self.agreed, self.more_agreed);
            return outcome;
        };
        let mut outcome = Outcome::fail(format!("{what} disagrees")).sides(expected, found);
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
    fn an_answer_lists_the_first_and_a_count_and_all_of_it_is_judged() {
        let lines = (0..250).map(|number| number.to_string());
        let outcome = Outcome::pass("x").details(lines).shown();
        assert_eq!((outcome.details.len(), outcome.details[99].as_str()), (101, "99"));
        assert_eq!(outcome.details[100], "and 150 more lines");
        let mut comparison = Comparison::default();
        (0..250).for_each(|_| comparison.compare("a", "1", "1"));
        let agreed = comparison.outcome("x").shown();
        assert_eq!((agreed.status, agreed.details.last().unwrap().as_str()), (Status::Pass, "and 150 more lines"));
        let mut comparison = Comparison::default();
        (0..250).for_each(|_| comparison.compare("a", "1", "1"));
        (0..150).for_each(|_| comparison.compare("a", "1", "2"));
        let disagreed = comparison.outcome("x").shown();
        assert_eq!((disagreed.status, disagreed.details.last().unwrap().as_str()), (Status::Fail, "and 50 more lines"));
        assert_eq!(Outcome::pass("x").details(vec!["a".into()]).shown().details, ["a"]);
    }
}
