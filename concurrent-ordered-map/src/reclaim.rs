//! The only file that names the reclaimer: crossbeam-epoch, or a checking one in models.
//!
//! Models are builds with `--cfg com_loom` or `--cfg com_shuttle`. With `--cfg com_epoch` too, a loom model has
//! the real one, on loom's atomics.
//!
//! A [`Guard`] keeps the calling thread pinned. What a guard defers runs when no thread that was
//! pinned at that moment is pinned any more (Fraser, "Practical lock-freedom", 2004).

use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(all(any(com_loom, com_shuttle), not(com_epoch)))]
pub(crate) use checking::*;
#[cfg(any(com_epoch, not(any(com_loom, com_shuttle))))]
pub(crate) use epoch::*;
use finger::Finger;
pub(crate) use grace::Grace;
#[cfg(any(com_loom, com_shuttle))]
pub(crate) use ledger::*;
#[cfg(not(any(com_loom, com_shuttle)))]
pub(crate) use memory::*;

#[cfg(all(any(com_loom, com_shuttle), not(com_epoch)))]
mod checking;
mod finger;
mod grace;
#[cfg(any(com_loom, com_shuttle))]
mod ledger;

/// Runs a destructor of the user's and keeps its panic from what else is to be freed.
///
/// The panic hook has reported it by then; the payload is leaked, as its own drop could panic.
pub(crate) fn contain(destructor: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(destructor)) {
        std::mem::forget(payload);
    }
}

#[cfg(any(com_epoch, not(any(com_loom, com_shuttle))))]
mod epoch {
    use std::cell::Cell;
    use std::fmt;

    use super::{Finger, Grace};

    /// How often at most `collect` asks for garbage to be freed, up to 512 objects each time.
    /// In a model a few suffice where nobody is pinned, and where somebody is, no number does.
    const ROUNDS: usize = if cfg!(com_epoch) { 4 } else { 1 << 14 };

    /// Frees what was retired before, as far as pinned threads allow. False if that was not seen to end.
    ///
    /// Garbage is freed in the order in which it was handed over, so what is retired last shows that all
    /// before it has had its turn.
    pub(crate) fn collect() -> bool {
        let grace = Grace::new();
        grace.begin(&pin());
        for _ in 0..ROUNDS {
            if grace.is_over() {
                break;
            }
            free_some();
        }
        grace.is_over()
    }

    /// Hands over what this thread has retired, and frees a part of what may be freed.
    pub(crate) fn free_some() {
        crossbeam_epoch::pin().flush();
    }

    /// After how many retired objects a thread asks for garbage to be freed: as many as crossbeam-epoch's bag
    /// holds. Up to eight times as much goes at a time, so that a thread frees faster than it retires; mostly it is
    /// as much, so that a call that frees takes some microseconds, not fifty.
    const PASS: u32 = 64;

    thread_local! {
        /// What this thread has retired since it last asked.
        static RETIRED: Cell<u32> = const { Cell::new(0) };
    }

    /// Asks for garbage to be freed, in proportion to what this thread has retired.
    ///
    /// crossbeam-epoch asks once in 128 pins, which is enough where each call pins. A session retires any
    /// number of objects under one pin.
    #[inline]
    fn keep_up() {
        if RETIRED.get() >= PASS {
            free_passes();
        }
    }

    #[cold]
    fn free_passes() {
        let passes = RETIRED.get() / PASS;
        RETIRED.set(RETIRED.get() % PASS);
        for _ in 0..passes {
            free_some();
        }
    }

    /// A pinned thread. Not `Send`: it speaks for the thread that made it.
    pub(crate) struct Guard {
        epoch: crossbeam_epoch::Guard,
        finger: Finger,
    }

    /// Pins the calling thread. Costs a few nanoseconds, one store and one fence.
    #[inline]
    pub(crate) fn pin() -> Guard {
        Guard { epoch: crossbeam_epoch::pin(), finger: Finger::new() }
    }

    impl Guard {
        /// Runs `job` when no thread pinned now is pinned any more.
        ///
        /// # Safety
        /// `job` may run on any thread, at any later time.
        pub(crate) unsafe fn defer(&self, job: impl FnOnce()) {
            RETIRED.set(RETIRED.get().saturating_add(1));
            // SAFETY: the caller vouches for the job.
            unsafe { self.epoch.defer_unchecked(job) };
        }

        /// Lets go of the epoch and pins anew.
        pub(crate) fn repin(&mut self) {
            self.finger = Finger::new();
            self.epoch.repin();
            keep_up();
        }

        #[inline]
        pub(crate) fn finger(&self) -> &Finger {
            &self.finger
        }
    }

    impl Drop for Guard {
        #[inline]
        fn drop(&mut self) {
            keep_up();
        }
    }

    impl fmt::Debug for Guard {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Guard")
        }
    }

    /// Runs everything deferred, and forgets what would make the model's next execution differ.
    ///
    /// A thread of loom's that was joined may still have to hand over what it retired.
    #[cfg(com_epoch)]
    pub(super) fn finish() {
        // The second time for what the first one's frees have retired.
        while !(collect() && collect()) {
            loom::thread::yield_now();
        }
        RETIRED.set(0);
    }
}

#[cfg(not(any(com_loom, com_shuttle)))]
mod memory {
    use std::alloc::Layout;

    /// Memory of a block or an entry; aborts through the usual hook when there is none.
    #[inline]
    pub(crate) fn allocate(layout: Layout) -> *mut u8 {
        debug_assert_ne!(layout.size(), 0);
        // SAFETY: blocks and entries have headers, so no layout here is of size zero.
        let memory = unsafe { std::alloc::alloc(layout) };
        if memory.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        memory
    }

    /// # Safety
    /// `memory` is from [`allocate`] with this layout, and nothing points to it any more.
    #[inline]
    pub(crate) unsafe fn free(memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's word.
        unsafe { std::alloc::dealloc(memory, layout) };
    }

    /// Fails a loom model that touches freed memory; nothing here.
    #[inline(always)]
    pub(crate) fn check_alive<T>(_memory: *const T) {}
}
