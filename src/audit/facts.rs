//! Facts that were read from a bundle and stored, so that the bundle can be evaluated under a different policy without being read again.
//!
//! The facts contain the data that checks need: the record, the log's events, the proof of the source (without its objects and files), and the files
//! next to the bundle. Of the source's files, the facts contain only the policy's Dockerfile (by default, `Dockerfile`); of an image, only the part
//! that the policy's platforms select. If a different policy specifies a different Dockerfile or, for a bundle with an image, different platforms,
//! the facts do not suffice.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::{Content, KEYS_BESIDE_TRIED, Looked, conclude, refuse, settle};
use crate::base::budget::Budget;
use crate::base::build_name::BuildName;
use crate::base::digest::Sha256;
use crate::dossier::Question;
use crate::gate::key::PublicKey;
use crate::gate::verify::Seal;
use crate::judge::check;
use crate::judge::evidence::DOCKERFILE;
use crate::judge::finding::Group;
use crate::judge::policy::Policy;
use crate::report::{BundleReport, KeyReport};

/// The data that was read from a bundle. The facts are not a verdict: [`Facts::judge`] derives a verdict from them.
#[derive(Debug, Clone)]
pub struct Facts {
    path: String,
    file: (Sha256, u64),
    file_name: Option<String>,
    build_name: BuildName,
    /// The signed archive's digest (recomputed from its bytes), the signature over it, and the result for each key that was tried.
    seal: Seal,
    keys_beside: Vec<(String, PublicKey)>,
    beside: Vec<Group>,
    /// `None` if no trusted key verified the signature, or only the signature was checked: the signed archive's content was then not read.
    content: Option<Content<'static>>,
    dockerfile: String,
    platforms: Vec<String>,
}

impl Facts {
    /// Selects the data that checks need from the data read for `report` under the policy of `question`.
    pub(super) fn of(
        report: &BundleReport,
        file_name: Option<String>,
        keys_beside: Vec<(String, PublicKey)>,
        looked: Looked<'_>,
        question: &Question<'_>,
    ) -> Option<Self> {
        let Looked { build_name, beside, content } = looked;
        let (digest, signature) = report.seal.clone()?;
        let mut seal = Seal::new(digest, signature);
        let keys = question.keys.with_candidates(keys_beside.iter().map(|(_, key)| key));
        if !seal.remember(keys.keys().iter().filter_map(|trusted| trusted.key.as_ref())) {
            seal.remember(keys_beside.iter().take(KEYS_BESIDE_TRIED).map(|(_, key)| key));
        }
        let archive = keys.accept(&seal, &build_name).ok();
        let mut facts = Self {
            path: report.path.clone(),
            file: report.file?,
            file_name,
            build_name,
            seal,
            keys_beside,
            beside,
            content: None,
            dockerfile: dockerfile_of(question.policy),
            platforms: question.policy.expect.platforms.clone(),
        };
        if let Some(content) = content {
            let mut content = content.owned();
            let archive = archive?;
            let grading = question.policy.grading(archive.key().fingerprint, question.limits);
            let budget = Budget::of_audit(facts.file.1, question.limits);
            let evidence = content.evidence(&archive, None, grading, question, &budget);
            let digits = evidence.commit_digits();
            content.shelve(&facts.dockerfile, digits.as_ref().map(|(digits, _)| digits.as_str()));
            facts.content = Some(content);
        }
        Some(facts)
    }

    /// Evaluates the facts under a different question. The report has findings and a verdict, but neither facts nor inputs. `None` if there is no
    /// key, or if the facts do not suffice: the bundle must then be read again.
    pub fn judge(&self, question: &Question<'_>) -> Option<BundleReport> {
        let in_play = check::in_play(question.policy, &question.handed.groups(), &self.beside);
        let budget = Budget::of_audit(self.file.1, question.limits);
        let keys = question.keys.with_candidates(self.keys_beside.iter().map(|(_, key)| key));
        if keys.keys().is_empty() {
            return None;
        }
        let (key, judged) = match keys.accept(&self.seal, &self.build_name) {
            Ok(archive) => {
                let content = self.content.as_ref().filter(|content| self.suffices(content, question.policy))?;
                let grading = question.policy.grading(archive.key().fingerprint, question.limits);
                let key = KeyReport::of(archive.key(), grading.grade());
                let evidence = content.evidence(&archive, self.file_name.as_deref(), grading, question, &budget);
                (key, conclude(&evidence, question, &in_play))
            }
            Err(refusal) => (None, refuse(&refusal, &self.seal, &self.keys_beside, question, &in_play)),
        };
        let error = budget.check("the checks").err();
        let mut report = BundleReport {
            file: Some(self.file),
            build_name: Some(self.build_name.to_string()),
            key,
            findings: judged.findings,
            built: judged.built.filter(|_| error.is_none()),
            error,
            ..BundleReport::of_nothing(self.path.clone(), judged.in_play)
        };
        if report.error.is_none() {
            settle(&mut report, question);
        }
        Some(report.finished(question.limits))
    }

    fn suffices(&self, content: &Content<'_>, policy: &Policy) -> bool {
        self.dockerfile == dockerfile_of(policy)
            && (content.image.is_none() || self.platforms == policy.expect.platforms)
    }

    /// Approximate memory use in bytes: the length of the `Debug` output.
    pub fn weight(&self) -> u64 {
        struct Length(u64);
        impl fmt::Write for Length {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 += text.len() as u64;
                Ok(())
            }
        }
        let mut length = Length(0);
        // Writing to a counter cannot fail.
        let _ = write!(length, "{self:?}");
        length.0
    }
}

impl Content<'_> {
    fn owned(self) -> Content<'static> {
        let Content { manifest, source, server, trust, builder, image } = self;
        let trust = trust.map(|files| Cow::Owned(files.into_owned()));
        let builder = builder.map(|record| Cow::Owned(record.into_owned()));
        Content { manifest, source, server, trust, builder, image }
    }

    /// Drops everything that no check will need again.
    fn shelve(&mut self, dockerfile: &str, digits: Option<&str>) {
        if let ([snapshot], Some(source)) = (self.manifest.snapshots.as_slice(), &mut self.source) {
            source.shelve(snapshot, dockerfile.as_bytes(), digits);
        }
        self.manifest.snapshots.iter_mut().for_each(crate::git::Snapshot::shelve);
        self.manifest.record.shelve();
        if let Some(log) = &mut self.manifest.log {
            if let Some(server) = &mut self.server {
                server.shelve(log.sha256(), log.size());
            }
            log.shelve();
        }
    }
}

/// The Dockerfile's path without a leading `./`, as in `Evidence::dockerfile`.
fn dockerfile_of(policy: &Policy) -> String {
    let path = policy.expect.dockerfile.as_deref().unwrap_or(DOCKERFILE);
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests;
