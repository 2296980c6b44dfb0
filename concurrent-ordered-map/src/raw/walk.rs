//! Iteration, a leaf at a time: weakly consistent, strictly ordered.
//!
//! A leaf's entries are read at once and sorted; the leaf's upper fence is where the next leaf takes
//! over, whatever happens to either. So every key present throughout is met, and none twice.

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};

use super::block::BlockRef;
use super::descend::{At, Before};
use super::hint::Needle;
use super::order::Order;
use super::pair::Item;
use super::run::{Row, Run};
use super::scout::Scout;
use super::snapshot::Access;
use super::{End, RawMap};
use crate::bounds::{above, below};
use crate::reclaim::Guard;

/// A walk in one direction. It has the entries of one leaf at hand, and reads the next leaf when those have been
/// handed out.
pub(crate) trait Walk<'g, K: 'g, V: 'g> {
    /// The next of the entries at hand.
    fn pop(&mut self) -> Option<Item<'g, K, V>>;

    /// Hands out all entries at hand.
    fn drain<B>(&mut self, init: B, f: &mut impl FnMut(B, Item<'g, K, V>) -> B) -> B;

    /// Reads the next leaf that there is. False at the end.
    fn turn(&mut self) -> bool;

    /// Leaves out the entries at hand that lie behind a range, and where there are any, all leaves to come.
    fn trim(&mut self, within: impl Fn(&K) -> bool);

    /// The next entry, of a walk that is trimmed to the same range so far.
    #[inline]
    fn step(&mut self, within: impl Fn(&K) -> bool) -> Option<Item<'g, K, V>> {
        loop {
            if let Some(entry) = self.pop() {
                return Some(entry);
            }
            if !self.turn() {
                return None;
            }
            self.trim(&within);
        }
    }

    /// Hands out all entries.
    #[inline]
    fn exhaust<B>(
        &mut self,
        within: impl Fn(&K) -> bool,
        init: B,
        mut f: impl FnMut(B, Item<'g, K, V>) -> B,
    ) -> B {
        let mut done = init;
        loop {
            self.trim(&within);
            done = self.drain(done, &mut f);
            if !self.turn() {
                return done;
            }
        }
    }
}

/// What is live in a leaf in one of its states, in key order.
struct Sorted<'g, K, V> {
    leaf: Option<BlockRef<'g, K, V>>,
    order: Order,
}

impl<'g, K, V> Row<'g, K, V> for Sorted<'g, K, V> {
    #[inline]
    fn at(&self, place: usize) -> Option<Item<'g, K, V>> {
        Some(self.leaf?.item(self.order.get(place)))
    }

    #[inline]
    fn len(&self) -> usize {
        self.order.len()
    }
}

/// The entries of one leaf.
type Batch<'g, K, V> = Run<'g, K, V, Sorted<'g, K, V>>;

impl<'g, K: Ord, V> Batch<'g, K, V> {
    fn empty() -> Self {
        Self::new(Sorted { leaf: None, order: Order::default() })
    }

    /// Reads a leaf. False if it has been replaced.
    fn read(&mut self, leaf: BlockRef<'g, K, V>) -> bool {
        self.fill(|sorted| {
            let state = leaf.leaf_state();
            // I3: if it was not replaced by now, what was live in this state is retired later.
            if leaf.forward().is_some() {
                return false;
            }
            leaf.in_order(state, &mut sorted.order);
            sorted.leaf = Some(leaf);
            true
        })
    }
}

/// Ascending iteration.
pub(crate) struct Forward<'g, K, V> {
    map: &'g RawMap<K, V>,
    guard: &'g Guard,
    /// The leaf after the batch.
    next: Option<BlockRef<'g, K, V>>,
    batch: Batch<'g, K, V>,
    scout: Scout<'g, K, V>,
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Forward<'g, K, V> {
    /// Starts at a range's lower bound, and is trimmed to the range so far.
    pub(crate) fn new<Q>(
        map: &'g RawMap<K, V>,
        range: &impl RangeBounds<Q>,
        guard: &'g Guard,
    ) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let (batch, scout) = (Batch::empty(), Scout::new());
        let mut walk = Self { map, guard, next: None, batch, scout };
        let from = range.start_bound();
        // A leaf that is replaced now may split left of the bound: then it is looked up again.
        while !walk.read(map.leaf_from(End::First, from, Access::Read, guard)) {}
        walk.batch.start_within(|key| above(key.borrow(), from));
        walk.trim(|key| below(key.borrow(), range.end_bound()));
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
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Walk<'g, K, V> for Forward<'g, K, V> {
    #[inline]
    fn pop(&mut self) -> Option<Item<'g, K, V>> {
        self.batch.pop_first()
    }

    #[inline]
    fn drain<B>(&mut self, init: B, f: &mut impl FnMut(B, Item<'g, K, V>) -> B) -> B {
        self.batch.fold(init, f)
    }

    fn turn(&mut self) -> bool {
        let Some(next) = self.next else { return false };
        self.scout.step(next, self.map, self.guard);
        if self.read(next) {
            return true;
        }
        // Replaced: its range may be in any number of leaves by now, or be a part of one.
        let fence = next.low_key().expect("the first leaf is nobody's neighbour");
        let needle = Needle::<K, K>::new(fence);
        while !self.read(self.map.leaf_for(&At(&needle), Access::Read, self.guard)) {}
        // Where it was absorbed, the left neighbour's entries have had their turn.
        self.batch.start_within(|key| above(key, Bound::Included(fence)));
        true
    }

    #[inline]
    fn trim(&mut self, within: impl Fn(&K) -> bool) {
        if !self.batch.end_within(within) {
            self.next = None;
        }
    }
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Iterator for Forward<'g, K, V> {
    type Item = Item<'g, K, V>;

    #[inline]
    fn next(&mut self) -> Option<Item<'g, K, V>> {
        self.step(|_| true)
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
    /// Starts at a range's upper bound, and is trimmed to the range so far.
    pub(crate) fn new<Q>(
        map: &'g RawMap<K, V>,
        range: &impl RangeBounds<Q>,
        guard: &'g Guard,
    ) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut walk = Self { map, guard, below: None, batch: Batch::empty() };
        let to = range.end_bound();
        while !walk.read(map.leaf_from(End::Last, to, Access::Read, guard)) {}
        walk.batch.end_within(|key| below(key.borrow(), to));
        walk.trim(|key| above(key.borrow(), range.start_bound()));
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

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Walk<'g, K, V> for Backward<'g, K, V> {
    #[inline]
    fn pop(&mut self) -> Option<Item<'g, K, V>> {
        self.batch.pop_last()
    }

    #[inline]
    fn drain<B>(&mut self, init: B, f: &mut impl FnMut(B, Item<'g, K, V>) -> B) -> B {
        self.batch.rfold(init, f)
    }

    fn turn(&mut self) -> bool {
        let Some(fence) = self.below else { return false };
        let goal = Needle::<K, K>::new(fence);
        while !self.read(self.map.leaf_for(&Before(&goal), Access::Read, self.guard)) {}
        // The leaf may have absorbed its right neighbour, whose entries have had their turn.
        self.batch.end_within(|key| below(key, Bound::Excluded(fence)));
        true
    }

    #[inline]
    fn trim(&mut self, within: impl Fn(&K) -> bool) {
        if !self.batch.start_within(within) {
            self.below = None;
        }
    }
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Iterator for Backward<'g, K, V> {
    type Item = Item<'g, K, V>;

    #[inline]
    fn next(&mut self) -> Option<Item<'g, K, V>> {
        self.step(|_| true)
    }
}
