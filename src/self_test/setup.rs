//! The starting point of a case: a bundle and optional evidence, in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cases::Case;
use crate::audit::audit as audit_bundle;
use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::case::{Own, Profile, Reader, Sealing, gather, repeat};
use crate::crypto::timestamp::Authorities;
use crate::dossier::{Dossier, Handed, LoadImage, Question, Storage};
use crate::given::approvals::Approvals;
use crate::given::server_record::ServerFiles;
use crate::image::{self, Choice, Source};
use crate::judge::check::status_text;
use crate::judge::finding::Verdict;
use crate::judge::policy::Policy;
use crate::report::BundleReport;
use crate::trust::TrustFile;

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("data/", $name)).as_slice()
    };
}
pub(super) use data;

const FILE_NAME: &str = "manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz";
const NOW: &str = "2026-03-10T00:00:00Z";
const POLICY: &str = r#"version = 1
require = ["manifest", "source"]
[[keys]]
name = "build server A"
file = "key.pem"
"#;

/// The inputs of an audit.
pub(super) struct Setup {
    pub(super) file_name: String,
    pub(super) bundle: Vec<u8>,
    pub(super) policy: String,
    /// The contents of `key.pem`, which the policy refers to.
    pub(super) key: Vec<u8>,
    pub(super) approvals: Option<Vec<u8>>,
    /// An OCI layout in a tar file.
    pub(super) image: Option<Vec<u8>>,
    pub(super) trust: Option<Vec<TrustFile>>,
    pub(super) server: Option<ServerFiles>,
    pub(super) limits: Limits,
    /// The time as of which the bundle is sealed under this policy. The sealed case is then audited with the same policy, as if it were the
    /// reader's own policy. `None` if nothing is sealed.
    pub(super) sealed_for: Option<&'static str>,
    /// The time of the audit.
    pub(super) now: &'static str,
}

/// The actual result, for the parts that a case checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The exit code, 0 to 4.
    pub(super) exit_code: u8,
    /// The verdict.
    pub(super) verdict: &'static str,
    /// The error code.
    pub(super) error: Option<String>,
    /// The status of the check in question.
    pub(super) status: Option<String>,
}

impl Found {
    pub(super) fn words(&self) -> String {
        let mut words = format!("exit {}, {}", self.exit_code, self.verdict);
        for more in [&self.error, &self.status].into_iter().flatten() {
            words.push_str(&format!(", {more}"));
        }
        words
    }
}

impl Setup {
    /// A bundle signed by a known key, with its image.
    pub(super) fn with_image() -> Self {
        Self {
            file_name: FILE_NAME.into(),
            bundle: data!("image-good.sig.tbz").to_vec(),
            policy: POLICY.into(),
            key: data!("key.pem").to_vec(),
            approvals: None,
            image: Some(data!("image.tar").to_vec()),
            trust: None,
            server: None,
            limits: Limits::default(),
            sealed_for: None,
            now: NOW,
        }
    }

    /// These bytes as the bundle, without an image.
    pub(super) fn bundle(bytes: &[u8]) -> Self {
        Self { bundle: bytes.to_vec(), image: None, ..Self::with_image() }
    }

    /// A bundle whose image is signed with cosign, by a key in the policy.
    pub(super) fn with_signature() -> Self {
        let file = |name: &str, bytes: &[u8]| TrustFile { path: format!("cosign/{name}"), bytes: bytes.to_vec() };
        let files = vec![file("manifest.json", data!("manifest.json")), file("payload.json", data!("payload.json"))];
        let signer = "[[trust.signers]]\nname = \"release\"\ncosign = \"cosign.pub\"\n";
        Self {
            trust: Some(files),
            policy: format!("{POLICY}{signer}"),
            ..Self::bundle(data!("good-trust-cosign.sig.tbz"))
        }
    }

    /// Adds lines to the policy.
    pub(super) fn policy(mut self, lines: &str) -> Self {
        self.policy.push_str(lines);
        self
    }
}

pub(super) fn audit(case: &Case) -> Found {
    let setup = (case.make)();
    match report(&setup) {
        Ok(report) => {
            let asked = case.expected.check.map(|(name, _)| name);
            let finding = report.findings.iter().find(|finding| Some(finding.check) == asked);
            Found {
                exit_code: report.exit_code(),
                verdict: report.verdict.word(),
                error: report.error.as_ref().map(|error| error.code().to_owned()),
                status: finding.map(|finding| status_text(finding.status)),
            }
        }
        Err(error) => Found {
            exit_code: error.exit_code(),
            verdict: Verdict::None.word(),
            error: Some(error.code().to_owned()),
            status: None,
        },
    }
}

/// Audits like the command `audit`, with bytes instead of files.
fn report(setup: &Setup) -> Result<BundleReport, Error> {
    let limits = &setup.limits;
    let now = moment(setup.now)?;
    let load = |name: &str| match name {
        "key.pem" => Ok(setup.key.clone()),
        "cosign.pub" => Ok(data!("cosign.pub").to_vec()),
        _ => Err(Error::Unreadable { what: name.into(), message: "the self-test has no such file".into() }),
    };
    let policy = Policy::from_toml("policy.toml", setup.policy.as_bytes(), limits, load)?;
    if let Some(sealed_for) = setup.sealed_for {
        return of_case(setup, policy, sealed_for);
    }
    let keys = policy.keys_for(Vec::new())?;
    let read = |bytes: &Vec<u8>| Approvals::read("approvals.csv", bytes.clone(), None, limits);
    let approvals = setup.approvals.as_ref().map(read).transpose()?;
    let image = setup.image.as_deref();
    let handed = Handed {
        image: image.map(|_| Source::Path("image.tar".into())),
        trust: setup.trust.clone(),
        approvals,
        ..Handed::default()
    };
    let question = Question { handed: &handed, ..Question::new(&policy, &keys, now, limits) };
    let load_image =
        |choice: &Choice, _: &Budget| image::read_archive("image.tar", image.unwrap_or_default(), choice, limits);
    let dossier = Dossier {
        file_name: Some(setup.file_name.clone()),
        server: setup.server.clone(),
        trust: setup.trust.as_deref().map(Cow::Borrowed),
        image: image.map(|_| Box::new(load_image) as Box<LoadImage<'_>>),
        ..Dossier::new(setup.file_name.clone(), setup.bundle.as_slice())
    };
    Ok(audit_bundle(dossier, &question))
}

fn moment(text: &str) -> Result<Timestamp, Error> {
    Timestamp::from_rfc3339(text).ok_or_else(|| Error::malformed("the self-test", "it has an invalid time"))
}

/// Seals the bundle like the command `seal`, then audits the case like `audit` with the reader's own policy. The report must explain how to audit as
/// of the case's own time if, and only if, the audit rejects the bundle.
fn of_case(setup: &Setup, policy: Policy, sealed_for: &str) -> Result<BundleReport, Error> {
    let limits = &setup.limits;
    let files = [(&*setup.file_name, &setup.bundle), ("key.pem", &setup.key)];
    let mut files: BTreeMap<String, Vec<u8>> =
        files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.clone())).collect();
    files.insert("policy.toml".into(), setup.policy.clone().into_bytes());
    let sealing = Sealing {
        now: moment(sealed_for)?,
        require: &[],
        keys: &[],
        policy: Some(Path::new("policy.toml")),
        approvals: None,
        trust: None,
        builder: None,
        image: None,
        bundles: &[PathBuf::from(&setup.file_name)],
    };
    let contents = gather(&sealing, Storage::Memory(&files), limits)?;
    let (case, _) = contents.seal(Profile::Full, None, 1, limits)?;
    let today = moment(setup.now)?;
    let authorities = Authorities::default();
    let reader = Reader {
        own: Some(Own { policy, keys: Vec::new(), approvals: None }),
        seal_key: None,
        authorities: &authorities,
        today,
        threads: 1,
        given: Vec::new(),
    };
    let mut report = repeat(&case, "case.tar", reader, limits)?;
    let told =
        report.case.iter().flat_map(|case| &case.remarks).any(|remark| remark.contains(&format!("--now {sealed_for}")));
    let bundle = report.bundles.pop().ok_or_else(|| Error::malformed("the case", "it has no bundle"))?;
    match told == (bundle.verdict == Verdict::Reject) {
        true => Ok(bundle),
        false => Err(Error::malformed("the report", "it does not state how to audit as of the case's own time")),
    }
}
