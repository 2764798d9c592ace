//! Compares image names in signatures by the rules of containers-policy.json(5).

use crate::base::image_name::{ImageName, repository_of};

/// The names that a signature may give the image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ReferenceRule {
    /// `matchRepoDigestOrExact`, for an image that is requested by digest: the repositories must be identical, and the
    /// name in the signature must have a tag or a digest.
    #[default]
    RepositoryWithDigest,
    /// `matchExact`: the repository must be the build's, and the tag must be one of the build's tags.
    Exact,
    /// `matchRepository`: the repositories must be identical.
    Repository,
    /// `exactReference` or `exactRepository`: the name must equal the configured name or, if that name has neither tag nor digest, must be in that
    /// repository.
    As(String),
    /// `remapIdentity`: as in `matchRepoDigestOrExact`, but with a prefix of the build's repository replaced.
    Remap { prefix: String, signed_prefix: String },
}

impl ReferenceRule {
    /// The rule under its name in containers-policy.json(5).
    pub(crate) fn words(&self) -> String {
        match self {
            Self::RepositoryWithDigest => "matchRepoDigestOrExact".into(),
            Self::Exact => "matchExact".into(),
            Self::Repository => "matchRepository".into(),
            Self::As(name) => format!("exactReference or exactRepository {name}"),
            Self::Remap { prefix, signed_prefix } => format!("remapIdentity {prefix} to {signed_prefix}"),
        }
    }
}

impl ReferenceRule {
    /// Whether a signature on an image in `repository` with one of `tags` may call the image `name`.
    pub(crate) fn matches(&self, name: &str, repository: &str, tags: &[String]) -> bool {
        let Ok(found) = ImageName::parse(name) else { return false };
        let is_of = |repository: &str| found.repository() == repository;
        match self {
            Self::RepositoryWithDigest => is_of(repository) && !found.is_repository(),
            Self::Exact => {
                let tagged = found.tag().is_some_and(|tag| tags.iter().any(|known| known == tag));
                is_of(repository) && tagged && found.digest().is_none()
            }
            Self::Repository => is_of(repository),
            Self::As(wanted) => ImageName::parse(wanted)
                .is_ok_and(|wanted| if wanted.is_repository() { is_of(&wanted.repository()) } else { found == wanted }),
            Self::Remap { prefix, signed_prefix } => {
                let rest = repository.strip_prefix(prefix.as_str());
                let whole = |rest: &&str| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/');
                let remapped = match rest.filter(whole) {
                    Some(rest) => format!("{signed_prefix}{rest}"),
                    None => repository.to_owned(),
                };
                is_of(&repository_of(&remapped)) && !found.is_repository()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(rule: &ReferenceRule, name: &str) -> bool {
        rule.matches(name, "docker.io/library/busybox", &["v1".into(), "latest".into()])
    }

    const PINNED: &str =
        "docker.io/library/busybox@sha256:be178c0543eb17f5f3043021c9e5fcf30285e557a4fc309cce97ff9ca6182912";

    #[test]
    fn names_match_by_the_rules_of_containers_policy() {
        use ReferenceRule as Rule;
        for (rule, good, bad) in [
            (
                Rule::RepositoryWithDigest,
                vec!["busybox:v9", PINNED],
                vec!["busybox", "evil/busybox:v1", "", "docker.io/library/busybox@sha256:00", " busybox:v9"],
            ),
            (
                Rule::Exact,
                vec!["busybox:v1", "index.docker.io/library/busybox:latest"],
                vec!["busybox", "busybox:v2", "busybox:V1"],
            ),
            (
                Rule::Repository,
                vec!["busybox", "busybox:v2"],
                vec!["docker.io/busybox2", "quay.io/library/busybox", "busy box"],
            ),
            (
                Rule::As("quay.io/acme/box:v1".into()),
                vec!["quay.io/acme/box:v1"],
                vec!["quay.io/acme/box:v2", "quay.io/acme/box"],
            ),
            (
                Rule::As("quay.io/acme/box".into()),
                vec!["quay.io/acme/box:v1", "quay.io/acme/box"],
                vec!["quay.io/acme/boxes:v1"],
            ),
            (
                Rule::Remap { prefix: "docker.io/library".into(), signed_prefix: "quay.io/mirror".into() },
                vec!["quay.io/mirror/busybox:v1"],
                vec!["busybox:v1", "quay.io/mirror/busybox"],
            ),
            (
                Rule::Remap { prefix: "docker.io/lib".into(), signed_prefix: "quay.io/mirror".into() },
                vec!["busybox:v1"],
                vec!["quay.io/mirrorrary/busybox:v1"],
            ),
        ] {
            for name in good {
                assert!(matches(&rule, name), "{rule:?} should match {name:?}");
            }
            for name in bad {
                assert!(!matches(&rule, name), "{rule:?} should not match {name:?}");
            }
        }
    }

    /// The expected results are those of skopeo with the same rule in its policy: see `fixtures/inputs/trust/record-policy.sh`.
    #[test]
    fn results_match_skopeo() {
        let text = include_str!("../../fixtures/inputs/trust/policy-answers.txt");
        let rule_of = |words: &str| match words.split_once('=') {
            None if words == "repo-digest-or-exact" => ReferenceRule::RepositoryWithDigest,
            None if words == "exact" => ReferenceRule::Exact,
            None if words == "repository" => ReferenceRule::Repository,
            Some(("signed-as", name)) => ReferenceRule::As(name.to_owned()),
            Some(("remap", rest)) => {
                let (prefix, signed_prefix) = rest.split_once('=').unwrap();
                ReferenceRule::Remap { prefix: prefix.to_owned(), signed_prefix: signed_prefix.to_owned() }
            }
            _ => panic!("unrecognised rule: {words:?}"),
        };
        let (mut accepted, mut rejected) = (0, 0);
        for line in text.lines() {
            let [words, name, answer] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
            let name = name.replace("DIGEST", &"0".repeat(64));
            let ours = rule_of(words).matches(&name, "127.0.0.1:5000/acme/wallet", &["v1".to_owned()]);
            assert_eq!(ours, answer == "accepts", "{line:?}");
            if ours { accepted += 1 } else { rejected += 1 }
        }
        assert!(accepted > 20 && rejected > 50, "{accepted} and {rejected}");
    }
}
