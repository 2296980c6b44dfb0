//! A planted leak: boxes that nothing points to any more when the program ends.
//! `ci/sanitize.sh` fails if LeakSanitizer reports nothing here.

use std::hint::black_box;

#[test]
fn lost_boxes() {
    for n in 0..64_u64 {
        black_box(Box::leak(Box::new([n; 32])));
    }
}
