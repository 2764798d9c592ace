//! Packs made by git, and hostile packs.
#![allow(clippy::cast_possible_truncation)]

use std::io::Write as _;

use super::*;
use crate::git::hash::{Sha1, object_id};
use crate::git::test_repository::TestRepository;

const THREADS: [usize; 3] = [1, 2, 5];

/// An object with its kind and content, or a delta to an earlier entry or to an object specified by its id.
enum Item<'a> {
    Whole(Kind, &'a [u8]),
    Back(usize, &'a [u8]),
    Reference(ObjectId, &'a [u8]),
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn size_bytes(mut size: usize, first_bits: u32, first: u8) -> Vec<u8> {
    let mut bytes = vec![first | (size & ((1 << first_bits) - 1)) as u8];
    size >>= first_bits;
    while size > 0 {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push((size & 0x7f) as u8);
        size >>= 7;
    }
    bytes
}

/// A pack of these items.
fn pack(items: &[Item<'_>]) -> Vec<u8> {
    let mut bytes = [b"PACK\0\0\0\x02".as_slice(), &u32::try_from(items.len()).unwrap().to_be_bytes()].concat();
    let mut starts = Vec::new();
    for item in items {
        starts.push(bytes.len());
        let (number, content) = match item {
            Item::Whole(Kind::Commit, content) => (1, content),
            Item::Whole(Kind::Tree, content) => (2, content),
            Item::Whole(Kind::Blob, content) => (3, content),
            Item::Whole(Kind::Tag, content) => (4, content),
            Item::Back(_, content) => (6, content),
            Item::Reference(_, content) => (7, content),
        };
        let start = bytes.len();
        bytes.extend(size_bytes(content.len(), 4, number << 4));
        match item {
            Item::Back(entry, _) => {
                let mut distance = start - starts[*entry];
                let mut digits = vec![(distance & 0x7f) as u8];
                distance >>= 7;
                while distance > 0 {
                    distance -= 1;
                    digits.insert(0, 0x80 | (distance & 0x7f) as u8);
                    distance >>= 7;
                }
                bytes.extend(digits);
            }
            Item::Reference(id, _) => bytes.extend_from_slice(id.as_bytes()),
            Item::Whole(..) => {}
        }
        bytes.extend(deflate(content));
    }
    seal(bytes)
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut hasher = Sha1::new();
    hasher.update(&bytes);
    bytes.extend_from_slice(hasher.finish().unwrap().as_bytes());
    bytes
}

/// A delta that appends one byte to a base of `size` bytes, which must be below 65,536.
fn longer_by(size: usize, byte: u8) -> Vec<u8> {
    let mut delta = [size_bytes(size, 7, 0), size_bytes(size + 1, 7, 0)].concat();
    delta.extend([0xb0, (size & 0xff) as u8, (size >> 8) as u8, 1, byte]);
    delta
}

fn inflated(limits: &Limits) -> Inflated {
    Inflated::new(limits, &crate::base::budget::Budget::of_unknown_input(limits))
}

fn run_with(pack: &[u8], index: Option<&[u8]>, limits: &Limits) -> (Vec<ObjectId>, Vec<String>) {
    let answers = THREADS.map(|threads| {
        let verified = verify(pack, index, &HashSet::new(), threads, limits, &inflated(limits));
        let ids: Vec<ObjectId> = verified.proved.iter().map(|(_, id, _)| *id).collect();
        (ids, verified.faults)
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "the result depends on the number of threads");
    answers[0].clone()
}

fn run(pack: &[u8]) -> (Vec<ObjectId>, Vec<String>) {
    run_with(pack, None, &Limits::default())
}

fn blob(content: &[u8]) -> ObjectId {
    object_id(Kind::Blob, content).unwrap()
}

/// Makes a pack with git and these options, from files that suit deltas. Returns the pack, its index, and git's listing
/// of it.
fn real_pack(options: &[&str]) -> (Vec<u8>, Vec<u8>, String) {
    let repository = TestRepository::new();
    let mut text = String::new();
    for number in 0..60 {
        text.push_str(&format!("line {number} of a file that grows and so is stored as a delta\n"));
        repository.write("a/b.txt", &text).write(&format!("c/{number}.txt"), format!("{number}\n"));
        repository.commit(&format!("commit {number}"));
    }
    repository.git(&["tag", "--annotate", "--message", "first", "v1"]);
    repository.git(&[options, &["repack", "-a", "-d", "-f", "--quiet", "--depth=30"]].concat());
    let folder = repository.path.join(".git/objects/pack");
    let name = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.ends_with(".idx"))
        .unwrap();
    let index = std::fs::read(folder.join(&name)).unwrap();
    let pack = std::fs::read(folder.join(name.replace(".idx", ".pack"))).unwrap();
    let list = repository.git(&["verify-pack", "--verbose", &format!(".git/objects/pack/{name}")]);
    (pack, index, list)
}

/// `<id> <kind>` of each object in git's listing.
fn expected(list: &str) -> Vec<String> {
    let mut objects: Vec<(u64, String)> = list
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let start = fields.get(4)?.parse().ok()?;
            (fields[0].len() == 40).then(|| (start, format!("{} {}", fields[0], fields[1])))
        })
        .collect();
    objects.sort();
    objects.into_iter().map(|(_, object)| object).collect()
}

#[test]
fn packs_made_by_git_give_the_objects_that_git_lists() {
    // Packs with offset deltas, with reference deltas and with no deltas.
    for options in [&[][..], &["-c", "repack.useDeltaBaseOffset=false"], &["-c", "pack.window=0"]] {
        let (pack, index, list) = real_pack(options);
        let expected = expected(&list);
        assert!(expected.len() > 180);
        assert_eq!(list.contains("chain length"), !options.contains(&"pack.window=0"));
        for index in [Some(index.as_slice()), None] {
            let verified = verify(&pack, index, &HashSet::new(), 2, &Limits::default(), &inflated(&Limits::default()));
            assert_eq!(verified.faults, Vec::<String>::new());
            let found: Vec<String> = verified.proved.iter().map(|(_, id, kind)| format!("{id} {kind}")).collect();
            assert_eq!(found, expected);
            assert_eq!(run_with(&pack, index, &Limits::default()).0.len(), expected.len());
        }
    }
}

#[test]
fn flipped_bytes_of_pack_and_index_are_detected() {
    let (pack, index, _) = real_pack(&[]);
    let limits = Limits::default();
    for at in (0..pack.len()).step_by(997) {
        let mut bad = pack.clone();
        bad[at] ^= 0x10;
        assert_ne!(
            verify(&bad, Some(&index), &HashSet::new(), 2, &limits, &inflated(&limits)).faults,
            Vec::<String>::new(),
            "pack {at}"
        );
    }
    for at in (0..index.len()).step_by(499) {
        let mut bad = index.clone();
        bad[at] ^= 0x10;
        assert_ne!(
            verify(&pack, Some(&bad), &HashSet::new(), 2, &limits, &inflated(&limits)).faults,
            Vec::<String>::new(),
            "index {at}"
        );
    }
}

/// Changes an index and corrects its checksum.
fn reseal(index: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut index = index[..index.len() - 20].to_vec();
    change(&mut index);
    seal(index)
}

#[test]
fn a_wrong_index_is_reported_and_the_objects_are_nevertheless_proved() {
    let (pack, index, list) = real_pack(&[]);
    let count = expected(&list).len();
    let (names, checksums, offsets) = (8 + 1024, 8 + 1024 + 20 * count, 8 + 1024 + 24 * count);
    let run = |index: Vec<u8>| run_with(&pack, Some(&index), &Limits::default());

    let (ids, faults) = run(reseal(&index, |index| index[checksums] ^= 1));
    assert_eq!((ids.len(), faults.len()), (count, 1));
    assert!(faults[0].ends_with("the index records a different CRC-32 for it"), "{faults:?}");

    let (ids, faults) = run(reseal(&index, |index| index[names + 19] ^= 1));
    assert_eq!((ids.len(), faults.len()), (count, 1));
    assert!(faults[0].ends_with("the index records a different id for it"), "{faults:?}");

    let (ids, faults) = run(reseal(&index, |index| index[offsets + 3] ^= 1));
    assert_eq!(ids.len(), count);
    assert_eq!(faults, ["its index: its offsets do not match the pack's entries"]);

    let end = index.len();
    let (ids, faults) = run(reseal(&index, |index| index[end - 40] ^= 1));
    assert_eq!((ids.len(), faults.len()), (count, 1));
    assert!(faults[0].starts_with("its index: it belongs to the pack with the checksum"), "{faults:?}");
}

#[test]
fn offset_and_reference_deltas_are_applied_in_any_order() {
    let base = b"base of all".as_slice();
    let [one, two] = [base, b"base of allA"].map(|content| longer_by(content.len(), b'A' + content.len() as u8 - 11));
    let made = [base.to_vec(), b"base of allA".to_vec(), b"base of allAB".to_vec()];
    let ids = [blob(&made[0]), blob(&made[1]), blob(&made[2])];
    let forward = pack(&[Item::Reference(ids[1], &two), Item::Reference(ids[0], &one), Item::Whole(Kind::Blob, base)]);
    assert_eq!(run(&forward), (vec![ids[2], ids[1], ids[0]], Vec::new()));
    let back = pack(&[Item::Whole(Kind::Blob, base), Item::Back(0, &one), Item::Back(1, &two)]);
    assert_eq!(run(&back), (ids.to_vec(), Vec::new()));
    let mixed = pack(&[Item::Whole(Kind::Blob, base), Item::Back(0, &one), Item::Reference(ids[1], &two)]);
    assert_eq!(run(&mixed), (ids.to_vec(), Vec::new()));
}

#[test]
fn deltas_that_directly_or_indirectly_need_a_missing_base_are_reported() {
    let delta = longer_by(3, b'x');
    let elsewhere = ObjectId::from_bytes([9; 20]);
    let (ids, faults) = run(&pack(&[Item::Whole(Kind::Blob, b"a"), Item::Reference(elsewhere, &delta)]));
    assert_eq!((ids.len(), faults.len()), (1, 1));
    assert!(
        faults[0]
            .ends_with("a base in its delta chain is missing from the pack or damaged, or the chain leads into a loop"),
        "{faults:?}"
    );
    // The base of the first delta is an id that no object has, and the base of the second delta is the first delta.
    let chain = pack(&[Item::Reference(elsewhere, &delta), Item::Back(0, &delta)]);
    let (ids, faults) = run(&chain);
    assert_eq!((ids.len(), faults.len()), (0, 2));
}

#[test]
fn chains_that_are_too_deep_are_refused_and_bases_are_dropped_after_their_last_delta() {
    let mut items = vec![Item::Whole(Kind::Blob, b"")];
    let deltas: Vec<Vec<u8>> = (0..100).map(|size| longer_by(size, b'x')).collect();
    items.extend(deltas.iter().enumerate().map(|(number, delta)| Item::Back(number, delta)));
    // A delta cannot copy an empty base, because a copy length of zero means 65,536.
    let first = [0, 1, 1, b'x'];
    items[1] = Item::Back(0, &first);
    let pack = pack(&items);
    assert_eq!(run(&pack).0.len(), 101);
    let limits = Limits { git_delta_depth: 50, ..Limits::default() };
    let (ids, faults) = run_with(&pack, None, &limits);
    assert_eq!(ids.len(), 51);
    assert!(faults[0].ends_with("deeper than the limit git_delta_depth"), "{faults:?}");
    // Each object alone is small, and a base is dropped after its last delta.
    let limits = Limits { git_delta_bytes: 300, ..Limits::default() };
    assert_eq!(run_with(&pack, None, &limits).1, Vec::<String>::new());
}

#[test]
fn delta_bombs_stop_at_the_limits() {
    let zeros = vec![0; 65_536];
    // The delta copies the whole base 20 times, so 20 bytes produce 1.3 MB.
    let mut bomb = [size_bytes(zeros.len(), 7, 0), size_bytes(20 * zeros.len(), 7, 0)].concat();
    bomb.extend([0x80; 20]);
    let items: Vec<Item<'_>> = std::iter::once(Item::Whole(Kind::Blob, zeros.as_slice()))
        .chain((0..50).map(|_| Item::Back(0, bomb.as_slice())))
        .collect();
    let pack = pack(&items);
    let (_, faults) = run_with(&pack, None, &Limits { git_object_bytes: 1 << 20, ..Limits::default() });
    assert!(faults[0].ends_with("its delta produces an object over the limit git_object_bytes"), "{faults:?}");
    assert_eq!(faults.len(), 21);
    let (ids, faults) = run_with(&pack, None, &Limits { git_inflated_bytes: 10 << 20, ..Limits::default() });
    assert_eq!(ids, []);
    assert_eq!(faults, ["its inflated objects are over the limit git_inflated_bytes=10485760"]);
    let (ids, faults) = run_with(&pack, None, &Limits { git_delta_bytes: 1 << 10, ..Limits::default() });
    assert_eq!(ids.len(), 1);
    assert!(faults[0].ends_with("needs more memory than the limit git_delta_bytes"), "{faults:?}");
}

#[test]
fn damaged_pack_headers_and_trailers_are_refused() {
    let good = pack(&[Item::Whole(Kind::Blob, b"a"), Item::Whole(Kind::Blob, b"b")]);
    let body = &good[..good.len() - 20];
    let faults = |bytes: &[u8]| run(bytes).1;
    assert_eq!(faults(&good), Vec::<String>::new());
    assert_eq!(faults(b"PACK"), ["it is truncated"]);
    assert_eq!(faults(b"pack\0\0\0\x02\0\0\0\0"), ["it is not a version 2 pack"]);
    assert_eq!(faults(&good.to_vec().tap(|bytes| bytes[7] = 3)), ["it is not a version 2 pack"]);
    assert_eq!(faults(&seal([body, b"rest"].concat())), ["there are 4 bytes between the last entry and the checksum"]);
    let more = seal(body.to_vec().tap(|bytes| bytes[11] = 3));
    assert_eq!(faults(&more), [format!("the entry at offset {} has a malformed header", body.len())]);
    let many = seal(body.to_vec().tap(|bytes| bytes[8] = 0xff));
    assert_eq!(faults(&many), ["it has more objects than the limit git_objects=20000000"]);
    let checksum = good.clone().tap(|bytes| *bytes.last_mut().unwrap() ^= 1);
    assert!(faults(&checksum)[0].starts_with("its checksum is wrong"), "{:?}", faults(&checksum));
    // A blob whose header states one byte too many or too few.
    for size in [0x30, 0x32] {
        let bad = seal(body.to_vec().tap(|bytes| bytes[12] = size));
        assert_eq!(faults(&bad).len(), 1, "{size}");
    }
}

trait Tap {
    fn tap(self, change: impl FnOnce(&mut Vec<u8>)) -> Self;
}

impl Tap for Vec<u8> {
    fn tap(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self);
        self
    }
}
