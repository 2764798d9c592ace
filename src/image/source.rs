//! The location of an image, in the syntax of skopeo's transports (containers-transports(5)).

use std::fmt;
use std::path::{Path, PathBuf};

use super::Form;
use crate::base::system::slashed;

/// An image source as specified by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `docker://REF`: a registry.
    Registry(String),
    /// `oci:PATH[:REF]`: a folder with an OCI image layout.
    Layout(PathBuf, Option<String>),
    /// `oci-archive:FILE[:REF]`: an OCI image layout in a tar file.
    LayoutArchive(PathBuf, Option<String>),
    /// `docker-archive:FILE[:REF]`: the output of `docker save`. REF is `NAME:TAG`, or `@N` for the N-th image, counted from 0.
    DockerArchive(PathBuf, Option<String>),
    /// `dir:PATH`: manifest and blobs as files, byte for byte as in the registry.
    Directory(PathBuf),
    /// A bare path. The content of the file or folder determines the form.
    Path(PathBuf),
}

impl Source {
    /// Parses a source. After a transport other than `dir:`, the path ends at the first `:`, as in skopeo. A path with a colon can be
    /// specified without a transport.
    ///
    /// # Errors
    /// A message for an unsupported transport or an empty path.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(format!("an empty image source; expected {FORMS}"));
        }
        let Some((transport, rest)) = text.split_once(':') else { return Ok(Self::Path(text.into())) };
        let (path, reference) = path_and_reference(rest, cfg!(windows));
        let reference = reference.filter(|reference| !reference.is_empty()).map(str::to_owned);
        let source = match transport {
            "docker" => match rest.strip_prefix("//") {
                Some(name) if !name.is_empty() => return Ok(Self::Registry(name.to_owned())),
                _ => return Err("expected docker://NAME with :TAG or @sha256:DIGEST".into()),
            },
            "oci" => Self::Layout(path.into(), reference),
            "oci-archive" => Self::LayoutArchive(path.into(), reference),
            "docker-archive" => Self::DockerArchive(path.into(), reference),
            "dir" => Self::Directory(rest.into()),
            "containers-storage" | "docker-daemon" | "ostree" | "sif" | "tarball" | "atomic" => {
                return Err(format!(
                    "the transport {transport}: is not supported; save the image with skopeo first ({FORMS})"
                ));
            }
            _ => return Ok(Self::Path(text.into())),
        };
        match path.is_empty() {
            true => Err(format!("{transport}: expected a path")),
            false => Ok(source),
        }
    }

    /// The path, the form if stated, and the reference that selects one of several images. `None` for a registry.
    pub(crate) fn place(&self) -> Option<(&Path, Option<Form>, Option<&str>)> {
        match self {
            Self::Registry(_) => None,
            Self::Layout(path, reference) | Self::LayoutArchive(path, reference) => {
                Some((path, Some(Form::Layout), reference.as_deref()))
            }
            Self::DockerArchive(path, reference) => Some((path, Some(Form::DockerArchive), reference.as_deref())),
            Self::Directory(path) => Some((path, Some(Form::Directory), None)),
            Self::Path(path) => Some((path, None, None)),
        }
    }
}

/// Splits at the first `:`. On systems with drive letters, the drive letter in `C:/` or `C:\` is part of the path.
fn path_and_reference(rest: &str, has_drives: bool) -> (&str, Option<&str>) {
    let is_drive =
        has_drives && matches!(rest.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    let start = if is_drive { "C:".len() } else { 0 };
    match rest.get(start..).and_then(|after| after.find(':')) {
        Some(at) => {
            let (path, reference) = rest.split_at(start + at);
            (path, reference.strip_prefix(':'))
        }
        None => (rest, None),
    }
}

const FORMS: &str =
    "docker://REF, oci:PATH[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:PATH or a path";

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, path, reference) = match self {
            Self::Registry(name) => return write!(f, "docker://{name}"),
            Self::Path(path) => return write!(f, "{}", slashed(path)),
            Self::Directory(path) => return write!(f, "dir:{}", slashed(path)),
            Self::Layout(path, reference) => ("oci", path, reference),
            Self::LayoutArchive(path, reference) => ("oci-archive", path, reference),
            Self::DockerArchive(path, reference) => ("docker-archive", path, reference),
        };
        write!(f, "{transport}:{}", slashed(path))?;
        reference.as_ref().map_or(Ok(()), |reference| write!(f, ":{reference}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_parsed_and_printed_as_skopeo_does() {
        for text in [
            "docker://localhost:5000/acme/wallet:v1",
            "docker://acme/wallet@sha256:00",
            "oci:evidence/image",
            "oci:evidence/image:v1",
            "oci-archive:image.tar:docker.io/acme/wallet:v1",
            "docker-archive:image.tar",
            "docker-archive:image.tar:acme/wallet:v1",
            "docker-archive:image.tar:@0",
            "dir:a:b",
            "evidence/image",
            "C:/images/wallet.tar",
        ] {
            assert_eq!(Source::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Source::parse("oci:a:"), Ok(Source::Layout("a".into(), None)));
        assert_eq!(Source::parse("image.tar"), Ok(Source::Path("image.tar".into())));
    }

    #[test]
    fn a_drive_letter_is_part_of_the_path() {
        for (text, path, reference) in [
            ("C:\\image", "C:\\image", None),
            ("C:/image:v1", "C:/image", Some("v1")),
            ("c:image", "c", Some("image")),
            ("image:v1:x", "image", Some("v1:x")),
        ] {
            assert_eq!(path_and_reference(text, true), (path, reference));
        }
        assert_eq!(path_and_reference("C:/image", false), ("C", Some("/image")));
    }

    #[test]
    fn empty_and_unsupported_sources_are_refused() {
        for bad in [
            "",
            "docker:",
            "docker://",
            "docker:acme/wallet",
            "oci:",
            "dir:",
            "docker-archive::v1",
            "docker-daemon:x:y",
        ] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }
}
