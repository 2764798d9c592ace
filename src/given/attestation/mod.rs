//! Attestation records of IBM Hyper Protect machines: digests of what was booted, signed by a key that IBM certifies
//! (ibm-cloud-docs/vpc, about-attestation.md, certificate_validate.md).
//!
//! A record states that a machine booted at least once with the items whose digests it lists. It does not state that
//! the machine is running, or which key signs the machine's builds.

mod chain;
mod record;

pub use self::record::Record;
use crate::base::budget::Work;
use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::crypto::ibm::{Certificate, RevocationList};
use crate::crypto::{Hash, Protocol, Scheme};
use crate::trust::TrustFile;

/// The name of the record's file.
const RECORD: &str = "se-checksums.txt";
/// The name of the file with the record's signature.
const SIGNATURE: &str = "se-signature.bin";
/// The usual names of the file with the contract that was delivered to the machine.
const USER_DATA: [&str; 4] = ["user-data", "user-data.yaml", "user-data.yml", "user-data.txt"];
/// The maximum number of unreadable certificate files that are listed by name.
const UNREADABLE_NAMED: usize = 20;
/// SHA-256 of the certificate "DigiCert Trusted Root G4", at which IBM's chain ends.
const DIGICERT_TRUSTED_ROOT_G4: &str = "552f7bdcf1a7af9e6ce672017f4f12abf77240c78e761ac203d1d9d20ac89988";
/// The organization in the certificate that DigiCert issued to IBM. Other organizations have certificates from the same
/// CA.
const IBM: &str = "International Business Machines Corporation";

/// The policy's settings for records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuilderPolicy {
    /// SHA-256 digests of the certificates at which a chain may end. If the list is empty, only DigiCert Trusted Root G4 is accepted.
    pub roots: Vec<Sha256>,
    /// SHA-256 digests of the workload sections that IBM publishes for build servers.
    pub workloads: Vec<Sha256>,
    /// SHA-256 digests of the base images that IBM publishes.
    pub base_images: Vec<Sha256>,
    /// SHA-256 digests of the root file systems that IBM publishes.
    pub root_archives: Vec<Sha256>,
}

/// The files of one record.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// The record, or the reason why there is none.
    pub record: Result<Record, String>,
    record_bytes: Vec<u8>,
    signature: Option<Vec<u8>>,
    /// The contract that was delivered, if a copy was saved.
    pub(crate) user_data: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    lists: Vec<RevocationList>,
    /// The files of further records, if there are any.
    several: Option<String>,
    /// Files that are named like certificates or revocation lists but cannot be read as such.
    unreadable: Vec<String>,
    /// The name and digest of every supplied file.
    pub(crate) files: Vec<(String, Sha256)>,
}

/// The result of verifying a record's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The record is signed by a key that IBM certifies; the value contains the certificates of the chain, one per line.
    Signed(Vec<String>),
    /// The record cannot be read, or it is not validly signed by such a key.
    Refused(String),
    /// Undecided, because some evidence is missing.
    Undecided(String),
}

impl Attestation {
    /// Sorts the files of a folder. Certificates and revocation lists are recognised by their extensions and
    /// distinguished by their content; other files are recognised by their names, in any subfolder. `None` if there is neither a record
    /// nor a signature. A second record, unless it is a copy, leaves the result undecided: the files' names must not determine which one counts.
    pub fn read(files: &[TrustFile]) -> Option<Self> {
        let named = |names: &[&str]| -> Vec<&TrustFile> {
            let is_named = |file: &&TrustFile| names.contains(&file.path.rsplit('/').next().unwrap_or_default());
            files.iter().filter(is_named).collect()
        };
        let each = [named(&[RECORD]), named(&[SIGNATURE]), named(&USER_DATA)];
        let several = each
            .iter()
            .find(|found| found.windows(2).any(|two| matches!(two, [one, other] if one.bytes != other.bytes)));
        let [bytes, signature, user_data] = each.each_ref().map(|found| found.first().map(|file| &file.bytes));
        if bytes.is_none() && signature.is_none() {
            return None;
        }
        let mut read = Self {
            record: bytes.map_or_else(|| Err(format!("there is no {RECORD}")), |bytes| Record::read(bytes)),
            record_bytes: bytes.cloned().unwrap_or_default(),
            signature: signature.cloned(),
            user_data: user_data.cloned(),
            several: several.map(|found| for_names(found)),
            certificates: Vec::new(),
            lists: Vec::new(),
            unreadable: Vec::new(),
            files: files.iter().map(|file| (file.path.clone(), Sha256::of(&file.bytes))).collect(),
        };
        for file in files {
            read.sort(file);
        }
        Some(read)
    }

    fn sort(&mut self, file: &TrustFile) {
        let extension = file.path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        if !["pem", "crt", "cer", "der", "crl"].contains(&extension.as_str()) {
            return;
        }
        let blocks = chain::pem_blocks(&file.bytes);
        let ders: Vec<Vec<u8>> = if blocks.is_empty() { vec![file.bytes.clone()] } else { blocks };
        for der in ders {
            match (Certificate::from_der(&der), RevocationList::from_der(&der)) {
                (Ok(certificate), _) if self.certificates.contains(&certificate) => {}
                (Ok(certificate), _) => self.certificates.push(certificate),
                (_, Ok(list)) => self.lists.push(list),
                (Err(one), Err(other)) => {
                    let why = if extension == "crl" { other } else { one };
                    if self.unreadable.len() < UNREADABLE_NAMED {
                        self.unreadable.push(format!("{}: {why}", file.path));
                    }
                }
            }
        }
    }

    /// The maximum cost of [`Self::standing`]: at each step of a chain, every certificate and every revocation list may
    /// have to be tried.
    pub(crate) fn cost(&self) -> [Work; 2] {
        let count = |number: usize| number as u64;
        let steps = count(chain::BEGINNINGS);
        let signatures = count(self.certificates.len()) * (steps + 1) + count(self.lists.len()) * steps;
        let largest = self.certificates.iter().map(Certificate::size).max().unwrap_or(0);
        let certificates = largest.saturating_mul(self.certificates.len()).saturating_mul(chain::BEGINNINGS);
        let lists = self.lists.iter().map(RevocationList::size).sum::<usize>().saturating_mul(chain::BEGINNINGS);
        let bytes = certificates.saturating_add(lists).saturating_add(self.record_bytes.len());
        [Work::Signatures(signatures), Work::Bytes(count(bytes))]
    }

    /// Whether the record is signed by a key that IBM certifies, checked as of `moment`.
    pub(crate) fn standing(&self, policy: &BuilderPolicy, moment: Timestamp) -> Standing {
        if let Some(files) = &self.several {
            return Standing::Undecided(format!("these belong to several records; supply one record: {files}"));
        }
        if let Err(why) = &self.record {
            return Standing::Refused(why.clone());
        }
        let Some(signature) = &self.signature else {
            return Standing::Undecided(format!("there is no {SIGNATURE} next to the record"));
        };
        let record = Sha256::of(&self.record_bytes);
        let signed = |certificate: &&Certificate| {
            // RSA PKCS#1 v1.5 with SHA-256 over the record's bytes, including its line endings.
            let scheme = Scheme::RsaPkcs1(Hash::Sha256);
            certificate.key.verify_digest(Protocol::Machine, scheme, record.as_bytes(), signature).is_ok()
        };
        let leaves: Vec<&Certificate> = self.certificates.iter().filter(signed).collect();
        match leaves.as_slice() {
            [_, ..] => match chain::follow(&leaves, &self.certificates, &self.lists, policy, moment) {
                Standing::Undecided(why) => Standing::Undecided(format!("{why}{}", self.unreadable_text())),
                standing => standing,
            },
            [] if self.certificates.is_empty() => {
                Standing::Undecided(format!("there is no certificate next to the record{}", self.unreadable_text()))
            }
            [] => Standing::Refused(format!(
                "the record's signature does not verify under any certificate next to it{}",
                self.unreadable_text()
            )),
        }
    }

    fn unreadable_text(&self) -> String {
        if self.unreadable.is_empty() { String::new() } else { format!(" ({})", self.unreadable.join("; ")) }
    }
}

/// The first of these files, by path.
fn for_names(files: &[&TrustFile]) -> String {
    const NAMED: usize = 4;
    let names: Vec<&str> = files.iter().take(NAMED).map(|file| file.path.as_str()).collect();
    let more = files.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}
