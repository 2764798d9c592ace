//! The only parser for image names, using the grammar that Docker, containerd, Kubernetes and podman share.
//!
//! The grammar and its normalisation are those of distribution/reference (`regexp.go`, `reference.go`, `normalize.go`:
//! `ParseNormalizedNamed`; read at github.com/distribution/reference@0965666a6ade2e06035fe352e38344be1e68951a):
//!
//! ```text
//! name      = [domain "/"] component *("/" component) [":" tag] ["@" digest]
//! domain    = (host-name | "[" IPv6 "]") [":" port]
//! component = alphanumeric *(separator alphanumeric)     lower case; separators: . _ __ and any number of -
//! tag       = letter, digit or _, then at most 127 of: letter, digit, _, ., -
//! digest    = "sha256:" | "sha384:" | "sha512:" and lower-case hexadecimal digits
//! ```
//!
//! The part before the first slash is a domain if it has a dot, a colon or an upper-case letter, or is `localhost`. Otherwise the registry is
//! `docker.io`, whose images without a namespace are in `library`. `index.docker.io` is read as `docker.io`.
//!
//! A workload may use variables in its image names: `workload::ImageReference` looks for these before parsing a name.

use std::fmt;

use crate::base::digest::Sha256;

const DEFAULT_DOMAIN: &str = "docker.io";
const LEGACY_DOMAIN: &str = "index.docker.io";
/// The maximum number of bytes in a repository name without its domain (`RepositoryNameTotalLengthMax`).
const REPOSITORY_MAX: usize = 255;
const TAG_MAX: usize = 128;

/// A fully qualified image name. An image name cannot contain a user, a password, white space or a path outside the registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ImageName {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<NameDigest>,
}

/// The digest in a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum NameDigest {
    Sha256(Sha256),
    /// A `sha384:` or `sha512:` digest, which is valid but never computed here.
    Unsupported(String),
}

impl ImageName {
    /// Parses a name.
    ///
    /// # Errors
    /// The reason why the grammar refuses the name.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.trim() != text {
            return Err("it has leading or trailing white space");
        }
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err("64 hexadecimal digits are an image id, not a name");
        }
        let (domain, rest) = split_domain(text);
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(NameDigest::parse(digest)?)),
            None => (rest, None),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if path.is_empty() {
            return Err("it has no repository");
        }
        let path = match domain {
            DEFAULT_DOMAIN if !path.contains('/') => format!("library/{path}"),
            _ => path.to_owned(),
        };
        check_path(&path)?;
        // A first part such as `a_b.com` is not a host name but is a valid path component.
        let is_path = !is_domain(domain);
        if is_path && !is_component(domain) {
            return Err("the part before the first slash is not a registry's host and port");
        }
        let length = path.len() + if is_path { domain.len() + 1 } else { 0 };
        if length > REPOSITORY_MAX {
            return Err("the repository has more than 255 characters");
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err("the tag must match [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
        }
        Ok(Self { domain: domain.to_owned(), path, tag: tag.map(str::to_owned), digest })
    }

    /// Registry and path, without tag and digest: `docker.io/library/nginx`.
    pub(crate) fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// Host and port of the registry, as used in image names.
    #[cfg(any(test, feature = "fetch"))]
    pub(crate) fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository in that registry.
    #[cfg(any(test, feature = "fetch"))]
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The tag as written. There is no default.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest as written.
    pub(crate) fn digest(&self) -> Option<&NameDigest> {
        self.digest.as_ref()
    }

    /// The digest, if it is SHA-256.
    pub(crate) fn sha256(&self) -> Option<Sha256> {
        match self.digest {
            Some(NameDigest::Sha256(digest)) => Some(digest),
            _ => None,
        }
    }

    /// Whether the name has no tag and no digest, and therefore refers to a repository.
    pub(crate) fn is_repository(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }
}

impl NameDigest {
    /// This check follows go-digest's `Digest.Validate`, with the algorithms that go-digest registers.
    fn parse(text: &str) -> Result<Self, &'static str> {
        const FAULT: &str = "the digest must be sha256: and 64 lower-case hexadecimal digits";
        let (algorithm, digits) = text.split_once(':').ok_or(FAULT)?;
        let length = match algorithm {
            "sha256" => return Sha256::from_hex(digits).map(Self::Sha256).ok_or(FAULT),
            "sha384" => 96,
            "sha512" => 128,
            _ => return Err(FAULT),
        };
        let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (digits.len() == length && is_hex).then(|| Self::Unsupported(text.to_owned())).ok_or(FAULT)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl fmt::Display for NameDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => digest.fmt(f),
            Self::Unsupported(text) => f.write_str(text),
        }
    }
}

/// The fully qualified repository of a name. A malformed name is returned unchanged, so it never equals the repository of a well-formed name.
pub(crate) fn repository_of(name: &str) -> String {
    ImageName::parse(name).map_or_else(|_| name.to_owned(), |name| name.repository())
}

/// The tag of a name; text that is not a name with a tag is returned as the tag.
pub(crate) fn tag_of(text: &str) -> String {
    ImageName::parse(text).ok().and_then(|name| name.tag).unwrap_or_else(|| text.to_owned())
}

/// `normalize.go`, `splitDockerDomain`.
fn split_domain(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((LEGACY_DOMAIN, rest)) => (DEFAULT_DOMAIN, rest),
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) || has_upper_case(first) => {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    }
}

fn has_upper_case(text: &str) -> bool {
    text.chars().any(char::is_uppercase)
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.split('/').all(is_component) {
        return Ok(());
    }
    Err(match has_upper_case(path) {
        true => "the repository name has upper-case letters",
        false => "the repository name must consist of lower-case letters and digits, separated by ., _, __, - or /",
    })
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.as_bytes().first(), text.as_bytes().last()];
    let separated = || {
        text.as_bytes().chunk_by(|a, b| inner(a) == inner(b)).all(|run| {
            run.first().is_some_and(inner) || matches!(run, b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-')
        })
    };
    ends.iter().all(|byte| byte.is_some_and(inner)) && separated()
}

/// A host name, an IPv4 address or an IPv6 address in brackets, with an optional port.
fn is_domain(text: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else { return false };
        let is_address = address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
        return !address.is_empty() && is_address && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_label = |label: &str| {
        let edges = [label.as_bytes().first(), label.as_bytes().last()];
        edges.iter().all(|byte| byte.is_some_and(u8::is_ascii_alphanumeric))
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Whether the text is a valid tag: `[\w][\w.-]{0,127}`.
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let allowed = |byte: u8| word(byte) || matches!(byte, b'.' | b'-');
    text.len() <= TAG_MAX && text.bytes().next().is_some_and(word) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
