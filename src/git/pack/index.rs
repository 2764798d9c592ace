//! Pack indexes, version 2 (gitformat-pack(5), "Version 2 pack-*.idx files").
//!
//! An index suggests where entries start. Its contents are compared with the pack, and it is never needed to prove an
//! object.

use crate::git::hash::Sha1;
use crate::git::object_id::ObjectId;

const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
const FANOUT: usize = 256 * 4;

/// One entry of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: ObjectId,
    pub(super) crc32: u32,
    pub(super) start: usize,
}

/// An index, decoded strictly.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// Sorted by start.
    pub(super) rows: Vec<Row>,
    /// The checksum of the pack to which the index claims to belong.
    pub(super) pack_checksum: ObjectId,
}

/// A fault of an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum IndexFault {
    #[error("it is not a version 2 index")]
    Version,
    #[error("its length does not match its number of objects")]
    Length,
    #[error("its fanout table does not match its object names")]
    Fanout,
    #[error("its object names are unsorted or contain a duplicate")]
    Order,
    #[error("an offset points outside its table of large offsets")]
    Offset,
    #[error("its checksum is wrong: expected {expected}, found {found}")]
    Checksum { expected: ObjectId, found: ObjectId },
    #[error("it was made by a SHA-1 collision attack")]
    Collision,
}

impl Index {
    /// Decodes the whole file. The caller compares the offsets with the pack.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, IndexFault> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(IndexFault::Version)?;
        let (body, expected) = bytes.split_last_chunk::<20>().ok_or(IndexFault::Length)?;
        let (fanout, rest) = rest.split_at_checked(FANOUT).ok_or(IndexFault::Length)?;
        let count = fanout.last_chunk::<4>().map_or(0, number);
        let (ids, rest) = split(rest, count, 20)?;
        let (checksums, rest) = split(rest, count, 4)?;
        let (offsets, rest) = split(rest, count, 4)?;
        let (large, trailer) = rest.split_at_checked(rest.len().saturating_sub(40)).ok_or(IndexFault::Length)?;
        let (pack_checksum, _) = trailer.split_first_chunk::<20>().ok_or(IndexFault::Length)?;
        let ids = ids.as_chunks::<20>().0;
        check_order(ids)?;
        check_fanout(fanout, ids)?;
        let mut rows = Vec::new();
        let fields = ids.iter().zip(checksums.as_chunks::<4>().0).zip(offsets.as_chunks::<4>().0);
        for ((id, crc32), offset) in fields {
            let start = start(u32::from_be_bytes(*offset), large)?;
            rows.push(Row { id: ObjectId::from_bytes(*id), crc32: u32::from_be_bytes(*crc32), start });
        }
        // There must be as many large offsets as entries that use one. Otherwise, two readers could compute different lengths.
        if rows_with_large_offset(offsets) * 8 != large.len() {
            return Err(IndexFault::Length);
        }
        check_own_checksum(body, ObjectId::from_bytes(*expected))?;
        rows.sort_unstable_by_key(|row| row.start);
        Ok(Self { rows, pack_checksum: ObjectId::from_bytes(*pack_checksum) })
    }
}

fn split(rest: &[u8], count: usize, width: usize) -> Result<(&[u8], &[u8]), IndexFault> {
    count.checked_mul(width).and_then(|length| rest.split_at_checked(length)).ok_or(IndexFault::Length)
}

fn number(bytes: &[u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(*bytes)).unwrap_or(usize::MAX)
}

fn check_order(ids: &[[u8; 20]]) -> Result<(), IndexFault> {
    if ids.is_sorted_by(|one, other| one < other) { Ok(()) } else { Err(IndexFault::Order) }
}

/// Cell `b` of the table is the number of names whose first byte is at most `b`.
fn check_fanout(fanout: &[u8], ids: &[[u8; 20]]) -> Result<(), IndexFault> {
    for (byte, cell) in (0..=u8::MAX).zip(fanout.as_chunks::<4>().0) {
        if number(cell) != ids.partition_point(|id| id.first().is_some_and(|&first| first <= byte)) {
            return Err(IndexFault::Fanout);
        }
    }
    Ok(())
}

const LARGE: u32 = 1 << 31;

fn rows_with_large_offset(offsets: &[u8]) -> usize {
    offsets.as_chunks::<4>().0.iter().filter(|offset| u32::from_be_bytes(**offset) & LARGE != 0).count()
}

fn start(offset: u32, large: &[u8]) -> Result<usize, IndexFault> {
    if offset & LARGE == 0 {
        return usize::try_from(offset).map_err(|_| IndexFault::Offset);
    }
    let at = usize::try_from(offset ^ LARGE).map_err(|_| IndexFault::Offset)?;
    let cell = large.as_chunks::<8>().0.get(at).ok_or(IndexFault::Offset)?;
    usize::try_from(u64::from_be_bytes(*cell)).map_err(|_| IndexFault::Offset)
}

fn check_own_checksum(body: &[u8], expected: ObjectId) -> Result<(), IndexFault> {
    let mut hasher = Sha1::new();
    hasher.update(body);
    match hasher.finish() {
        Ok(found) if found == expected => Ok(()),
        Ok(found) => Err(IndexFault::Checksum { expected: found, found: expected }),
        Err(_) => Err(IndexFault::Collision),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index of three names; the second offset is in the table of large offsets.
    fn index() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for byte in 0..=255u8 {
            let count: u32 = match byte {
                0 => 0,
                1..=8 => 1,
                _ => 3,
            };
            bytes.extend_from_slice(&count.to_be_bytes());
        }
        for id in [[1; 20], [9; 20], [10; 20]] {
            bytes.extend_from_slice(&id);
        }
        // The name 0a… is counted only from cell 10 onward.
        let cell = 8 + 9 * 4;
        bytes[cell..cell + 4].copy_from_slice(&2u32.to_be_bytes());
        for crc in [11u32, 22, 33] {
            bytes.extend_from_slice(&crc.to_be_bytes());
        }
        for offset in [200u32, LARGE, 12] {
            bytes.extend_from_slice(&offset.to_be_bytes());
        }
        bytes.extend_from_slice(&100u64.to_be_bytes());
        bytes.extend_from_slice(&[5; 20]);
        seal(bytes)
    }

    fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
        let mut hasher = Sha1::new();
        hasher.update(&bytes);
        bytes.extend_from_slice(hasher.finish().unwrap().as_bytes());
        bytes
    }

    fn changed(at: usize, to: u8) -> Vec<u8> {
        let mut bytes = index();
        bytes.truncate(bytes.len() - 20);
        bytes[at] = to;
        seal(bytes)
    }

    #[test]
    fn entries_are_sorted_in_pack_order() {
        let index = Index::read(&index()).unwrap();
        let starts: Vec<_> = index.rows.iter().map(|row| (row.start, row.crc32)).collect();
        assert_eq!(starts, [(12, 33), (100, 22), (200, 11)]);
        assert_eq!(index.pack_checksum, ObjectId::from_bytes([5; 20]));
    }

    #[test]
    fn inconsistent_indexes_are_refused() {
        let names = 8 + FANOUT;
        assert_eq!(Index::read(b"PACK"), Err(IndexFault::Version));
        assert_eq!(Index::read(&changed(7, 3)), Err(IndexFault::Version));
        assert_eq!(Index::read(&changed(8 + 3, 1)), Err(IndexFault::Fanout));
        assert!(Index::read(&changed(8 + FANOUT - 1, 4)).is_err());
        assert_eq!(Index::read(&changed(names, 11)), Err(IndexFault::Order));
        assert_eq!(Index::read(&changed(names + 60 + 12 + 4 + 3, 1)), Err(IndexFault::Offset));
        assert_eq!(Index::read(&changed(names + 60 + 12, 0x80)), Err(IndexFault::Offset));
        let mut checksum = index();
        *checksum.last_mut().unwrap() ^= 1;
        assert!(matches!(Index::read(&checksum), Err(IndexFault::Checksum { .. })));
        for length in 0..index().len() {
            assert!(Index::read(&index()[..length]).is_err(), "{length}");
        }
    }
}
