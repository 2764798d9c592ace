//! A requested audit: which evidence is audited, under which terms, and as of which time. The command line and the page in a browser both
//! make a [`Request`], so that the same request gives the same report in both.
//!
//! Evidence and trusted files are read from two separate [`Storage`]s. On disk, both are the same storage; the page keeps them separate,
//! so that a policy never takes a key from the evidence because two names are equal.

mod case;
mod given;

use std::path::{Path, PathBuf};

pub(crate) use self::case::case_among;
#[cfg(feature = "cli")]
pub(crate) use self::case::{authorities, read_case};
use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::base::time::Timestamp;
use crate::dossier::{Handed, NamedKey, Question, ReadImage, Storage, Terms, read_keys};
use crate::image::{Choice, ImageFacts, Source};
use crate::judge::finding::Group;
use crate::judge::policy::Policy;
use crate::report::{BundleReport, Report};
use crate::run::Shard;

/// The evidence to audit, and what the auditor supplies for the audit. Paths of evidence refer to
/// `evidence`; all other paths refer to `trusted`.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The storage of the evidence: bundles with the files next to them, a case, images, signatures, the build server's record.
    pub evidence: Storage<'a>,
    /// The storage of the files that the auditor trusts: keys, the policy and the files that it
    /// refers to, approvals, sealers' keys, CAs.
    pub trusted: Storage<'a>,
    /// Bundles, folders to search for them, or one case.
    pub paths: &'a [PathBuf],
    /// Keys to trust.
    pub keys: &'a [NamedKey],
    /// The policy.
    pub policy: Option<&'a Path>,
    /// Groups that are required in addition to those that the policy requires.
    pub require: &'a [Group],
    /// The list of approvals.
    pub approvals: Option<&'a Path>,
    /// The image of the only bundle.
    pub image: Option<&'a Source>,
    /// Base images.
    pub bases: &'a [Source],
    /// The signatures of the image.
    pub trust: Option<&'a Path>,
    /// The build server's own attestation record.
    pub builder: Option<&'a Path>,
    /// The key of a sealer whom the reader of a case trusts.
    pub seal_key: Option<&'a Path>,
    /// CAs of time-stamping authorities.
    pub authorities: &'a [PathBuf],
    /// Audit only the bundles in this shard.
    pub shard: Option<Shard>,
    /// The time of the audit, if the auditor chose one.
    pub now: Option<Timestamp>,
    /// The time of the audit if `now` is `None`.
    pub today: Timestamp,
}

/// Audits the bundles at these paths. The report states the question but has no bundles yet.
pub type AuditBundles<'a> = dyn Fn(&[PathBuf], &Question<'_>, &Report) -> Result<Vec<BundleReport>, Error> + 'a;

/// The functions and settings for carrying out a request.
pub struct Means<'a> {
    /// Reads a base image; a bundle's image is read by `audit`.
    pub read_image: &'a ReadImage<'a>,
    /// Threads for the audit.
    pub threads: usize,
    /// Audits the bundles.
    pub audit: &'a AuditBundles<'a>,
    /// The limits on untrusted input.
    pub limits: &'a Limits,
}

impl Request<'_> {
    /// The report on the request. An error that prevents a verdict is in the report.
    pub fn report(&self, means: &Means<'_>) -> Report {
        let mut report = Report::new(self.now);
        if let Err(error) = self.answer(means, &mut report) {
            report.error = Some(error);
        }
        // The question of a case lists the inputs of the sealing; replace them with those of this request.
        report.question.iter_mut().for_each(|question| question.given = self.given());
        report
    }

    fn answer(&self, means: &Means<'_>, report: &mut Report) -> Result<(), Error> {
        only_bundles(self.require)?;
        match case_among(self.paths, self.evidence)? {
            Some(path) => self.audit_case(path, means).map(|of_case| *report = of_case),
            None if self.seal_key.is_some() || !self.authorities.is_empty() => Err(Error::Usage {
                message: "--seal-key and --tsa-ca apply only to a case, but no path is a case".into(),
                hint: "`hpsb-audit seal` creates a case; audit bundles with --key or --policy".into(),
            }),
            None => self.audit_bundles(means, report),
        }
    }

    fn audit_bundles(&self, means: &Means<'_>, report: &mut Report) -> Result<(), Error> {
        let limits = means.limits;
        let now = self.now.unwrap_or(self.today);
        report.now = Some(now);
        let mut policy = self.policy_or_default(limits)?;
        report.policy = policy.source.clone();
        policy.require_also(self.require)?;
        let named = read_keys(self.keys, self.trusted, limits)?;
        let mut terms = Terms::new(policy, named, Handed::default())?;
        let mut paths = self.evidence.find_bundles(self.paths, limits)?;
        let without = self.folders_without(&paths, limits);
        if let Some(shard) = self.shard {
            paths.retain(|path| shard.holds(path));
        }
        one_bundle_for(self.image, &paths)?;
        terms.handed = self.handed(&terms.policy, means)?;
        let question = terms.question(now, means.threads.div_ceil(paths.len().max(1)), limits);
        *report = question.report();
        report.question.iter_mut().for_each(|question| question.given = self.given());
        report.bundles = (means.audit)(&paths, &question, report)?;
        // A folder without bundles is an error even if other folders contain bundles.
        if without.is_empty() { Ok(()) } else { Err(Error::NothingToVerify { paths: without.join(", ") }) }
    }

    /// The folders among the paths that contain no bundle.
    fn folders_without(&self, found: &[PathBuf], limits: &Limits) -> Vec<String> {
        let is_empty = |folder: &PathBuf| self.evidence.find_bundles(std::slice::from_ref(folder), limits).is_err();
        // A different path may lead to the same folder, whose bundles are then listed under that path.
        let is_listed = |folder: &PathBuf| found.iter().any(|path| path.starts_with(folder));
        let is_without = |named: &&PathBuf| self.evidence.is_folder(named) && !is_listed(named) && is_empty(named);
        self.paths.iter().filter(is_without).map(|folder| slashed(folder)).collect()
    }

    fn policy_or_default(&self, limits: &Limits) -> Result<Policy, Error> {
        self.policy.map_or_else(|| Ok(Policy::default()), |path| self.trusted.read_policy(path, limits))
    }

    /// The evidence supplied in addition to the bundles.
    fn handed(&self, policy: &Policy, means: &Means<'_>) -> Result<Handed, Error> {
        let (evidence, limits) = (self.evidence, means.limits);
        let choice = Choice { platforms: policy.expect.platforms.clone(), digests: Vec::new() };
        let budget = || Budget::of_audit(0, limits);
        let base = |base| (means.read_image)(base, &choice, limits, &budget())?.decided();
        let bases: Vec<ImageFacts> = self.bases.iter().map(base).collect::<Result<_, _>>()?;
        Ok(Handed {
            bases,
            approvals: self.approvals.map(|path| self.trusted.read_approvals(path, limits)).transpose()?,
            trust: self.trust.map(|path| evidence.read_trust(path, limits)).transpose()?,
            builder: self.builder.map(|path| evidence.read_attestation(path, limits)).transpose()?,
            image: self.image.cloned(),
        })
    }
}

/// Refuses `--require workload`: no bundle has an answer for that group, and the flag must not be ignored.
pub(crate) fn only_bundles(require: &[Group]) -> Result<(), Error> {
    if require.contains(&Group::Workload) {
        return Err(Error::Usage {
            message: "--require workload: this group has no checks on bundles".into(),
            hint: "`hpsb-audit admit` and `serve` check workloads; if a policy requires this group, `audit` ignores it"
                .into(),
        });
    }
    Ok(())
}

/// Refuses an image for several bundles: an image belongs to one build.
pub(crate) fn one_bundle_for(image: Option<&Source>, paths: &[PathBuf]) -> Result<(), Error> {
    match (image, paths) {
        (Some(image), [_, _, ..]) => Err(Error::Usage {
            message: format!("--image {image} belongs to one build, but {} bundles were found", paths.len()),
            hint: "specify only the image's bundle, or put each image as an OCI layout into the folder image/ next to its bundle".into(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
