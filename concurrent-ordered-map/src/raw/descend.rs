//! Finding a block: from the root down the lanes, and to the right.
//!
//! Lanes are hints. A pointer may lead to a block that has been replaced, or too far to the left;
//! following `forward` and `next` always arrives, and stale pointers met on the way are swung (I11).

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Bound;
use std::ptr::null_mut;

use super::block::BlockRef;
use super::entry::Entry;
use super::hint::{Needle, has_labels, is_exact};
use super::pick::pick;
use super::snapshot::Access;
use super::state::{Fate, Word, fate, without_fate};
use super::{End, RawMap};
use crate::reclaim::Guard;

/// Which block of a level is meant.
pub(super) trait Seek<K> {
    /// It is the first block, whatever it holds.
    const IS_FIRST: bool = false;
    /// A block that begins with the goal's hint is not beyond it, where hints are whole keys.
    const IS_INCLUSIVE: bool = true;
    /// The hint to search a block with this prefix by, where there is one.
    fn hint(&self, prefix: &[u8]) -> Option<u64>;
    /// True if the block is one whose lower fence, given by its hint after the empty prefix and its key, does
    /// not exceed the goal.
    fn reaches<'k>(&self, hint: u64, key: impl FnOnce() -> &'k K) -> bool
    where
        K: 'k;
}

/// The block whose range holds the key.
pub(super) struct At<'n, 'q, K, Q: ?Sized>(pub(super) &'n Needle<'q, K, Q>);

/// The block whose range ends at the key or holds what is right before it.
pub(super) struct Before<'n, 'q, K, Q: ?Sized>(pub(super) &'n Needle<'q, K, Q>);

/// The first block.
pub(super) struct First;

/// The last block.
pub(super) struct Last;

impl<K: Borrow<Q>, Q: Ord + ?Sized> Seek<K> for At<'_, '_, K, Q> {
    #[inline]
    fn hint(&self, prefix: &[u8]) -> Option<u64> {
        self.0.hint(prefix)
    }

    #[inline]
    fn reaches<'k>(&self, hint: u64, key: impl FnOnce() -> &'k K) -> bool
    where
        K: 'k,
    {
        self.0.cmp(hint, key) != Ordering::Less
    }
}

impl<K: Borrow<Q>, Q: Ord + ?Sized> Seek<K> for Before<'_, '_, K, Q> {
    const IS_INCLUSIVE: bool = false;

    #[inline]
    fn hint(&self, prefix: &[u8]) -> Option<u64> {
        self.0.hint(prefix)
    }

    #[inline]
    fn reaches<'k>(&self, hint: u64, key: impl FnOnce() -> &'k K) -> bool
    where
        K: 'k,
    {
        self.0.cmp(hint, key) == Ordering::Greater
    }
}

impl<K> Seek<K> for First {
    const IS_FIRST: bool = true;

    #[inline]
    fn hint(&self, _: &[u8]) -> Option<u64> {
        // No hint is less.
        Some(0)
    }

    fn reaches<'k>(&self, _: u64, _: impl FnOnce() -> &'k K) -> bool
    where
        K: 'k,
    {
        false
    }
}

impl<K> Seek<K> for Last {
    #[inline]
    fn hint(&self, _: &[u8]) -> Option<u64> {
        // No hint is greater.
        Some(u64::MAX)
    }

    fn reaches<'k>(&self, _: u64, _: impl FnOnce() -> &'k K) -> bool
    where
        K: 'k,
    {
        true
    }
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// The goal's block at a level, or `None` where the map has no such level yet.
    ///
    /// The block was not replaced when it was found. It may be by now, as always.
    pub(super) fn descend<'g, S: Seek<K>>(
        &'g self,
        goal: &S,
        level: u8,
        guard: &'g Guard,
    ) -> Option<BlockRef<'g, K, V>> {
        let near = if level <= 1 { self.lane_at_finger(goal, guard) } else { None };
        let start = near.unwrap_or_else(|| self.root(guard));
        self.descend_from(start, goal, level, guard).map(|[_, block]| block)
    }

    /// `descend` from a lane. Answers the block above the goal's, too, or the goal's twice.
    #[inline]
    fn descend_from<'g, S: Seek<K>>(
        &'g self,
        start: BlockRef<'g, K, V>,
        goal: &S,
        level: u8,
        guard: &'g Guard,
    ) -> Option<[BlockRef<'g, K, V>; 2]> {
        if start.level() < level {
            return None;
        }
        let (mut parent, mut block) = (start, start);
        let mut above = null_mut();
        loop {
            block = self.advance(block, goal, above, guard);
            if block.level() == level {
                return Some([parent, block]);
            }
            parent = block;
            block = self.child(block, goal, &mut above, guard);
        }
    }

    /// The goal's leaf.
    #[inline]
    pub(super) fn leaf<'g, S: Seek<K>>(&'g self, goal: &S, guard: &'g Guard) -> BlockRef<'g, K, V> {
        let found = self.descend_from(self.root(guard), goal, 0, guard);
        let [lane, leaf] = found.expect("every map has level 0");
        guard.finger().point(self.identity(), lane.as_ptr().cast(), leaf.as_ptr().cast());
        leaf
    }

    fn identity(&self) -> *const () {
        std::ptr::from_ref(self).cast()
    }

    /// The leaf at which this session was last, if it is the goal's: ascending keys need no descents. Only where
    /// hints are whole keys, so that a look at two of them decides.
    #[inline]
    pub(super) fn leaf_at_finger<'g, S: Seek<K>>(
        &'g self,
        goal: &S,
        guard: &'g Guard,
    ) -> Option<BlockRef<'g, K, V>> {
        if !is_exact::<K>() {
            return None;
        }
        // SAFETY: I3, a descent by this guard has found it, and the map is not dropped meanwhile.
        unsafe { BlockRef::new(guard.finger().leaf(self.identity()).cast()) }
            .filter(|&leaf| is_within(goal, leaf))
    }

    /// The lane above the leaves in which this session was last, if it is the goal's: what follows a write is
    /// near it.
    fn lane_at_finger<'g, S: Seek<K>>(
        &'g self,
        goal: &S,
        guard: &'g Guard,
    ) -> Option<BlockRef<'g, K, V>> {
        // SAFETY: as for `leaf_at_finger`.
        unsafe { BlockRef::new(guard.finger().lane(self.identity()).cast()) }
            .filter(|&lane| lane.level() == 1 && is_within(goal, lane))
    }

    /// The leaf in which a range begins that is walked from this end.
    pub(super) fn leaf_from<'g, Q>(
        &'g self,
        end: End,
        bound: Bound<&Q>,
        access: Access,
        guard: &'g Guard,
    ) -> BlockRef<'g, K, V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        match (end, bound) {
            (End::First, Bound::Unbounded) => self.leaf_for(&First, access, guard),
            (End::Last, Bound::Unbounded) => self.leaf_for(&Last, access, guard),
            (End::Last, Bound::Excluded(key)) => {
                self.leaf_for(&Before(&Needle::<K, _>::new(key)), access, guard)
            }
            (_, Bound::Included(key) | Bound::Excluded(key)) => {
                self.leaf_for(&At(&Needle::<K, _>::new(key)), access, guard)
            }
        }
    }

    /// From a block at or left of the goal, along replacements and to the right, to the goal. `above`: an entry
    /// beyond the goal that was the fence of a block since this thread pinned, or null.
    #[inline]
    pub(super) fn advance<'g, S: Seek<K>>(
        &'g self,
        mut block: BlockRef<'g, K, V>,
        goal: &S,
        above: *mut Entry<K, V>,
        guard: &'g Guard,
    ) -> BlockRef<'g, K, V> {
        loop {
            if let Some(replacement) = block.forward() {
                if block.is_pending() {
                    self.complete(block, guard);
                }
                block = replacement;
                continue;
            }
            // I9: the upper fence only moves up, so what was inside at birth is inside now.
            if goal.hint(block.prefix()).is_some_and(|hint| hint < block.high_hint()) {
                return block;
            }
            // The same for keys without hints. Both entries were owned since this thread pinned, so the address
            // is not one that was used again.
            if has_labels::<K>() && block.high_hint() == above.addr() as u64 {
                return block;
            }
            let word = block.next_word();
            if fate(word) != Fate::Open && block.forward().is_some() {
                // Replaced since, so that the word may be severed.
                continue;
            }
            // SAFETY: I10, the block had its link to the neighbour when the word was read.
            let Some(next) = (unsafe { BlockRef::new(without_fate(word)) }) else { return block };
            if !reaches_block(goal, next) {
                return block;
            }
            if next.forward().is_some() {
                self.tidy_next(block, guard);
            }
            block = next;
        }
    }

    /// Sees to it that the absorber of a block leads to the replacement, too (I12).
    #[cold]
    fn complete<'g>(&'g self, absorbed: BlockRef<'g, K, V>, guard: &'g Guard) {
        // The absorber, unless it has been replaced: then this is what holds its range now. There is none
        // where the level has been taken away.
        let Some(left) = self.left_of(absorbed, guard) else { return };
        self.help(left, guard);
        absorbed.settle_forward();
    }

    /// The child of a lane towards the goal. Sets `above`, where the lane knows of such a fence.
    #[inline]
    pub(super) fn child<'g, S: Seek<K>>(
        &'g self,
        lane: BlockRef<'g, K, V>,
        goal: &S,
        above: &mut *mut Entry<K, V>,
        guard: &'g Guard,
    ) -> BlockRef<'g, K, V> {
        let (index, word, child) = slot_towards(lane, goal, above);
        if lane.level() == 1 {
            child.prefetch();
        }
        if child.forward().is_some() {
            swing(lane, index, word, child, guard);
        }
        child
    }

    /// Asks for the headers of a leaf's neighbours, which a replacement of the leaf is going to change: they are in
    /// no cache, and come while it is built.
    pub(super) fn prefetch_neighbours<'g>(&'g self, leaf: BlockRef<'g, K, V>, guard: &'g Guard) {
        if let Some(next) = leaf.next() {
            next.prefetch_header();
        }
        if let Some(low) = leaf.low_key() {
            let needle = Needle::<K, K>::new(low);
            let goal = Before(&needle);
            if let Some(lane) = self.lane_at_finger(&goal, guard) {
                slot_towards(lane, &goal, &mut null_mut()).2.prefetch_header();
            }
        }
    }

    /// Swings a block's `next` past neighbours that have been replaced.
    pub(super) fn tidy_next<'g>(&'g self, block: BlockRef<'g, K, V>, guard: &'g Guard) {
        let word = block.next_word();
        if fate(word) != Fate::Open {
            return;
        }
        // SAFETY: I10, the block had its link to the neighbour when the word was read, while pinned.
        let Some(next) = (unsafe { BlockRef::<K, V>::new(without_fate(word)) }) else { return };
        let live = resolve(next);
        if live != next && live.try_link() {
            if block.exchange_next(word, live.as_ptr()) {
                next.unlink(guard);
            } else {
                live.unlink(guard);
            }
        }
    }
}

/// The slot of a lane towards the goal, and what it leads to, replaced or not.
#[inline]
pub(super) fn slot_towards<'g, K: Ord + 'g, V, S: Seek<K>>(
    lane: BlockRef<'g, K, V>,
    goal: &S,
    above: &mut *mut Entry<K, V>,
) -> (usize, Word, BlockRef<'g, K, V>) {
    loop {
        let index = pick(lane, goal, above);
        let word = lane.slots()[index].load();
        // A slot can die after it was picked.
        if let Some(child) = lane.child_of(word) {
            return (index, word, child);
        }
    }
}

/// Swings a lane's slot past a child that has been replaced, or kills it if the child was absorbed:
/// the slot before it leads to the absorber then.
///
/// A lane's first slot lives on, since there must be one for every key in the lane's range. It leads to
/// the block that holds the lane's fence, wherever that starts: whoever replaces that block passes by
/// the lane and swings the slot, so that it does not keep version after version.
#[cold]
fn swing<K: Ord, V>(
    lane: BlockRef<'_, K, V>,
    index: usize,
    word: Word,
    child: BlockRef<'_, K, V>,
    guard: &Guard,
) {
    let mut live = resolve(child);
    if word.frozen() || live == child {
        return;
    }
    let slot = &lane.slots()[index];
    if index > 0 && live.low() != child.low() {
        if slot.exchange(word, Word::REMOVED).is_ok() {
            child.unlink(guard);
        }
        return;
    }
    let starts_left = |next: &BlockRef<'_, K, V>| next.low_key().cmp(&lane.low_key()).is_le();
    while let Some(next) = live.next().map(resolve).filter(starts_left) {
        live = next;
    }
    if live.try_link() {
        match slot.exchange(word, live.as_word()) {
            Ok(()) => child.unlink(guard),
            Err(_) => live.unlink(guard),
        }
    }
}

/// Swings every slot of a lane that was not replaced when the caller looked.
pub(super) fn tidy_children<K: Ord, V>(lane: BlockRef<'_, K, V>, guard: &Guard) {
    for (index, slot) in lane.slots()[..lane.lane_state().count()].iter().enumerate() {
        let word = slot.load();
        if let Some(child) = lane.child_of(word).filter(|child| child.forward().is_some()) {
            swing(lane, index, word, child, guard);
        }
    }
}

/// True if a block that was reachable since the caller pinned is the goal's. That it is not replaced is seen
/// here, at the moment that I3 is about.
#[inline]
fn is_within<'g, K: 'g, V, S: Seek<K>>(goal: &S, block: BlockRef<'g, K, V>) -> bool {
    // I9: the upper fence only moves up.
    block.forward().is_none()
        && goal.hint(block.prefix()).is_some_and(|hint| hint < block.high_hint())
        && reaches_block(goal, block)
}

/// True if the goal lies at or beyond the block's lower fence.
#[inline]
pub(super) fn reaches_block<'g, K: 'g, V, S: Seek<K>>(goal: &S, block: BlockRef<'g, K, V>) -> bool {
    block.is_first()
        || goal.reaches(block.low_hint(), || block.low_key().expect("only the first has no fence"))
}

/// The end of a chain of replacements, as far as pointers may be swung (I11).
pub(super) fn resolve<K, V>(mut block: BlockRef<'_, K, V>) -> BlockRef<'_, K, V> {
    while let Some(replacement) = block.settled_forward() {
        block = replacement;
    }
    block
}
