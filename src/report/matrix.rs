//! The witness matrix: one row per fact, one cell per witness. Values are compared only for the facts in [`COMPARABLE`]. The matrix only shows
//! values; the checks decide.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::BundleReport;
use crate::base::image_name::tag_of;
use crate::judge::evidence::Fact;

/// Facts whose values are compared, apart from the differences that [`is_of_another_kind`] allows.
const COMPARABLE: [&str; 9] =
    ["build-name", "commit", "tree", "tag", "image-digest", "image-id", "server-version", "status", "object-count"];

/// One fact, with the statement of each witness.
pub(super) struct Row<'a> {
    pub(super) fact: &'a str,
    /// One cell per witness, in the order in which witnesses appear.
    pub(super) cells: Vec<Vec<&'a Fact>>,
    pub(super) agreement: Agreement,
}

/// Whether the cells of a row agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Several witnesses state the same value.
    Agree,
    /// There are different values, from several witnesses or from one.
    Disagree,
    /// Only one witness.
    OneWitness,
    /// The values may legitimately be written differently, so checks compare them.
    NotCompared,
}

pub(super) struct Matrix<'a> {
    pub(super) rows: Vec<Row<'a>>,
}

impl Agreement {
    /// The text depends on the fact, because the log may show only the first twelve digits of an image ID.
    pub(super) fn words(self, fact: &str) -> &'static str {
        match self {
            Self::Agree if fact == "image-id" => "first 12 digits agree",
            Self::Agree => "all agree",
            Self::Disagree => "DISAGREE",
            Self::OneWitness => "one witness",
            Self::NotCompared => "not compared here",
        }
    }
}

pub(super) fn matrix(bundle: &BundleReport) -> Matrix<'_> {
    let mut witnesses: Vec<&'static str> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for fact in &bundle.evidence {
        if !witnesses.contains(&fact.witness) {
            witnesses.push(fact.witness);
        }
        if !names.contains(&fact.fact.as_str()) {
            names.push(&fact.fact);
        }
    }
    let row = |name| {
        let said = |witness| bundle.evidence.iter().filter(move |f| f.fact == name && f.witness == witness).collect();
        let cells: Vec<Vec<&Fact>> = witnesses.iter().map(|witness| said(*witness)).collect();
        let agreement = agreement(name, &cells, &bundle.evidence);
        Row { fact: name, cells, agreement }
    };
    let rows = names.into_iter().map(row).collect();
    Matrix { rows }
}

fn agreement(name: &str, cells: &[Vec<&Fact>], all: &[Fact]) -> Agreement {
    // An empty field of the record states nothing.
    let said: Vec<&Vec<&Fact>> = cells.iter().filter(|cell| cell.iter().any(|fact| !fact.value.is_empty())).collect();
    let values: BTreeSet<Cow<'_, str>> =
        said.iter().flat_map(|cell| cell.iter()).map(|fact| comparable(name, &fact.value)).collect();
    let own = values.iter().filter(|value| !is_of_another_kind(name, value, all)).count();
    match (COMPARABLE.contains(&name), said.len(), values.len()) {
        (false, 2.., _) => Agreement::NotCompared,
        (true, _, 2..) if own < 2 => Agreement::NotCompared,
        (true, _, 2..) => Agreement::Disagree,
        (true, 2.., _) => Agreement::Agree,
        _ => Agreement::OneWitness,
    }
}

/// Whether a value legitimately differs from the others: a build pushes `latest` in addition to its own tag; a log may have the digest of an index as that
/// of the image, and the digest of a manifest or an index as the image ID.
fn is_of_another_kind(name: &str, value: &str, all: &[Fact]) -> bool {
    let kinds: &[&str] = match name {
        "tag" => return value == "latest",
        "image-digest" => &["image-index"],
        "image-id" => &["image-index", "image-digest"],
        _ => &[],
    };
    let digits = value.strip_prefix("sha256:").unwrap_or(value);
    let mut of_image = all.iter().filter(|fact| fact.witness != "build.log" && kinds.contains(&fact.fact.as_str()));
    of_image.any(|fact| fact.value.strip_prefix("sha256:").is_some_and(|digest| digest.starts_with(digits)))
}

/// The portion of a value that is compared. Some witnesses show a digest with tag and size, a tag with its repository, or an image ID in full or as
/// its first twelve digits. The statuses `success` and `image pushed` have the same meaning.
fn comparable<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    let first = value.split_whitespace().next().unwrap_or_default();
    let part = match name {
        "image-digest" => value.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap_or(value),
        "tag" => return tag_of(first).into(),
        "image-id" => {
            let digits = first.strip_prefix("sha256:").unwrap_or(first);
            digits.get(..12).unwrap_or(digits)
        }
        "status" if value == "success" => "image pushed",
        _ => value,
    };
    part.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::evidence::Known;

    fn fact(fact: &str, witness: &'static str, value: &str) -> Fact {
        Fact::new(fact, witness, value.into(), Known::Signed)
    }

    #[test]
    fn disagreements_are_found_and_legitimate_differences_are_not() {
        let digest = "sha256:00";
        let (a, b) =
            (fact("image-digest", "build.log", "latest sha256:00 (5 bytes)"), fact("image-digest", "registry", digest));
        let c = fact("image-digest", "layout", "sha256:11");
        assert_eq!(agreement("image-digest", &[vec![&a], vec![&b]], &[]), Agreement::Agree);
        assert_eq!(agreement("image-digest", &[vec![&a], vec![&b], vec![&c]], &[]), Agreement::Disagree);
        assert_eq!(agreement("image-digest", &[vec![&a, &c]], &[]), Agreement::Disagree);
        assert_eq!(agreement("image-digest", &[vec![&a], vec![]], &[]), Agreement::OneWitness);
        assert_eq!(agreement("repository", &[vec![&a], vec![&c]], &[]), Agreement::NotCompared);
        let index = [fact("image-index", "layout", "sha256:00 (9 bytes)")];
        assert_eq!(agreement("image-digest", &[vec![&a], vec![&c]], &index), Agreement::NotCompared);
        assert_eq!(agreement("image-digest", &[vec![&a], vec![&c]], &[]), Agreement::Disagree);
        for (name, one, other, expected) in [
            ("tag", "docker.io/acme/wallet:v1-b0398d3", "v1-b0398d3", Agreement::Agree),
            ("tag", "v1-b0398d3", "docker.io/acme/wallet:v2 leads to sha256:00", Agreement::Disagree),
            ("tag", "v1-b0398d3", "docker.io/acme/wallet:latest leads to sha256:00", Agreement::NotCompared),
            ("image-id", "0123456789ab", "sha256:0123456789abcdef", Agreement::Agree),
            ("image-id", "0123456789ab", "sha256:1123456789abcdef", Agreement::Disagree),
            ("status", "success", "image pushed", Agreement::Agree),
            ("status", "success", "cleaned up", Agreement::Disagree),
            ("commit", "b0398d3", "b0398d4", Agreement::Disagree),
        ] {
            let (one, other) = (fact(name, "build.json", one), fact(name, "server", other));
            assert_eq!(agreement(name, &[vec![&one], vec![&other]], &[]), expected, "{name}");
        }
    }
}
