//! The webhook: answers a Kubernetes API server's requests with the help of an in-memory index of audited builds.
//!
//! The index contains verified facts, evaluated under one policy; the current time is applied at each request. An image
//! of a build that was not evaluated under the current policy is refused; if a check is late, every image is refused.
//! Reading order: `state` (what is stored), `keeper` (how it is kept up to date), `decide` (how a request is decided),
//! `http` (the server), `metrics` and `log`.
//!
//! The webhook writes no files and connects to no other service; it reads files through [`Edges`].

mod decide;
mod http;
mod keeper;
mod log;
mod metrics;
mod state;

use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

pub use self::http::{Settings, serve};
pub use self::state::Service;
use crate::audit::Facts;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::time::Timestamp;
use crate::dossier::Question;
use crate::dossier::Terms;
use crate::report::BundleReport;

/// A certificate chain and its key, both in PEM format.
pub type Pems = (Vec<u8>, Zeroizing<Vec<u8>>);

/// Reads the terms: policy and approvals.
pub type ReadTerms = dyn Fn() -> Result<Terms, Error> + Send + Sync;
/// Finds the bundles, each with a digest that changes if any input of the bundle's audit changes.
pub type FindBundles = dyn Fn() -> Result<Vec<(PathBuf, Sha256)>, Error> + Send + Sync;
/// Audits a bundle and returns its report and the facts that can be evaluated again.
pub type AuditBundle = dyn Fn(&Path, &Question<'_>) -> Result<(BundleReport, Option<Facts>), Error> + Send + Sync;
/// Reads certificate and key.
pub type ReadCertificate = dyn Fn() -> Result<Pems, Error> + Send + Sync;
/// Reads the clock.
pub type ReadClock = dyn Fn() -> Result<Timestamp, Error> + Send + Sync;

/// The service's access to files and the clock.
pub struct Edges {
    /// Policy and approvals.
    pub terms: Box<ReadTerms>,
    /// The evidence.
    pub bundles: Box<FindBundles>,
    /// The audit.
    pub audit: Box<AuditBundle>,
    /// The service's certificate.
    pub certificate: Box<ReadCertificate>,
    /// The time.
    pub now: Box<ReadClock>,
}

/// The time after which every bundle is audited again, because the clock affects more than the age of builds and the
/// end of waivers.
const AUDIT_AGAIN: Duration = Duration::from_secs(3_600);
/// The maximum size in bytes of the facts about one bundle. If the terms change, a bundle whose facts are larger is read again.
const HELD_EACH: u64 = 256 << 10;
/// The maximum size in bytes of the kept facts about all bundles.
const HELD: u64 = 2 << 30;
