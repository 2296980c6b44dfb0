//! Where a session was last, so that its next steps may begin there.

use std::cell::Cell;
use std::ptr::{null, null_mut};

/// A leaf of a map and the lane above it, both reachable at some moment since the guard pinned, or none.
/// (Fingers: Brown and Tarjan, "A fast merging algorithm", 1979.)
pub(crate) struct Finger {
    map: Cell<*const ()>,
    lane: Cell<*mut ()>,
    leaf: Cell<*mut ()>,
}

impl Finger {
    pub(crate) fn new() -> Self {
        Self { map: Cell::new(null()), lane: Cell::new(null_mut()), leaf: Cell::new(null_mut()) }
    }

    #[inline]
    pub(crate) fn point(&self, map: *const (), lane: *mut (), leaf: *mut ()) {
        self.map.set(map);
        self.lane.set(lane);
        self.leaf.set(leaf);
    }

    /// The lane, if it is of this map; or null.
    #[inline]
    pub(crate) fn lane(&self, map: *const ()) -> *mut () {
        if self.map.get() == map { self.lane.get() } else { null_mut() }
    }

    /// The leaf, if it is of this map; or null.
    #[inline]
    pub(crate) fn leaf(&self, map: *const ()) -> *mut () {
        if self.map.get() == map { self.leaf.get() } else { null_mut() }
    }
}
