//! The flags supplied for an audit, as its report shows them.

use std::path::Path;

use super::Request;
use crate::base::mask::mask;
use crate::base::system::slashed;

impl Request<'_> {
    /// Flags (without their hyphens) and their values, as on the command line.
    pub(super) fn given(&self) -> Vec<(String, String)> {
        let path = |path: &Path| slashed(path);
        let paths = self.paths.iter().map(|named| ("path", path(named)));
        let keys = self.keys.iter().map(|key| ("key", key.to_string()));
        let seal = self.seal_key.iter().map(|file| ("seal-key", path(file)));
        let authorities = self.authorities.iter().map(|file| ("tsa-ca", path(file)));
        let shard = self.shard.iter().map(|shard| ("shard", shard.to_string()));
        let image = self.image.iter().map(|source| ("image", source.to_string()));
        let bases = self.bases.iter().map(|source| ("base", source.to_string()));
        let trust = self.trust.iter().map(|folder| ("trust", path(folder)));
        let approvals = self.approvals.iter().map(|file| ("approvals", path(file)));
        let builder = self.builder.iter().map(|folder| ("builder", path(folder)));
        let beside = image.chain(bases).chain(trust).chain(builder).chain(approvals);
        let all = paths.chain(keys).chain(seal).chain(authorities).chain(beside).chain(shard);
        all.map(|(flag, value)| (flag.to_owned(), mask(&value))).collect()
    }
}
