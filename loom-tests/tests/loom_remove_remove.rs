//! Two removals of one key: exactly one gets it. Bound: 3 preemptions; 1 where leaves
//! are absorbed.
#![cfg(com_loom)]

use loom_tests::{Number, entries, explore, explore_from, filled, of_numbers_and_entries, take};

fn one_of_them_wins<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(2, &[1]),
        &[|map| take(map, 1), |map| take(map, 1)],
        |answers, map| {
            assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}");
            assert_eq!((entries(map), map.len()), (vec![], 0));
        },
    );
}

of_numbers_and_entries!(one_of_them_wins);

#[test]
fn emptied_leaves_join_their_neighbours() {
    // The leaves hold 1 | 2 | 3 4, and the first two empty.
    explore(1, &[1, 2, 3, 4], &[|map| take(map, 1), |map| take(map, 2)], |answers, map| {
        assert_eq!(answers, [Some(10), Some(20)]);
        assert_eq!(entries(map), [(3, 30), (4, 40)]);
    });
}
