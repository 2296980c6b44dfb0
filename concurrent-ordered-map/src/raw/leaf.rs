//! Leaves: how one is read and written.
//!
//! Which of a leaf's slots count is said by one word, its state (`state.rs`). So a load of it is a consistent
//! view of the leaf, and every write takes effect by one compare-exchange of it:
//!
//! 1. To put an entry in, a writer has a slot *given out* to it, which is its own from then on, and fills it.
//! 2. It *publishes* the slot. If the key was there, its old slot dies by the same exchange, so that a key that
//!    is present is never absent.
//! 3. To remove one, it *kills* the slot.
//!
//! Whoever fails to exchange the state looks at what has become of the key; as long as that is the same, it
//! tries again. Nobody waits for one who has stopped between the steps: its slot is lost to the leaf, until
//! this is replaced.

use std::borrow::Borrow;

use super::block::BlockRef;
use super::hint::{Needle, has_labels};
use super::pair::{Item, Pair, is_inline};
use super::prefetch::prefetch;
use super::slot::Slot;
use super::state::{Fate, LeafState, bits_of, fate};

/// What a leaf holds of a key in one of its states.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) state: LeafState,
    /// The key's slot.
    pub(super) index: Option<usize>,
}

/// Why nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unwritten {
    /// The key has got another value, or has been removed or inserted.
    Changed,
    /// The leaf froze.
    Frozen,
    /// All slots were given out.
    Full,
}

impl<'g, K, V> BlockRef<'g, K, V> {
    #[inline]
    pub(super) fn leaf_state(self) -> LeafState {
        debug_assert_eq!(self.level(), 0);
        LeafState(self.state_word())
    }

    fn change_leaf(self, seen: LeafState, new: LeafState) -> Result<LeafState, LeafState> {
        self.change_state(seen.0, new.0).map(|()| new).map_err(LeafState)
    }

    /// What a slot holds that was live in a state of this leaf, which was not replaced when the caller looked,
    /// before that state.
    #[inline]
    pub(super) fn pair(self, index: usize) -> &'g Pair {
        self.slots()[index].pair()
    }

    /// As `pair`, the key.
    #[inline]
    pub(super) fn key(self, index: usize) -> &'g K {
        // SAFETY: I3, by the caller's look.
        unsafe { self.pair(index).key::<K, V>() }
    }

    /// As `pair`, key and value.
    #[inline]
    pub(super) fn item(self, index: usize) -> Item<'g, K, V> {
        // SAFETY: I3, by the caller's look.
        unsafe { self.pair(index).item() }
    }

    /// Looks for a key in a leaf whose range holds it and that was not replaced when the caller looked.
    ///
    /// If it has been replaced since, this is what it held last, at a moment since that look.
    #[inline]
    pub(super) fn find<Q>(self, needle: &Needle<'_, K, Q>) -> Found
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let state = self.leaf_state();
        Found { state, index: self.find_among(state.live(), needle) }
    }

    /// The slot that has the key, of some that are live together.
    #[inline]
    fn find_among<Q>(self, chosen: u32, needle: &Needle<'_, K, Q>) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let Some(hint) = needle.hint(self.prefix()) else {
            let place = self.search(chosen, |key| needle.cmp_key(key));
            return place.floor.filter(|_| place.is_exact);
        };
        // Slots that are not published have codes, too; they are left out here, and not while searching.
        let slots = &self.slots()[..(u32::BITS - chosen.leading_zeros()) as usize];
        let mut from = 0;
        while let Some(index) = candidate::<K>(slots, from, hint) {
            from = index + 1;
            if chosen >> index & 1 != 0 && needle.is(|| self.key(index)) {
                return Some(index);
            }
        }
        None
    }

    /// Asks for the entries that the slots lead to. What has changed by then is asked for in vain.
    #[inline]
    pub(super) fn prefetch_entries(self) {
        if is_inline::<K, V>() {
            return;
        }
        for slot in bits_of(self.leaf_state().live()).map(|index| &self.slots()[index]) {
            prefetch(slot.pair().word());
        }
    }

    /// Kills the slot that was found. A failure: the key has another slot, or none, or the leaf froze.
    pub(super) fn kill(self, found: Found, index: usize) -> Result<(), Unwritten> {
        let mut state = found.state;
        loop {
            match self.change_leaf(state, state.kill(index)) {
                Ok(_) => return Ok(()),
                Err(now) if now.frozen() => return Err(Unwritten::Frozen),
                Err(now) if !now.is_live(index) => return Err(Unwritten::Changed),
                Err(now) => state = now,
            }
        }
    }

    /// Kills a slot, if the leaf is still in this state.
    pub(super) fn kill_in(self, state: LeafState, index: usize) -> bool {
        self.change_leaf(state, state.kill(index)).is_ok()
    }

    /// Has a slot given out.
    pub(super) fn give(self, mut state: LeafState) -> Result<usize, Unwritten> {
        loop {
            if state.frozen() {
                return Err(Unwritten::Frozen);
            }
            if state.given() == self.capacity() {
                return Err(Unwritten::Full);
            }
            match self.change_leaf(state, state.give()) {
                Ok(_) => return Ok(state.given()),
                Err(now) => state = now,
            }
        }
    }

    /// Stops all writes to this leaf, whose fate is decided. The first to get here decides of which generation
    /// the replacement will be (I15).
    pub(super) fn freeze_leaf(self, generation: u64) {
        debug_assert_ne!(fate(self.next_word()), Fate::Open);
        let ahead = generation.saturating_sub(self.generation());
        let mut state = self.leaf_state();
        while !state.frozen() {
            match self.change_leaf(state, state.freeze(self.capacity(), ahead)) {
                Ok(now) | Err(now) => state = now,
            }
        }
    }

    /// Kills all slots of a leaf of a map that nobody else uses.
    pub(super) fn empty_out(self) {
        let state = self.leaf_state();
        let emptied = self.change_leaf(state, state.emptied());
        debug_assert!(emptied.is_ok(), "somebody else uses the map");
    }

    /// The generation of what replaces this leaf, which is frozen.
    pub(super) fn next_generation(self) -> u64 {
        self.generation() + self.leaf_state().ahead()
    }
}

impl<K: Ord, V> BlockRef<'_, K, V> {
    /// Fills the slot that was given out to this thread, and publishes it in the place of what was found for the
    /// key, if that is still what there is.
    ///
    /// A panic in `Ord` comes out, and nothing is published then.
    pub(super) fn publish(
        self,
        found: Found,
        slot: usize,
        pair: Pair,
        key: &K,
    ) -> Result<(), Unwritten> {
        let mut state = self.leaf_state();
        let mut looked = found.state;
        let mut filed = false;
        loop {
            if state.frozen() {
                return Err(Unwritten::Frozen);
            }
            let new = state.published_since(looked);
            let same = match found.index {
                Some(index) => state.is_live(index),
                None => {
                    // Not among the dead: labels are in order only among slots that are live together.
                    let live = new & state.live();
                    live == 0 || self.find_among(live, &Needle::<K, K>::new(key)).is_none()
                }
            };
            if !same {
                return Err(Unwritten::Changed);
            }
            // A label is between those of all that are live (I1).
            if !filed || has_labels::<K>() && new != 0 {
                let hint = self.hint_of(state.live(), key);
                self.slots()[slot].set(pair.under::<K>(hint));
                filed = true;
            }
            looked = state;
            match self.change_leaf(state, state.publish(slot, found.index)) {
                Ok(_) => return Ok(()),
                Err(now) => state = now,
            }
        }
    }
}

/// The next slot, from `from` on, that can hold a key with this hint. A linear scan: its loads do not
/// wait for each other, as a binary search's do.
#[inline]
fn candidate<K>(slots: &[Slot], mut from: usize, hint: u64) -> Option<usize> {
    let is_it = |slot: &Slot| slot.hint::<K>() == hint;
    loop {
        // Four at a time cost half as much as one by one.
        let (fours, last) = slots[from..].as_chunks::<4>();
        let four = fours.iter().position(|four| four.iter().any(is_it)).unwrap_or(fours.len());
        let start = from + 4 * four;
        let found = fours.get(four).map_or(last, |four| &four[..]).iter().position(is_it);
        // A slot that is not published can be written between the two looks, and then is another key's: an empty
        // one has the hint of zero until then. There may be more behind it.
        if found.is_some() || four == fours.len() {
            return found.map(|index| start + index);
        }
        from = start + 4;
    }
}
