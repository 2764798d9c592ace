//! A person's public key: its primary key, its subkeys and their self-signatures.

use std::io::Read as _;

use pgp::armor::Dearmor;
use pgp::composed::{Deserializable as _, SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{KeyFlags, Packet, PacketParser, PublicKey, RevocationCode, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, Tag};

use super::{Fault, created, refused};
use crate::base::time::Timestamp;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// One person's public key with its subkeys and all signatures on them.
#[derive(Debug)]
pub(crate) struct Certificate(SignedPublicKey);

impl Certificate {
    /// Reads the only certificate in a file, armoured or binary. The validity of the certificate's key depends on the time and is not checked here.
    ///
    /// # Errors
    /// A description of the fault if the file contains no certificate, several certificates, or other data.
    pub(crate) fn read(file: &[u8]) -> Result<Self, String> {
        let mut all = Self::read_all(file)?;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err("it contains no OpenPGP public key".into()),
            (Some(last), false) => {
                const SHOWN: usize = 4;
                let count = all.len() + 1;
                let prints =
                    all.iter().chain([&last]).take(SHOWN).map(Self::fingerprint).collect::<Vec<_>>().join(", ");
                let rest = if count > SHOWN { ", …" } else { "" };
                Err(format!(
                    "it contains {count} OpenPGP public keys ({prints}{rest}): write each one that you trust into a separate file with \
                     `gpg --armor --export FINGERPRINT`, and list each in its own [[signers]]"
                ))
            }
        }
    }

    /// Finds a certificate in a file by the fingerprint of its primary key.
    ///
    /// # Errors
    /// A description of the fault if there is no such certificate or more than one.
    pub(crate) fn find(file: &[u8], fingerprint: &str) -> Result<Self, String> {
        let mut matching = Self::read_all(file)?.into_iter().filter(|one| one.fingerprint() == fingerprint);
        match (matching.next(), matching.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(format!("it contains no certificate {fingerprint}")),
            (Some(_), Some(_)) => Err(format!("it contains {fingerprint} more than once")),
        }
    }

    /// Every certificate in a file. rPGP ignores a revocation that it cannot read or that does not follow its key, for example a revocation appended
    /// to a certificate; a file with such a revocation is refused here.
    fn read_all(file: &[u8]) -> Result<Vec<Self>, String> {
        let bytes = without_armour(file)?;
        let fault = |_: pgp::errors::Error| "it is not an OpenPGP public key: a packet cannot be read";
        let all: Vec<SignedPublicKey> = SignedPublicKey::from_bytes_many(bytes.as_slice())
            .map_err(fault)?
            .collect::<Result<_, _>>()
            .map_err(fault)?;
        let kept: usize = all.iter().map(|one| revocations(one).count()).sum();
        let mut found = 0;
        for packet in PacketParser::new(bytes.as_slice()) {
            match packet {
                Ok(Packet::Signature(signature)) if is_revocation(&signature) => found += 1,
                Ok(_) => {}
                Err(_) => return Err("it contains a packet that cannot be read".into()),
            }
        }
        if found != kept {
            return Err(
                "it contains a revocation that does not follow its key: import both, then export the key".into()
            );
        }
        Ok(all.into_iter().map(Self).collect())
    }

    /// The primary key's fingerprint, in lower-case hexadecimal.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{:x}", self.0.primary_key.fingerprint())
    }

    pub(super) fn primary(&self) -> &PublicKey {
        &self.0.primary_key
    }

    pub(super) fn subkeys(&self) -> &[SignedPublicSubKey] {
        &self.0.public_subkeys
    }

    /// Checks that the primary key was valid at `moment`. Returns when the key expires.
    pub(super) fn check_primary(&self, moment: Timestamp) -> Result<Vec<(String, Timestamp)>, Fault> {
        let primary = self.primary();
        for revocation in &self.0.details.revocation_signatures {
            check_revocation(revocation, revocation.verify_key(primary).is_ok(), "the primary key", moment)?;
        }
        let Some(newest) = newest(self_signatures(&self.0)) else {
            return refused("the primary key has no valid self-signature");
        };
        check_lifetime(primary, newest, "the primary key", moment)
    }

    /// Checks that, according to its newest self-signature, the primary key may sign data. A key that has no flags, as is usual for old keys, may
    /// also sign.
    pub(super) fn check_primary_signs(&self) -> Result<(), Fault> {
        let flags = newest(self_signatures(&self.0)).and_then(flags);
        if flags.is_none_or(|flags| flags.sign()) { Ok(()) } else { refused("the primary key is not for signing") }
    }

    /// Checks that the subkey was valid at `moment` and that both keys signed the binding. Returns when the subkey expires.
    pub(super) fn check_subkey(
        &self,
        subkey: &SignedPublicSubKey,
        moment: Timestamp,
    ) -> Result<Vec<(String, Timestamp)>, Fault> {
        let primary = self.primary();
        let holds = |one: &&Signature| one.verify_subkey_binding(primary, &subkey.key).is_ok();
        for revocation in subkey.signatures.iter().filter(|one| is_revocation(one)) {
            check_revocation(revocation, holds(&revocation), "the subkey", moment)?;
        }
        let bindings = subkey.signatures.iter().filter(|one| one.typ() == Some(SignatureType::SubkeyBinding));
        let Some(binding) = newest(bindings.filter(holds)) else {
            return refused("the subkey is not bound to the primary key");
        };
        if !flags(binding).is_some_and(|flags| flags.sign()) {
            return refused("the subkey is not for signing");
        }
        let back = binding.embedded_signature();
        if back.is_none_or(|back| back.verify_primary_key_binding(&subkey.key, primary).is_err()) {
            return refused("the subkey's own signature on its binding to the primary key is missing or invalid");
        }
        check_lifetime(&subkey.key, binding, "the subkey", moment)
    }
}

/// The packets in a file: the file itself if it is binary, otherwise the content of all its armour blocks, concatenated.
fn without_armour(file: &[u8]) -> Result<Vec<u8>, String> {
    if file.first().is_some_and(|byte| byte & 0x80 != 0) {
        return Ok(file.to_vec());
    }
    let text = std::str::from_utf8(file).map_err(|_| "it is not an OpenPGP public key: neither armour nor packets")?;
    let mut blocks = text.split("-----BEGIN ").skip(1).peekable();
    if blocks.peek().is_none() {
        return Err("it is not an OpenPGP public key: neither armour nor packets".into());
    }
    let mut bytes = Vec::new();
    for block in blocks {
        let block = format!("-----BEGIN {block}");
        let armour = block.split_once(END).map(|(armour, _)| format!("{armour}{END}\n"));
        let armour =
            armour.filter(|armour| armour.starts_with(BEGIN)).ok_or("it is not a complete PGP PUBLIC KEY BLOCK")?;
        let read = Dearmor::new(armour.as_bytes()).read_to_end(&mut bytes);
        read.map_err(|_| "it is not an OpenPGP public key: its armour cannot be read")?;
    }
    Ok(bytes)
}

fn is_revocation(signature: &Signature) -> bool {
    matches!(signature.typ(), Some(SignatureType::KeyRevocation | SignatureType::SubkeyRevocation))
}

/// The revocations of the primary key and the subkeys.
fn revocations(certificate: &SignedPublicKey) -> impl Iterator<Item = &Signature> {
    let subkeys = certificate.public_subkeys.iter().flat_map(|subkey| &subkey.signatures);
    certificate.details.revocation_signatures.iter().chain(subkeys).filter(|one| is_revocation(one))
}

/// Valid self-signatures of the primary key.
fn self_signatures(certificate: &SignedPublicKey) -> impl Iterator<Item = &Signature> {
    let primary = &certificate.primary_key;
    let direct = certificate.details.direct_signatures.iter().filter(move |one| one.verify_key(primary).is_ok());
    let users = certificate.details.users.iter().flat_map(move |user| {
        let own = user.signatures.iter().filter(|one| one.typ() != Some(SignatureType::CertRevocation));
        own.filter(move |one| one.verify_certification(primary, Tag::UserId, &user.id).is_ok())
    });
    direct.chain(users)
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|signature| signature.created().map(|time| time.as_secs()))
}

fn flags(signature: &Signature) -> Option<KeyFlags> {
    let subpackets = &signature.config()?.hashed_subpackets;
    subpackets.iter().find_map(|subpacket| match &subpacket.data {
        SubpacketData::KeyFlags(flags) => Some(flags.clone()),
        _ => None,
    })
}

/// A key that was revoked as superseded or retired was valid before its revocation. If a key was revoked for any other reason, or if a revocation
/// cannot be verified here, the key is never accepted: someone else may have signed with it, even before the revocation.
fn check_revocation(revocation: &Signature, verified: bool, what: &str, moment: Timestamp) -> Result<(), Fault> {
    if !verified {
        return refused(format!("{what} has a revocation that cannot be verified here"));
    }
    let at = created(revocation)?;
    let soft =
        matches!(revocation.revocation_reason_code(), Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired));
    if soft && moment < at { Ok(()) } else { refused(format!("{what} was revoked at {at}")) }
}

fn check_lifetime(
    key: &impl KeyDetails,
    about: &Signature,
    what: &str,
    moment: Timestamp,
) -> Result<Vec<(String, Timestamp)>, Fault> {
    let Some(begin) = Timestamp::from_unix_seconds(i64::from(key.created_at().as_secs())) else {
        return refused(format!("{what} has no creation time"));
    };
    if moment < begin {
        return refused(format!("the signature is older than {what}, which was created at {begin}"));
    }
    let Some(seconds) = about.key_expiration_time().filter(|time| time.as_secs() != 0) else {
        return Ok(Vec::new());
    };
    let end = begin.plus_seconds(i64::from(seconds.as_secs()));
    if end <= moment {
        return refused(format!("{what} expired at {end}, before the signature at {moment}"));
    }
    Ok(vec![(what.to_owned(), end)])
}
