//! Knowing when a grace period is over.

use std::fmt;

use super::Guard;
use crate::sync::{AtomicU32, Ordering};

/// Set when the grace period is over.
const OVER: u32 = 1 << 31;

/// Tells whether all threads that were pinned when it was begun have unpinned since.
///
/// It is a flag on the heap with two owners, this handle and the deferred job that sets it; the later one
/// frees it. An `Arc` would do, but for its fence, which ThreadSanitizer does not understand.
pub(crate) struct Grace(Flag);

/// The owners, and [`OVER`].
#[derive(Clone, Copy)]
struct Flag(*const AtomicU32);

impl Grace {
    /// One that is yet to be begun.
    pub(crate) fn new() -> Self {
        Self(Flag(Box::into_raw(Box::new(AtomicU32::new(1)))))
    }

    /// Begins, after all that the caller has done before. To be called once.
    pub(crate) fn begin(&self, guard: &Guard) {
        let flag = self.0;
        // Ordering: Relaxed; the handle keeps the flag until this call has returned.
        flag.owners().fetch_add(1, Ordering::Relaxed);
        // The job is an owner, and takes `OVER` and itself into account at once.
        let job = move || flag.change(OVER - 1);
        // SAFETY: the job may run anywhere: it only touches an atomic, and frees it if it is the last owner.
        unsafe { guard.defer(job) };
    }

    /// True if it is over. All that those threads did while they were pinned is visible then.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        // Ordering: Acquire (O10), with the job's change.
        self.0.owners().load(Ordering::Acquire) & OVER != 0
    }
}

impl Flag {
    fn owners<'a>(self) -> &'a AtomicU32 {
        // SAFETY: only used by owners, the last of which frees it.
        unsafe { &*self.0 }
    }

    /// Gives up an ownership by adding this.
    fn change(self, by: u32) {
        // Ordering: AcqRel: the later owner frees after the earlier one is done; Release also for `is_over` (O10).
        let now = self.owners().fetch_add(by, Ordering::AcqRel).wrapping_add(by);
        if now & !OVER == 0 {
            // SAFETY: no owner is left.
            drop(unsafe { Box::from_raw(self.0.cast_mut()) });
        }
    }
}

impl Drop for Grace {
    fn drop(&mut self) {
        self.0.change(u32::MAX);
    }
}

impl fmt::Debug for Grace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grace").field("over", &self.is_over()).finish()
    }
}
