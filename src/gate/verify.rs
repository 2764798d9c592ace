//! The gate: the signature. Behind it bytes are *signed*; nothing else in this crate can make a [`VerifiedArchive`].

use std::borrow::Cow;

use crate::base::build_name::BuildName;
use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::base::words::words;
use crate::gate::bundle::Bundle;
use crate::gate::key::{Fingerprint, PublicKey};
use crate::gate::signature::{Signature, SignatureFault};

/// A key that the auditor trusts, with what limits that trust.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    /// What is pinned.
    pub fingerprint: Fingerprint,
    /// The key itself, once it is at hand.
    pub key: Option<PublicKey>,
    /// Who named the key.
    pub source: KeySource,
    /// The policy's word for it.
    pub name: Option<String>,
    /// Builds before this moment are not by this key.
    pub not_before: Option<Timestamp>,
    /// Builds after this moment are not by this key.
    pub not_after: Option<Timestamp>,
    /// When and why the key is no longer good.
    pub revoked: Option<Revocation>,
}

impl TrustedKey {
    /// A key that the person who ran the program named, with nothing that limits it.
    pub(crate) fn named(fingerprint: Fingerprint, key: Option<PublicKey>) -> Self {
        let source = KeySource::CommandLine;
        Self { fingerprint, key, source, name: None, not_before: None, not_after: None, revoked: None }
    }

    /// Who named it, in words.
    pub(crate) fn source_words(&self) -> String {
        match (self.source, &self.name) {
            (KeySource::CommandLine, None) => "command line".to_owned(),
            (KeySource::CommandLine, Some(name)) => format!("command line, policy key {name:?}"),
            (KeySource::Policy, name) => format!("policy key {:?}", name.as_deref().unwrap_or_default()),
        }
    }
}

/// Who named a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The person who ran the program, with `--key`.
    CommandLine,
    /// The policy.
    Policy,
}

/// A key's end, as the policy says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// From when.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a key is no longer good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationReason {
    /// Somebody else may have it: every signature is in doubt, older ones too, since a build's time is its signer's word.
    Compromised,
    /// Another key took over: builds after that moment are in doubt.
    Superseded,
}

words! {
    /// The contract's word.
    pub RevocationReason { Compromised = "compromised", Superseded = "superseded" }
}

/// How well it is known whose key it is, lowest first. A procedure among people; never attested by a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grade {
    /// Chosen by the person who ran the program, or by the policy they named.
    CommandLine,
    /// A signed key record says who obtained it, when and over which channel.
    Recorded,
    /// Two people, two retrievals, equal bytes.
    Witnessed,
    /// A build of the auditor's own random commit verifies under it.
    Challenged,
}

words! {
    /// The contract's word.
    pub Grade {
        CommandLine = "command-line",
        Recorded = "recorded",
        Witnessed = "witnessed",
        Challenged = "challenged",
    }
}

/// The keys that are trusted, each once. Empty by default: then nothing verifies.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Vec<TrustedKey>);

impl KeyRing {
    /// Adds a key, unless one with its fingerprint is there already: a key counts once.
    pub fn add(&mut self, key: TrustedKey) {
        if self.get(&key.fingerprint).is_none() {
            self.0.push(key);
        }
    }

    /// The key with this fingerprint.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&TrustedKey> {
        self.0.iter().find(|key| key.fingerprint == *fingerprint)
    }

    /// Every key, in the order they were named.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.0
    }

    /// Fills in the keys that were pinned by fingerprint only, from keys that lie about: a pin decides which of them is
    /// used, and one that no pin names is never used.
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

/// A signed archive whose signature a trusted key accepts. There is one maker: [`Bundle::verify`].
///
/// What follows does not compile: outside of this module nobody can write one down, copy one or make one of nothing.
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

/// What is known of an archive whose signature a trusted key accepts, beside its bytes. There is one maker: `KeyRing::accept`.
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

    /// What is known of them.
    pub fn signed(&self) -> &SignedArchive {
        &self.signed
    }

    /// Their SHA-256.
    pub fn digest(&self) -> Sha256 {
        self.signed.digest
    }

    /// The build's name as the bundle's members have it. The signature does not cover it.
    pub fn build_name(&self) -> &BuildName {
        &self.signed.build_name
    }

    /// The key that accepted the signature.
    pub fn key(&self) -> &TrustedKey {
        &self.signed.key
    }
}

impl SignedArchive {
    /// The SHA-256 of the bytes that were signed.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The build's name as the bundle's members have it. The signature does not cover it.
    pub fn build_name(&self) -> &BuildName {
        &self.build_name
    }

    /// The key that accepted the signature.
    pub fn key(&self) -> &TrustedKey {
        &self.key
    }
}

/// No trusted key accepts the signature. The archive is gone: nothing behind the gate can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The build's name as the bundle's members have it.
    pub build_name: BuildName,
    /// SHA-256 of the archive that nobody vouches for.
    pub digest: Sha256,
    /// Each key that was tried, and why it does not accept.
    pub tried: Vec<(Fingerprint, SignatureFault)>,
    /// Keys that were pinned and not at hand.
    pub missing: Vec<Fingerprint>,
}

impl Bundle {
    /// Verifies the signature against the trusted keys, each by the scheme of its own kind, and gives the archive out only
    /// if one accepts it.
    ///
    /// It says: these bytes are unaltered since the holder of that key signed them. It does not say who holds the key, when
    /// that was, or that what the bytes say is true; and it does not look at the key's dates, which is a check's work.
    ///
    /// # Errors
    /// [`Refusal`], with every key that was tried.
    pub fn verify(self, keys: &KeyRing) -> Result<VerifiedArchive, Refusal> {
        let signed = keys.accept(&Seal::new(self.digest, self.signature), &self.build_name)?;
        Ok(VerifiedArchive { bytes: self.archive, signed })
    }
}

/// A signature over an archive's digest, and what some keys say of it: that never changes, so that it need not be computed again.
#[derive(Debug, Clone)]
pub(crate) struct Seal {
    digest: Sha256,
    signature: Signature,
    /// What [`PublicKey::verify`] answered, by the fingerprint of the key itself.
    known: Vec<(Fingerprint, Result<(), SignatureFault>)>,
}

impl Seal {
    /// `digest` was recomputed from the archive's bytes.
    pub(crate) fn new(digest: Sha256, signature: Signature) -> Self {
        Self { digest, signature, known: Vec::new() }
    }

    /// As [`PublicKey::verify`].
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), SignatureFault> {
        let known = self.known.iter().find(|(fingerprint, _)| *fingerprint == key.fingerprint());
        known.map_or_else(|| key.verify(&self.digest, &self.signature), |(_, answer)| *answer)
    }

    /// The keys whose answers are known.
    #[cfg(test)]
    pub(crate) fn known_keys(&self) -> Vec<Fingerprint> {
        self.known.iter().map(|(fingerprint, _)| *fingerprint).collect()
    }

    /// Remembers what these keys say, up to the first that accepts it. `false`: none does.
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
    /// The same for an archive whose bytes are not held any more.
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
                Err(fault) => tried.push((trusted.fingerprint, fault)),
            }
        }
        Err(Refusal { build_name: build_name.clone(), digest, tried, missing })
    }
}

#[cfg(test)]
mod tests {
    //! What a key said once.

    use super::*;
    use crate::base::limits::Limits;

    #[test]
    fn what_a_key_said_is_not_computed_again() {
        let pem = include_bytes!("../../fixtures/good-p256/key.pem");
        let key = PublicKey::from_pem("key.pem", pem, &Limits::default()).unwrap();
        let mut seal = Seal::new(Sha256::of(b"archive"), Signature::of_bytes(b"no signature"));
        assert_eq!(seal.verify(&key), Err(SignatureFault::NotDer));
        assert!(!seal.remember([&key]));
        assert_eq!(seal.known, [(key.fingerprint(), Err(SignatureFault::NotDer))]);
        // No signature says this: the answer comes from memory.
        seal.known = vec![(key.fingerprint(), Ok(()))];
        assert_eq!(seal.verify(&key), Ok(()));
        seal.known = vec![(Sha256::of(b"another key"), Ok(()))];
        assert_eq!(seal.verify(&key), Err(SignatureFault::NotDer));
    }
}
