//! The page's question: JSON with the names that the command line uses.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hpsb_audit::image::Source;
use hpsb_audit::{Format, Group, Limits, NamedKey, Timestamp};
use serde::Deserialize;

/// What to do.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Report the module's version and features.
    About,
    /// Run the self-test with the cases built into the module.
    SelfTest,
    /// List the bundles and the files of each bundle. This needs only the names and first bytes of the evidence files.
    List,
    /// Audit only the bundle `piece`, with the files that belong to it, as one piece of a report.
    Piece,
    /// Put `pieces` together. This needs only the names of the evidence files, and the keys next to bundles.
    Finish,
    /// Audit everything at once: a case, or bundles.
    Whole,
}

/// The question. The file names are in the same order as the files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub work: Work,
    /// Names of evidence files.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Names of files that the auditor trusts.
    #[serde(default)]
    pub trusted: Vec<String>,
    /// The number of pieces, which follow the files.
    #[serde(default)]
    pub pieces: usize,
    /// The bundle of [`Work::Piece`].
    #[serde(default)]
    pub piece: Option<PathBuf>,
    #[serde(default)]
    pub formats: Vec<String>,
    #[serde(default)]
    pub reference: Option<String>,
    #[serde(default)]
    pub flags: Flags,
}

/// The flags of `hpsb-audit audit`, by their names.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Flags {
    pub paths: Vec<PathBuf>,
    pub key: Vec<String>,
    pub policy: Option<PathBuf>,
    pub require: Vec<String>,
    pub approvals: Option<PathBuf>,
    pub image: Option<String>,
    pub base: Vec<String>,
    pub trust: Option<PathBuf>,
    pub builder: Option<PathBuf>,
    pub seal_key: Option<PathBuf>,
    pub tsa_ca: Vec<PathBuf>,
    pub now: Option<String>,
    pub today: Option<String>,
    pub limit: BTreeMap<String, u64>,
}

/// The result of reading a flag. An unrecognised flag is an error.
type Read<T> = Result<T, String>;

impl Flags {
    pub fn keys(&self) -> Read<Vec<NamedKey>> {
        self.key.iter().map(|text| NamedKey::parse(text)).collect()
    }

    pub fn groups(&self) -> Read<Vec<Group>> {
        let group = |word: &String| Group::from_word(word).ok_or_else(|| format!("no group is called {word:?}"));
        self.require.iter().map(group).collect()
    }

    pub fn image(&self) -> Read<Option<Source>> {
        self.image.as_deref().map(Source::parse).transpose()
    }

    pub fn bases(&self) -> Read<Vec<Source>> {
        self.base.iter().map(|text| Source::parse(text)).collect()
    }

    pub fn now(&self) -> Read<Option<Timestamp>> {
        self.now.as_deref().map(moment).transpose()
    }

    pub fn today(&self) -> Read<Timestamp> {
        moment(self.today.as_deref().unwrap_or_default())
    }

    pub fn limits(&self) -> Read<Limits> {
        let mut limits = Limits::default();
        for (name, value) in &self.limit {
            limits.set(name, *value).ok_or_else(|| format!("no limit is called {name:?}"))?;
        }
        Ok(limits)
    }
}

fn moment(text: &str) -> Read<Timestamp> {
    Timestamp::from_rfc3339(text).ok_or_else(|| format!("{text:?} is not an RFC 3339 time"))
}

/// The requested formats of the report. A verification summary is for programs, so the page does not offer it.
pub fn formats(words: &[String]) -> Read<Vec<Format>> {
    let format = |word: &String| {
        let known = Format::from_word(word).filter(|format| *format != Format::Vsa);
        known.ok_or_else(|| format!("the page has no report format {word:?}"))
    };
    words.iter().map(format).collect()
}
