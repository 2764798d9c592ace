//! An answer that is worked out once for a run, and not for each of its bundles.

use std::sync::OnceLock;

/// The first answer, with what it was asked of. It changes no answer: what was asked of something else is worked out anew.
#[derive(Debug, Clone)]
pub(crate) struct Memo<Q, A>(OnceLock<(Q, A)>);

impl<Q, A> Default for Memo<Q, A> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<Q, A: Clone> Memo<Q, A> {
    /// The answer to `question`, which everything that decides it is part of, as `is_same` says of a question before.
    pub(crate) fn answer(
        &self,
        is_same: impl Fn(&Q) -> bool,
        question: impl FnOnce() -> Q,
        answer: impl Fn() -> A,
    ) -> A {
        let (asked, known) = self.0.get_or_init(|| (question(), answer()));
        if is_same(asked) { known.clone() } else { answer() }
    }
}

/// It is part of no comparison.
impl<Q, A> PartialEq for Memo<Q, A> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<Q, A> Eq for Memo<Q, A> {}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_answer_is_worked_out_once_and_only_for_the_same_question() {
        let (memo, worked) = (Memo::default(), Cell::new(0));
        let square = |number: u32| {
            memo.answer(
                |asked| *asked == number,
                || number,
                || {
                    worked.set(worked.get() + 1);
                    number * number
                },
            )
        };
        assert_eq!([square(3), square(3), square(4), square(3)], [9, 9, 16, 9]);
        assert_eq!(worked.get(), 2);
    }
}
