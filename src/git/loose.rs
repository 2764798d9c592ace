//! Loose objects: one zlib stream of `<kind> <size>\0<content>` per file (gitformat-loose(5)).

use super::hash::{Collision, Kind, object_id};
use super::inflate::{InflateFault, Inflater};
use super::object_id::ObjectId;
use crate::base::limits::Limits;

/// A fault of a loose object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LooseFault {
    #[error("its header is malformed")]
    Header,
    #[error(transparent)]
    Inflate(#[from] InflateFault),
    #[error("there are bytes after its zlib stream")]
    Rest,
    #[error("it is larger than the limit git_object_bytes")]
    TooLarge,
    #[error("{}", Collision)]
    Collision,
    #[error("its content hashes to {0}")]
    Name(ObjectId),
}

/// The longest header is `commit ` and 20 digits.
const HEADER_BYTES_MAX: usize = 32;

/// The object id that the file's path states: two digits in the folder name, 38 in the file name.
pub(super) fn id_of_path(path: &[u8]) -> Option<ObjectId> {
    let text = std::str::from_utf8(path).ok()?;
    let (folder, name) = text.split_once('/')?;
    if folder.len() != 2 {
        return None;
    }
    ObjectId::from_hex(&format!("{folder}{name}"))
}

/// The size that the object's header states; 0 if there is no valid header, because such an object is not inflated.
pub(super) fn claimed_size(file: &[u8], inflater: &mut Inflater) -> u64 {
    let start = inflater.peek(file, HEADER_BYTES_MAX).unwrap_or_default();
    let nul = start.iter().position(|&byte| byte == 0);
    nul.and_then(|nul| read_header(start.get(..nul)?)).map_or(0, |(_, size)| size)
}

/// Inflates a loose object. The object's content is not compared with an id.
pub(super) fn read(file: &[u8], inflater: &mut Inflater, limits: &Limits) -> Result<(Kind, Vec<u8>), LooseFault> {
    let start = inflater.peek(file, HEADER_BYTES_MAX)?;
    let nul = start.iter().position(|&byte| byte == 0).ok_or(LooseFault::Header)?;
    let (kind, size) = start.get(..nul).and_then(read_header).ok_or(LooseFault::Header)?;
    if size > limits.git_object_bytes {
        return Err(LooseFault::TooLarge);
    }
    let size = usize::try_from(size).map_err(|_| LooseFault::TooLarge)?;
    let mut content = Vec::new();
    let used = inflater.inflate(file, size.saturating_add(nul + 1), &mut content)?;
    if used != file.len() {
        return Err(LooseFault::Rest);
    }
    content.drain(..=nul);
    Ok((kind, content))
}

/// Inflates a loose object and compares its content with its id.
pub(super) fn prove(
    id: ObjectId,
    file: &[u8],
    inflater: &mut Inflater,
    limits: &Limits,
) -> Result<(Kind, Vec<u8>), LooseFault> {
    let (kind, content) = read(file, inflater, limits)?;
    match object_id(kind, &content) {
        Ok(found) if found == id => Ok((kind, content)),
        Ok(found) => Err(LooseFault::Name(found)),
        Err(Collision) => Err(LooseFault::Collision),
    }
}

/// Reads `<kind> <size>`; the digits must not have a leading zero.
fn read_header(header: &[u8]) -> Option<(Kind, u64)> {
    let (kind, size) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let plain = size.bytes().all(|digit| digit.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
    Some((Kind::from_name(kind.as_bytes())?, size.parse().ok().filter(|_| plain)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn deflate(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn run(file: &[u8]) -> Result<(Kind, Vec<u8>), LooseFault> {
        // The id that `printf 'hello\nworld\n' | git hash-object --stdin` prints.
        let id = ObjectId::from_hex("94954abda49de8615a048f8d2e64b5de848e27a1").unwrap();
        prove(id, file, &mut Inflater::new(), &Limits::default())
    }

    #[test]
    fn only_content_that_hashes_to_its_id_is_accepted() {
        let good = deflate(b"blob 12\0hello\nworld\n");
        assert_eq!(run(&good), Ok((Kind::Blob, b"hello\nworld\n".to_vec())));
        assert!(matches!(run(&deflate(b"blob 12\0hello\nwOrld\n")), Err(LooseFault::Name(_))));
        assert!(matches!(run(&deflate(b"tree 12\0hello\nworld\n")), Err(LooseFault::Name(_))));
        assert_eq!(run(&[&good[..], b"x"].concat()), Err(LooseFault::Rest));
        for size in [11, 13] {
            let lying = deflate(format!("blob {size}\0hello\nworld\n").as_bytes());
            assert_eq!(run(&lying), Err(InflateFault::Size.into()), "{size}");
        }
        assert_eq!(run(&good[..good.len() - 3]), Err(InflateFault::Stream.into()));
        for header in ["blob 012", "blob +12", "Blob 12", "blob  12", "blob 12 ", "blob", "blob 99999999999999999999"] {
            let bad = deflate(format!("{header}\0hello\nworld\n").as_bytes());
            assert_eq!(run(&bad), Err(LooseFault::Header), "{header}");
        }
        assert_eq!(run(&deflate(b"blob 9999999999\0")), Err(LooseFault::TooLarge));
        assert_eq!(run(&deflate(&[b'x'; 100])), Err(LooseFault::Header));
    }

    #[test]
    fn ids_are_read_from_file_paths() {
        assert!(id_of_path(b"94/954abda49de8615a048f8d2e64b5de848e27a1").is_some());
        for other in
            [&b"pack/pack-1.pack"[..], b"94/954abda49de8615a048f8d2e64b5de848e27A1", b"949/54abda49", b"94/tmp_obj_x"]
        {
            assert!(id_of_path(other).is_none());
        }
    }
}
