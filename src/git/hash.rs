//! Object ids: SHA-1 over `<kind> <size>\0<content>` (gitglossary(7), "object name").
//!
//! SHA-1 is computed with the collision detection that git itself uses (Stevens and Shumow, "Speeding up detection of
//! SHA-1 collision attacks using unavoidable attack conditions", 2017). The detection finds the known attacks,
//! including SHAttered and Shambles, but cannot prove that no other attacks exist.

use std::fmt;

use gix_hash::{Hasher, Kind as HashKind, hasher};

use super::object_id::ObjectId;

/// The kind of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree: the names, modes and ids of one folder's entries.
    Tree,
    /// A file's bytes, or a symbolic link's target.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// The kind's name in an object header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag].into_iter().find(|kind| kind.as_str().as_bytes() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The bytes were made by a SHA-1 collision attack: different bytes have the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("made by a SHA-1 collision attack: different bytes have the same id")]
pub struct Collision;

/// SHA-1 with collision detection, computed piece by piece.
pub(super) struct Sha1(Hasher);

impl Sha1 {
    /// Plain SHA-1, as used at the end of packs and indexes.
    pub(super) fn new() -> Self {
        Self(hasher(HashKind::Sha1))
    }

    /// Starts the SHA-1 of an object; `size` bytes of content must follow.
    pub(super) fn of_object(kind: Kind, size: u64) -> Self {
        let mut hasher = Self::new();
        hasher.update(kind.as_str().as_bytes());
        hasher.update(b" ");
        hasher.update(size.to_string().as_bytes());
        hasher.update(b"\0");
        hasher
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Result<ObjectId, Collision> {
        let digest = self.0.try_finalize().map_err(|_| Collision)?;
        let id = digest.as_slice().try_into().map(ObjectId::from_bytes).map_err(|_| Collision)?;
        #[cfg(test)]
        if tests::PRETENDED.lock().is_ok_and(|ids| ids.contains(&id)) {
            return Err(Collision);
        }
        Ok(id)
    }
}

impl fmt::Debug for Sha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha1")
    }
}

/// The id of an object in memory.
pub(super) fn object_id(kind: Kind, content: &[u8]) -> Result<ObjectId, Collision> {
    let mut hasher = Sha1::of_object(kind, content.len() as u64);
    hasher.update(content);
    hasher.finish()
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Ids that tests treat as collisions. No two colliding git objects are known, so the handling of a detected attack
    /// can be tested only in this way.
    pub(in crate::git) static PRETENDED: Mutex<Vec<ObjectId>> = Mutex::new(Vec::new());

    /// One of the two 640-byte messages of the chosen-prefix collision "SHA-1 is a Shambles" (Leurent and Peyrin,
    /// 2020).
    const SHAMBLES: &str = "\
99040d047fe81780012000ff4b65792069732070617274206f66206120636f6c6c6973696f6e212049742773206120747261702179c61af0afcc05
4515d9274e7307624b1dc7fb23988bb8de8b575dba7b9eab31c1674b6d974378a827732ff5851c76a2e60772b5a47ce1eac40bb993c12d8c70e24a
4f8d5fcdedc1b32c9cf19e31af2429759d42e4dfdb31719f587623ee552939b6dcdc459fca53553b70f87ede30a247ea3af6c759a2f20b320d760d
b64ff479084fd3ccb3cdd48362d96a9c430617caff6c36c637e53fde28417f626fec54ed7943a46e5f5730f2bb38fb1df6e0090010d00e24ad78bf
92641993608e8d158a789f34c46fe1e6027f35a4cbfb827076c50eca0e8b7cca69bb2c2b790259f9bf9570dd8d4437a3115faff7c3cac09ad25266
055c27104755178eaeff825a2caa2acfb5de64ce7641dc59a541a9fc9c756756e2e23dc713c8c24c9790aa6b0e38a7f55f14452a1ca2850ddd9562
fd9a18ad42496aa97008f74672f68ef461eb88b09933d626b4f918749cc027fddd6c425fc4216835d0134d15285bab2cb784a4f7cbb4fb514d4bf0
f6237cf00a9e9f132b9a066e6fd17f6c42987478586ff651af96747fb426b9872b9a88e4063f59bb334cc00650f83a80c42751b71974d300fc2819
a2e8f1e32c1b51cb18e6bfc4db9baef675d4aaf5b1574a047f8f6dd2ec153a93412293974d928f88ced9363cfef97ce2e742bf34c96b8ef3875676
fea5cca8e5f7dea0bab2413d4de00ee71ee01f162bdb6d1eafd925e6aebaae6a354ef17cf205a404fbdb12fc454d41fdd95cf2459664a2ad032d1d
a60a73264075d7f1e0d6c1403ae7a0d861df3fe5707188dd5e07d1589b9f8b6630553f8fc352b3e0c27da80bddba4c64020d";

    #[test]
    fn known_attacks_are_detected() {
        let bytes = crate::base::digest::decode_hex(SHAMBLES.replace('\n', "").as_bytes()).unwrap();
        let mut hasher = Sha1::new();
        hasher.update(&bytes);
        assert_eq!(hasher.finish(), Err(Collision));
        // The same bytes are not a collision if an object header precedes them.
        assert!(object_id(Kind::Blob, &bytes).is_ok());
    }

    #[test]
    fn ids_match_git_hash_object() {
        // These are the ids that `git hash-object -t blob --stdin </dev/null` and `git hash-object -t tree /dev/null`
        // print.
        let empty_blob = object_id(Kind::Blob, b"").map(|id| id.to_string());
        assert_eq!(empty_blob.as_deref(), Ok("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
        let empty_tree = object_id(Kind::Tree, b"").map(|id| id.to_string());
        assert_eq!(empty_tree.as_deref(), Ok("4b825dc642cb6eb9a060e54bf8d69288fbee4904"));
    }
}
