//! What differs between two images or bundles. It states differences and judges none.

mod builds;
mod images;
mod side;

pub use self::side::{Build, Comparing, ReadLayer, Side};
use crate::base::error::Error;
use crate::image::ImageFacts;

/// One line of the answer.
#[derive(Debug)]
pub struct Row {
    /// What it is about.
    pub part: String,
    /// What the first side has.
    pub one: Option<String>,
    /// What the second side has.
    pub other: Option<String>,
    /// Whether a difference counts.
    pub weight: Weight,
}

/// Does a difference count?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It counts.
    Counts,
    /// Two builds always differ in it.
    Context,
}

impl Row {
    /// Do both sides have it, and differ?
    pub fn differs(&self) -> bool {
        self.weight == Weight::Counts && matches!((&self.one, &self.other), (Some(one), Some(other)) if one != other)
    }

    /// What is said of it.
    pub fn word(&self) -> &'static str {
        match (&self.one, &self.other) {
            (Some(one), Some(other)) if one == other => "same",
            (Some(_), Some(_)) if self.weight == Weight::Context => "other",
            (Some(_), Some(_)) => "DIFFERS",
            _ => "one side only",
        }
    }
}

/// What differs between two sides.
#[derive(Debug)]
pub struct Comparison {
    /// Every part that one side has.
    pub rows: Vec<Row>,
    /// Paths that differ, under a heading.
    pub files: Vec<(String, Vec<String>)>,
    /// What follows, in a sentence.
    pub conclusion: String,
}

/// What a comparison corroborates, and what not.
pub const CORROBORATION: &str = "That an image was built from its commit is stated by the build server. An equal independent rebuild is the one thing \
that corroborates it: a comparison says something about that only if one side was built by somebody else, from that commit, elsewhere.";

/// Compares two sides. It states differences and judges none.
///
/// # Errors
/// [`Error::Usage`] for two that have nothing in common; what reading a layer answers.
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
            files.push((name, images::layer_differences(files_of(one, first), files_of(other, second))?));
        }
    }
    if !rows.iter().any(|row| row.one.is_some() && row.other.is_some()) {
        return Err(Error::Usage {
            message: "the two have nothing that could be compared".into(),
            hint: "a bundle whose log names no digest can be compared with another bundle, or with an image if its own lies beside it".into(),
        });
    }
    // What neither side has is not a row.
    rows.retain(|row| row.one.is_some() || row.other.is_some());
    let conclusion = conclude(one, other, &rows);
    Ok(Comparison { rows, files, conclusion })
}

fn row(part: impl Into<String>, one: Option<String>, other: Option<String>) -> Row {
    Row { part: part.into(), one, other, weight: Weight::Counts }
}

fn conclude(one: &Side, other: &Side, rows: &[Row]) -> String {
    let same = |part: &str| rows.iter().any(|row| row.part == part && row.word() == "same");
    if let (Some(first), Some(second)) = (&one.image, &other.image) {
        let ids = |image: &ImageFacts| image.config.as_ref().map(|config| config.diff_ids.clone());
        let whole = |image: &ImageFacts| image.layers.iter().all(|layer| layer.measured.is_some());
        let at_hand =
            if whole(first) && whole(second) { "" } else { " (by their documents: not every layer is at hand)" };
        let answer = if same("manifest") {
            "The two images are equal, byte for byte"
        } else if same("config") {
            "The two images have the same configuration and content; only the manifest or the compression differs"
        } else if ids(first).is_some() && ids(first) == ids(second) {
            "The two images have the same content; their configurations differ"
        } else {
            "The two images differ in content"
        };
        return format!("{answer}{at_hand}.");
    }
    match rows.iter().any(Row::differs) {
        true => "They differ.".into(),
        false => "Nothing that both sides have differs.".into(),
    }
}
