//! Names of images, made comparable.

/// The repository of an image's name, without tag and digest, spelled in full: `nginx:1` is `docker.io/library/nginx`.
///
/// The rule is docker's (distribution/reference, `ParseNormalizedNamed`): the first segment is a registry when it has a dot or a
/// colon or is `localhost`; Docker Hub is `docker.io`, and its images without a namespace live in `library`.
pub(crate) fn repository_of(name: &str) -> String {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let name = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    };
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", name),
    };
    let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
    if registry == "docker.io" && !path.contains('/') {
        return format!("docker.io/library/{path}");
    }
    format!("{registry}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_repository_are_equal() {
        for (name, full) in [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.25", "docker.io/library/nginx"),
            ("index.docker.io/acme/wallet:v1", "docker.io/acme/wallet"),
            ("acme/wallet@sha256:00", "docker.io/acme/wallet"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b"),
            ("us.icr.io/ns/name", "us.icr.io/ns/name"),
        ] {
            assert_eq!(repository_of(name), full, "{name}");
        }
    }
}
