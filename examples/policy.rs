//! Reads a policy, with its key, and audits a bundle, both from memory: no file is accessed once the bytes are in memory. A web page or a service
//! would do the same.
//!
//!     cargo run --example policy
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::path::Path;

use hpsb_audit::{Dossier, Handed, Limits, Policy, Terms, Timestamp, audit};

const POLICY: &str = r#"
version = 1
require = ["manifest", "source"]

[[keys]]
name = "build server A"
file = "key.pem"

[expect]
repositories = ["git@github.com:acme/wallet.git"]
"#;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/good-rsa-2048");
    let name = "manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz";
    let (key, bundle) = (fs::read(folder.join("key.pem"))?, fs::read(folder.join(name))?);

    let limits = Limits::default();
    let now = Timestamp::from_rfc3339("2026-03-10T00:00:00Z").ok_or("not a time")?;
    // The last argument supplies the bytes of each file that the policy refers to.
    let policy = Policy::from_toml("policy.toml", POLICY.as_bytes(), &limits, |_| Ok(key.clone()))?;
    let terms = Terms::new(policy, Vec::new(), Handed::default())?;

    let mut dossier = Dossier::new(name, bundle.as_slice());
    dossier.file_name = Some(name.to_owned());
    let report = audit(dossier, &terms.question(now, 1, &limits));
    println!("{}", report.verdict.word());
    for finding in report.rejecting() {
        println!("  {}: {}", finding.check, finding.message);
    }
    Ok(())
}
