//! Two insertions: of one key, which must meet in one slot; into one leaf; into a leaf that splits.
//! Bound: 3 preemptions.
#![cfg(com_loom)]

use loom_tests::{Opaque, OpaqueMap, entries, explore, explore_from, opaque_map_of};

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

fn opaque_entries(map: &OpaqueMap) -> Vec<(u32, u32)> {
    map.pin().iter().map(|(key, value)| (key.0, *value)).collect()
}

#[test]
fn two_keys_without_hints_are_both_there_and_in_order() {
    explore_from(
        3,
        || opaque_map_of(&[]),
        &[
            |map: &OpaqueMap| map.pin().insert(Opaque(2), 20).copied(),
            |map: &OpaqueMap| map.pin().insert(Opaque(1), 10).copied(),
        ],
        |answers, map| {
            assert_eq!(answers, [None, None]);
            assert_eq!(opaque_entries(map), [(1, 10), (2, 20)]);
            assert_eq!(map.pin().get(&Opaque(2)), Some(&20));
        },
    );
}

#[test]
fn a_split_loses_no_key_without_hints() {
    explore_from(
        2,
        || opaque_map_of(&[1, 3]),
        &[
            |map: &OpaqueMap| map.pin().insert(Opaque(2), 20).copied(),
            |map: &OpaqueMap| map.pin().insert(Opaque(4), 40).copied(),
        ],
        |answers, map| {
            assert_eq!(answers, [None, None]);
            assert_eq!(opaque_entries(map), [(1, 10), (2, 20), (3, 30), (4, 40)]);
            assert_eq!(map.pin().get(&Opaque(4)), Some(&40));
        },
    );
}
