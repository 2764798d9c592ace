//! Arguments of `serve`. No I/O here.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use crate::base::time::Timestamp;
use crate::cli::args::{limit, moment};

pub(crate) const EXAMPLES: &str = "\
Examples:
  hpsb-audit serve --evidence evidence/ --policy policy.toml --tls-cert tls.crt --tls-key tls.key
  hpsb-audit serve ... --warn-namespace staging --listen 127.0.0.1:8443

POST /v1/admit accepts an AdmissionReview (admission.k8s.io/v1). /healthz, /readyz and /metrics report
the service's state.

Each decision is logged to standard error as a line of JSON. SIGTERM stops the service with exit
code 0.";

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Bundles, or folders to search for bundles; may be repeated
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) evidence: Vec<PathBuf>,
    /// The policy for auditing the bundles (docs/policy.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Approvals of commits (docs/git-proof.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: Option<PathBuf>,
    /// The service's certificate, with its chain, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: PathBuf,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: PathBuf,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8443")]
    pub(crate) listen: SocketAddr,
    /// A namespace in which a denial is only a warning; may be repeated
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) warn_namespace: Vec<String>,
    /// Seconds between checks for changes in policy, evidence and certificate
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) look_every: u64,
    /// Seconds to keep answering after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    pub(crate) drain: u64,
    /// Answer as of this time instead of now (a date means 00:00 UTC), for testing
    #[arg(long, value_name = "RFC3339|DATE", value_parser = moment)]
    pub(crate) now: Option<Timestamp>,
    /// Set a limit (see `hpsb-audit explain limits`); may be repeated
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limits: Vec<(String, u64)>,
    /// Number of bundles to audit, and of requests to process, at the same time
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
}
