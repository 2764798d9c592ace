//! Audits the contents of a case. The same function audits the same members when a case is sealed and when its audit is repeated.

use super::Case;
use super::record::{BundleRecord, ImageRecord};
use crate::audit::audit;
use crate::base::budget::Budget;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::set_aside::is_set_aside;
use crate::base::time::Timestamp;
use crate::dossier::Question;
use crate::dossier::{Beside, Dossier, Handed, LoadImage, Terms};
use crate::gate::key::PublicKey;
use crate::gate::verify::TrustedKey;
use crate::given::approvals::Approvals;
use crate::given::attestation::Attestation;
use crate::given::server_record::ServerFiles;
use crate::image::{self, Choice, Form, Held, ImageFacts, Source};
use crate::judge::finding::Group;
use crate::judge::policy::Policy;
use crate::report::Report;
use crate::run::add_given_keys;
use crate::trust::TrustFile;

/// The policy and keys for auditing a case: either those stored in the case, which establish no trust, or the reader's.
#[derive(Debug, Clone)]
pub(crate) struct CaseTerms {
    pub(crate) policy: Policy,
    /// Keys specified in addition to the policy.
    pub(crate) keys: Vec<TrustedKey>,
    pub(crate) now: Timestamp,
    /// A time by which the case existed, according to an authority that the reader trusts.
    pub(crate) existed_by: Option<Timestamp>,
    /// Where the list of approvals comes from.
    pub(crate) approvals: ApprovalsFrom,
}

/// Where the list of approvals comes from.
#[derive(Debug, Clone)]
pub(crate) enum ApprovalsFrom {
    /// The case, as when it was sealed.
    Case,
    /// The reader, who vouches for nothing that the case contains: without a list of the reader, only a signed list in the case counts.
    Reader(Option<Box<Approvals>>),
}

/// Folders in a case for files that were supplied for all of its bundles.
pub(super) const GIVEN_TRUST: &str = "given/trust";
pub(super) const GIVEN_BUILDER: &str = "given/builder";

impl Case {
    /// The policy and keys stored in the case.
    ///
    /// # Errors
    /// The errors of [`Policy::from_toml`] and [`PublicKey::from_pem`].
    pub(crate) fn own_terms(&self, limits: &Limits) -> Result<CaseTerms, Error> {
        let asked = &self.record.question;
        let mut policy = match &asked.policy {
            None => Policy::default(),
            Some(member) => Policy::from_toml(member, self.member(member)?, limits, |name| {
                let file = asked.policy_files.iter().find(|file| file.name == name);
                let file = file.ok_or_else(|| unknown("question.policy_files", name))?;
                self.member(&file.member).map(<[u8]>::to_vec)
            })?,
        };
        let require: Vec<Group> = groups(&asked.require, "question.require")?;
        policy.require_also(&require)?;
        let keys = asked.keys.iter().map(|named| {
            let pin = Sha256::from_prefixed(&named.fingerprint);
            let pin = pin.ok_or_else(|| unknown("question.keys", &named.fingerprint))?;
            let key = named.member.as_deref().map(|name| PublicKey::from_pem(name, self.member(name)?, limits));
            match key.transpose()? {
                Some(key) if key.fingerprint() != pin => Err(unknown("question.keys", &named.fingerprint)),
                key => Ok(TrustedKey::named(pin, key)),
            }
        });
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(CaseTerms { policy, keys, now: self.now()?, existed_by: None, approvals: ApprovalsFrom::Case })
    }

    /// The time as of which the case was audited.
    pub(crate) fn now(&self) -> Result<Timestamp, Error> {
        let now = &self.record.question.now;
        Timestamp::from_rfc3339(now).ok_or_else(|| unknown("question.now", now))
    }

    /// Audits the case's bundles. The caller must have checked the profile.
    ///
    /// # Errors
    /// Any error that stops the whole audit; [`Error::Malformed`] if a bundle was left out of the case.
    pub(crate) fn audit(&self, terms: &CaseTerms, threads: usize, limits: &Limits) -> Result<Report, Error> {
        // A pin may select a key that the case contains; no key is trusted just because the case contains it.
        let stored = self.record.question.keys.iter().filter_map(|named| named.member.as_deref());
        let stored = stored.map(|name| PublicKey::from_pem(name, self.member(name)?, limits));
        let stored = stored.collect::<Result<Vec<_>, Error>>()?;
        let keys = terms.policy.keys_for(terms.keys.clone())?.with_candidates(&stored).into_owned();
        let terms_of_run = Terms { policy: terms.policy.clone(), keys, handed: self.handed(&terms.approvals, limits)? };
        let question = Question { existed_by: terms.existed_by, ..terms_of_run.question(terms.now, threads, limits) };
        let mut report = question.report();
        let audited = self.record.bundles.iter().map(|bundle| {
            let dossier = self.dossier(bundle, &question)?;
            let keys = dossier.keys_beside.clone();
            Ok((audit(dossier, &question), keys))
        });
        let (mut reports, beside): (Vec<_>, Vec<_>) = audited.collect::<Result<Vec<_>, Error>>()?.into_iter().unzip();
        add_given_keys(&mut reports, &beside, limits);
        report.bundles = reports;
        Ok(report)
    }

    /// The evidence supplied for all bundles when the case was sealed.
    fn handed(&self, approvals: &ApprovalsFrom, limits: &Limits) -> Result<Handed, Error> {
        let asked = &self.record.question;
        let groups = groups(&asked.handed, "question.handed")?;
        let is_given = |group| groups.contains(&group);
        // The case lists the supplied evidence, and each bundle lists the locations of its files; the two lists must agree.
        for bundle in &self.record.bundles {
            let trust = bundle.trust.as_deref() == Some(GIVEN_TRUST);
            let builder = bundle.builder.as_deref() == Some(GIVEN_BUILDER);
            if trust != is_given(Group::Trust) || builder != is_given(Group::Builder) {
                return Err(unknown("question.handed", &asked.handed.join(", ")));
            }
        }
        let images = self.record.bundles.iter().filter_map(|bundle| bundle.image.as_ref());
        let image = images.map(|image| Source::Path(image.place.clone().into())).next();
        let in_case = asked.approvals.as_ref().map(|record| {
            let signature = record.signature.as_ref().map(|name| self.member(name).map(<[u8]>::to_vec)).transpose()?;
            Approvals::read(&record.member, self.member(&record.member)?.to_vec(), signature, limits)
        });
        let in_case = in_case.transpose()?;
        let approvals = match approvals {
            ApprovalsFrom::Case => in_case,
            ApprovalsFrom::Reader(Some(own)) => Some(Approvals::clone(own)),
            ApprovalsFrom::Reader(None) => in_case.map(|list| list.unvouched()),
        };
        let folder = |group, place| is_given(group).then(|| self.trust_files(place, limits)).transpose();
        let handed = Handed {
            image: image.filter(|_| is_given(Group::Image)),
            bases: Vec::new(),
            trust: folder(Group::Trust, GIVEN_TRUST)?,
            builder: folder(Group::Builder, GIVEN_BUILDER)?.and_then(|files| Attestation::read(&files)),
            approvals,
        };
        match handed.groups() == groups {
            true => Ok(handed),
            false => Err(unknown("question.handed", &asked.handed.join(", "))),
        }
    }

    /// A bundle with the files that the case contains for it.
    fn dossier<'a>(&'a self, bundle: &'a BundleRecord, question: &'a Question<'_>) -> Result<Dossier<'a>, Error> {
        let (limits, handed) = (question.limits, question.handed);
        let keys = bundle.keys_beside.iter().map(|file| {
            let bytes = self.member(&file.member)?;
            Ok((file.name.clone(), PublicKey::from_pem(&file.name, bytes, limits)?, bytes.to_vec()))
        });
        let folder =
            |folder: &Option<String>| folder.as_deref().map(|place| self.trust_files(place, limits)).transpose();
        let beside = Beside {
            keys: keys.collect::<Result<_, Error>>()?,
            server: bundle.server.as_deref().map(|folder| self.server_files(folder)),
            trust: if handed.trust.is_some() { None } else { folder(&bundle.trust)? },
            builder: if handed.builder.is_some() { None } else { folder(&bundle.builder)? },
            image: None,
            shared: Vec::new(),
        };
        let image = bundle.image.as_ref().map(|image| -> Box<LoadImage<'a>> {
            Box::new(move |choice: &Choice, budget: &Budget| self.image(image, choice, limits, budget))
        });
        let bytes = self.member(&bundle.member)?;
        Ok(Dossier {
            file_name: Some(bundle.file_name.clone()),
            size: bytes.len() as u64,
            image,
            ..Dossier::with(bundle.member.clone(), Ok(Box::new(bytes)), beside, question)
        })
    }

    fn server_files(&self, folder: &str) -> ServerFiles {
        let file = |name: &str| self.members.get(&format!("{folder}/{name}")).cloned();
        ServerFiles {
            status: file("status.json"),
            image_digest: file("image-digest.json"),
            log: file("server-build.log"),
        }
    }

    fn trust_files(&self, folder: &str, limits: &Limits) -> Result<Vec<TrustFile>, Error> {
        // Earlier versions also sealed what `fetch` had set aside.
        let files = self.below(folder).filter(|(path, _)| !is_set_aside(path));
        let files = files.map(|(path, bytes)| TrustFile { path: path.into(), bytes: bytes.to_vec() });
        let files: Vec<TrustFile> = files.collect();
        limits.trust_files().check(files.len() as u64, folder)?;
        limits.trust_bytes().check(files.iter().map(|file| file.bytes.len() as u64).sum::<u64>(), folder)?;
        Ok(files)
    }

    fn image(
        &self,
        record: &ImageRecord,
        choice: &Choice,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<ImageFacts, Error> {
        let form = match record.form.as_deref() {
            None => None,
            Some("oci") => Some(Form::Layout),
            Some("dir") => Some(Form::Directory),
            Some("docker-archive") => Some(Form::DockerArchive),
            Some(other) => return Err(unknown("image.form", other)),
        };
        let held = match self.members.get(&record.place) {
            Some(archive) => Held::File(archive),
            None => Held::Folder(self.below(&record.place).collect()),
        };
        image::read_held(&record.place, &held, (form, record.reference.as_deref()), choice, limits, budget)
    }
}

fn groups(words: &[String], field: &str) -> Result<Vec<Group>, Error> {
    words.iter().map(|word| Group::from_word(word).ok_or_else(|| unknown(field, word))).collect()
}

fn unknown(field: &str, found: &str) -> Error {
    Error::malformed(super::record::NAME, format!("{field}: unexpected value {found:?}"))
}
