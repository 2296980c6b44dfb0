//! Iteration, a leaf at a time: weakly consistent, strictly ordered.
//!
//! A leaf's entries are read at once and sorted; the leaf's upper fence is where the next leaf takes
//! over, whatever happens to either. So every key present throughout is met, and none twice.

use std::borrow::Borrow;
use std::ops::{Bound, Range};

use super::block::BlockRef;
use super::descend::{At, Before};
use super::hint::Needle;
use super::leaf::Order;
use super::pair::Item;
use super::snapshot::Access;
use super::{End, RawMap};
use crate::bounds::{above, below};
use crate::reclaim::Guard;

/// The entries of one leaf, in ascending order.
struct Batch<'g, K, V> {
    leaf: Option<BlockRef<'g, K, V>>,
    /// The leaf's slots.
    order: Order,
    /// Those not yet handed out.
    left: Range<usize>,
}

impl<'g, K: Ord, V> Batch<'g, K, V> {
    fn new() -> Self {
        Self { leaf: None, order: Order::default(), left: 0..0 }
    }

    /// Reads a leaf. False if it has been replaced.
    fn read(&mut self, leaf: BlockRef<'g, K, V>) -> bool {
        // A panic in `Ord` leaves nothing to be handed out twice.
        self.left = 0..0;
        let state = leaf.leaf_state();
        // I3: if it was not replaced by now, what was live in this state is retired later.
        if leaf.forward().is_some() {
            return false;
        }
        leaf.in_order(state, &mut self.order);
        (self.leaf, self.left) = (Some(leaf), 0..self.order.len());
        true
    }

    fn retain(&mut self, within: impl Fn(&K) -> bool) {
        self.left = 0..0;
        if let Some(leaf) = self.leaf {
            self.order.retain(|index| within(leaf.key(index)));
            self.left = 0..self.order.len();
        }
    }

    #[inline]
    fn pop_first(&mut self) -> Option<Item<'g, K, V>> {
        self.left.next().and_then(|place| self.at(place))
    }

    #[inline]
    fn pop_last(&mut self) -> Option<Item<'g, K, V>> {
        self.left.next_back().and_then(|place| self.at(place))
    }

    #[inline]
    fn at(&self, place: usize) -> Option<Item<'g, K, V>> {
        Some(self.leaf?.item(self.order.get(place)))
    }
}

/// Ascending iteration.
pub(crate) struct Forward<'g, K, V> {
    map: &'g RawMap<K, V>,
    guard: &'g Guard,
    /// The leaf after the batch.
    next: Option<BlockRef<'g, K, V>>,
    batch: Batch<'g, K, V>,
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Forward<'g, K, V> {
    /// Starts at a lower bound.
    pub(crate) fn new<Q>(map: &'g RawMap<K, V>, from: Bound<&Q>, guard: &'g Guard) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut walk = Self { map, guard, next: None, batch: Batch::new() };
        // A leaf that is replaced now may split left of the bound: then it is looked up again.
        while !walk.read(map.leaf_from(End::First, from, Access::Read, guard)) {}
        walk.batch.retain(|key| above(key.borrow(), from));
        walk
    }

    /// Fills the batch from a leaf. False if it has been replaced, or has to be.
    fn read(&mut self, leaf: BlockRef<'g, K, V>) -> bool {
        // The neighbour is read before the slots: its fence bounds what they can hold.
        let next = leaf.next();
        let wanted = self.map.is_wanted(leaf, Access::Read, self.guard);
        let read = !wanted && self.batch.read(leaf);
        if read {
            self.next = next;
            if let Some(next) = next {
                next.prefetch_entries();
                if let Some(second) = next.next() {
                    second.prefetch();
                }
            }
            if next.is_some_and(|next| next.forward().is_some()) {
                self.map.tidy_next(leaf, self.guard);
            }
        }
        read
    }

    /// The first entry of the next leaf that has one.
    fn next_batch(&mut self) -> Option<Item<'g, K, V>> {
        while self.read_next() {
            if let Some(entry) = self.batch.pop_first() {
                return Some(entry);
            }
        }
        None
    }

    /// Fills the batch from the next leaf. False at the end of the map.
    fn read_next(&mut self) -> bool {
        let Some(next) = self.next else { return false };
        if self.read(next) {
            return true;
        }
        // Replaced: its range may be in any number of leaves by now, or be a part of one.
        let fence = next.low_key().expect("the first leaf is nobody's neighbour");
        let needle = Needle::<K, K>::new(fence);
        while !self.read(self.map.leaf_for(&At(&needle), Access::Read, self.guard)) {}
        // Where it was absorbed, the left neighbour's entries have had their turn.
        self.batch.retain(|key| above(key, Bound::Included(fence)));
        true
    }
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Iterator for Forward<'g, K, V> {
    type Item = Item<'g, K, V>;

    #[inline]
    fn next(&mut self) -> Option<Item<'g, K, V>> {
        self.batch.pop_first().or_else(|| self.next_batch())
    }
}

/// Descending iteration.
pub(crate) struct Backward<'g, K, V> {
    map: &'g RawMap<K, V>,
    guard: &'g Guard,
    /// The lower fence of the leaf that was read last, where iteration goes on below; `None` at the end.
    below: Option<&'g K>,
    batch: Batch<'g, K, V>,
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Backward<'g, K, V> {
    /// Starts at an upper bound.
    pub(crate) fn new<Q>(map: &'g RawMap<K, V>, to: Bound<&Q>, guard: &'g Guard) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut walk = Self { map, guard, below: None, batch: Batch::new() };
        while !walk.read(map.leaf_from(End::Last, to, Access::Read, guard)) {}
        walk.batch.retain(|key| below(key.borrow(), to));
        walk
    }

    /// Fills the batch from a leaf. False if it was replaced: then it must be looked up again, since
    /// what was its upper part may be in another leaf.
    fn read(&mut self, leaf: BlockRef<'g, K, V>) -> bool {
        leaf.prefetch_entries();
        let read = self.batch.read(leaf);
        if read {
            self.below = leaf.low_key();
        }
        read
    }
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Iterator for Backward<'g, K, V> {
    type Item = Item<'g, K, V>;

    fn next(&mut self) -> Option<Item<'g, K, V>> {
        loop {
            if let Some(entry) = self.batch.pop_last() {
                return Some(entry);
            }
            let fence = self.below?;
            let goal = Needle::<K, K>::new(fence);
            let leaf = self.map.leaf_for(&Before(&goal), Access::Read, self.guard);
            if self.read(leaf) {
                // The leaf may have absorbed its right neighbour, whose entries have had their turn.
                self.batch.retain(|key| below(key, Bound::Excluded(fence)));
            }
        }
    }
}
