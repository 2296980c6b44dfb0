//! An entry that is the fence of a leaf has two owners, its slot and the leaf. Each is given up by a thread of its
//! own, and whichever is the last frees the entry after all that the other has read of it. Bound: 1 preemption.
#![cfg(com_loom)]

use loom_tests::{entries, explore};

#[test]
fn a_leaf_is_absorbed_whose_fence_is_removed() {
    // The leaves hold 1 | 2 3. Who removes the last of 2 and 3 looks for the left neighbour by the fence.
    explore(
        1,
        &[1, 2, 3],
        &[|map| map.pin().remove(&3).copied(), |map| map.pin().remove(&2).copied()],
        |answers, map| {
            assert_eq!(answers, [Some(30), Some(20)]);
            assert_eq!(entries(map), [(1, 10)]);
        },
    );
}
