//! `[expect]`: what the auditor expects of a build. One row of [`FIELDS`] defines a field: its name, how it is read, how reports show
//! it, its line in the template and its row in docs/policy.md.
//!
//! To add a field, follow these steps:
//!
//! 1. Add a field to [`Expect`], and its row to [`FIELDS`].
//!
//! 2. Add the field's name to `expected` of its check (`src/judge/check/`). `expected` defines the effect of setting the field.
//!
//! Then run `tests/run update`, which rewrites the table in `docs/policy.md` and the expected outputs that contain the template.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::wire::Answer;
use crate::base::image_name::ImageName;
use crate::base::time::{DAY_SECONDS, parse_duration_seconds};
use crate::base::words::{any_of, counted, counted_as};
use crate::gate::verify::Grade;
use crate::git::{ObjectId, PathPattern, RepositoryName};
use crate::judge::check::{self, CHECKS, Check, Expected};

/// `[expect]`: a field that is not set imposes no requirement, except that `untracked` then allows no untracked files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expect {
    /// Image repositories to which the build may push.
    pub images: Vec<String>,
    /// Source repositories from which the build may be made.
    pub repositories: Vec<String>,
    /// The branch that HEAD is on.
    pub branch: Option<String>,
    /// The commit id, with all forty digits.
    pub commit: Option<ObjectId>,
    /// Platforms, as `os/architecture[/variant]`.
    pub platforms: Vec<String>,
    /// The lowest version of the build server.
    pub min_server_version: Option<String>,
    /// The maximum age of a build, in seconds.
    pub max_age_seconds: Option<i64>,
    /// The lowest grade of the key.
    pub minimum_grade: Option<Grade>,
    /// The Dockerfile, relative to the top of the repository.
    pub dockerfile: Option<String>,
    /// Base images by digest.
    pub base_images: Vec<String>,
    /// Patterns of untracked files that are allowed. An empty list allows no untracked files, as does a missing list.
    pub untracked: Vec<String>,
    /// Names of the fields that are set.
    set: Vec<&'static str>,
}

/// A field of `[expect]`.
pub(super) struct Field {
    /// The field's name in the policy.
    pub(super) name: &'static str,
    /// The field's description in docs/policy.md.
    is: &'static str,
    /// The field's value in the template.
    example: &'static str,
    read: Read,
    /// The expected values. The list is empty if the field is not set.
    values: fn(&Expect) -> Vec<String>,
}

/// How a field is read. An error states what was expected, but not the field's name.
enum Read {
    /// A non-empty string.
    Text(fn(&mut Expect, String) -> Answer<()>),
    /// A non-empty list of strings.
    List(Each, Place),
    /// A list that may be empty; an empty list means the same as no list.
    ListOrNone(Each, Place),
}

/// Checks one string in a list.
type Each = fn(&str) -> Answer<()>;
/// Returns the list in [`Expect`] that stores a field's values.
type Place = fn(&mut Expect) -> &mut Vec<String>;

/// Every field, in the order of reports.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "images",
        is: "**P18** image repositories to which the build may push; an entry with a tag or digest is an error. Names are completed as in [F22](format.md#the-outer-archive)",
        example: "[\"docker.io/acme/wallet\"]",
        read: Read::List(image_repository, |expect| &mut expect.images),
        values: |expect| expect.images.clone(),
    },
    Field {
        name: "repositories",
        is: "**P19** allowed source repositories of the clone. They are compared as in [G9](git-proof.md#what-is-proved)",
        example: "[\"git@github.com:acme/wallet.git\"]",
        read: Read::List(source_repository, |expect| &mut expect.repositories),
        values: |expect| expect.repositories.clone(),
    },
    Field {
        name: "branch",
        is: "**P20** the branch of HEAD. A detached HEAD is accepted if a local or remote branch of that name in the snapshot points to HEAD's commit; otherwise the answer is `unknown`",
        example: "\"main\"",
        read: Read::Text(|expect, text| {
            expect.branch = Some(text);
            Ok(())
        }),
        values: |expect| expect.branch.iter().cloned().collect(),
    },
    Field {
        name: "commit",
        is: "**P21** the commit id, all forty digits",
        example: "\"0000000000000000000000000000000000000000\"",
        read: Read::Text(|expect, text| {
            let commit = ObjectId::from_hex(&text);
            expect.commit = Some(commit.ok_or_else(|| expected("40 lower-case hexadecimal digits", &text))?);
            Ok(())
        }),
        values: |expect| expect.commit.iter().map(ToString::to_string).collect(),
    },
    Field {
        name: "platforms",
        is: "**P22** `os/architecture[/variant]`; selects an image from an index ([trust.md](trust.md#forms))",
        example: "[\"linux/s390x\"]",
        read: Read::List(platform, |expect| &mut expect.platforms),
        values: |expect| expect.platforms.clone(),
    },
    Field {
        name: "min-server-version",
        is: "**P23** the lowest version of the build server: dot-separated numbers",
        example: "\"1.3.0.18\"",
        read: Read::Text(|expect, text| {
            check::parse_version(&text).ok_or_else(|| expected("dot-separated numbers", &text))?;
            expect.min_server_version = Some(text);
            Ok(())
        }),
        values: |expect| expect.min_server_version.iter().cloned().collect(),
    },
    Field {
        name: "max-age",
        is: "**P24** the maximum age of a build at `--now`: a number followed by `d`, `h`, `m` or `s`. A build more than a day in the future fails too",
        example: "\"90d\"",
        read: Read::Text(|expect, text| {
            let seconds = parse_duration_seconds(&text);
            expect.max_age_seconds = Some(seconds.ok_or_else(|| expected("a number and d, h, m or s", &text))?);
            Ok(())
        }),
        values: |expect| expect.max_age().into_iter().collect(),
    },
    Field {
        name: "minimum-grade",
        is: "**P25** the key's lowest accepted [grade](keys.md#grades): `command-line`, `recorded`, `witnessed` or `challenged`",
        example: "\"witnessed\"",
        read: Read::Text(|expect, text| {
            let grade = Grade::from_word(&text);
            expect.minimum_grade = Some(grade.ok_or_else(|| expected(&any_of(&Grade::ALL.map(Grade::word)), &text))?);
            Ok(())
        }),
        values: |expect| expect.minimum_grade.iter().map(|grade| grade.word().to_owned()).collect(),
    },
    Field {
        name: "dockerfile",
        is: "**P26** path of the Dockerfile in the repository; `image-history` also reads it",
        example: "\"Dockerfile\"",
        read: Read::Text(|expect, text| {
            expect.dockerfile = Some(text);
            Ok(())
        }),
        values: |expect| expect.dockerfile.iter().cloned().collect(),
    },
    Field {
        name: "base-images",
        is: "**P27** base images that the FROM of a stage in the log may use, as `NAME@sha256:…`; for a multi-platform image, the index's digest",
        example: "[\"docker.io/library/nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000\"]",
        read: Read::List(base_image, |expect| &mut expect.base_images),
        values: |expect| expect.base_images.clone(),
    },
    Field {
        name: "untracked",
        is: "**P28** patterns of allowed untracked files; `[]` or a missing field allows none",
        example: "[]",
        read: Read::ListOrNone(path_pattern, |expect| &mut expect.untracked),
        values: |expect| expect.untracked.clone(),
    },
];

fn expected(what: &str, found: &str) -> String {
    format!("expected {what}, found {found:?}")
}

fn image_repository(text: &str) -> Answer<()> {
    match ImageName::parse(text) {
        Ok(name) if name.is_repository() => Ok(()),
        Ok(_) => Err(expected("a repository without a tag or digest, for example docker.io/acme/wallet", text)),
        Err(why) => Err(format!("malformed image name {text:?}: {why}")),
    }
}

fn source_repository(text: &str) -> Answer<()> {
    let name = RepositoryName::from_policy(text);
    name.map(|_| ()).ok_or_else(|| expected("an address like https://github.com/acme/wallet", text))
}

fn platform(text: &str) -> Answer<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let plain = text.split('/').all(|part| !part.is_empty() && part.bytes().all(allowed));
    match (plain, text.split('/').count()) {
        (true, 2 | 3) => Ok(()),
        _ => Err(expected("os/architecture, for example linux/s390x", text)),
    }
}

fn base_image(text: &str) -> Answer<()> {
    let digest = ImageName::parse(text).ok().and_then(|name| name.sha256());
    digest.map(|_| ()).ok_or_else(|| expected("NAME@sha256: and 64 lower-case hexadecimal digits", text))
}

fn path_pattern(text: &str) -> Answer<()> {
    PathPattern::parse(text).map(|_| ()).ok_or_else(|| expected("a pattern for paths", text))
}

impl Expect {
    /// Whether this field is set.
    pub(crate) fn is_set(&self, field: &str) -> bool {
        self.set.contains(&field)
    }

    /// The fields that are set, each with its values.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'static str, Vec<String>)> {
        FIELDS.iter().map(|field| (field.name, (field.values)(self))).filter(|(_, values)| !values.is_empty())
    }

    /// The fields that are set, each with its values in one string.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        self.values().map(|(field, values)| (field, values.join(", "))).collect()
    }

    /// `max-age` as text: in days if it is a whole number of days, otherwise in seconds.
    pub(crate) fn max_age(&self) -> Option<String> {
        self.max_age_seconds.map(|seconds| match seconds % DAY_SECONDS {
            0 => counted_as(seconds / DAY_SECONDS, "day", "days"),
            _ => counted(seconds, "second"),
        })
    }
}

impl Expect {
    /// The table of fields in docs/policy.md.
    pub fn markdown() -> String {
        let mut table = "| field | meaning | check | |\n| --- | --- | --- | --- |\n".to_owned();
        for field in FIELDS {
            let asks = |check: &&&Check| check.expected.fields().contains(&field.name);
            let Some(check) = CHECKS.iter().find(asks) else { continue };
            let then = if matches!(check.expected, Expected::Requires(_)) { "then at `require` " } else { "" };
            table.push_str(&format!("| `{}` | {} | `{}` | {then}|\n", field.name, field.is, check.name));
        }
        table
    }
}

/// The lines of the template.
pub(super) fn examples() -> String {
    FIELDS.iter().map(|field| format!("#{} = {}\n", field.name, field.example)).collect()
}

/// `[expect]` as written in the file: its fields, each a string or a list.
#[derive(Default)]
pub(super) struct ExpectTable(BTreeMap<&'static str, Given>);

/// A field's value in the file.
pub(super) enum Given {
    Text(String),
    List(Vec<String>),
}

impl ExpectTable {
    /// Reads the fields.
    ///
    /// # Errors
    /// A message with the field's name.
    pub(super) fn read(mut self) -> Answer<Expect> {
        let mut expect = Expect::default();
        for field in FIELDS {
            let Some(given) = self.0.remove(field.name) else { continue };
            field.put(&mut expect, given).map_err(|why| format!("expect.{}: {why}", field.name))?;
        }
        expect.set = expect.values().map(|(field, _)| field).collect();
        Ok(expect)
    }
}

impl Field {
    fn put(&self, expect: &mut Expect, given: Given) -> Answer<()> {
        match (&self.read, given) {
            // An empty value is an error, because it could mean "none" or "any".
            (Read::Text(_), Given::Text(text)) if text.is_empty() => {
                Err("the string is empty; set a value or leave the field out".into())
            }
            (Read::List(..), Given::List(texts)) if texts.is_empty() => {
                Err("the list is empty; add an entry or leave the field out".into())
            }
            (Read::Text(put), Given::Text(text)) => put(expect, text),
            (Read::List(each, place) | Read::ListOrNone(each, place), Given::List(texts)) => {
                texts.iter().try_for_each(|text| each(text))?;
                *place(expect) = texts;
                Ok(())
            }
            (Read::Text(_), Given::List(_)) => Err("expected a string, found a list".into()),
            (Read::List(..) | Read::ListOrNone(..), Given::Text(_)) => Err("expected a list, found a string".into()),
        }
    }
}

impl<'de> Deserialize<'de> for ExpectTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

/// Reads the table. The table may contain only names of [`FIELDS`], each with a value of its type.
struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = ExpectTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the table [expect]")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExpectTable, A::Error> {
        let mut given = BTreeMap::new();
        while let Some(field) = map.next_key_seed(Name)? {
            given.insert(field.name, map.next_value_seed(field)?);
        }
        Ok(ExpectTable(given))
    }
}

/// Reads a field's name.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = &'static Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let name = String::deserialize(deserializer)?;
        FIELDS.iter().find(|field| field.name == name).ok_or_else(|| {
            let known: Vec<String> = FIELDS.iter().map(|field| format!("`{}`", field.name)).collect();
            D::Error::custom(format!("unknown field `{name}`, expected one of {}", known.join(", ")))
        })
    }
}

impl<'de> DeserializeSeed<'de> for &'static Field {
    type Value = Given;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given, D::Error> {
        match self.read {
            Read::Text(_) => String::deserialize(deserializer).map(Given::Text),
            Read::List(..) | Read::ListOrNone(..) => Vec::deserialize(deserializer).map(Given::List),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_belongs_to_one_check_and_every_check_lists_existing_fields() {
        for field in FIELDS {
            let checks = CHECKS.iter().filter(|check| check.expected.fields().contains(&field.name)).count();
            assert_eq!(checks, 1, "{checks} checks have {:?} in `expected`", field.name);
        }
        for check in CHECKS {
            assert!(
                check.expected == Expected::Nothing || !check.expected.fields().is_empty(),
                "{}: no field is listed",
                check.name
            );
            for name in check.expected.fields() {
                assert!(FIELDS.iter().any(|field| field.name == *name), "{}: no row for {name:?}", check.name);
            }
        }
    }

    /// `HPSB_UPDATE=1 cargo test` updates the table in the page.
    #[test]
    fn the_page_shows_this_table() {
        let table = Expect::markdown();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once("\n## What is expected\n").unwrap();
        let (intro, rest) = rest.split_once("\n| field |").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        let expected = format!("{before}\n## What is expected\n{intro}\n{table}\n{after}");
        if std::env::var_os("HPSB_UPDATE").is_some() {
            std::fs::write(path, &expected).unwrap();
        } else {
            assert!(
                page == expected,
                "docs/policy.md differs from src/judge/policy/expect.rs: HPSB_UPDATE=1 updates it"
            );
        }
    }
}
