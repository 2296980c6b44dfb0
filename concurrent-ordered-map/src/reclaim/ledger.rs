//! The memory of a model, whichever reclaimer it has.
//!
//! Freed memory is kept until the model's end and every access asks whether it is alive, so a use after free
//! or a second free fails the model at once; so does, at its end, a leak. It is filled with nonsense, for those
//! that read by a reference that they were given.
//!
//! Loom and shuttle run all threads of a model on one OS thread, so std's thread-local state is shared by them,
//! and none of it is a scheduling point.

use std::alloc::Layout;
use std::cell::RefCell;
use std::collections::HashMap;

#[derive(Default)]
struct Ledger {
    live: HashMap<usize, Layout>,
    freed: HashMap<usize, (*mut u8, Layout)>,
}

thread_local!(static LEDGER: RefCell<Ledger> = RefCell::default());

pub(crate) fn allocate(layout: Layout) -> *mut u8 {
    // SAFETY: blocks and entries have headers, so no layout here is of size zero.
    let memory = unsafe { std::alloc::alloc(layout) };
    assert!(!memory.is_null(), "out of memory");
    LEDGER.with_borrow_mut(|ledger| ledger.live.insert(memory.addr(), layout));
    memory
}

/// # Safety
/// `memory` is from [`allocate`] with this layout, and nothing points to it any more.
pub(crate) unsafe fn free(memory: *mut u8, layout: Layout) {
    LEDGER.with_borrow_mut(|ledger| {
        let was = ledger.live.remove(&memory.addr());
        assert_eq!(was, Some(layout), "freed twice, or never allocated");
        // SAFETY: it was allocated with this layout, and is nobody else's.
        unsafe { memory.write_bytes(0xdd, layout.size()) };
        ledger.freed.insert(memory.addr(), (memory, layout));
    });
}

pub(crate) fn check_alive<T>(memory: *const T) {
    let alive = LEDGER.with_borrow(|ledger| ledger.live.contains_key(&memory.addr()));
    assert!(alive, "use after free");
}

/// Ends one execution of a model: everything deferred runs, and nothing may be left.
///
/// # Panics
/// When a block or an entry is still allocated.
pub(crate) fn end_of_model() {
    super::finish();
    let left = LEDGER.with_borrow_mut(|ledger| {
        for (memory, layout) in std::mem::take(&mut ledger.freed).into_values() {
            // SAFETY: kept back by `free`, and the model that could touch it has ended.
            unsafe { std::alloc::dealloc(memory, layout) };
        }
        ledger.live.len()
    });
    assert_eq!(left, 0, "allocations leaked at the model's end");
}
