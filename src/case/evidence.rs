//! The audit of what is in a case. Sealing and repeating call the same function, on the same members.

use super::Case;
use super::record::{BundleRecord, ImageRecord};
use crate::approvals::Approvals;
use crate::attestation::Attestation;
use crate::audit::{Depth, Input, LoadImage, Question, audit};
use crate::budget::Budget;
use crate::digest::Sha256;
use crate::error::Error;
use crate::finding::Group;
use crate::given_keys::add_given_keys;
use crate::image::{self, Choice, Form, Held, ImageFacts};
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::policy::Policy;
use crate::report::{BundleReport, QuestionReport, Report};
use crate::server_record::ServerFiles;
use crate::time::Timestamp;
use crate::trust::TrustFile;
use crate::verify::TrustedKey;

/// On whose terms a case is audited: its own, which prove nothing to anybody else, or the reader's.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) policy: Policy,
    /// Keys that were named beside the policy.
    pub(crate) keys: Vec<TrustedKey>,
    pub(crate) now: Timestamp,
    /// The moment at which an authority that the reader named had seen the case.
    pub(crate) existed_by: Option<Timestamp>,
}

impl Case {
    /// The terms that are in the case.
    ///
    /// # Errors
    /// As [`Policy::from_toml`] and [`PublicKey::from_pem`].
    pub(crate) fn own_terms(&self, limits: &Limits) -> Result<Terms, Error> {
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
        Ok(Terms { policy, keys, now: self.now()?, existed_by: None })
    }

    /// The moment that the case was audited for.
    pub(crate) fn now(&self) -> Result<Timestamp, Error> {
        let now = &self.record.question.now;
        Timestamp::from_rfc3339(now).ok_or_else(|| unknown("question.now", now))
    }

    /// Audits the bundles that are in the case. Those that were left out are not looked at: see the profile first.
    ///
    /// # Errors
    /// What keeps all of them from being judged.
    pub(crate) fn audit(&self, terms: &Terms, threads: usize, limits: &Limits) -> Result<Report, Error> {
        let handed = groups(&self.record.question.handed, "question.handed")?;
        // A pin may pick a key that the case brings; none is trusted for being there.
        let stored = self.record.question.keys.iter().filter_map(|named| named.member.as_deref());
        let stored = stored.map(|name| PublicKey::from_pem(name, self.member(name)?, limits));
        let stored = stored.collect::<Result<Vec<_>, Error>>()?;
        let keys = terms.policy.keys_for(terms.keys.clone())?.with_candidates(&stored).into_owned();
        let approvals = self.record.question.approvals.as_ref().map(|record| {
            let signature = record.signature.as_ref().map(|name| self.member(name).map(<[u8]>::to_vec)).transpose()?;
            Approvals::read(&record.member, self.member(&record.member)?.to_vec(), signature, limits)
        });
        let approvals = approvals.transpose()?;
        let question = Question {
            policy: &terms.policy,
            keys: &keys,
            handed: &handed,
            approvals: approvals.as_ref(),
            bases: &[],
            threads,
            now: terms.now,
            existed_by: terms.existed_by,
            limits,
            depth: Depth::Everything,
        };
        let mut report = Report::new(Some(terms.now));
        report.policy = terms.policy.source.clone();
        report.question = Some(QuestionReport::of(question.depth, question.policy, &keys, &handed, limits));
        let audited = self.record.bundles.iter().map(|bundle| self.audit_one(bundle, &question));
        let (mut reports, beside): (Vec<_>, Vec<_>) = audited.collect::<Result<Vec<_>, Error>>()?.into_iter().unzip();
        add_given_keys(&mut reports, &beside, limits);
        report.bundles = reports;
        Ok(report)
    }

    fn audit_one(
        &self,
        bundle: &BundleRecord,
        question: &Question<'_>,
    ) -> Result<(BundleReport, Vec<(String, PublicKey)>), Error> {
        let limits = question.limits;
        let keys = bundle.keys_beside.iter();
        let keys = keys
            .map(|file| Ok((file.name.clone(), PublicKey::from_pem(&file.name, self.member(&file.member)?, limits)?)));
        let keys_beside = keys.collect::<Result<Vec<_>, Error>>()?;
        let trust = bundle.trust.as_deref().map(|folder| self.trust_files(folder, limits)).transpose()?;
        let builder = bundle.builder.as_deref().map(|folder| self.trust_files(folder, limits)).transpose()?;
        let builder = builder.and_then(|files| Attestation::read(&files));
        let load = |choice: &Choice, budget: &Budget| match &bundle.image {
            Some(image) => self.image(image, choice, limits, budget),
            None => Err(Error::Unreadable { what: "the image".into(), message: "none was named".into() }),
        };
        let input = Input {
            path: bundle.member.clone(),
            file_name: Some(bundle.file_name.clone()),
            bytes: self.member(&bundle.member)?,
            size: self.member(&bundle.member)?.len() as u64,
            keys_beside: &keys_beside,
            server: bundle.server.as_deref().map(|folder| self.server_files(folder)),
            trust: trust.as_deref(),
            builder: builder.as_ref(),
            image: bundle.image.as_ref().map(|_| &load as &LoadImage<'_>),
        };
        Ok((audit(input, question), keys_beside))
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
        let files = self.below(folder).map(|(path, bytes)| TrustFile { path: path.into(), bytes: bytes.to_vec() });
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
    Error::malformed(super::record::NAME, format!("{field}: {found:?} is not what a case has there"))
}
