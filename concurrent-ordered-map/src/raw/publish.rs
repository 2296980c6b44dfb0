//! How a block changes: slots are appended, claimed and frozen through its state word.

use std::ptr::null_mut;

use super::block::BlockRef;
use super::content::fence;
use super::entry::Entry;
use super::state::{FROZEN, Fate, State, Word, fate};
use crate::sync::{Ordering, fetch_tag};

/// What appending to a block came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Append {
    /// The pointer is published.
    Done,
    /// The slot was reserved first by another thread, with this in it; see `publish_other`. The pointer was
    /// never seen by anyone.
    Reserved(Word),
    /// The block froze while the pointer was on offer: others may have read its key.
    Refused,
}

impl<K, V> BlockRef<'_, K, V> {
    /// Appends a pointer, if nothing has been published since `seen`, which is open and not full.
    pub(super) fn append(self, seen: State, hint: u64, pointer: *mut ()) -> Append {
        let index = seen.count();
        let slot = &self.slots()[index];
        match slot.exchange(Word(null_mut()), Word(pointer)) {
            Ok(()) => {
                self.set_fence(index, pointer);
                self.publish_own(seen, hint)
            }
            Err(other) => Append::Reserved(other),
        }
    }

    /// Publishes the slot that this thread has reserved.
    fn publish_own(self, mut seen: State, hint: u64) -> Append {
        let index = seen.count();
        self.slots()[index].set_hint::<K>(hint);
        loop {
            match self.change_state(seen, seen.published()) {
                Ok(()) => return Append::Done,
                Err(now) if now.count() > index => return Append::Done,
                Err(now) if now.frozen() => return Append::Refused,
                Err(now) if now.claimed().is_some() => {
                    self.settle_claim(now);
                    seen = self.state();
                    if seen.count() > index {
                        return Append::Done;
                    }
                    if seen.frozen() {
                        return Append::Refused;
                    }
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Claims a slot for a pop: until the claim is settled nothing is published in this block.
    pub(super) fn claim(self, seen: State, slot: usize) -> bool {
        let claimed = seen.claim(slot);
        let won = self.change_state(seen, claimed).is_ok();
        if won {
            self.settle_claim(claimed);
        }
        won
    }

    /// Kills the claimed slot and clears the claim, whoever made it.
    pub(super) fn settle_claim(self, claimed: State) {
        let Some(index) = claimed.claimed() else { return };
        let slot = &self.slots()[index];
        let mut word = slot.load();
        // A slot under a claim is not frozen: freezing settles the claim first. A settled claim has
        // left a dead slot behind, which stops a helper that comes late.
        while !word.dead() {
            match slot.exchange(word, word.popped()) {
                Ok(()) => break,
                Err(now) => word = now,
            }
        }
        let _ = self.change_state(claimed, claimed.settled());
    }

    /// Stops all writes to this block, whose fate is decided. The first to get here decides of which
    /// generation the replacement will be (I15).
    pub(super) fn freeze(self, generation: u64) {
        debug_assert_ne!(fate(self.next_word()), Fate::Open);
        let mut state = self.state();
        while !state.frozen() {
            if state.claimed().is_some() {
                self.settle_claim(state);
                state = self.state();
                continue;
            }
            match self.change_state(state, state.freeze(generation)) {
                Ok(()) => state = state.freeze(generation),
                Err(now) => state = now,
            }
        }
        for slot in &self.slots()[..state.count()] {
            // Ordering: AcqRel (O3): what the slot holds is visible to the builder of the
            // replacement, and who sees the tag sees that the block's fate is decided.
            fetch_tag(&slot.word, FROZEN, Ordering::AcqRel);
        }
    }
}

impl<K: Ord, V> BlockRef<'_, K, V> {
    /// Publishes the slot that another thread has reserved, so that nobody waits for it.
    pub(super) fn publish_other(self, seen: State, reserved: Word) {
        let pointer = reserved.pointer::<()>();
        if pointer.is_null() {
            // Published, and removed, in the meantime.
            return;
        }
        let fence = fence::<K, V>(self.level(), pointer);
        // SAFETY: I3 and I6, the slot held the entry or the child a moment ago; the entry may have lost its
        // value since. Only a second block has its fence put into a slot.
        let hint = self.hint_of(seen, unsafe { Entry::key_of(fence) });
        self.slots()[seen.count()].set_hint::<K>(hint);
        self.set_fence(seen.count(), pointer);
        let _ = self.change_state(seen, seen.published());
    }
}
