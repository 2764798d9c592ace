//! Follows the links of a block, from many seeds at once.
//!
//! Each step reads the location of the next step, which can be anywhere in a few megabytes, and therefore waits for memory. Independent steps can
//! wait at the same time, so thirty-two lanes walk, each from a different seed. The links of seeds are marked: a lane that reaches a marked link has
//! reached the beginning of a segment, and continues with the next waiting seed.
//!
//! Links are a permutation. Therefore, no row is walked twice, and a lane stops at its own seed at the latest: a walk is never longer than the block,
//! regardless of the block's content. Rows on a cycle without a seed are not walked.

use super::links::{Link, Links};
use super::seeds::Seeds;

/// The number of lanes that walk at once, which is about twice the number of reads that a processor keeps in flight.
const LANES: usize = 32;
/// The number of steps in a round. After each round, the lanes' output is saved.
const ROUND: usize = 512;
/// The size of a lane's output buffer. If the size were a power of two, all lanes would compete for a few cache sets.
const STRIDE: usize = ROUND + 64;
/// The maximum number of bytes of memory that a lane keeps for the next block.
const LANE_KEPT: usize = 1 << 16;

/// The bytes walked from one seed up to the next seed on the chain.
#[derive(Debug, Clone, Copy, Default)]
struct Segment {
    lane: usize,
    from: usize,
    to: usize,
    /// The number of the seed at which the segment ends.
    next: u32,
}

/// The segments of a block, indexed by their seeds. The memory is reused for each block.
pub(super) struct Walk {
    lanes: [Lane; LANES],
    written: Box<[[u8; STRIDE]; LANES]>,
    segments: Vec<Segment>,
}

#[derive(Default)]
struct Lane {
    bytes: Vec<u8>,
    /// The seed from which the lane walks, if there is one.
    seed: Option<u32>,
    /// The position in `bytes` at which the segment begins.
    from: usize,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self { lanes: Default::default(), written: Box::new([[0; STRIDE]; LANES]), segments: Vec::new() }
    }

    /// The segment of a seed, and the seed that follows it.
    pub(super) fn segment(&self, seed: u32) -> Option<(&[u8], u32)> {
        let segment = self.segments.get(seed as usize)?;
        Some((self.lanes.get(segment.lane)?.bytes.get(segment.from..segment.to)?, segment.next))
    }

    /// Walks from all seeds.
    pub(super) fn walk(&mut self, links: &Links, mut seeds: Seeds) {
        self.segments.clear();
        self.segments.resize(seeds.end(), Segment::default());
        let mut at = [Link::NOWHERE; LANES];
        for (lane, at) in self.lanes.iter_mut().zip(&mut at) {
            lane.bytes.clear();
            lane.bytes.shrink_to(LANE_KEPT);
            *at = lane.begin(0, links, &mut seeds);
        }
        // In a short block, no segment is longer than the block.
        let steps = ROUND.min(links.rows());
        loop {
            let walking = self.lanes.each_ref().map(|lane| lane.seed.is_some());
            if !walking.contains(&true) {
                return;
            }
            self.round(steps, &mut at, links, &mut seeds);
            for ((lane, written), _) in
                self.lanes.iter_mut().zip(self.written.iter()).zip(walking).filter(|(_, walks)| *walks)
            {
                lane.bytes.extend_from_slice(written.get(..steps).unwrap_or_default());
            }
        }
    }

    fn round(&mut self, steps: usize, at: &mut [Link; LANES], links: &Links, seeds: &mut Seeds) {
        for step in 0..steps.min(ROUND) {
            for (number, (at, written)) in at.iter_mut().zip(self.written.iter_mut()).enumerate() {
                if let Some(slot) = written.get_mut(step) {
                    *slot = at.byte();
                }
                let row = links.follow(*at);
                let next = links.get(row);
                if next.is_marked() {
                    let Some(lane) = self.lanes.get_mut(number) else { continue };
                    let to = lane.bytes.len() + step + 1;
                    let segment = Segment { lane: number, from: lane.from, to, next: seeds.number(row) };
                    if let Some(slot) = lane.seed.and_then(|seed| self.segments.get_mut(seed as usize)) {
                        *slot = segment;
                    }
                    *at = lane.begin(to, links, seeds);
                } else {
                    *at = next;
                }
            }
        }
    }
}

impl Lane {
    /// Begins a segment at byte `from`, with the next waiting seed. If no seed is waiting, the lane stays at [`Link::NOWHERE`].
    #[cold]
    fn begin(&mut self, from: usize, links: &Links, seeds: &mut Seeds) -> Link {
        let seed = seeds.next();
        self.from = from;
        self.seed = seed.map(|(number, _)| number);
        seed.map_or(Link::NOWHERE, |(_, row)| links.get_unmarked(row))
    }
}
