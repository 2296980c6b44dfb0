//! Taking the first or the last entry, linearizably.
//!
//! A pop must remove the entry that is first at that very moment. It kills the entry's slot in the very state
//! in which that was the first, so it fails if anything has been published, or removed, since it looked. It
//! only ever pops from the first leaf (or the last): when that is empty, it absorbs its neighbour.

use std::ops::Bound;

use super::block::BlockRef;
use super::pair::Item;
use super::seek::outermost;
use super::snapshot::Access;
use super::state::{Fate, LeafState, fate};
use super::{End, RawMap};
use crate::reclaim::Guard;

/// What an attempt at a pop came to.
enum Attempt<'g, K, V> {
    Popped(Item<'g, K, V>),
    Empty,
    /// Something changed; look again.
    Again,
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// Removes the first or the last entry.
    pub(crate) fn pop<'g>(&'g self, end: End, guard: &'g Guard) -> Option<Item<'g, K, V>> {
        loop {
            match self.try_pop(end, guard) {
                Attempt::Popped(entry) => return Some(entry),
                Attempt::Empty => return None,
                Attempt::Again => {}
            }
        }
    }

    fn try_pop<'g>(&'g self, end: End, guard: &'g Guard) -> Attempt<'g, K, V> {
        let leaf = self.leaf_from(end, Bound::<&K>::Unbounded, Access::Write, guard);
        let state = leaf.leaf_state();
        if state.frozen() {
            self.help(leaf, guard);
            return Attempt::Again;
        }
        let Some(index) = outermost(leaf, state, end, |_| true) else {
            return self.pop_elsewhere(leaf, state, end, guard);
        };
        if !leaf.kill_in(state, index) {
            return Attempt::Again;
        }
        let popped = leaf.item(index);
        self.removed(leaf, index, guard);
        Attempt::Popped(popped)
    }

    /// The outer leaf was empty in this state: says so, if it is the only one, or brings the next
    /// one's content into it.
    fn pop_elsewhere<'g>(
        &'g self,
        leaf: BlockRef<'g, K, V>,
        state: LeafState,
        end: End,
        guard: &'g Guard,
    ) -> Attempt<'g, K, V> {
        let alone = match end {
            End::First => leaf.next().is_none(),
            End::Last => leaf.is_first(),
        };
        if !alone {
            self.absorb_empty(leaf, guard);
            return Attempt::Again;
        }
        // With the same state the leaf was empty all the while (I4), and an open leaf cannot have got a
        // neighbour.
        if leaf.leaf_state() == state && fate(leaf.next_word()) == Fate::Open {
            return Attempt::Empty;
        }
        // Who decided the leaf's fate may have been stopped, so this one does not wait for it to go on.
        self.help(leaf, guard);
        Attempt::Again
    }
}
