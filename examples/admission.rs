//! Decides whether a workload may be deployed: each image must be pinned by a digest that a verified build under the policy's keys pushed.
//!
//!     cargo run --example admission
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::path::Path;

use hpsb_audit::{
    AdmissionQuestion, Dossier, Group, Handed, Limits, Policy, Storage, Terms, Timestamp, Workload, admit, audit, image,
};

const POLICY: &str = r#"
version = 1
require = ["manifest"]

[[keys]]
name = "build server A"
file = "key.pem"
"#;

const COMPOSE: &str = "
services:
  wallet:
    image: docker.io/acme/wallet@sha256:7aaaffe653b2da7e69df79f5d9d19fc67fbc678453bddfa591dfe955f4274a95
  other:
    image: docker.io/acme/other:latest
";

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/image-good");
    let limits = Limits::default();
    let now = Timestamp::from_rfc3339("2026-03-10T00:00:00Z").ok_or("not a time")?;
    let key = fs::read(folder.join("key.pem"))?;
    let mut policy = Policy::from_toml("policy.toml", POLICY.as_bytes(), &limits, |_| Ok(key.clone()))?;
    policy.require_also(&[Group::Workload])?;
    let terms = Terms::new(policy, Vec::new(), Handed::default())?;

    let question = terms.question(now, 1, &limits);
    let mut reports = Vec::new();
    for path in Storage::Disk.find_bundles(&[folder], &limits)? {
        reports.push(audit(Dossier::open(&path, &question, Storage::Disk, &image::read_within), &question));
    }
    let kinds = &terms.policy.workload.kinds_without_images;
    let workload = Workload::read("compose.yaml", COMPOSE.as_bytes(), &[], kinds, &limits)?;
    let asked = AdmissionQuestion { policy: &terms.policy, attestation: None, now };
    let (admission, _) = admit(&[workload], reports, vec!["evidence".to_owned()], &asked);
    for image in &admission.images {
        println!("{}: {}", image.verdict.word(), image.image.as_deref().unwrap_or("no image"));
    }
    Ok(())
}
