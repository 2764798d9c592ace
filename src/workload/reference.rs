//! How a workload names an image.

use crate::digest::Sha256;
use crate::image_name::repository_of;

/// An image as a workload names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// As it is written.
    pub text: String,
    /// The repository spelled in full, where no variable stands in it.
    pub repository: Option<String>,
    /// The tag, where one is written.
    pub tag: Option<String>,
    /// What pins it.
    pub pin: Pin,
    /// Variables that nobody has resolved, as they are written.
    pub variables: Vec<String>,
}

/// What pins an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// The digest of its manifest.
    Digest(Sha256),
    /// Nothing: a tag, or not even that.
    Nothing,
    /// Something behind an `@` that is no SHA-256 digest in its one spelling.
    Malformed(String),
}

impl ImageReference {
    /// Takes a name apart. Nothing is refused: what is no digest pins nothing.
    pub fn parse(text: &str) -> Self {
        let variables = variables(text);
        let (name, pin) = match text.split_once('@') {
            None => (text, Pin::Nothing),
            Some((name, digest)) => match Sha256::from_prefixed(digest) {
                Some(digest) => (name, Pin::Digest(digest)),
                None => (name, Pin::Malformed(digest.to_owned())),
            },
        };
        let tag = match name.rsplit_once(':') {
            Some((_, tag)) if !tag.contains('/') => Some(tag.to_owned()),
            _ => None,
        };
        let plain = self::variables(name).is_empty() && !name.is_empty();
        let repository = plain.then(|| repository_of(name));
        Self { text: text.to_owned(), repository, tag: tag.filter(|_| plain), pin, variables }
    }

    /// The digest that pins it.
    pub fn digest(&self) -> Option<Sha256> {
        match self.pin {
            Pin::Digest(digest) => Some(digest),
            Pin::Nothing | Pin::Malformed(_) => None,
        }
    }
}

/// Variables of compose (`$NAME`, `${NAME:-x}`) and of Go templates (`{{ .Env.NAME }}`). `$$` is compose's escape and no part of any image's
/// name: it is left as a variable, so that nothing is read two ways.
fn variables(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '{']) {
        let tail = rest.get(at..).unwrap_or_default();
        let length = if tail.starts_with("{{") {
            tail.find("}}").map_or(tail.len(), |end| end + 2)
        } else if tail.starts_with("${") {
            tail.find('}').map_or(tail.len(), |end| end + 1)
        } else {
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            1 + tail.chars().skip(1).take_while(|c| name(*c)).count()
        };
        found.push(tail.get(..length).unwrap_or(tail).to_owned());
        rest = tail.get(length..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ffbaf396e2d1ee9d9a2f3c0a3dc9ae4ba1c1ba0a5b2f0a1d2d3c4b5a69788796";

    #[test]
    fn names_are_taken_apart() {
        let digest = Sha256::from_hex(HEX).unwrap();
        let full = ImageReference::parse(&format!("acme/wallet:v1@sha256:{HEX}"));
        assert_eq!(full.repository.as_deref(), Some("docker.io/acme/wallet"));
        assert_eq!((full.tag.as_deref(), full.pin), (Some("v1"), Pin::Digest(digest)));
        let bare = ImageReference::parse("localhost:5000/a");
        assert_eq!((bare.repository.as_deref(), bare.tag, bare.pin), (Some("localhost:5000/a"), None, Pin::Nothing));
        for bad in ["a@", "a@sha256:00", &format!("a@sha256:{}", HEX.to_uppercase()), &format!("a@sha256:{HEX}@x")] {
            assert!(matches!(ImageReference::parse(bad).pin, Pin::Malformed(_)), "{bad}");
        }
        assert_eq!(ImageReference::parse(&format!("a@sha512:{HEX}{HEX}")).digest(), None);
    }

    #[test]
    fn variables_are_named_and_a_digest_behind_them_pins() {
        let image = ImageReference::parse(&format!("{{{{ .Env.REGISTRY }}}}/wallet@sha256:{HEX}"));
        assert_eq!(image.variables, ["{{ .Env.REGISTRY }}"]);
        assert!(image.repository.is_none() && image.digest().is_some());
        for (text, found) in [
            ("${REGISTRY:-docker.io}/a:${TAG}", vec!["${REGISTRY:-docker.io}", "${TAG}"]),
            ("a:$TAG", vec!["$TAG"]),
            ("a:$$", vec!["$", "$"]),
            ("${open", vec!["${open"]),
            ("{{ open", vec!["{{ open"]),
            ("a{b", vec!["{b"]),
        ] {
            assert_eq!(ImageReference::parse(text).variables, found, "{text}");
        }
    }
}
