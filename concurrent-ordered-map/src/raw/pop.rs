//! Taking the first or the last entry, linearizably.
//!
//! A pop must remove the entry that is first at that very moment, and a smaller key may be inserted
//! while it looks. So it first *claims* its slot in the leaf's state word, which fails if anything
//! was published since it looked, and which keeps everything from being published until the claim is
//! settled: by killing the slot. Whoever comes by helps. It only ever pops from the first leaf (or
//! the last): when that is empty, it absorbs its neighbour.

use std::ops::Bound;

use super::block::BlockRef;
use super::entry::Entry;
use super::seek::outermost;
use super::snapshot::Access;
use super::state::{Fate, State, fate};
use super::{End, RawMap};
use crate::reclaim::Guard;

/// What an attempt at a pop came to.
enum Attempt<'g, K, V> {
    Popped(&'g Entry<K, V>),
    Empty,
    /// Something changed; look again.
    Again,
}

impl<K: Ord + Send + 'static, V: Send + 'static> RawMap<K, V> {
    /// Removes the first or the last entry.
    pub(crate) fn pop<'g>(&'g self, end: End, guard: &'g Guard) -> Option<&'g Entry<K, V>> {
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
        let state = leaf.state();
        if state.frozen() {
            self.help(leaf, guard);
            return Attempt::Again;
        }
        if state.claimed().is_some() {
            leaf.settle_claim(state);
            return Attempt::Again;
        }
        let Some(outermost) = outermost(leaf, state, end, |_| true) else {
            return self.pop_elsewhere(leaf, state, end, guard);
        };
        if !leaf.claim(state, outermost.index) {
            return Attempt::Again;
        }
        let word = leaf.slots()[outermost.index].load();
        let entry = word.pointer::<Entry<K, V>>();
        if entry.is_null() {
            // A removal was there first.
            return Attempt::Again;
        }
        // SAFETY: I3, the claim killed the slot with the entry in it.
        let popped = unsafe { Entry::deref(entry) };
        // SAFETY: I5, the claim was this thread's, so the entry is its own to retire.
        unsafe { Entry::<K, V>::retire(entry, guard) };
        self.removed_from(leaf, guard);
        Attempt::Popped(popped)
    }

    /// The outer leaf was empty in this state: says so, if it is the only one, or brings the next
    /// one's content into it.
    fn pop_elsewhere<'g>(
        &'g self,
        leaf: BlockRef<'g, K, V>,
        state: State,
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
        // Dead slots stay dead, so with the same state the leaf was empty all the while, and an open
        // leaf cannot have got a neighbour.
        if leaf.state() == state && fate(leaf.next_word()) == Fate::Open {
            return Attempt::Empty;
        }
        // Who decided the leaf's fate may have been stopped, so this one does not wait for it to go on.
        self.help(leaf, guard);
        Attempt::Again
    }
}
