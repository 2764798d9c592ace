//! Compares two images or bundles. The comparison reports differences and does not decide whether they are acceptable.

mod builds;
mod images;
mod side;

use self::side::Tie;
pub use self::side::{Build, Comparing, ReadLayer, Side};
use crate::base::error::Error;
use crate::image::ImageFacts;

/// One row of the comparison.
#[derive(Debug)]
pub struct Row {
    /// What is compared.
    pub part: String,
    /// The value on the first side.
    pub one: Option<String>,
    /// The value on the second side.
    pub other: Option<String>,
    /// Whether a difference counts.
    pub weight: Weight,
}

/// Whether a difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A difference counts.
    Counts,
    /// The value always differs between two builds, so a difference does not count.
    Context,
}

impl Row {
    /// Whether both sides have a value, the values differ, and the difference counts.
    pub fn differs(&self) -> bool {
        self.weight == Weight::Counts && matches!((&self.one, &self.other), (Some(one), Some(other)) if one != other)
    }

    /// The row's result as text.
    pub fn word(&self) -> &'static str {
        match (&self.one, &self.other) {
            (Some(one), Some(other)) if one == other => "same",
            (Some(_), Some(_)) if self.weight == Weight::Context => "other",
            (Some(_), Some(_)) => "DIFFERS",
            _ => "one side only",
        }
    }
}

/// The result of comparing two sides.
#[derive(Debug)]
pub struct Comparison {
    /// Every part that at least one side has.
    pub rows: Vec<Row>,
    /// Differing paths, under a heading.
    pub files: Vec<(String, Vec<String>)>,
    /// The conclusion, in sentences. It states when the image next to a bundle is not shown to be that of the bundle's build.
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
pub const CORROBORATION: &str = "That an image was built from its commit is stated by the build server. Only an identical independent rebuild \
corroborates it: a comparison is evidence for it only if one side was built by someone else, from that commit, elsewhere.";

/// Compares two sides. The comparison reports differences and does not decide whether they are acceptable.
///
/// # Errors
/// [`Error::Usage`] if the sides have nothing in common; errors from reading a layer.
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
            message: "the two inputs have nothing that can be compared".into(),
            hint: "a bundle with no digest in its log can be compared with another bundle, or with an image if the bundle's own image is next to it".into(),
        });
    }
    // Drop rows without a value on either side.
    rows.retain(|row| row.one.is_some() || row.other.is_some());
    let mut conclusion = conclude(one, other, &rows);
    let ties = [("A", one), ("B", other)].map(|(letter, side)| (letter, side.tie()));
    for (letter, tie) in &ties {
        conclusion.extend(tie.words(letter).map(|words| format!(" {words}")));
    }
    let contradicts = ties.iter().any(|(_, tie)| *tie == Tie::Contradicted);
    Ok(Comparison { rows, files, conclusion, contradicts })
}

fn row(part: impl Into<String>, one: Option<String>, other: Option<String>) -> Row {
    Row { part: part.into(), one, other, weight: Weight::Counts }
}

fn conclude(one: &Side, other: &Side, rows: &[Row]) -> String {
    let same = |part: &str| rows.iter().any(|row| row.part == part && row.word() == "same");
    if let (Some(first), Some(second)) = (&one.image, &other.image) {
        let ids = |image: &ImageFacts| image.config.as_ref().map(|config| config.diff_ids.clone());
        let whole = |image: &ImageFacts| image.layers.iter().all(|layer| layer.measured.is_some());
        let at_hand = if whole(first) && whole(second) {
            ""
        } else {
            " (according to their documents: not every layer is available)"
        };
        let answer = if same("manifest") {
            "The two images are equal, byte for byte"
        } else if same("config") {
            match first.manifest.is_some() && second.manifest.is_some() {
                true => {
                    "The two images have the same configuration and content; only the manifest or the compression differs"
                }
                false => {
                    "The two images have the same configuration and content; the manifest or the compression may differ"
                }
            }
        } else if ids(first).is_some() && ids(first) == ids(second) {
            "The two images have the same content; their configurations differ"
        } else {
            "The contents of the two images differ"
        };
        return format!("{answer}{at_hand}.");
    }
    match rows.iter().any(Row::differs) {
        true => "They differ.".into(),
        false => "No difference that counts was found.".into(),
    }
}
