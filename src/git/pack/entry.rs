//! The header of one pack entry (gitformat-pack(5), "pack-*.pack files have the following format").

use crate::git::hash::Kind;
use crate::git::object_id::ObjectId;

/// The fields of an entry header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) stored: Stored,
    /// The inflated size of the entry, which is an object or a delta.
    pub(super) size: u64,
    /// Length of the header in bytes.
    pub(super) length: usize,
}

/// How an entry stores its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// Stored whole.
    Whole(Kind),
    /// The object is a delta to the entry that starts this many bytes before this entry.
    OffsetDelta(u64),
    /// The object is a delta to the object with this id.
    ReferenceDelta(ObjectId),
}

/// Decodes the header at the start of `bytes`. Returns `None` if the header is truncated, a number overflows, or the
/// type is not recognised.
pub(super) fn read_header(bytes: &[u8]) -> Option<Header> {
    let mut rest = bytes;
    let first = next(&mut rest)?;
    let mut size = u64::from(first & 0x0f);
    let mut shift = 4;
    let mut more = first & 0x80 != 0;
    while more {
        let byte = next(&mut rest)?;
        size |= shifted(byte & 0x7f, shift)?;
        shift += 7;
        more = byte & 0x80 != 0;
    }
    let stored = match first >> 4 & 7 {
        1 => Stored::Whole(Kind::Commit),
        2 => Stored::Whole(Kind::Tree),
        3 => Stored::Whole(Kind::Blob),
        4 => Stored::Whole(Kind::Tag),
        6 => Stored::OffsetDelta(read_distance(&mut rest)?),
        7 => {
            let (id, after) = rest.split_first_chunk::<20>()?;
            rest = after;
            Stored::ReferenceDelta(ObjectId::from_bytes(*id))
        }
        _ => return None,
    };
    Some(Header { stored, size, length: bytes.len() - rest.len() })
}

/// The distance of an offset delta: seven bits per byte, most significant first; one is added for each byte after the
/// first.
fn read_distance(rest: &mut &[u8]) -> Option<u64> {
    let mut byte = next(rest)?;
    let mut distance = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = next(rest)?;
        distance = distance.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7f);
    }
    (distance > 0).then_some(distance)
}

/// A number in the size encoding of packs and deltas: seven bits per byte, least significant first.
pub(super) fn read_size(rest: &mut &[u8]) -> Option<u64> {
    let (mut size, mut shift) = (0, 0);
    loop {
        let byte = next(rest)?;
        size |= shifted(byte & 0x7f, shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
}

/// `bits` shifted left, or `None` if a set bit would be lost.
fn shifted(bits: u8, shift: u32) -> Option<u64> {
    let moved = u64::from(bits).checked_shl(shift)?;
    (moved >> shift == u64::from(bits)).then_some(moved)
}

pub(super) fn next(rest: &mut &[u8]) -> Option<u8> {
    let (&first, after) = rest.split_first()?;
    *rest = after;
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_type_are_decoded() {
        // The header states type 3 and size 5 + (2 << 4) = 37.
        let blob = read_header(&[0xb5, 0x02, 0x99]).unwrap();
        assert_eq!((blob.stored, blob.size, blob.length), (Stored::Whole(Kind::Blob), 37, 2));
        // Distance 0x80 0x00 is 128: one is added for the second byte.
        let delta = read_header(&[0x61, 0x80, 0x00]).unwrap();
        assert_eq!((delta.stored, delta.size, delta.length), (Stored::OffsetDelta(128), 1, 3));
        let mut reference = vec![0x71];
        reference.extend_from_slice(&[7; 20]);
        let expected = Stored::ReferenceDelta(ObjectId::from_bytes([7; 20]));
        assert_eq!(read_header(&reference).map(|header| (header.stored, header.length)), Some((expected, 21)));
    }

    #[test]
    fn invalid_headers_are_refused() {
        let overflowing_size = [&[0xb5][..], &[0xff; 10], &[0x01]].concat();
        let overflowing_distance = [&[0x61][..], &[0xff; 12], &[0x01]].concat();
        for bad in
            [&[][..], &[0x00], &[0x50], &[0xb5], &[0x61, 0x00], &[0x71, 1, 2], &overflowing_size, &overflowing_distance]
        {
            assert_eq!(read_header(bad), None, "{bad:?}");
        }
    }
}
