//! Names of images, read strictly: they become parts of addresses.

use std::fmt;

use crate::digest::Sha256;

/// An image at a registry: `registry/repository[:tag][@digest]`.
///
/// The rule is docker's (distribution/reference, `ParseNormalizedNamed`): the first part is a registry if it has a dot or a
/// colon or is `localhost`; without one it is `docker.io`, whose images without a namespace live in `library`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// Host and port of the registry, as images are named by it.
    pub registry: String,
    /// The repository at that registry.
    pub repository: String,
    /// The tag, if one is named. There is no default.
    pub tag: Option<String>,
    /// The manifest's digest, if it is named.
    pub digest: Option<Sha256>,
}

impl ImageReference {
    /// Reads a name; `None` for anything that is not exactly one.
    pub fn parse(text: &str) -> Option<Self> {
        let (text, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(Sha256::from_prefixed(digest)?)),
            None => (text, None),
        };
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
            _ => (text, None),
        };
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
            _ => ("docker.io", name),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let repository =
            if registry == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let good = is_registry(registry) && is_repository(&repository) && tag.as_deref().is_none_or(is_tag);
        good.then(|| Self { registry: registry.into(), repository, tag, digest })
    }

    /// The repository with its registry: what Notary calls the GUN.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Host and port that its registry answers at: Docker Hub has another host than its name.
    pub(crate) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// The address of its registry.
    pub(crate) fn endpoint(&self) -> String {
        let scheme = if is_local(self.host()) { "http" } else { "https" };
        format!("{scheme}://{}", self.host())
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))?;
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// On this computer itself registries speak plain http, as docker and podman assume too.
fn is_local(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    super::address::is_loopback(host)
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().is_ok_and(|port| port != 0)),
        None => (text, true),
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    port && (1..=253).contains(&host.len()) && host.bytes().all(allowed) && !host.starts_with(['.', '-'])
}

/// Distribution specification, "Pulling manifests": `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/…)*`, at most 255.
fn is_repository(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
    let segment = |part: &str| {
        edge(part.bytes().next()) && edge(part.bytes().last()) && part.bytes().all(inner) && !part.contains("..")
    };
    text.len() <= 255 && text.split('/').all(segment)
}

/// Distribution specification: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
pub(crate) fn is_tag(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (text, full, endpoint) in [
            ("nginx", "docker.io/library/nginx", "https://registry-1.docker.io"),
            ("index.docker.io/acme/wallet:v1", "docker.io/acme/wallet:v1", "https://registry-1.docker.io"),
            ("us.icr.io/ns/name:a-b", "us.icr.io/ns/name:a-b", "https://us.icr.io"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b:c", "http://localhost:5000"),
            ("127.0.0.1:5000/a", "127.0.0.1:5000/a", "http://127.0.0.1:5000"),
            ("reg.example.com:5000/a__b/c.d", "reg.example.com:5000/a__b/c.d", "https://reg.example.com:5000"),
        ] {
            let reference = ImageReference::parse(text).expect(text);
            assert_eq!((reference.to_string().as_str(), reference.endpoint().as_str()), (full, endpoint));
        }
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(
            ImageReference::parse(&format!("a/b@{digest}")).unwrap().to_string(),
            format!("docker.io/a/b@{digest}")
        );
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_name() {
        let upper = format!("a/b@sha256:{}", "A".repeat(64));
        for bad in [
            "",
            "a/../b",
            "a//b",
            "A/b",
            "a/b:",
            "a/b:x/y?z",
            "a/b?x=1",
            "a/b#x",
            "a b",
            "evil.example.com:0/a",
            "u@h/a",
            "a/b@md5:00",
            "a/b@sha256:../../x",
            &upper,
            "a/b:-x",
            "-h.example/a",
        ] {
            assert_eq!(ImageReference::parse(bad), None, "{bad}");
        }
    }
}
