//! Image names in requests to a registry, where they become parts of addresses.

use std::fmt;
use std::net::Ipv6Addr;

use crate::base::digest::Sha256;
use crate::base::image_name::ImageName;

/// An image at a registry: `registry/repository[:tag][@sha256:digest]`, following the grammar of image names
/// (distribution/reference).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// Host and port of the registry, as image names use them.
    pub registry: String,
    /// The repository at that registry.
    pub repository: String,
    /// The tag, if one is specified. There is no default.
    pub tag: Option<String>,
    /// The manifest's digest, if one is specified.
    pub digest: Option<Sha256>,
}

impl ImageReference {
    /// Parses a name; `None` if it is invalid, or if its registry or digest cannot be used in a request.
    pub fn parse(text: &str) -> Option<Self> {
        let name = ImageName::parse(text).ok()?;
        let digest = match name.digest() {
            Some(_) => Some(name.sha256()?),
            None => None,
        };
        let (registry, repository) = (name.domain().to_owned(), name.path().to_owned());
        is_host(&registry).then(|| Self { registry, repository, tag: name.tag().map(str::to_owned), digest })
    }

    /// The repository name including its registry, which Notary calls the GUN.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The registry's host and port for requests: Docker Hub's host differs from its name.
    pub(crate) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// The address of the image's registry.
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

/// Registries on this computer are reached over plain http, which docker also allows.
fn is_local(registry: &str) -> bool {
    super::address::is_loopback(host_and_port(registry).0)
}

/// IPv6 addresses keep their brackets.
fn host_and_port(registry: &str) -> (&str, Option<&str>) {
    match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    }
}

/// The grammar of image names allows names that cannot be used here: `a_b.com` is not a host, and 70000 is not a port.
fn is_host(registry: &str) -> bool {
    let (host, port) = host_and_port(registry);
    let is_address = host.strip_prefix('[').is_none_or(|rest| rest.trim_end_matches(']').parse::<Ipv6Addr>().is_ok());
    is_address
        && host.len() <= 253
        && !host.contains('_')
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_are_parsed_as_in_docker() {
        for (text, full, endpoint) in [
            ("nginx", "docker.io/library/nginx", "https://registry-1.docker.io"),
            ("index.docker.io/acme/wallet:v1", "docker.io/acme/wallet:v1", "https://registry-1.docker.io"),
            ("us.icr.io/ns/name:a-b", "us.icr.io/ns/name:a-b", "https://us.icr.io"),
            ("localhost:5000/a/b:c", "localhost:5000/a/b:c", "http://localhost:5000"),
            ("127.0.0.1:5000/a", "127.0.0.1:5000/a", "http://127.0.0.1:5000"),
            ("[::1]:5000/a", "[::1]:5000/a", "http://[::1]:5000"),
            ("[fd00::1]/a", "[fd00::1]/a", "https://[fd00::1]"),
            ("A/b", "A/b", "https://A"),
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
    fn invalid_and_dangerous_names_are_refused() {
        let long = format!("a/b@sha512:{}", "a".repeat(128));
        let upper = format!("a/b@sha256:{}", "A".repeat(64));
        for bad in [
            "",
            "a/../b",
            "a//b",
            "a/b:",
            "a/b:x/y?z",
            "a/b?x=1",
            "a/b#x",
            "a b",
            "evil.example.com:0/a",
            "evil.example.com:70000/a",
            "[fd00]/a",
            "a_b.example/a",
            &long,
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
