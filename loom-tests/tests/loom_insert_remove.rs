//! An insertion against a removal of the same key, and of a neighbour in a leaf that splits.
//! Bound: 3 preemptions.
#![cfg(com_loom)]

use loom_tests::{entries, explore};

#[test]
fn of_one_key() {
    explore(
        3,
        &[1],
        &[|map| map.pin().insert(1, 11).copied(), |map| map.pin().remove(&1).copied()],
        |answers, map| match *answers {
            [Some(10), Some(11)] => assert_eq!(entries(map), []),
            [None, Some(10)] => assert_eq!(entries(map), [(1, 11)]),
            _ => panic!("no order of the two explains {answers:?}"),
        },
    );
}

#[test]
fn a_split_does_not_bring_back_what_was_removed() {
    explore(
        2,
        &[1, 3],
        &[|map| map.pin().insert(2, 20).copied(), |map| map.pin().remove(&3).copied()],
        |answers, map| {
            assert_eq!(answers, [None, Some(30)]);
            assert_eq!(entries(map), [(1, 10), (2, 20)]);
            assert_eq!(map.len(), 2);
        },
    );
}
