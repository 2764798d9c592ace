//! Annotated tags.

use super::identity::Identity;
use super::lines::{read_id, split_header, take_line};
use crate::git::hash::Kind;
use crate::git::malformed::Malformed;
use crate::git::object_id::ObjectId;

/// An annotated tag, decoded strictly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tagged object.
    pub object: ObjectId,
    /// The kind that the tag states for the tagged object.
    pub kind: Kind,
    /// The tag's own name, as text. A ref to the tag may have a different name.
    pub name: String,
    /// The tagger; early tags do not have one.
    pub tagger: Option<Identity>,
    /// The text after the headers, including a signature at its end.
    pub message: Vec<u8>,
}

impl Tag {
    /// Decodes a tag.
    ///
    /// # Errors
    /// The first fault that `git fsck --strict` would report as an error.
    pub fn read(content: &[u8]) -> Result<Self, Malformed> {
        let (mut rest, body) = split_header(content)?;
        let object = take_line(&mut rest, "object").ok_or(Malformed::MissingObject)?;
        let object = read_id(object).ok_or(Malformed::BadObjectSha1)?;
        let kind = take_line(&mut rest, "type").ok_or(Malformed::MissingTypeEntry)?;
        let kind = Kind::from_name(kind).ok_or(Malformed::BadType)?;
        let name = take_line(&mut rest, "tag").ok_or(Malformed::MissingTagEntry)?;
        let tagger = take_line(&mut rest, "tagger").map(Identity::read).transpose()?;
        Ok(Self { object, kind, name: String::from_utf8_lossy(name).into_owned(), tagger, message: body.to_vec() })
    }
}

/// Checks a tag as `git fsck --strict` does. Whether a tag name is a valid ref name is not checked, because `git fsck` reports an invalid name only
/// as information.
pub(super) fn check_tag(content: &[u8]) -> Result<(), Malformed> {
    match Tag::read(content)?.tagger {
        Some(_) => Ok(()),
        None => Err(Malformed::MissingTaggerEntry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn a_tag_is_read_and_its_faults_are_reported() {
        let good = format!("object {ID}\ntype commit\ntag v1\ntagger Ada <a@b> 1 +0000\n\nfirst\n");
        let tag = Tag::read(good.as_bytes()).unwrap();
        assert_eq!((tag.kind, tag.name.as_str(), tag.message.as_slice()), (Kind::Commit, "v1", &b"first\n"[..]));
        assert_eq!(check_tag(good.as_bytes()), Ok(()));
        for (from, to, fault) in [
            ("object", "objekt", Malformed::MissingObject),
            ("1111", "111g", Malformed::BadObjectSha1),
            ("type commit\n", "", Malformed::MissingTypeEntry),
            ("type commit", "type comit", Malformed::BadType),
            ("tag v1\n", "", Malformed::MissingTagEntry),
            ("tagger Ada <a@b> 1 +0000\n", "", Malformed::MissingTaggerEntry),
            ("<a@b>", "<a@b", Malformed::BadEmail),
            ("v1", "v\0", Malformed::NulInHeader),
        ] {
            assert_eq!(check_tag(good.replacen(from, to, 1).as_bytes()), Err(fault), "{to}");
        }
    }
}
