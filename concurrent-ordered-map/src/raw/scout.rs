//! Looking ahead of an iteration.
//!
//! A leaf leads to the next one only, so that a walk would wait for one leaf after the other to come from memory.
//! The lane above has the addresses of many: so leaves are asked for before the walk knows of them. It is only a
//! guess: leaves may have been replaced, and those that lanes have appended are left out.

use super::RawMap;
use super::block::BlockRef;
use super::descend::At;
use super::hint::Needle;
use super::prefetch::prefetch;
use crate::reclaim::Guard;

/// How many leaves ahead of the walk: by then a line has come from memory.
const AHEAD: usize = 4;

/// After so many leaves a lane is looked for again, if one has had no more to tell.
const PATIENCE: usize = 16;

/// What asks for leaves ahead of a walk to the right.
pub(super) struct Scout<'g, K, V> {
    lane: Option<BlockRef<'g, K, V>>,
    /// The slot of the lane that leads to the leaf that was asked for last.
    place: usize,
    /// How many leaves the walk reads before the next lane is looked for.
    left: usize,
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Scout<'g, K, V> {
    pub(super) fn new() -> Self {
        Self { lane: None, place: 0, left: 1 }
    }

    /// The walk goes on to this leaf.
    #[inline]
    pub(super) fn step(
        &mut self,
        leaf: BlockRef<'g, K, V>,
        map: &'g RawMap<K, V>,
        guard: &'g Guard,
    ) {
        self.left -= 1;
        if self.left == 0 {
            self.look(leaf, map, guard);
        }
        self.ask();
    }

    /// Asks for one leaf more.
    #[inline]
    fn ask(&mut self) {
        self.place += 1;
        let slot = self.lane.and_then(|lane| lane.slots()[..lane.sorted()].get(self.place));
        if let Some(slot) = slot {
            prefetch(slot.load().pointer::<u8>());
        }
    }

    /// Finds the lane above a leaf, and its place there.
    #[cold]
    fn look(&mut self, leaf: BlockRef<'g, K, V>, map: &'g RawMap<K, V>, guard: &'g Guard) {
        (self.lane, self.left) = (None, PATIENCE);
        let Some(fence) = leaf.low_key() else { return };
        let needle = Needle::<K, K>::new(fence);
        let Some(lane) = map.descend(&At(&needle), 1, guard) else { return };
        let Some(hint) = needle.hint(lane.prefix()) else { return };
        let sorted = &lane.slots()[..lane.sorted()];
        self.place = sorted.partition_point(|slot| slot.hint::<K>() <= hint).saturating_sub(1);
        self.left = PATIENCE.max(sorted.len() - self.place);
        self.lane = Some(lane);
        for _ in 1..AHEAD {
            self.ask();
        }
    }
}
