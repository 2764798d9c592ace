//! What the checks on a workload look at: one image in one workload, and everything that is known to compare it with.

use crate::base::time::Timestamp;
use crate::given::attestation::Attestation;
use crate::judge::builds::{Build, Builds};
use crate::workload::{UsedImage, Workload};

/// One image that is to be deployed.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The file that names it.
    pub workload: &'a Workload,
    /// The image and its place.
    pub image: &'a UsedImage,
    /// The builds of the evidence.
    pub builds: &'a Builds,
    /// The attestation record of an instance that runs the workload.
    pub attestation: Option<&'a Attestation>,
    /// The moment that is asked for.
    pub now: Timestamp,
}

impl<'a> Deployment<'a> {
    /// The build that the image's digest leads to: an accepted one before others.
    pub fn build(&self) -> Option<&'a Build> {
        let digest = self.image.image.as_ref().ok()?.digest()?;
        self.builds.best_of_digest(&digest, self.now)
    }
}
