//! An entry that is the fence of a leaf has two owners, its slot and the leaf. Each is given up by a thread of its
//! own, and whichever is the last frees the entry after all that the other has read of it. Bound: 1 preemption.
#![cfg(com_loom)]

use loom_tests::{Opaque, entries, explore_from, filled, take};

#[test]
fn a_leaf_is_absorbed_whose_fence_is_removed() {
    // The leaves hold 1 | 2 3. Who removes the last of 2 and 3 looks for the left neighbour by the fence, which is
    // not a number, and so an entry.
    explore_from(
        1,
        || filled::<Opaque, u32>(2, &[1, 2, 3]),
        &[|map| take(map, 3), |map| take(map, 2)],
        |answers, map| {
            assert_eq!(answers, [Some(30), Some(20)]);
            assert_eq!(entries(map), [(1, 10)]);
        },
    );
}
