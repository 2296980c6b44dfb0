//! Where a session was last, so that its next call may begin there.

use std::cell::Cell;
use std::ptr::{null, null_mut};

/// A block of a map that was reachable at some moment since its guard pinned, or none. (Fingers: Brown and
/// Tarjan, "A fast merging algorithm", 1979.)
pub(crate) struct Finger {
    map: Cell<*const ()>,
    block: Cell<*mut ()>,
}

impl Finger {
    pub(crate) fn new() -> Self {
        Self { map: Cell::new(null()), block: Cell::new(null_mut()) }
    }

    #[inline]
    pub(crate) fn point(&self, map: *const (), block: *mut ()) {
        self.map.set(map);
        self.block.set(block);
    }

    /// The block, if it is of this map; or null.
    #[inline]
    pub(crate) fn at(&self, map: *const ()) -> *mut () {
        if self.map.get() == map { self.block.get() } else { null_mut() }
    }
}
