//! Compares two images or bundles. The comparison reports differences and does not decide whether they are acceptable.

mod builds;
mod conclusion;
mod images;
mod side;

use self::side::Tie;
pub use self::side::{Build, Comparing, ReadLayer, Side};
use crate::base::error::Error;

/// One row of the comparison.
#[derive(Debug)]
pub struct Row {
    /// What is compared.
    pub part: String,
    /// The value on the first side; `None` if the side does not have this part.
    pub one: Option<Value>,
    /// The value on the second side.
    pub other: Option<Value>,
    /// Whether a difference counts.
    pub weight: Weight,
}

/// The value of a part on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The value.
    Known(String),
    /// The part is known to be absent.
    Absent,
    /// The value is not known, for this reason. Such a value is neither the same as another value nor different from it.
    NotKnown(String),
}

impl Value {
    fn from_result(value: Result<String, String>) -> Self {
        value.map_or_else(Self::NotKnown, Self::Known)
    }

    fn is_known(&self) -> bool {
        !matches!(self, Self::NotKnown(_))
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(value) => f.write_str(value),
            Self::Absent => f.write_str("(none)"),
            Self::NotKnown(why) => write!(f, "not known: {why}"),
        }
    }
}

/// Whether a difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A difference counts.
    Counts,
    /// The value can differ between any two builds, so a difference does not count.
    Context,
}

impl Row {
    /// Whether both sides have a known value, the values differ, and the difference counts.
    pub fn differs(&self) -> bool {
        self.word() == "DIFFERS"
    }

    /// The row's result as text.
    pub fn word(&self) -> &'static str {
        match (&self.one, &self.other) {
            (Some(one), Some(other)) if !one.is_known() || !other.is_known() => "not known",
            (Some(one), Some(other)) if one == other => "same",
            (Some(_), Some(_)) if self.weight == Weight::Context => "other",
            (Some(_), Some(_)) => "DIFFERS",
            _ => "one side only",
        }
    }

    fn is_compared(&self) -> bool {
        matches!(self.word(), "same" | "DIFFERS" | "other")
    }
}

/// The paths that differ in the work trees or in a layer.
#[derive(Debug)]
pub struct Files {
    /// `work tree`, or the layer.
    pub heading: String,
    /// One line for each path that differs, or a sentence if none differs or they cannot be compared.
    pub lines: Vec<String>,
    /// What the lines do not cover: in a layer of which not only the last entry of each path may matter, what was not compared, for each side.
    pub not_compared: Vec<String>,
}

/// The result of comparing two sides.
#[derive(Debug)]
pub struct Comparison {
    /// The parts for which at least one side has a [`Value`]; of settings, labels and history steps, only those that differ.
    pub rows: Vec<Row>,
    /// Differing paths.
    pub files: Vec<Files>,
    /// The parts that were not compared although a difference would count.
    pub not_compared: Vec<String>,
    /// The conclusion, in sentences. It lists the parts that could not be compared, and states if the image next to a bundle is not proved to
    /// come from the bundle's build.
    pub conclusion: String,
    /// Whether a bundle's log contradicts the image next to it.
    pub contradicts: bool,
}

impl Comparison {
    /// Whether something differs, or an input contradicts itself.
    pub fn differs(&self) -> bool {
        self.contradicts || self.rows.iter().any(Row::differs)
    }
}

/// What a comparison can corroborate, and what it cannot.
pub const CORROBORATION: &str = "The build server states that an image was built from its commit. Only an identical independent rebuild \
corroborates it: a comparison is evidence only if one side was built by someone else, from that commit, elsewhere.";

/// Compares two sides. The comparison reports differences and does not decide whether they are acceptable.
///
/// # Errors
/// [`Error::Usage`] if no part can be compared; errors from reading a layer.
pub fn compare(one: &Side, other: &Side, comparing: &Comparing<'_>) -> Result<Comparison, Error> {
    let mut rows = Vec::new();
    let mut files = Vec::new();
    if let (Some(first), Some(second)) = (&one.build, &other.build) {
        builds::compare(first, second, &mut rows, &mut files);
    }
    images::recorded(one, other, &mut rows);
    if let (Some(first), Some(second)) = (&one.image, &other.image) {
        images::compare(first, second, &mut rows);
        for (at, name) in images::layer_rows(first, second, &mut rows) {
            let files_of = |side: &Side, image| (comparing.read_layer)(&side.source, image, at, comparing.limits);
            files.push(images::layer_differences(name, files_of(one, first), files_of(other, second))?);
        }
    }
    if !rows.iter().any(Row::is_compared) {
        return Err(Error::Usage {
            message: "the two inputs have nothing that can be compared".into(),
            hint: "if a log has no digest, or an image no manifest, compare with another bundle, or put the bundle's own image next to it (image/)".into(),
        });
    }
    let mut conclusion = conclusion::conclude(one, other, &rows);
    let not_compared = conclusion::not_compared(&rows);
    // Drop rows for which neither side has a value.
    rows.retain(|row| row.one.is_some() || row.other.is_some());
    let ties = [("A", one), ("B", other)].map(|(letter, side)| (letter, side.tie()));
    for (letter, tie) in &ties {
        conclusion.extend(tie.words(letter).map(|words| format!(" {words}")));
    }
    if !not_compared.is_empty() {
        conclusion.extend([" Not compared: ", &not_compared.join(", "), "."]);
    }
    let contradicts = ties.iter().any(|(_, tie)| *tie == Tie::Contradicted);
    Ok(Comparison { rows, files, not_compared, conclusion, contradicts })
}

fn row(part: impl Into<String>, one: Option<String>, other: Option<String>) -> Row {
    of_values(part, one.map(Value::Known), other.map(Value::Known))
}

fn of_values(part: impl Into<String>, one: Option<Value>, other: Option<Value>) -> Row {
    Row { part: part.into(), one, other, weight: Weight::Counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_known_is_never_the_same_and_never_differs() {
        let known = |text: &str| Some(Value::Known(text.into()));
        let unknown = || Some(Value::NotKnown("x".into()));
        for (one, other, word) in [
            (known("x"), known("x"), "same"),
            (known("x"), known("y"), "DIFFERS"),
            (unknown(), unknown(), "not known"),
            (unknown(), known("x"), "not known"),
            (known("x"), unknown(), "not known"),
            (unknown(), None, "one side only"),
            (Some(Value::Absent), Some(Value::Absent), "same"),
            (Some(Value::Absent), known("(none)"), "DIFFERS"),
            (Some(Value::Absent), unknown(), "not known"),
        ] {
            let row = of_values("part", one, other);
            assert_eq!((row.word(), row.differs()), (word, word == "DIFFERS"), "{row:?}");
        }
    }
}
