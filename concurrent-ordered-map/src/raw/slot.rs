//! A slot: what it takes to find a key, and what is there.

use super::hint::{bias, has_labels};
use super::pair::Pair;
use super::state::Word;
use crate::sync::{AtomicPtr, AtomicU64, Ordering, Plain};

/// A slot: the code of a key beside a word, so that a hit needs no second cache line.
///
/// A lane's slot holds the hint of a child's lower fence, and a pointer to the child with tags. A leaf's slot
/// holds a [`Pair`], and is written once, by the one to whom it was given out (I1).
#[repr(C)]
pub(super) struct Slot {
    code: AtomicU64,
    pub(super) word: AtomicPtr<()>,
    /// The pair, once more where atomics do not show their memory.
    plain: Plain<Pair>,
}

impl Slot {
    pub(super) fn new(pair: Pair) -> Self {
        Self {
            code: AtomicU64::new(pair.code()),
            word: AtomicPtr::new(pair.word()),
            plain: Plain::new(pair),
        }
    }

    #[inline]
    pub(super) fn hint<K>(&self) -> u64 {
        // Ordering: Relaxed; written before the publication (O1) by which the reader got here.
        self.code.load(Ordering::Relaxed) ^ bias::<K>()
    }

    /// What a published slot of a leaf holds.
    #[inline]
    pub(super) fn pair(&self) -> &Pair {
        // SAFETY: the two atomics are laid out as a pair and were written before the publication (O1) by which
        // the reader got here; nothing is written to them any more (I1).
        unsafe { &*self.plain.get(std::ptr::from_ref(self).cast()) }
    }

    /// Writes a leaf's slot that was given out to this thread and is not published.
    pub(super) fn set(&self, pair: Pair) {
        // Ordering: Relaxed, both; the state's exchange publishes them (O1).
        self.code.store(pair.code(), Ordering::Relaxed);
        self.word.store(pair.word(), Ordering::Relaxed);
        self.plain.set(pair);
    }

    #[inline]
    pub(super) fn load(&self) -> Word {
        // Ordering: Acquire (O2), with the compare-exchange that put the pointer here: the block's content is
        // visible. Also (O3): who sees the frozen tag sees the decided fate.
        Word(self.word.load(Ordering::Acquire))
    }

    /// Writes the hint of a lane's slot that is reserved and not published yet, unless that has been done.
    pub(super) fn set_hint<K>(&self, hint: u64) {
        if has_labels::<K>() {
            // Ordering: Relaxed; whoever publishes the slot (O1) has written the label or seen it here. Labels
            // may differ, and the first one stays (I1).
            let _ = self.code.compare_exchange(0, hint, Ordering::Relaxed, Ordering::Relaxed);
        } else {
            // Ordering: Relaxed, as above. Every writer writes the same, since the slot's key is fixed by
            // the reservation (I1).
            self.code.store(hint ^ bias::<K>(), Ordering::Relaxed);
        }
    }

    /// Replaces what a lane's slot holds.
    pub(super) fn exchange(&self, seen: Word, new: Word) -> Result<(), Word> {
        // Ordering: Release (O2) publishes what `new` points to; Acquire on both outcomes lets the
        // caller read what `seen` or the pointer found instead points to.
        self.word
            .compare_exchange(seen.0, new.0, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Word)
    }
}
