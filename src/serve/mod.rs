//! The webhook: answers the questions of a Kubernetes API server by an index of audited builds that is held in memory.
//!
//! Verified facts are indexed; the policy is the one that the index was judged under, and time is applied at each question. What is not known
//! is denied: a build that was not judged under the policy as it is now, and everything once a look is late. Reading order: `state` (what is
//! held), `keeper` (how it is kept up to date), `decide` (a question's answer), `http` (the wire), `metrics` and `log`.
//!
//! It stores nothing, and asks nobody: files come in through [`Edges`].

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

/// A certificate chain and its key, each in PEM.
pub type Pems = (Vec<u8>, Zeroizing<Vec<u8>>);

/// Reads what is asked of bundles.
pub type ReadTerms = dyn Fn() -> Result<Terms, Error> + Send + Sync;
/// Finds the bundles, each with a digest that changes when anything does that an audit of it reads.
pub type FindBundles = dyn Fn() -> Result<Vec<(PathBuf, Sha256)>, Error> + Send + Sync;
/// Audits a bundle: its report, and what of it may be judged again.
pub type AuditBundle = dyn Fn(&Path, &Question<'_>) -> Result<(BundleReport, Option<Facts>), Error> + Send + Sync;
/// Reads certificate and key.
pub type ReadCertificate = dyn Fn() -> Result<Pems, Error> + Send + Sync;
/// Reads the clock.
pub type ReadClock = dyn Fn() -> Result<Timestamp, Error> + Send + Sync;

/// Everything that comes from outside.
pub struct Edges {
    /// Policy and approvals.
    pub terms: Box<ReadTerms>,
    /// The evidence.
    pub bundles: Box<FindBundles>,
    /// The audit.
    pub audit: Box<AuditBundle>,
    /// What the service shows of itself.
    pub certificate: Box<ReadCertificate>,
    /// The time.
    pub now: Box<ReadClock>,
}

/// Every bundle is audited anew after this time, for what the clock decides beside the age of builds and the ends of waivers.
const AUDIT_AGAIN: Duration = Duration::from_secs(3_600);
