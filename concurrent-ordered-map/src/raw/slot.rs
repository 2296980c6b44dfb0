//! A slot: what it takes to find a key, and where its entry is.

use super::hint::has_labels;
use super::state::Word;
use crate::sync::{AtomicPtr, AtomicU64, Ordering};

/// A slot: a hint of a key beside the pointer, so that a hit needs no second cache line.
pub(super) struct Slot {
    /// The hint of the slot's key; of a lane's slot, the hint of its first child's lower fence.
    /// Written before the slot is published, never changed (I1).
    hint: AtomicU64,
    /// A [`Word`]: an entry or a block, tagged.
    pub(super) word: AtomicPtr<()>,
}

impl Slot {
    pub(super) fn new(hint: u64, pointer: *mut ()) -> Self {
        Self { hint: AtomicU64::new(hint), word: AtomicPtr::new(pointer) }
    }

    #[inline]
    pub(super) fn hint(&self) -> u64 {
        // Ordering: Relaxed; written before the publication (O1) by which the reader got here.
        self.hint.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn load(&self) -> Word {
        // Ordering: Acquire (O2), with the compare-exchange that put the pointer here: the entry's or
        // block's content is visible. Also (O3): who sees the frozen tag sees the decided fate.
        Word(self.word.load(Ordering::Acquire))
    }

    /// Writes the hint of a slot that is reserved and not published yet, unless that has been done.
    pub(super) fn set_hint<K>(&self, hint: u64) {
        if has_labels::<K>() {
            // Ordering: Relaxed; whoever publishes the slot (O1) has written the label or seen it here. Labels
            // may differ, and the first one stays (I1).
            let _ = self.hint.compare_exchange(0, hint, Ordering::Relaxed, Ordering::Relaxed);
        } else {
            // Ordering: Relaxed, as above. Every writer writes the same, since the slot's key is fixed by
            // the reservation (I1).
            self.hint.store(hint, Ordering::Relaxed);
        }
    }

    /// Replaces `seen` by `new`.
    pub(super) fn exchange(&self, seen: Word, new: Word) -> Result<(), Word> {
        // Ordering: Release (O2) publishes what `new` points to; Acquire on both outcomes lets the
        // caller read what `seen` or the pointer found instead points to.
        self.word
            .compare_exchange(seen.0, new.0, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Word)
    }
}
