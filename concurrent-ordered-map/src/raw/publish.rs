//! How a lane changes: slots are appended and frozen through its state word, and exchanged one by one.

use std::ptr::null_mut;

use super::block::BlockRef;
use super::state::{FROZEN, Fate, LaneState, Word, fate};
use crate::sync::{Ordering, fetch_tag};

/// What appending to a lane came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Append {
    /// The pointer is published.
    Done,
    /// The slot was reserved first by another thread, with this in it; see `publish_other`. The pointer was
    /// never seen by anyone.
    Reserved(Word),
    /// The lane froze while the pointer was on offer: others may have read it.
    Refused,
}

impl<K, V> BlockRef<'_, K, V> {
    #[inline]
    pub(super) fn lane_state(self) -> LaneState {
        debug_assert!(self.level() > 0);
        LaneState(self.state_word())
    }

    fn change_lane(self, seen: LaneState, new: LaneState) -> Result<(), LaneState> {
        self.change_state(seen.0, new.0).map_err(LaneState)
    }

    /// Appends a child, if nothing has been published since `seen`, which is open and not full.
    pub(super) fn append(self, seen: LaneState, hint: u64, child: *mut ()) -> Append {
        let index = seen.count();
        let slot = &self.slots()[index];
        if let Err(other) = slot.exchange(Word(null_mut()), Word(child)) {
            return Append::Reserved(other);
        }
        self.set_fence(index, child);
        slot.set_hint::<K>(hint);
        match self.change_lane(seen, seen.published()) {
            Err(now) if now.count() == index => Append::Refused,
            _ => Append::Done,
        }
    }

    /// Stops all writes to this lane, whose fate is decided.
    pub(super) fn freeze_lane(self) {
        debug_assert_ne!(fate(self.next_word()), Fate::Open);
        let mut state = self.lane_state();
        while !state.frozen() {
            match self.change_lane(state, state.freeze()) {
                Ok(()) => state = state.freeze(),
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
    pub(super) fn publish_other(self, seen: LaneState, reserved: Word) {
        // SAFETY: I3, the slot held the child a moment ago.
        let child = unsafe { BlockRef::<K, V>::new(reserved.pointer()) };
        // Otherwise published, and dead, in the meantime. Only a block with a fence is put into a slot.
        let Some((child, low)) = child.and_then(|child| Some((child, child.low_key()?))) else {
            return;
        };
        let hint = self.hint_of(seen.shown(), low);
        self.slots()[seen.count()].set_hint::<K>(hint);
        self.set_fence(seen.count(), child.as_word().0);
        let _ = self.change_lane(seen, seen.published());
    }
}
