//! The policy's signers, and whether one of them signed a commit or a tag.

use std::fmt;

use crate::base::time::Timestamp;
use crate::git::{GIT_NAMESPACE, SshFault, SshKey, SshSignature};
use crate::judge::policy::{Policy, SignerKey};

/// Keys of signers of commits and tags, each with its owner's name.
#[derive(Debug, Default)]
pub(crate) struct Signers {
    ssh_names: Vec<String>,
    ssh_keys: Vec<SshKey>,
    /// Pairs of a name and a certificate.
    openpgp: Vec<(String, Vec<u8>)>,
}

/// The result for one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One of the signers made the signature.
    Good {
        /// The signer's name.
        signer: String,
        /// The key, and other information about the signature.
        detail: String,
    },
    /// The signature is malformed, covers different bytes, or is refused for another reason, for example because its key was revoked.
    Bad(String),
    /// The signature is by a key that belongs to none of the signers.
    OtherKey(String),
    /// The signature's format or algorithm is not supported.
    Unsupported(String),
    /// This build does not evaluate signatures in this form.
    #[cfg_attr(feature = "openpgp", allow(dead_code, reason = "this build evaluates signatures in every form"))]
    NotBuiltIn(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good { signer, detail } => write!(f, "signed by {signer} ({detail})"),
            Self::Bad(message) | Self::OtherKey(message) | Self::Unsupported(message) | Self::NotBuiltIn(message) => {
                f.write_str(message)
            }
        }
    }
}

impl Signers {
    /// The signers in the policy's `[[signers]]` that can sign commits: SSH keys and OpenPGP certificates. A key that cannot be read was already
    /// reported when the policy was read.
    pub(crate) fn of(policy: &Policy) -> Self {
        let mut signers = Self::default();
        for signer in &policy.signers {
            match &signer.key {
                SignerKey::Ssh(line) => {
                    if let Ok(key) = SshKey::from_line(line) {
                        signers.ssh_names.push(signer.name.clone());
                        signers.ssh_keys.push(key);
                    }
                }
                SignerKey::OpenPgp(certificates) => signers.openpgp.push((signer.name.clone(), certificates.clone())),
                SignerKey::Pem(_) => {}
            }
        }
        signers
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ssh_keys.is_empty() && self.openpgp.is_empty()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.ssh_names.iter().chain(self.openpgp.iter().map(|(name, _)| name)).cloned().collect()
    }

    /// Verifies a git signature over `payload`. The signature's armour determines its type.
    pub(crate) fn verify(&self, payload: &[u8], signature: &[u8], now: Timestamp) -> Answer {
        self.verify_for(GIT_NAMESPACE, payload, signature, now)
    }

    /// Verifies a signature for `namespace`. OpenPGP has no namespaces, so its signatures are accepted only for git's
    /// namespace.
    pub(crate) fn verify_for(&self, namespace: &str, payload: &[u8], signature: &[u8], now: Timestamp) -> Answer {
        let begins = |with: &str| signature.trim_ascii_start().starts_with(with.as_bytes());
        if begins("-----BEGIN SSH SIGNATURE-----") {
            self.verify_ssh(namespace, payload, signature)
        } else if begins("-----BEGIN PGP ") && namespace != GIT_NAMESPACE {
            let message = "signed with OpenPGP, which does not record what a signature is for: use an SSH signature";
            Answer::Unsupported(message.into())
        } else if begins("-----BEGIN PGP SIGNATURE-----") {
            self.verify_openpgp(payload, signature, now)
        } else if begins("-----BEGIN SIGNED MESSAGE-----") {
            Answer::Unsupported("signed with X.509 (S/MIME), which is not supported".into())
        } else {
            Answer::Unsupported("signed in an unrecognised format".into())
        }
    }

    fn verify_ssh(&self, namespace: &str, payload: &[u8], signature: &[u8]) -> Answer {
        let verified =
            SshSignature::from_armour(signature).and_then(|parsed| parsed.verify(namespace, payload, &self.ssh_keys));
        match verified {
            Ok(place) => {
                let signer = self.ssh_names.get(place).cloned().unwrap_or_default();
                let key = self.ssh_keys.get(place).map(SshKey::fingerprint).unwrap_or_default();
                Answer::Good { signer, detail: format!("SSH key {key}") }
            }
            Err(fault @ SshFault::OtherKey(_)) => Answer::OtherKey(fault.to_string()),
            Err(fault @ SshFault::Unsupported(_)) => Answer::Unsupported(fault.to_string()),
            Err(fault) => Answer::Bad(fault.to_string()),
        }
    }

    #[cfg(not(feature = "openpgp"))]
    fn verify_openpgp(&self, _: &[u8], _: &[u8], _: Timestamp) -> Answer {
        Answer::NotBuiltIn(
            "signed with OpenPGP, which this build of the program does not include (feature openpgp)".into(),
        )
    }

    #[cfg(feature = "openpgp")]
    fn verify_openpgp(&self, payload: &[u8], signature: &[u8], now: Timestamp) -> Answer {
        use crate::crypto::openpgp::{Certificate, Fault, read_detached};

        let signature = match read_detached(signature) {
            Ok(signature) => signature,
            Err(fault) => return Answer::Bad(format!("the OpenPGP signature is malformed: {fault}")),
        };
        for (name, bytes) in &self.openpgp {
            // A malformed certificate was already reported when the policy was read.
            let Ok(certificate) = Certificate::read(bytes) else { continue };
            match signature.verify(payload, &certificate, now) {
                Ok(signed) => {
                    let (key, time) = (certificate.fingerprint(), signed.created);
                    let detail = format!("OpenPGP key {key}, at {time} by the signer's own clock");
                    return Answer::Good { signer: name.clone(), detail };
                }
                Err(Fault::Refused(message)) => {
                    return Answer::Bad(format!("the OpenPGP signature that refers to {name}'s key: {message}"));
                }
                Err(Fault::Unsupported(message)) => {
                    let message = format!(
                        "the OpenPGP signature that refers to {name}'s key uses {message}, which is not supported"
                    );
                    return Answer::Unsupported(message);
                }
                Err(Fault::OtherKey) => {}
            }
        }
        let key = signature.issuer();
        Answer::OtherKey(format!(
            "the OpenPGP signature names the key {key}, which belongs to none of the policy's signers; it was not verified"
        ))
    }
}

#[cfg(all(test, feature = "openpgp"))]
mod public_tests;
#[cfg(test)]
mod tests;
