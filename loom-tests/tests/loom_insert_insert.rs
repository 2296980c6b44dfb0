//! Two insertions: of one key, which must meet in one slot; into one leaf; into a leaf that splits.
//! Bound: 3 preemptions.
#![cfg(com_loom)]

use loom_tests::{entries, explore};

#[test]
fn one_key_is_inserted_once() {
    explore(
        3,
        &[],
        &[|map| map.pin().insert(1, 11).copied(), |map| map.pin().insert(1, 12).copied()],
        |answers, map| {
            let (before, left) = match *answers {
                [None, Some(11)] => (true, 12),
                [Some(12), None] => (true, 11),
                _ => (false, 0),
            };
            assert!(before, "one of them finds the other's value: {answers:?}");
            assert_eq!(entries(map), [(1, left)]);
            assert_eq!(map.len(), 1);
        },
    );
}

#[test]
fn two_keys_of_one_leaf_are_both_there() {
    explore(
        3,
        &[],
        &[|map| map.pin().insert(1, 10).copied(), |map| map.pin().insert(2, 20).copied()],
        |answers, map| {
            assert_eq!(answers, [None, None]);
            assert_eq!(entries(map), [(1, 10), (2, 20)]);
        },
    );
}

#[test]
fn a_split_loses_neither() {
    explore(
        2,
        &[1, 3],
        &[|map| map.pin().insert(2, 20).copied(), |map| map.pin().insert(4, 40).copied()],
        |answers, map| {
            assert_eq!(answers, [None, None]);
            assert_eq!(entries(map), [(1, 10), (2, 20), (3, 30), (4, 40)]);
        },
    );
}
