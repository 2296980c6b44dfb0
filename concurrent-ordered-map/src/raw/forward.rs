//! What a block's `forward` word says: nothing, who means to absorb the block, of which batch it is, or
//! what has replaced it.

use std::ptr::null_mut;

use super::block::{Block, BlockRef};
use super::descriptor::DescriptorRef;
use super::state::{ABSORBER, BATCH, FORWARD_TAGS, PENDING};
use crate::sync::Ordering;

fn untagged<T>(word: *mut T) -> *mut T {
    word.map_addr(|address| address & !FORWARD_TAGS)
}

impl<'g, K, V> BlockRef<'g, K, V> {
    #[inline]
    fn forward_word(self) -> *mut Block<K, V> {
        // Ordering: Acquire (O3), with `exchange_word`: whoever sees a replacement or a descriptor sees
        // its content. Who sees none may read what the slots hold (I3): a thread that pinned after
        // something was retired from the replacement sees the replacement.
        self.forward.load(Ordering::Acquire)
    }

    /// The block that has replaced this one. While there is none, this block's slots are the truth.
    #[inline]
    pub(super) fn forward(self) -> Option<Self> {
        let word = self.forward_word();
        // Mostly there is nothing at all, and all callers have this in line.
        if word.is_null() { None } else { self.forward_by(word) }
    }

    #[cold]
    #[inline(never)]
    fn forward_by(self, word: *mut Block<K, V>) -> Option<Self> {
        if word.addr() & BATCH != 0 {
            return self.forward_by_batch(word);
        }
        if word.addr() & ABSORBER != 0 {
            return None;
        }
        // SAFETY: I10, the block had its link to the replacement when the word was read, while pinned.
        unsafe { Self::new(untagged(word)) }
    }

    /// `forward`, of a leaf that was of a batch: there is a replacement if the batch is decided and has one.
    fn forward_by_batch(self, word: *mut Block<K, V>) -> Option<Self> {
        let batch = self.batch_in(word)?;
        // SAFETY: I10, the plan's link to the replacement is handed over to the leaf, which had no other
        // when the word was read, while pinned.
        let replacement = unsafe { Self::new(batch.plan()?.replacement(self)?) }?;
        // Ordering: Release (O3), as for `exchange_word`. A failure means that another thread did it.
        let new = replacement.as_ptr();
        if self.forward.compare_exchange(word, new, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            batch.unlink();
        }
        Some(replacement)
    }

    fn batch_in(self, word: *mut Block<K, V>) -> Option<DescriptorRef<'g, K, V>> {
        // SAFETY: I17, the leaf had its link to the descriptor when the word was read, while pinned.
        (word.addr() & BATCH != 0).then(|| unsafe { DescriptorRef::new(untagged(word).cast()) })?
    }

    /// The batch that has this leaf and is not decided.
    pub(super) fn pending_batch(self) -> Option<DescriptorRef<'g, K, V>> {
        self.batch_in(self.forward_word()).filter(|batch| batch.plan().is_none())
    }

    /// Takes a frozen leaf, whose fate is to be replaced alone, into a batch. False if it has been replaced,
    /// or is of another batch.
    pub(super) fn enlist(self, batch: DescriptorRef<'g, K, V>) -> bool {
        if self.batch_in(self.forward_word()) == Some(batch) {
            return true;
        }
        // No link is left where the batch was decided long ago.
        if !batch.try_link() {
            return false;
        }
        let tagged = batch.as_ptr().cast::<Block<K, V>>().map_addr(|address| address | BATCH);
        let enlisted = self.exchange_word(tagged);
        if !enlisted {
            batch.unlink();
        }
        // Another helper of the batch may have been first.
        enlisted || self.batch_in(self.forward_word()) == Some(batch)
    }

    /// Gives up the leaf's link to a batch.
    ///
    /// # Safety
    /// Nobody else uses the map, and the leaf is about to be freed.
    pub(super) unsafe fn leave_batch(self) {
        if let Some(batch) = self.batch_in(self.forward_word()) {
            // SAFETY: the caller's word.
            unsafe { batch.unlink_last() };
        }
    }

    /// The end of the chain of replacements.
    pub(super) fn latest(mut self) -> Self {
        while let Some(replacement) = self.forward() {
            self = replacement;
        }
        self
    }

    /// As `forward`, but only where all paths lead to it, so that pointers may be swung there (I11).
    pub(super) fn settled_forward(self) -> Option<Self> {
        self.forward().filter(|_| !self.is_pending())
    }

    /// True if the replacement was agreed, and the absorber may not lead to it yet.
    pub(super) fn is_pending(self) -> bool {
        self.forward_word().addr() & PENDING != 0
    }

    /// The left neighbour that has announced itself as the absorber of this block. The caller has seen the
    /// fate `Absorbed`.
    pub(super) fn absorber(self) -> Option<Self> {
        let word = self.forward_word();
        if word.addr() & ABSORBER == 0 {
            return None;
        }
        // SAFETY: I12, the absorber is replaced only after this block's forward has been set, so it
        // was reachable when the tag was read.
        unsafe { Self::new(untagged(word)) }
    }

    /// Leaves word for helpers who absorbs this block, unless something is written there.
    pub(super) fn announce_absorber(self, absorber: Self) {
        let tagged = absorber.as_ptr().map_addr(|address| address | ABSORBER);
        // Ordering: Relaxed; a helper looks here only after it has seen the fate `Absorbed` (O4), which is
        // decided after this by one who has the absorber before it. A failure means that the same absorber,
        // or a replacement, is there already.
        let _ =
            self.forward.compare_exchange(null_mut(), tagged, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Sets the replacement, unless one is set or the leaf is of a batch that is not decided. Answers whether
    /// this call did it.
    pub(super) fn exchange_forward(self, to: Self, pending: bool) -> bool {
        let tag = if pending { PENDING } else { 0 };
        self.exchange_word(to.as_ptr().map_addr(|address| address | tag))
    }

    /// Writes a word where there is none that counts.
    fn exchange_word(self, new: *mut Block<K, V>) -> bool {
        let mut seen = self.forward_word();
        while self.is_void(seen) {
            // Ordering: Release (O3) publishes what the word leads to; Acquire on failure, since the caller
            // goes on to what was agreed instead.
            match self.forward.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    if let Some(batch) = self.batch_in(seen) {
                        batch.unlink();
                    }
                    return true;
                }
                Err(now) => seen = now,
            }
        }
        false
    }

    /// True of a word without consequence: nothing, an announcement, or a batch that was decided without this
    /// leaf.
    fn is_void(self, word: *mut Block<K, V>) -> bool {
        let decided_without = |batch: DescriptorRef<'g, K, V>| {
            batch.plan().is_some_and(|plan| plan.replacement(self).is_none())
        };
        word.is_null()
            || word.addr() & ABSORBER != 0
            || self.batch_in(word).is_some_and(decided_without)
    }

    /// All paths lead to the replacement now.
    pub(super) fn settle_forward(self) {
        let word = self.forward_word();
        if word.addr() & PENDING != 0 {
            let settled = word.map_addr(|address| address & !PENDING);
            // Ordering: Release (O3), as for `exchange_word`: who sees the tag gone sees the left
            // neighbour's forward. A failure means that another helper did it.
            let _ =
                self.forward.compare_exchange(word, settled, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}
