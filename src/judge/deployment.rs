//! The input of checks on a workload: one image in one workload, and everything to compare it with.

use crate::base::time::Timestamp;
use crate::given::attestation::Attestation;
use crate::judge::builds::{Build, Builds};
use crate::workload::{UsedImage, Workload};

/// One image to be deployed.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The workload file that refers to the image.
    pub workload: &'a Workload,
    /// The image, and its position in the workload.
    pub image: &'a UsedImage,
    /// The builds of the evidence.
    pub builds: &'a Builds,
    /// The attestation record of an instance that runs the workload.
    pub attestation: Option<&'a Attestation>,
    /// The time as of which the deployment is evaluated.
    pub now: Timestamp,
}

impl<'a> Deployment<'a> {
    /// All builds for the image's digest.
    pub fn builds_of_digest(&self) -> impl Iterator<Item = &'a Build> {
        let digest = self.image.image.as_ref().ok().and_then(|image| image.digest());
        digest.into_iter().flat_map(|digest| self.builds.of_digest(&digest))
    }

    /// The build for the image's digest. An accepted build is preferred.
    pub fn build(&self) -> Option<&'a Build> {
        let digest = self.image.image.as_ref().ok()?.digest()?;
        self.builds.best_of_digest(&digest, self.now)
    }
}
