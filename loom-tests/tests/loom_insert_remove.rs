//! An insertion or an overwrite against a removal of the same key, and of a neighbour in a leaf that is replaced.
//! Bound: 3 preemptions; 2 where a leaf is replaced.
#![cfg(com_loom)]

use loom_tests::{Number, entries, explore_from, filled, of_numbers_and_entries, put, take};

fn of_one_key<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(4, &[1]),
        &[|map| put(map, 1, 11), |map| take(map, 1)],
        |answers, map| match *answers {
            [Some(10), Some(11)] => assert_eq!(entries(map), []),
            [None, Some(10)] => assert_eq!(entries(map), [(1, 11)]),
            _ => panic!("no order of the two explains {answers:?}"),
        },
    );
}

/// The leaf is full of what the overwrites before have left, and so is replaced.
fn of_one_key_in_a_full_leaf<V: Number>() {
    explore_from(
        2,
        || {
            let map = filled::<u32, V>(2, &[1]);
            put(&map, 1, 10);
            map
        },
        &[|map| put(map, 1, 11), |map| take(map, 1)],
        |answers, map| match *answers {
            [Some(10), Some(11)] => assert_eq!(entries(map), []),
            [None, Some(10)] => assert_eq!(entries(map), [(1, 11)]),
            _ => panic!("no order of the two explains {answers:?}"),
        },
    );
}

of_numbers_and_entries!(of_one_key, of_one_key_in_a_full_leaf);

#[test]
fn a_split_does_not_bring_back_what_was_removed() {
    explore_from(
        2,
        || filled::<u32, u32>(2, &[1, 3]),
        &[|map| put(map, 2, 20), |map| take(map, 3)],
        |answers, map| {
            assert_eq!(answers, [None, Some(30)]);
            assert_eq!(entries(map), [(1, 10), (2, 20)]);
            assert_eq!(map.len(), 2);
        },
    );
}
