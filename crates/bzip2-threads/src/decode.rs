//! Blocks decoded by our own code, several at a time.
//!
//! The slow part of bzip2 is the way back through the Burrows-Wheeler transform: each step reads where the next one is, anywhere in some
//! megabytes, and waits for memory. Several blocks walked in one loop wait together. The format is the one that libbz2 reads; whatever is
//! odd (randomised blocks, codes that are none, runs without their count) is no answer here, and libbz2 is asked.

use std::sync::LazyLock;

use super::huffman::{CODE_BITS_MAX, Codes, Reader};
use super::scan::MAGIC_BITS;

/// Symbols that are read with one table, before the next selector.
const GROUP: usize = 50;
/// libbz2 keeps no more selectors, and passes over those behind them.
const SELECTORS_MAX: usize = 18_002;

/// A block between Huffman codes and text: for each byte the place of the next, and the byte itself in the lowest eight bits.
pub(super) struct Chain {
    links: Vec<u32>,
    start: u32,
    crc: u32,
}

impl Chain {
    /// Reads the block of `bits` bits that begins with its magic number at the first bit of `bytes`, in a stream whose blocks hold up to
    /// `most` bytes. `None` if it does not end with the last of them.
    pub(super) fn read(bytes: &[u8], bits: u64, most: usize) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        reader.read(24);
        reader.read(24);
        debug_assert_eq!(reader.position(), MAGIC_BITS);
        let crc = reader.read(32);
        let randomised = reader.read(1) == 1;
        let start = reader.read(24);
        let (mut front, used) = read_alphabet(&mut reader);
        if randomised || used == 0 {
            return None;
        }
        let (selectors, tables) = read_tables(&mut reader, used + 2)?;
        let (column, counts) = read_symbols(&mut reader, &selectors, &tables, &mut front, used, most)?;
        if reader.position() != bits || start as usize >= column.len() {
            return None;
        }
        Some(Self { links: link(&column, counts)?, start, crc })
    }
}

/// The bytes that occur, in order, and how many they are.
fn read_alphabet(reader: &mut Reader<'_>) -> ([u8; 256], usize) {
    let mut front = [0; 256];
    let mut used = 0;
    let rows = reader.read(16);
    for row in (0..16u8).filter(|row| rows >> (15 - row) & 1 == 1) {
        let columns = reader.read(16);
        for column in (0..16u8).filter(|column| columns >> (15 - column) & 1 == 1) {
            if let Some(slot) = front.get_mut(used) {
                *slot = row << 4 | column;
            }
            used += 1;
        }
    }
    (front, used)
}

fn read_tables(reader: &mut Reader<'_>, symbols: usize) -> Option<(Vec<u8>, Vec<Codes>)> {
    let count = reader.read(3);
    let selector_count = reader.read(15) as usize;
    if !(2..=6).contains(&count) || selector_count == 0 {
        return None;
    }
    let mut order = [0, 1, 2, 3, 4, 5];
    let mut selectors = Vec::with_capacity(selector_count);
    for _ in 0..selector_count {
        let mut at = 0;
        while reader.read(1) == 1 {
            at += 1;
            if at >= count {
                return None;
            }
        }
        order.get_mut(..=at as usize)?.rotate_right(1);
        selectors.extend(order.first());
    }
    selectors.truncate(SELECTORS_MAX);
    let mut tables = Vec::new();
    for _ in 0..count {
        let mut length = reader.read(5);
        let mut lengths = Vec::with_capacity(symbols);
        for _ in 0..symbols {
            loop {
                if !(1..=CODE_BITS_MAX).contains(&length) {
                    return None;
                }
                match reader.read(1) {
                    0 => break,
                    _ if reader.read(1) == 0 => length += 1,
                    _ => length -= 1,
                }
            }
            lengths.push(u8::try_from(length).ok()?);
        }
        tables.push(Codes::new(&lengths)?);
    }
    Some((selectors, tables))
}

/// The last column of the sorted block, and how often each byte stands in it: Huffman codes, runs of the front byte, moves to the front.
fn read_symbols(
    reader: &mut Reader<'_>,
    selectors: &[u8],
    tables: &[Codes],
    front: &mut [u8; 256],
    used: usize,
    most: usize,
) -> Option<(Vec<u8>, [u32; 256])> {
    let mut column: Vec<u8> = Vec::with_capacity(most);
    let mut counts = [0u32; 256];
    let mut count = |byte: u8, times: usize| {
        if let Some(slot) = counts.get_mut(usize::from(byte)) {
            *slot += u32::try_from(times).unwrap_or(0);
        }
    };
    let (mut run, mut weight) = (0, 1);
    for selector in selectors {
        let codes = tables.get(usize::from(*selector))?;
        for _ in 0..GROUP {
            let symbol = usize::from(codes.next(reader)?);
            if symbol < 2 {
                // Runs are numbers of the digits 1 and 2, the lowest first.
                run += weight * (symbol + 1);
                weight *= 2;
                if run > most {
                    return None;
                }
                continue;
            }
            if run > 0 {
                let byte = *front.first()?;
                if run > most - column.len() {
                    return None;
                }
                column.resize(column.len() + run, byte);
                count(byte, run);
                (run, weight) = (0, 1);
            }
            if symbol > used {
                return Some((column, counts));
            }
            if column.len() >= most {
                return None;
            }
            let byte = move_to_front(front, symbol - 1)?;
            column.push(byte);
            count(byte, 1);
        }
    }
    None
}

#[inline]
fn move_to_front(front: &mut [u8; 256], at: usize) -> Option<u8> {
    let byte = *front.get(at)?;
    if at < 16 {
        let mut before = byte;
        for slot in front.iter_mut().take(at + 1) {
            before = std::mem::replace(slot, before);
        }
    } else {
        front.copy_within(..at, 1);
        *front.first_mut()? = byte;
    }
    Some(byte)
}

fn link(column: &[u8], counts: [u32; 256]) -> Option<Vec<u32>> {
    let mut places = [0u32; 256];
    let mut sum = 0;
    for (place, count) in places.iter_mut().zip(counts) {
        *place = sum;
        sum += count;
    }
    let mut links = vec![0; column.len()];
    for (at, &byte) in (0u32..).zip(column) {
        let place = places.get_mut(usize::from(byte))?;
        *links.get_mut(*place as usize)? = at << 8 | u32::from(byte);
        *place += 1;
    }
    Some(links)
}

/// A block as it was before it was sorted, with the CRC that it should have.
pub(super) struct Text {
    bytes: Vec<u8>,
    crc: u32,
}

/// The texts of blocks. The longest go on alone when the others have ended.
pub(super) fn walk(chains: Vec<Option<Chain>>) -> Vec<Option<Text>> {
    let mut texts: Vec<Option<Text>> = chains.iter().map(|_| None).collect();
    let mut lanes: Vec<Lane> = (0..)
        .zip(chains)
        .filter_map(|(number, chain)| {
            let Chain { links, start, crc } = chain?;
            let text = Text { bytes: Vec::with_capacity(links.len()), crc };
            Some(Lane { number, links, at: start, text })
        })
        .collect();
    while let Some(steps) = lanes.iter().map(|lane| lane.links.len() - lane.text.bytes.len()).min() {
        match lanes.as_mut_slice() {
            [a, b, c, d, e, f, g, h, ..] => walk_together([a, b, c, d, e, f, g, h], steps),
            [a, b, c, d, e, f, ..] => walk_together([a, b, c, d, e, f], steps),
            [a, b, c, d, ..] => walk_together([a, b, c, d], steps),
            [a, b, c] => walk_together([a, b, c], steps),
            [a, b] => walk_together([a, b], steps),
            [a] => walk_together([a], steps),
            [] => {}
        }
        for lane in lanes.extract_if(.., |lane| lane.text.bytes.len() >= lane.links.len()) {
            if let Some(text) = texts.get_mut(lane.number) {
                *text = Some(lane.text);
            }
        }
    }
    texts
}

struct Lane {
    number: usize,
    links: Vec<u32>,
    at: u32,
    text: Text,
}

fn walk_together<const N: usize>(lanes: [&mut Lane; N], steps: usize) {
    let mut at = lanes.each_ref().map(|lane| lane.at);
    let mut lanes = lanes.map(|Lane { links, at, text, .. }| {
        let before = text.bytes.len();
        text.bytes.resize(before + steps, 0);
        (links.as_slice(), text.bytes.get_mut(before..).unwrap_or_default().iter_mut(), at)
    });
    for _ in 0..steps {
        for ((links, slots, _), at) in lanes.iter_mut().zip(&mut at) {
            // Every link leads to a place of its own block.
            let link = links.get(*at as usize).copied().unwrap_or_default();
            if let Some(slot) = slots.next() {
                *slot = link.to_le_bytes()[0];
            }
            *at = link >> 8;
        }
    }
    for ((_, _, end), at) in lanes.into_iter().zip(at) {
        *end = at;
    }
}

impl Text {
    /// What the text stands for: four equal bytes are followed by the number of more of them. `None` where that number is missing, where there
    /// are more than `most` bytes, or where their CRC is not the block's.
    pub(super) fn finish(self, most: usize) -> Option<Vec<u8>> {
        let mut content = Vec::with_capacity(self.bytes.len());
        let mut rest = self.bytes.as_slice();
        while let Some(at) = rest.windows(4).position(|four| matches!(four, [a, b, c, d] if a == b && b == c && c == d))
        {
            let (plain, tail) = rest.split_at_checked(at + 4)?;
            let (count, tail) = tail.split_first()?;
            content.extend_from_slice(plain);
            content.resize(content.len() + usize::from(*count), *plain.last()?);
            if content.len() > most {
                return None;
            }
            rest = tail;
        }
        content.extend_from_slice(rest);
        (crc(&content) == self.crc).then_some(content)
    }
}

/// CRC-32 with the highest bit first: for one byte, and for one byte with up to seven behind it.
static CRC: LazyLock<[[u32; 256]; 8]> = LazyLock::new(|| {
    let step = |state: u32| if state >> 31 == 0 { state << 1 } else { state << 1 ^ super::block::POLYNOMIAL };
    let shifted = |byte: u32, steps: usize| (0..steps).fold(byte << 24, |state, _| step(state));
    std::array::from_fn(|behind| {
        std::array::from_fn(|byte| shifted(u32::try_from(byte).unwrap_or(0), 8 * (behind + 1)))
    })
});

pub(super) fn crc(bytes: &[u8]) -> u32 {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &*CRC;
    let look = |table: &[u32; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or_default();
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut state = u32::MAX;
    for [a, b, c, d, e, f, g, h] in eights {
        let [s, t, u, v] = state.to_be_bytes();
        state = look(t7, a ^ s) ^ look(t6, b ^ t) ^ look(t5, c ^ u) ^ look(t4, d ^ v);
        state ^= look(t3, *e) ^ look(t2, *f) ^ look(t1, *g) ^ look(t0, *h);
    }
    for byte in rest {
        state = state << 8 ^ look(t0, byte ^ state.to_be_bytes()[0]);
    }
    !state
}
