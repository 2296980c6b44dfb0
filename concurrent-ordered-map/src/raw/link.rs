//! The life of a block: counted links, retirement, and what goes with it.

use super::block::{Block, BlockRef};
use super::state::without_fate;
use crate::reclaim::{self, Guard};
use crate::sync::Ordering;

impl<K, V> BlockRef<'_, K, V> {
    /// Adds a link, unless the last one has gone and the block with it.
    pub(super) fn try_link(self) -> bool {
        // Ordering: Acquire on failure (O7): who finds no link left sees what took the last one's place,
        // and does not come back here by the same stale pointer. A success adds to what is there.
        let mut links = self.links.load(Ordering::Acquire);
        while links != 0 {
            match self.links.compare_exchange(
                links,
                links + 1,
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => links = now,
            }
        }
        false
    }

    /// Takes a link away; the last one retires the block.
    ///
    /// A replaced block lets go of what it leads to at once, not when it is freed: whoever still reads
    /// it is pinned, and so keeps that too. If each version of a block waited for the one before it to
    /// be freed, only one a grace period could go, and a busy leaf would pile them up.
    pub(super) fn unlink(self, guard: &Guard) {
        let mut unlinked = Some(self);
        while let Some(block) = unlinked.filter(|block| block.drop_link()) {
            unlinked = block.forward();
            let replaced = unlinked.is_some();
            if replaced {
                block.sever_next(guard);
            }
            let block = block.as_ptr();
            // SAFETY: I10, no pointer of the structure leads here any more, so whoever reads the
            // block was pinned before now.
            let job = move || unsafe { free_retired(block, replaced) };
            // SAFETY: K may be dropped on any thread, at any time.
            unsafe { guard.defer(job) };
        }
    }

    /// Takes a link away and answers whether it was the last.
    pub(super) fn drop_link(self) -> bool {
        // Ordering: AcqRel (O7): the one who takes the last link sees what the others wrote.
        let before = self.links.fetch_sub(1, Ordering::AcqRel);
        debug_assert_ne!(before, 0, "a block has lost a link twice");
        before == 1
    }

    /// The blocks that this one keeps by its links, the slots' included if they are its own.
    ///
    /// # Safety
    /// Nobody else uses the block.
    pub(super) unsafe fn kept(self) -> Vec<*mut Block<K, V>> {
        let forward = self.forward();
        let next = without_fate(self.next_word());
        let mut kept = Vec::new();
        kept.extend(forward.map(Self::as_ptr));
        kept.extend((!next.is_null()).then_some(next));
        // The slots of a replaced block belong to its replacement (I5).
        if self.level() > 0 && forward.is_none() {
            let published = &self.slots()[..self.lane_state().count()];
            let children = published.iter().map(|slot| slot.load().pointer::<Block<K, V>>());
            kept.extend(children.filter(|child| !child.is_null()));
        }
        kept
    }

    /// Frees the block's memory and its ownership of the fence, and nothing else.
    ///
    /// # Safety
    /// No link is left, and nobody reads the block.
    pub(super) unsafe fn free(self) {
        self.witness.end();
        let layout = Block::<K, V>::layout(self.level(), self.capacity(), self.prefix_len());
        let low = *self.low();
        let memory = self.as_ptr().cast();
        // SAFETY: I6, the block gives up its ownership, once.
        unsafe { low.release() };
        // SAFETY: allocated by `allocate` with this layout.
        unsafe { reclaim::free(memory, layout) };
    }
}

/// Frees a block whose last link went a grace period ago; `let_go`: and which has taken its own links
/// away then.
///
/// # Safety
/// `block` is such a block.
unsafe fn free_retired<K, V>(block: *mut Block<K, V>, let_go: bool) {
    // SAFETY: the caller's word: allocated, and nobody else uses it.
    let Some(block) = (unsafe { BlockRef::new(block) }) else { return };
    if !let_go {
        // A lane that was dropped from the top, and could be written until now. What it keeps may be
        // read by threads that came to it another way: so it is retired, not freed.
        let guard = reclaim::pin();
        // SAFETY: as above.
        for kept in unsafe { block.kept() } {
            // SAFETY: I10, kept by this block until now.
            if let Some(kept) = unsafe { BlockRef::new(kept) } {
                kept.unlink(&guard);
            }
        }
    }
    // SAFETY: as above.
    unsafe { block.free() };
}
