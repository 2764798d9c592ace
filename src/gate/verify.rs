//! The gate: verification of the signature. Nothing else in this crate can create a [`VerifiedArchive`].

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use crate::base::build_name::BuildName;
use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::base::words::words;
use crate::gate::bundle::Bundle;
use crate::gate::key::{Fingerprint, PublicKey};
use crate::gate::signature::{Signature, SignatureFault};

/// A key that the auditor trusts, and the limits of that trust.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    /// The pinned fingerprint.
    pub fingerprint: Fingerprint,
    /// The key itself. `None` while only the key's fingerprint is known.
    pub key: Option<PublicKey>,
    /// Who specified the key.
    pub source: KeySource,
    /// The key's name in the policy.
    pub name: Option<String>,
    /// The key is not valid for builds before this time.
    pub not_before: Option<Timestamp>,
    /// The key is not valid for builds after this time.
    pub not_after: Option<Timestamp>,
    /// When and why the key was revoked.
    pub revoked: Option<Revocation>,
}

impl TrustedKey {
    /// A key specified on the command line, with no limits.
    pub(crate) fn named(fingerprint: Fingerprint, key: Option<PublicKey>) -> Self {
        let source = KeySource::CommandLine;
        Self { fingerprint, key, source, name: None, not_before: None, not_after: None, revoked: None }
    }

    /// Who specified the key, as text.
    pub(crate) fn source_words(&self) -> String {
        match (self.source, &self.name) {
            (KeySource::CommandLine, None) => "command line".to_owned(),
            (KeySource::CommandLine, Some(name)) => format!("command line, policy key {name:?}"),
            (KeySource::Policy, name) => format!("policy key {:?}", name.as_deref().unwrap_or_default()),
        }
    }
}

/// Who specified a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The person who ran the program, with `--key`.
    CommandLine,
    /// The policy.
    Policy,
}

/// A key's revocation, as the policy states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The time from which the key counts as revoked.
    pub at: Timestamp,
    /// The reason.
    pub reason: RevocationReason,
}

/// Why a key was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationReason {
    /// An attacker may have the key. Every signature is in doubt, including older ones, because the signer states the time of a build.
    Compromised,
    /// A new key replaced this one. Builds after the revocation are in doubt.
    Superseded,
}

words! {
    /// The name used in policies and reports.
    pub RevocationReason { Compromised = "compromised", Superseded = "superseded" }
}

/// How well the key's owner is known, lowest grade first. The grade is based on a procedure that
/// people follow, and is never attested by a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grade {
    /// Chosen by the person who ran the program, or by the policy that they specified.
    CommandLine,
    /// A signed key record states who obtained the key, when, and over which channel.
    Recorded,
    /// Two signers state that two retrievals returned identical bytes.
    Witnessed,
    /// The key also verifies a build of a random commit that, according to the signers, the auditor requested.
    Challenged,
}

words! {
    /// The name used in policies and reports.
    pub Grade {
        CommandLine = "command-line",
        Recorded = "recorded",
        Witnessed = "witnessed",
        Challenged = "challenged",
    }
}

/// The trusted keys, without duplicates. The ring is empty by default; no signature verifies under an empty ring.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Vec<TrustedKey>);

impl KeyRing {
    /// Adds a key, unless the ring already has one with this fingerprint. If only its fingerprint was pinned before, the key is filled in.
    pub fn add(&mut self, key: TrustedKey) {
        match self.0.iter_mut().find(|known| known.fingerprint == key.fingerprint) {
            Some(known) => known.key = known.key.take().or(key.key),
            None => self.0.push(key),
        }
    }

    /// The key with this fingerprint.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&TrustedKey> {
        self.0.iter().find(|key| key.fingerprint == *fingerprint)
    }

    /// All keys, in the order in which they were added.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.0
    }

    /// Fills in keys that are pinned by fingerprint only. Candidates may come from untrusted sources; a candidate
    /// is used only if its fingerprint is pinned.
    pub fn with_candidates<'a>(&self, candidates: impl IntoIterator<Item = &'a PublicKey>) -> Cow<'_, Self> {
        let mut ring = Cow::Borrowed(self);
        let is_meant = |key: &TrustedKey, by: &PublicKey| key.key.is_none() && key.fingerprint == by.fingerprint();
        for candidate in candidates {
            if ring.0.iter().any(|key| is_meant(key, candidate)) {
                for key in ring.to_mut().0.iter_mut().filter(|key| is_meant(key, candidate)) {
                    key.key = Some(candidate.clone());
                }
            }
        }
        ring
    }
}

/// A signed archive whose signature verified under a trusted key. The only constructor is [`Bundle::verify`].
///
/// It cannot be constructed, cloned or defaulted outside this module, so the following does not compile:
///
/// ```compile_fail,E0451
/// fn forge(real: hpsb_audit::VerifiedArchive) -> hpsb_audit::VerifiedArchive {
///     hpsb_audit::VerifiedArchive { bytes: b"other bytes".to_vec(), ..real }
/// }
/// ```
/// ```compile_fail,E0277
/// fn needs_default<T: Default>() {}
/// needs_default::<hpsb_audit::VerifiedArchive>();
/// ```
/// ```compile_fail,E0277
/// fn needs_clone<T: Clone>() {}
/// needs_clone::<hpsb_audit::VerifiedArchive>();
/// ```
#[derive(Debug)]
pub struct VerifiedArchive {
    bytes: Vec<u8>,
    signed: SignedArchive,
}

/// Everything that is known about an archive, except its bytes, after its signature verified under a trusted key. The only constructor is
/// `KeyRing::accept`.
#[derive(Debug)]
pub struct SignedArchive {
    digest: Sha256,
    build_name: BuildName,
    key: TrustedKey,
}

impl VerifiedArchive {
    /// The bytes that were signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Everything known about these bytes.
    pub fn signed(&self) -> &SignedArchive {
        &self.signed
    }

    /// The known facts about the bytes, and a reader that frees each piece of the bytes after reading it, to make room for the unpacked content.
    pub(crate) fn into_reader(self) -> (SignedArchive, impl Read) {
        (self.signed, Freeing::new(self.bytes, PIECE))
    }

    /// The SHA-256 of the bytes that were signed.
    pub fn digest(&self) -> Sha256 {
        self.signed.digest
    }

    /// The build's name, taken from the names of the bundle's members. The signature does not cover it.
    pub fn build_name(&self) -> &BuildName {
        &self.signed.build_name
    }

    /// The key under which the signature verified.
    pub fn key(&self) -> &TrustedKey {
        &self.signed.key
    }
}

impl SignedArchive {
    /// The SHA-256 of the bytes that were signed.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The build's name, taken from the names of the bundle's members. The signature does not cover it.
    pub fn build_name(&self) -> &BuildName {
        &self.build_name
    }

    /// The key under which the signature verified.
    pub fn key(&self) -> &TrustedKey {
        &self.key
    }
}

/// Bytes in pieces. Each piece is freed after it is read.
struct Freeing {
    /// The pieces in reverse order: the last piece comes first.
    pieces: Vec<Cursor<Vec<u8>>>,
}

/// The size of a piece. An allocator may keep freed memory, but glibc returns blocks over 32 MB to the system at once.
const PIECE: usize = 33 << 20;

impl Freeing {
    fn new(mut bytes: Vec<u8>, piece: usize) -> Self {
        let mut pieces = Vec::new();
        while let Some(rest @ 1..) = bytes.len().checked_sub(piece) {
            pieces.push(Cursor::new(bytes.split_off(rest)));
            bytes.shrink_to_fit();
        }
        pieces.push(Cursor::new(bytes));
        Self { pieces }
    }
}

impl Read for Freeing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.last_mut() {
            let read = piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.pieces.pop();
        }
        Ok(0)
    }
}

/// A trusted key under which a signature does not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The key's fingerprint.
    pub fingerprint: Fingerprint,
    /// The source of the key, as text: the command line, or a key in the policy.
    pub source: String,
    /// Why the signature does not verify.
    pub fault: SignatureFault,
}

/// The signature verifies under no available trusted key. The archive is dropped, so its content cannot be examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The build's name, taken from the names of the bundle's members.
    pub build_name: BuildName,
    /// SHA-256 of the unverified archive.
    pub digest: Sha256,
    /// Each key that was tried, and why the signature does not verify under it.
    pub tried: Vec<Tried>,
    /// Keys that are pinned by fingerprint only and were not found.
    pub missing: Vec<Fingerprint>,
}

impl Bundle {
    /// Verifies the signature with the trusted keys, each with the scheme for its type, and returns the archive only if
    /// the signature verifies under one of them.
    ///
    /// Success means that these bytes have not changed since the holder of that key signed them. It does not show who holds the key, when
    /// the bytes were signed, or that their content is true. The key's dates are examined by the check `manifest-key`, not here.
    ///
    /// # Errors
    /// [`Refusal`], with every key that was tried.
    pub fn verify(self, keys: &KeyRing) -> Result<VerifiedArchive, Refusal> {
        let signed = keys.accept(&Seal::new(self.digest, self.signature), &self.build_name)?;
        Ok(VerifiedArchive { bytes: self.archive, signed })
    }
}

/// A signature over an archive's digest, and the results for the keys that were tried. A result never changes, so it is computed once.
#[derive(Debug, Clone)]
pub(crate) struct Seal {
    digest: Sha256,
    signature: Signature,
    /// The results of [`PublicKey::verify`], by the key's recomputed fingerprint.
    known: Vec<(Fingerprint, Result<(), SignatureFault>)>,
}

impl Seal {
    /// `digest` must be recomputed from the archive's bytes.
    pub(crate) fn new(digest: Sha256, signature: Signature) -> Self {
        Self { digest, signature, known: Vec::new() }
    }

    /// Like [`PublicKey::verify`], but uses the stored result if there is one.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), SignatureFault> {
        let known = self.known.iter().find(|(fingerprint, _)| *fingerprint == key.fingerprint());
        known.map_or_else(|| key.verify(&self.digest, &self.signature), |(_, answer)| *answer)
    }

    /// The keys whose results are known.
    #[cfg(test)]
    pub(crate) fn known_keys(&self) -> Vec<Fingerprint> {
        self.known.iter().map(|(fingerprint, _)| *fingerprint).collect()
    }

    /// Stores the results of these keys, up to the first under which the signature verifies. Returns whether there is such a key.
    pub(crate) fn remember<'k>(&mut self, keys: impl IntoIterator<Item = &'k PublicKey>) -> bool {
        for key in keys {
            let answer = self.verify(key);
            if !self.known.iter().any(|(fingerprint, _)| *fingerprint == key.fingerprint()) {
                self.known.push((key.fingerprint(), answer));
            }
            if answer.is_ok() {
                return true;
            }
        }
        false
    }
}

impl KeyRing {
    /// Like [`Bundle::verify`], for an archive whose bytes are no longer in memory.
    pub(crate) fn accept(&self, seal: &Seal, build_name: &BuildName) -> Result<SignedArchive, Refusal> {
        let digest = seal.digest;
        let mut tried = Vec::new();
        let mut missing = Vec::new();
        for trusted in self.keys() {
            let Some(key) = &trusted.key else {
                missing.push(trusted.fingerprint);
                continue;
            };
            match seal.verify(key) {
                Ok(()) => {
                    return Ok(SignedArchive { digest, build_name: build_name.clone(), key: trusted.clone() });
                }
                Err(fault) => {
                    let (fingerprint, source) = (trusted.fingerprint, trusted.source_words());
                    tried.push(Tried { fingerprint, source, fault });
                }
            }
        }
        Err(Refusal { build_name: build_name.clone(), digest, tried, missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;

    #[test]
    fn freeing_memory_while_reading_does_not_change_the_bytes() {
        for length in [0, 1, 99, 100, 101, 200, 217] {
            let bytes: Vec<u8> = (0..length).collect();
            let mut read = Vec::new();
            Freeing::new(bytes.clone(), 100).read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
        }
        let mut three = Freeing::new(vec![1; 201], 100);
        assert_eq!(three.pieces.len(), 3);
        three.read_exact(&mut [0; 50]).unwrap();
        assert_eq!(three.read(&mut []).unwrap(), 0);
        assert_eq!(three.pieces.len(), 2);
    }

    #[test]
    fn a_known_result_is_not_computed_again() {
        let pem = include_bytes!("../../fixtures/good-p256/key.pem");
        let key = PublicKey::from_pem("key.pem", pem, &Limits::default()).unwrap();
        let mut seal = Seal::new(Sha256::of(b"archive"), Signature::of_bytes(b"no signature"));
        assert_eq!(seal.verify(&key), Err(SignatureFault::NotDer));
        assert!(!seal.remember([&key]));
        assert_eq!(seal.known, [(key.fingerprint(), Err(SignatureFault::NotDer))]);
        // Recomputing the result would now give an error, so this must be the stored result.
        seal.known = vec![(key.fingerprint(), Ok(()))];
        assert_eq!(seal.verify(&key), Ok(()));
        seal.known = vec![(Sha256::of(b"another key"), Ok(()))];
        assert_eq!(seal.verify(&key), Err(SignatureFault::NotDer));
    }
}
