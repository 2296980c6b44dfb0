//! A planted use after free: a read through a pointer to a dropped box.
//! `ci/sanitize.sh` fails if AddressSanitizer reports nothing here.

use std::hint::black_box;

#[test]
fn read_of_a_dropped_box() {
    let pointer = black_box(Box::into_raw(Box::new(7_u64)));
    // SAFETY: the pointer came from `Box::into_raw` and is freed once.
    drop(unsafe { Box::from_raw(pointer) });
    // SAFETY: none. That is the plant: the box is gone.
    black_box(unsafe { pointer.read_volatile() });
}
