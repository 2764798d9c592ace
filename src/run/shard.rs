//! One shard of many bundles, for one of several machines.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::base::build_name::BuildName;
use crate::base::digest::Sha256;

/// The bundles in one of `count` shards, chosen by build name. The shard depends only on the name and `count`, so machines need not communicate.
/// Shards have about equal numbers of bundles, not equal sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// Whether the bundle at `path` is in this shard. Only the file name is used; nothing is read.
    pub fn holds(self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = BuildName::from_file_name(&name, ".sig.tbz").map_or(name, |build| build.to_string());
        let digest = Sha256::of(name.as_bytes());
        let number = digest.as_bytes().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        number % self.count == self.index
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Parses `i/n`: shard `i` of `n`, counted from 0, like the indexes of a Kubernetes Job.
    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("expected i/n with 0 <= i < n, for example 3/8, found {text:?}");
        let number = |text: &str| -> Option<u64> {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| plain)
        };
        let (index, count) = text.split_once('/').ok_or_else(fault)?;
        match (number(index), number(count)) {
            (Some(index), Some(count)) if index < count => Ok(Self { index, count }),
            _ => Err(fault()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundle_is_in_exactly_one_shard_in_any_folder() {
        let shards: Vec<Shard> = (0..5).map(|index| format!("{index}/5").parse().unwrap()).collect();
        let mut counts = [0; 5];
        for number in 0..1000 {
            let name = format!("manifest.docker.io.acme.wallet.v{number}.2026-03-02_10-15-30.123456.sig.tbz");
            let holding: Vec<usize> = (0..5).filter(|at| shards[*at].holds(Path::new(&name))).collect();
            let elsewhere: Vec<usize> = (0..5).filter(|at| shards[*at].holds(&Path::new("a/b").join(&name))).collect();
            assert_eq!((holding.len(), &holding), (1, &elsewhere));
            counts[holding[0]] += 1;
        }
        assert!(counts.iter().all(|count| (150..250).contains(count)), "{counts:?}");
    }

    #[test]
    fn invalid_shards_are_refused() {
        for bad in ["", "1", "/", "3/3", "4/3", "0/0", "1/0", "-1/3", "+1/3", "1/3/3", "1/ 3", "18446744073709551616/1"]
        {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
