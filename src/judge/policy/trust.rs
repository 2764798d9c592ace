//! `[trust]`: the signers whose signatures on the image are accepted.

use serde::Deserialize;

use super::wire::{Answer, list};
use crate::base::digest::{Sha256, decode_hex};
use crate::base::error::Error;
use crate::trust::{
    ImageSigner, ImageSignerKey, ReferenceRule, SigstoreIdentity, TrustPolicy, check_openpgp, cosign_key,
    sigstore_root as trusted_root,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TrustTable {
    minimum: Option<u64>,
    reference: Option<String>,
    signed_as: Option<String>,
    remap: Option<RemapTable>,
    signers: Option<Vec<TrustSigner>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RemapTable {
    prefix: String,
    signed_prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TrustSigner {
    name: String,
    root_key: Option<String>,
    openpgp: Option<String>,
    fingerprint: Option<String>,
    cosign: Option<String>,
    sigstore_root: Option<String>,
    identity: Option<String>,
    issuer: Option<String>,
}

pub(super) fn read(
    table: TrustTable,
    load: &mut impl FnMut(&str) -> Result<Vec<u8>, Error>,
    fail: &impl Fn(String) -> Error,
) -> Result<TrustPolicy, Error> {
    let says_nothing = table.minimum.is_none()
        && table.reference.is_none()
        && table.signed_as.is_none()
        && table.remap.is_none()
        && table.signers.is_none();
    if says_nothing {
        return Err(fail("trust: the table is empty; set a field or leave the table out".into()));
    }
    let reference = reference(table.reference.as_deref(), table.signed_as, table.remap).map_err(fail)?;
    let mut signers: Vec<ImageSigner> = Vec::new();
    for entry in list("trust.signers", table.signers).map_err(fail)? {
        if signers.iter().any(|known| known.name == entry.name) {
            return Err(fail(format!("trust.signers: duplicate name {:?}", entry.name)));
        }
        let signer = signer(entry, load, fail)?;
        if let Some(other) = signers.iter().find(|known| known.key.identity() == signer.key.identity()) {
            return Err(fail(format!("trust.signers: {:?} and {:?} have the same key", other.name, signer.name)));
        }
        signers.push(signer);
    }
    if let Some(minimum) = table.minimum
        && !(1..=signers.len() as u64).contains(&minimum)
    {
        return Err(fail(format!(
            "trust.minimum: expected 1 to {} (the number of signers), found {minimum}",
            signers.len()
        )));
    }
    Ok(TrustPolicy { minimum: table.minimum, signers, reference })
}

fn reference(word: Option<&str>, signed_as: Option<String>, remap: Option<RemapTable>) -> Answer<ReferenceRule> {
    match (word, signed_as, remap) {
        (None, None, None) | (Some("repo-digest-or-exact"), None, None) => Ok(ReferenceRule::RepositoryWithDigest),
        (Some("exact"), None, None) => Ok(ReferenceRule::Exact),
        (Some("repository"), None, None) => Ok(ReferenceRule::Repository),
        (None, Some(name), None) => Ok(ReferenceRule::As(name)),
        (None, None, Some(RemapTable { prefix, signed_prefix })) => Ok(ReferenceRule::Remap { prefix, signed_prefix }),
        (Some(other), None, None) => {
            Err(format!("trust.reference: expected repo-digest-or-exact, exact or repository, found {other:?}"))
        }
        _ => Err("trust: expected at most one of reference, signed-as and remap".into()),
    }
}

fn signer(
    entry: TrustSigner,
    load: &mut impl FnMut(&str) -> Result<Vec<u8>, Error>,
    fail: &impl Fn(String) -> Error,
) -> Result<ImageSigner, Error> {
    let at = |field: &str, message: &str| fail(format!("trust.signers {:?}: {field}: {message}", entry.name));
    let TrustSigner { root_key, openpgp, fingerprint, cosign, sigstore_root, identity, issuer, .. } = &entry;
    let named = [root_key, openpgp, fingerprint, cosign, sigstore_root, identity, issuer].map(|field| field.as_deref());
    let mut root = |file: &str| {
        let json = load(file)?;
        trusted_root(&json).map_err(|message| at("sigstore-root", &message))
    };
    let key = match named {
        [Some(id), None, None, None, None, None, None] => {
            let id = Sha256::from_hex(id).ok_or_else(|| at("root-key", "expected 64 lower-case hexadecimal digits"))?;
            ImageSignerKey::ContentTrust(id.hex())
        }
        [None, Some(file), Some(fingerprint), None, None, None, None] => {
            let spelled = [40, 64].contains(&fingerprint.len())
                && decode_hex(fingerprint.as_bytes()).is_some()
                && !fingerprint.bytes().any(|byte| byte.is_ascii_uppercase());
            if !spelled {
                return Err(at(
                    "fingerprint",
                    "expected the primary key's fingerprint, 40 or 64 lower-case hexadecimal digits",
                ));
            }
            let certificates = load(file)?;
            check_openpgp(&certificates, fingerprint)
                .map_err(|message| Error::Key { name: file.to_owned(), message })?;
            ImageSignerKey::OpenPgp { fingerprint: fingerprint.to_owned(), certificates }
        }
        [None, None, None, Some(file), log, None, None] => {
            let log = log.map(&mut root).transpose()?;
            let key = cosign_key(&load(file)?).map_err(|message| Error::Key { name: file.to_owned(), message })?;
            ImageSignerKey::Cosign { key, log }
        }
        [None, None, None, None, Some(file), Some(identity), Some(issuer)] => {
            if identity.is_empty() || issuer.is_empty() {
                return Err(at("identity", "identity and issuer are compared in full: neither may be empty"));
            }
            let (identity, issuer, root) = (identity.to_owned(), issuer.to_owned(), root(file)?);
            ImageSignerKey::Sigstore(SigstoreIdentity { identity, issuer, root })
        }
        _ => {
            let kinds =
                "expected root-key, openpgp with fingerprint, cosign, or sigstore-root with identity and issuer";
            return Err(at("key", kinds));
        }
    };
    Ok(ImageSigner { name: entry.name, key })
}
