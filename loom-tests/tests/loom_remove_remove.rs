//! Two removals of one key: exactly one gets it. Bound: 3 preemptions; 1 where leaves
//! are absorbed.
#![cfg(com_loom)]

use loom_tests::{entries, explore};

#[test]
fn one_of_them_wins() {
    explore(
        3,
        &[1],
        &[|map| map.pin().remove(&1).copied(), |map| map.pin().remove(&1).copied()],
        |answers, map| {
            assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}");
            assert_eq!((entries(map), map.len()), (vec![], 0));
        },
    );
}

#[test]
fn emptied_leaves_join_their_neighbours() {
    // The leaves hold 1 | 2 | 3 4, and the first two empty.
    explore(
        1,
        &[1, 2, 3, 4],
        &[|map| map.pin().remove(&1).copied(), |map| map.pin().remove(&2).copied()],
        |answers, map| {
            assert_eq!(answers, [Some(10), Some(20)]);
            assert_eq!(entries(map), [(3, 30), (4, 40)]);
        },
    );
}
