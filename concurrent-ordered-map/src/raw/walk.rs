//! Iteration, a leaf at a time: weakly consistent, strictly ordered.
//!
//! A leaf's entries are read at once and sorted; the leaf's upper fence is where the next leaf takes
//! over, whatever happens to either. So every key present throughout is met, and none twice.

use std::borrow::Borrow;
use std::ops::{Bound, Range};

use super::block::BlockRef;
use super::descend::{At, Before};
use super::entry::Entry;
use super::hint::Needle;
use super::slot::Slot;
use super::snapshot::Access;
use super::state::{State, Word};
use super::{End, RawMap};
use crate::bounds::{above, below};
use crate::reclaim::Guard;

/// The entries of one leaf, in ascending order.
pub(super) struct Batch<'g, K, V> {
    /// Hints and entries.
    entries: Vec<(u64, &'g Entry<K, V>)>,
    /// Those not yet handed out.
    left: Range<usize>,
}

impl<'g, K: Ord, V> Batch<'g, K, V> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), left: 0..0 }
    }

    /// Reads a leaf. False if it has been replaced. If that happens while it is read, a key that is
    /// present all the while is in its slot all the same.
    fn read(&mut self, leaf: BlockRef<'g, K, V>) -> bool {
        // A panic in `Ord` leaves nothing to be handed out twice.
        self.left = 0..0;
        self.entries.clear();
        let state = leaf.state();
        if leaf.forward().is_some() {
            return false;
        }
        // SAFETY: I3: the leaf was not replaced when this thread looked, just now, while pinned; what its
        // slots have held since is retired later.
        unsafe { self.fill(leaf, state) };
        true
    }

    /// Reads what is published in a leaf by this state.
    ///
    /// # Safety
    /// All that the leaf's slots hold from now on stays for `'g`.
    pub(super) unsafe fn fill(&mut self, leaf: BlockRef<'_, K, V>, state: State) {
        self.left = 0..0;
        self.entries.clear();
        let (born, appended) = leaf.slots()[..state.count()].split_at(leaf.sorted());
        // SAFETY: the caller's word.
        let entry = |word: Word| unsafe { Entry::<K, V>::deref(word.pointer()) };
        let live = |slot: &Slot| Some(slot.load()).filter(|word| !word.dead()).map(entry);
        self.entries.reserve(state.count());
        self.entries.extend(born.iter().filter_map(|slot| Some((slot.hint(), live(slot)?))));
        for slot in appended {
            if let Some(entry) = live(slot) {
                self.insert(slot.hint(), entry);
            }
        }
        self.left = 0..self.entries.len();
    }

    /// Takes entries that are in order.
    pub(super) fn take(&mut self, entries: impl Iterator<Item = &'g Entry<K, V>>) {
        self.left = 0..0;
        self.entries.clear();
        // Their hints are for `insert` only.
        self.entries.extend(entries.map(|entry| (0, entry)));
        self.left = 0..self.entries.len();
    }

    /// Puts an entry at its place.
    fn insert(&mut self, hint: u64, entry: &'g Entry<K, V>) {
        let exceeds = |&(own, other): &(u64, &Entry<K, V>)| {
            own > hint || own == hint && other.key().cmp(entry.key()).is_gt()
        };
        let place =
            self.entries.iter().rposition(|each| !exceeds(each)).map_or(0, |before| before + 1);
        let same = |each: &&mut (u64, &Entry<K, V>)| {
            each.0 == hint && each.1.key().cmp(entry.key()).is_eq()
        };
        // A key that was removed and inserted again while the slots were read is met twice; the later slot
        // is the newer.
        match self.entries[..place].last_mut().filter(same) {
            Some(before) => before.1 = entry,
            None => self.entries.insert(place, (hint, entry)),
        }
    }

    pub(super) fn retain(&mut self, within: impl Fn(&K) -> bool) {
        self.left = 0..0;
        self.entries.retain(|(_, entry)| within(entry.key()));
        self.left = 0..self.entries.len();
    }

    /// How many are not yet handed out.
    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    #[inline]
    pub(super) fn pop_first(&mut self) -> Option<&'g Entry<K, V>> {
        self.left.next().map(|index| self.entries[index].1)
    }

    #[inline]
    pub(super) fn pop_last(&mut self) -> Option<&'g Entry<K, V>> {
        self.left.next_back().map(|index| self.entries[index].1)
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
                next.prefetch_content();
                if let Some(second) = next.next() {
                    second.prefetch(self.map.shape.slots(0));
                }
            }
            if next.is_some_and(|next| next.forward().is_some()) {
                self.map.tidy_next(leaf, self.guard);
            }
        }
        read
    }

    /// The first entry of the next leaf that has one.
    fn next_batch(&mut self) -> Option<&'g Entry<K, V>> {
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
    type Item = &'g Entry<K, V>;

    #[inline]
    fn next(&mut self) -> Option<&'g Entry<K, V>> {
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
        leaf.prefetch_content();
        let read = self.batch.read(leaf);
        if read {
            self.below = leaf.low_key();
        }
        read
    }
}

impl<'g, K: Ord + Send + 'static, V: Send + 'static> Iterator for Backward<'g, K, V> {
    type Item = &'g Entry<K, V>;

    fn next(&mut self) -> Option<&'g Entry<K, V>> {
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
