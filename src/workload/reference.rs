//! How a workload refers to an image.

use crate::base::digest::Sha256;
use crate::base::image_name::{ImageName, NameDigest};

/// An image as referenced by a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// The name as written in the workload.
    pub text: String,
    /// The full repository name, if the name contains no variable.
    pub repository: Option<String>,
    /// The tag, if one is written.
    pub tag: Option<String>,
    /// Whether a digest pins the image, and which.
    pub pin: Pin,
    /// Unresolved variables, as written.
    pub variables: Vec<String>,
}

/// How an image is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// The digest of its manifest pins the image.
    Digest(Sha256),
    /// Nothing pins the image: the reference may have a tag, but a tag does not pin an image.
    Nothing,
    /// The digest uses an algorithm that this program does not compute.
    Unsupported(String),
}

impl ImageReference {
    /// Parses a name according to the grammar of image names (distribution/reference). Variables are found first; each variable counts as
    /// one character of the component that contains it.
    ///
    /// # Errors
    /// A message for a name that no runtime accepts, or that may hide a different image.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (variables, resolved) = variables(text);
        // Valid names without variables are usually shorter than this.
        let shown = text.get(..text.floor_char_boundary(600)).unwrap_or_default();
        let malformed = |why: &str| format!("malformed image name {shown:?}: {why}");
        let plain = variables.is_empty();
        if let Some(transport) = transport_of(&with_defaults(text)) {
            return Err(malformed(&format!(
                "podman reads `{transport}:` as a transport and gets the image from there, regardless of the digest: specify the image with its registry"
            )));
        }
        if let Some(action) = variables.iter().find(|one| one.starts_with("{{") && !is_plain_action(one)) {
            return Err(malformed(&format!(
                "the template action {action} can hide text: replace it with {{{{ .Env.NAME }}}} or the name itself"
            )));
        }
        // A digest with a variable in it does not pin anything, and its grammar cannot be checked yet.
        let known = match resolved.split_once('@') {
            Some((name, digest)) if digest.contains(IN_PLACE) => name,
            _ => &resolved,
        };
        let name = ImageName::parse(&known.replace(IN_PLACE, "1")).map_err(malformed)?;
        let pin = match name.digest() {
            Some(NameDigest::Sha256(digest)) => Pin::Digest(*digest),
            Some(NameDigest::Unsupported(digest)) => Pin::Unsupported(digest.clone()),
            None => Pin::Nothing,
        };
        let tag = name.tag().map(str::to_owned).filter(|_| plain);
        Ok(Self { text: text.to_owned(), repository: plain.then(|| name.repository()), tag, pin, variables })
    }

    /// Whether the image may be in this repository, for some values of the variables. What comes before the last variable, and the first component
    /// after it, may be written in other ways, and are not compared.
    pub fn may_be_in(&self, repository: &str) -> bool {
        let Some(variable) = self.variables.last() else { return self.repository.as_deref() == Some(repository) };
        let after = self.text.rsplit_once(variable.as_str()).map_or("", |(_, after)| after);
        let name = after.split('@').next().unwrap_or_default();
        // A tag has no slash: without one, it is not known whether this is the end of the name.
        let Some((_, path)) = name.split_once('/') else { return true };
        let path = path.split(':').next().unwrap_or_default();
        repository.ends_with(&format!("/{path}"))
    }

    /// The digest that pins the image.
    pub fn digest(&self) -> Option<Sha256> {
        match self.pin {
            Pin::Digest(digest) => Some(digest),
            Pin::Nothing | Pin::Unsupported(_) => None,
        }
    }
}

/// Transports of containers/image. podman tries these transports before it reads a string as an image name (containers/common, libimage/pull.go):
/// `dir:a@sha256:…` is a folder on podman's disk, with the digest as part of the folder's name. `docker:` is a transport only if `//` follows;
/// otherwise, it is the name of a public image.
const TRANSPORTS: [&str; 10] = [
    "dir",
    "oci",
    "oci-archive",
    "docker-archive",
    "docker-daemon",
    "containers-storage",
    "sif",
    "tarball",
    "ostree",
    "atomic",
];

fn transport_of(text: &str) -> Option<&'static str> {
    let begins = |transport: &&&str| text.strip_prefix(**transport).is_some_and(|rest| rest.starts_with(':'));
    TRANSPORTS.iter().find(begins).copied()
}

/// The text with each `${NAME:-default}` replaced by its default, and other variables removed.
fn with_defaults(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = next_variable(rest) {
        let (before, tail) = rest.split_at(at);
        let (variable, after) = tail.split_at(length(tail));
        filled.push_str(before);
        let inner = variable.strip_prefix("${").and_then(|inner| inner.strip_suffix('}')).unwrap_or_default();
        let default = inner.split_once('-').map_or("", |(_, default)| default);
        // A default may contain variables.
        filled.push_str(&if default.contains('$') { with_defaults(default) } else { default.to_owned() });
        rest = after;
    }
    filled + rest
}

/// Whether the action is `{{ .Env.NAME }}`, which inserts one value. Other Go template actions (`if`, `define`, comments) can remove text around them.
pub(super) fn is_plain_action(action: &str) -> bool {
    let inner = action.strip_prefix("{{").and_then(|inner| inner.strip_suffix("}}")).map(str::trim);
    let name = inner.and_then(|inner| inner.strip_prefix(".Env."));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}

/// Marks the position of a variable. No image name contains this character, and text that contains it is refused.
const IN_PLACE: char = '\u{1}';

/// The variables of compose (`$NAME`, `${NAME:-x}`) and of Go templates (`{{ .Env.NAME }}`), and the text with [`IN_PLACE`] in place of each
/// variable. `$$` is compose's escape and is never part of an image name: it counts as two variables, so that the text cannot be read in two ways.
fn variables(text: &str) -> (Vec<String>, String) {
    let (mut found, mut resolved) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(at) = next_variable(rest) {
        let (before, tail) = rest.split_at(at);
        let (variable, after) = tail.split_at(length(tail));
        resolved.extend(before.chars().map(|letter| if letter == IN_PLACE { '\u{2}' } else { letter }));
        resolved.push(IN_PLACE);
        found.push(variable.to_owned());
        rest = after;
    }
    resolved.extend(rest.chars().map(|letter| if letter == IN_PLACE { '\u{2}' } else { letter }));
    (found, resolved)
}

fn next_variable(text: &str) -> Option<usize> {
    [text.find('$'), text.find("{{")].into_iter().flatten().min()
}

/// Length in bytes of the variable at the start of `text`. `${A:-${B}}` is a single variable.
fn length(text: &str) -> usize {
    if text.starts_with("{{") {
        return text.find("}}").map_or(text.len(), |end| end + 2);
    }
    if text.starts_with("${") {
        let mut open = 0_usize;
        for (at, letter) in text.char_indices() {
            match letter {
                '{' => open += 1,
                '}' if open == 1 => return at + 1,
                '}' => open -= 1,
                _ => {}
            }
        }
        return text.len();
    }
    1 + text.bytes().skip(1).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ffbaf396e2d1ee9d9a2f3c0a3dc9ae4ba1c1ba0a5b2f0a1d2d3c4b5a69788796";

    #[test]
    fn names_are_split_into_their_parts() {
        let digest = Sha256::from_hex(HEX).unwrap();
        let full = ImageReference::parse(&format!("acme/wallet:v1@sha256:{HEX}")).unwrap();
        assert_eq!(full.repository.as_deref(), Some("docker.io/acme/wallet"));
        assert_eq!((full.tag.as_deref(), full.pin), (Some("v1"), Pin::Digest(digest)));
        let bare = ImageReference::parse("localhost:5000/a").unwrap();
        assert_eq!((bare.repository.as_deref(), bare.tag, bare.pin), (Some("localhost:5000/a"), None, Pin::Nothing));
        let other = ImageReference::parse(&format!("a@sha512:{HEX}{HEX}")).unwrap();
        assert_eq!((other.digest(), other.pin), (None, Pin::Unsupported(format!("sha512:{HEX}{HEX}"))));
    }

    #[test]
    fn names_that_no_runtime_accepts_are_malformed() {
        let pinned = |name: &str| format!("{name}@sha256:{HEX}");
        for bad in [
            "a@".to_owned(),
            "a@sha256:00".into(),
            format!("a@sha256:{}", HEX.to_uppercase()),
            format!("a@sha256:{HEX}@x"),
            pinned(""),
            pinned(" docker.io/acme/wallet"),
            pinned("docker.io/Acme/wallet"),
            // This name is malformed, regardless of the variable's value.
            pinned("docker.io/Acme/${NAME}"),
            pinned(" ${NAME}"),
            pinned("a\u{1}b"),
            "a\u{1}:$TAG".into(),
            "a{b".into(),
            "a:x}".into(),
        ] {
            let why = ImageReference::parse(&bad).unwrap_err();
            assert!(why.starts_with("malformed image name"), "{bad}: {why}");
        }
    }

    #[test]
    fn an_image_with_variables_may_be_in_the_repositories_that_end_like_its_name() {
        let may = |name: &str, repository: &str| ImageReference::parse(name).unwrap().may_be_in(repository);
        for (name, wallet, other) in [
            ("acme/wallet", true, false),
            ("${REG}/acme/wallet:v1", true, false),
            ("${REG}acme/wallet", true, false),
            ("${A}/${B}/wallet", true, false),
            ("docker.io/acme/${NAME}", true, true),
            ("docker.io/acme/x:${TAG}-y", true, true),
            ("${REG}docker.io/wallet", true, false),
        ] {
            assert_eq!(
                (may(name, "docker.io/acme/wallet"), may(name, "docker.io/acme/other")),
                (wallet, other),
                "{name}"
            );
        }
    }

    #[test]
    fn variables_are_listed_and_a_digest_after_them_pins_the_image() {
        for name in [
            "{{ .Env.REGISTRY }}/wallet",
            "${REGISTRY:-docker.io}/wallet:${TAG}",
            "registry.example:${PORT}/wallet",
            "${REGISTRY}:5000/acme/${NAME}-x",
            "${IMAGE:-acme/wallet:v1@sha256:00}",
            "${A:-${B}}/wallet",
        ] {
            let image = ImageReference::parse(&format!("{name}@sha256:{HEX}")).unwrap();
            assert!(image.repository.is_none() && image.tag.is_none() && image.digest().is_some(), "{name}");
        }
        for (text, found) in [
            ("${REGISTRY:-docker.io}/a:${TAG}", vec!["${REGISTRY:-docker.io}", "${TAG}"]),
            ("a:$TAG", vec!["$TAG"]),
            ("a:$$", vec!["$", "$"]),
            ("${A:-${B}}", vec!["${A:-${B}}"]),
            ("${open", vec!["${open"]),
            ("a@${DIGEST}", vec!["${DIGEST}"]),
            ("a@sha256:${HEX}", vec!["${HEX}"]),
        ] {
            let image = ImageReference::parse(text).unwrap();
            assert_eq!(
                (image.variables, image.pin),
                (found.into_iter().map(str::to_owned).collect(), Pin::Nothing),
                "{text}"
            );
        }
        let pinned = ImageReference::parse(&format!("a@sha256:{HEX}${{MORE}}")).unwrap();
        assert_eq!(pinned.digest(), None);
    }

    /// For each name in the first list, podman would get the image from the local disk.
    #[test]
    fn names_with_a_transport_are_refused() {
        let digest = format!("@sha256:{}", "a".repeat(64));
        for text in [
            "dir:evil",
            "oci:evil",
            "sif:evil",
            "oci-archive:a",
            "${X:-dir:/srv/evil}",
            "${X-oci:}evil",
            "${X:-oci}:evil",
            "${A:-${B:-dir:}}b",
        ] {
            let refused = ImageReference::parse(&format!("{text}{digest}")).unwrap_err();
            assert!(refused.contains("transport"), "{text}: {refused}");
        }
        for text in [
            "docker:27",
            "dir/evil",
            "director:v1",
            "localhost:5000/dir",
            "${REGISTRY:-r.example:5000}/dir",
            "a/oci:v1",
            "${X}/a",
        ] {
            assert!(ImageReference::parse(&format!("{text}{digest}")).is_ok(), "{text}");
        }
    }

    /// An action that can hide text is not a variable.
    #[test]
    fn only_plain_template_actions_are_accepted() {
        let digest = format!("@sha256:{}", "a".repeat(64));
        for text in
            ["evil:1{{ if false }}", "{{ define \"x\" }}a", "{{/* a */}}evil", "{{ .Env }}a", "{{ .Env.A | b }}"]
        {
            assert!(ImageReference::parse(&format!("{text}{digest}")).is_err(), "{text}");
        }
        assert!(ImageReference::parse(&format!("{{{{ .Env.REGISTRY }}}}/a{digest}")).is_ok());
    }
}
