//! A planted race: `clean.rs` with Relaxed for Release and Acquire, so nothing orders the box's
//! content before the read of it. `ci/sanitize.sh` fails if ThreadSanitizer reports nothing here.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;

#[test]
fn published_without_order() {
    let slot: AtomicPtr<u64> = AtomicPtr::new(ptr::null_mut());
    thread::scope(|scope| {
        let writer = scope.spawn(|| slot.store(Box::into_raw(Box::new(7)), Ordering::Relaxed));
        let reader = scope.spawn(|| {
            loop {
                let seen = slot.load(Ordering::Relaxed);
                if !seen.is_null() {
                    // SAFETY: none. That is the plant: the box's content may not have arrived.
                    return unsafe { seen.read() };
                }
                thread::yield_now();
            }
        });
        writer.join().unwrap();
        reader.join().unwrap();
    });
    // SAFETY: the box is still there, and both threads have been joined.
    drop(unsafe { Box::from_raw(slot.into_inner()) });
}
