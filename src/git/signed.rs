//! Extracts the signatures of commits and tags (gitformat-signature(5)).

use super::object::{Commit, Tag};
use super::object_id::ObjectId;

/// A signature and exactly the bytes that it signs. A signature proves nothing until it verifies under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedObject {
    /// What was signed.
    pub subject: SignedSubject,
    /// The bytes that were signed.
    pub payload: Vec<u8>,
    /// The armoured signature.
    pub signature: Vec<u8>,
}

/// The kind of signed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedSubject {
    /// HEAD's commit.
    Commit(ObjectId),
    /// An annotated tag at HEAD's commit: the ref's short name, and the tag's own name if it differs.
    Tag(String),
}

impl std::fmt::Display for SignedSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Commit(id) => write!(f, "commit {id}"),
            Self::Tag(name) => write!(f, "tag {name}"),
        }
    }
}

/// The first lines of the armoured signatures that git writes. X.509 signatures (`SIGNED MESSAGE`) are also found, so
/// that reports can mention them.
const ARMOURS: [&[u8]; 4] = [
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SSH SIGNATURE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
];

/// Extracts the commit's `gpgsig` header, and the commit without it. git signs the commit without that header; git also
/// omits `gpgsig-sha256`, which signs the commit's SHA-256 form. `None` if the commit is not signed.
pub(super) fn split_commit(id: ObjectId, content: &[u8], commit: &Commit) -> Option<SignedObject> {
    // As in git, several headers are one signature, which is therefore malformed. All of them are removed from the payload.
    let signatures = commit.extra.iter().filter(|(keyword, _)| keyword == b"gpgsig");
    let signature: Vec<u8> = signatures.flat_map(|(_, lines)| [lines.as_slice(), b"\n"].concat()).collect();
    if signature.is_empty() {
        return None;
    }
    let mut payload = Vec::with_capacity(content.len());
    let mut in_signature = false;
    let mut in_header = true;
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        if in_header {
            in_signature = line.starts_with(b"gpgsig ")
                || line.starts_with(b"gpgsig-sha256 ")
                || (in_signature && line.starts_with(b" "));
            in_header = line != b"\n";
        }
        if !(in_header && in_signature) {
            payload.extend_from_slice(line);
        }
    }
    Some(SignedObject { subject: SignedSubject::Commit(id), payload, signature })
}

/// Extracts the signature at the end of a tag's message, and everything before it. `None` if the tag is not signed.
pub(super) fn split_tag(name: &str, content: &[u8], tag: &Tag) -> Option<SignedObject> {
    let message_at = content.len().checked_sub(tag.message.len())?;
    // The last armoured block is used, as in git: everything before it is part of the signed data.
    let mut start = None;
    let mut at = 0;
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        if at >= message_at && ARMOURS.iter().any(|armour| line.starts_with(armour)) {
            start = Some(at);
        }
        at += line.len();
    }
    let (payload, signature) = content.split_at_checked(start?)?;
    let subject = SignedSubject::Tag(name.to_owned());
    Some(SignedObject { subject, payload: payload.to_vec(), signature: signature.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// git joins them, and gpg refuses the result (`git log --format=%G?` prints `E`).
    #[test]
    fn several_headers_are_one_signature() {
        let content = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\ngpgsig one\n more\ngpgsig two\n\nm\n";
        let commit = Commit::read(content).unwrap();
        let id = ObjectId::from_hex("4b825dc642cb6eb9a060e54bf8d69288fbee4904").unwrap();
        let signed = split_commit(id, content, &commit).unwrap();
        assert_eq!(signed.signature, b"one\nmore\ntwo\n");
        assert!(signed.payload.ends_with(b"committer a <a> 1 +0000\n\nm\n"));
    }
}
