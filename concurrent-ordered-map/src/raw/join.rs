//! Joining blocks that hold little with their neighbours, at every level, and taking levels away.
//!
//! Two neighbours that each came down to a quarter of their slots become one, and a block that holds
//! nothing becomes a part of its left neighbour. So the blocks of a level stay in proportion to what
//! the level holds, and every lane leads to a block that starts in its range: without that, lanes
//! would be left over that nobody passes, and their slots would keep all versions of a block.

use super::RawMap;
use super::block::BlockRef;
use super::descend::{At, Before, resolve, tidy_children};
use super::hint::Needle;
use super::state::{Fate, fate, with_fate, without_fate};
use crate::reclaim::Guard;

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// Joins a block with a neighbour, if all that both hold leaves room for more in one block.
    /// `held` is what this one holds.
    pub(super) fn join<'g>(&'g self, block: BlockRef<'g, K, V>, held: usize, guard: &'g Guard) {
        if held == 0 {
            return self.absorb_empty(block, guard);
        }
        let slots = self.shape.slots(block.level());
        let room = slots - slots / 4;
        let fits =
            |other: BlockRef<'g, K, V>| other.forward().is_none() && held + holdings(other) <= room;
        self.tidy_next(block, guard);
        if block.next().is_some_and(fits) {
            self.absorb_next(block, guard);
        } else if let Some(left) = self.left_of(block, guard).filter(|&left| fits(left)) {
            self.absorb_next(left, guard);
        }
    }

    /// Lets the left neighbour absorb a block that holds nothing; the first of a level absorbs its
    /// right neighbour instead. Returns when that is done, or somebody has made it needless.
    pub(super) fn absorb_empty<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) {
        while block.forward().is_none() && holdings(block) == 0 {
            let absorber = self.left_of(block, guard).unwrap_or(block);
            if !self.absorb_next(absorber, guard) {
                return;
            }
        }
    }

    /// Lets a block absorb its right neighbour. False where it has none.
    fn absorb_next<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) -> bool {
        self.tidy_next(block, guard);
        let next = block.next_word();
        if fate(next) != Fate::Open {
            self.help(block, guard);
        } else if without_fate(next).is_null() {
            return false;
        } else if let Some(decided) =
            block.next().filter(|next| fate(next.next_word()) != Fate::Open)
        {
            // It cannot be absorbed as it is, but what replaces it can. Who decided its fate may have been
            // stopped, so this one does not wait for it to go on.
            self.help(decided, guard);
        } else if block.exchange_next(next, with_fate(next, Fate::Absorb)) {
            self.help(block, guard);
        }
        true
    }

    /// The block before this one, if it is not the first of its level.
    pub(super) fn left_of<'g>(
        &'g self,
        block: BlockRef<'g, K, V>,
        guard: &'g Guard,
    ) -> Option<BlockRef<'g, K, V>> {
        let fence = Needle::<K, K>::new(block.low_key()?);
        self.descend(&Before(&fence), block.level(), guard)
    }

    /// Lets the lane above shrink after a block, `gone`, was absorbed.
    pub(super) fn thin_out<'g>(&'g self, gone: BlockRef<'g, K, V>, guard: &'g Guard) {
        let low = gone.low_key().expect("an absorbed block has a fence");
        let needle = Needle::<K, K>::new(low);
        let Some(lane) = self.descend(&At(&needle), gone.level() + 1, guard) else { return };
        tidy_children(lane, guard);
        let held = holdings(lane);
        if held <= self.shape.slots(lane.level()) / 4 {
            self.join(lane, held, guard);
        }
        self.shrink_root(guard);
    }

    /// Takes top levels away that have a single child.
    fn shrink_root<'g>(&'g self, guard: &'g Guard) {
        loop {
            let root = self.root(guard);
            let single = root.level() > 0 && root.next().is_none() && root.live() == 1;
            if !single || root.forward().is_some() {
                return;
            }
            // A block that another thread enters meanwhile is lost to the lanes, not to the map.
            let only = root.child_at(0).map(resolve);
            if !only.is_some_and(|only| self.swing_root(root, only, guard)) {
                return;
            }
        }
    }
}

/// What a block holds of its own range: a leaf's entries, or the children of a lane that start in it
/// (the first slot may lead further left). The block was not replaced when the caller looked.
pub(super) fn holdings<K: Ord, V>(block: BlockRef<'_, K, V>) -> usize {
    if block.level() == 0 || block.is_first() {
        return block.live();
    }
    let children = (0..block.lane_state().count()).filter_map(|index| block.child_at(index));
    children.filter(|child| child.low_key().cmp(&block.low_key()).is_ge()).count()
}
