//! Two read-modify-writes of one key: neither is lost. Bound: 3 preemptions.
#![cfg(com_loom)]

use loom_tests::{Map, entries, explore};

fn add_one(map: &Map) -> u32 {
    *map.pin().upsert(1, 1, |value| value + 1)
}

#[test]
fn of_a_key_that_is_there() {
    explore(3, &[1], &[add_one, add_one], |answers, map| {
        assert!(matches!(*answers, [11, 12] | [12, 11]), "{answers:?}");
        assert_eq!(entries(map), [(1, 12)]);
    });
}

#[test]
fn of_a_key_that_both_insert() {
    explore(3, &[], &[add_one, add_one], |answers, map| {
        assert!(matches!(*answers, [1, 2] | [2, 1]), "{answers:?}");
        assert_eq!(entries(map), [(1, 2)]);
    });
}

#[test]
fn in_a_leaf_that_splits() {
    explore(
        2,
        &[1, 3],
        &[add_one, |map| u32::from(map.pin().insert(2, 20).is_some())],
        |answers, map| {
            assert_eq!(answers, [11, 0]);
            assert_eq!(entries(map), [(1, 11), (2, 20), (3, 30)]);
        },
    );
}
