//! The control: a pointer published with Release and read with Acquire, everything freed.
//! `ci/sanitize.sh` fails if a sanitizer reports anything here.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;

#[test]
fn published_in_order() {
    let slot: AtomicPtr<u64> = AtomicPtr::new(ptr::null_mut());
    thread::scope(|scope| {
        let writer = scope.spawn(|| slot.store(Box::into_raw(Box::new(7)), Ordering::Release));
        let reader = scope.spawn(|| {
            loop {
                let seen = slot.load(Ordering::Acquire);
                if !seen.is_null() {
                    // SAFETY: the writer published a box that nobody frees before the join.
                    return unsafe { seen.read() };
                }
                thread::yield_now();
            }
        });
        writer.join().unwrap();
        assert_eq!(reader.join().unwrap(), 7);
    });
    // SAFETY: the box is still there, and both threads have been joined.
    drop(unsafe { Box::from_raw(slot.into_inner()) });
}
