//! A key that is always present is never seen absent: while it is overwritten, while its leaf splits
//! under it, while it is absorbed. Bound: 3 preemptions; 2 where a leaf is replaced.
#![cfg(com_loom)]

use loom_tests::{Map, explore};

fn see(map: &Map) -> u32 {
    *map.pin().get(&1).expect("the key is always present")
}

#[test]
fn while_it_is_overwritten() {
    explore(
        3,
        &[1],
        &[|map| map.pin().insert(1, 11).copied(), |map| Some(see(map))],
        |answers, _| {
            assert_eq!(answers[0], Some(10));
            assert!(matches!(answers[1], Some(10 | 11)));
        },
    );
}

#[test]
fn while_its_leaf_splits() {
    explore(
        2,
        &[1, 3],
        &[|map| u32::from(map.pin().insert(2, 20).is_some()), see],
        |answers, _| assert_eq!(answers, [0, 10]),
    );
}

#[test]
fn while_its_leaf_splits_and_it_is_overwritten() {
    explore(
        2,
        &[1, 3],
        &[
            |map| u32::from(map.pin().insert(2, 20).is_some()),
            |map| {
                let before = map.pin().insert(1, 11).copied();
                assert_eq!((before, see(map)), (Some(10), 11));
                11
            },
        ],
        |answers, map| assert_eq!((answers, see(map)), (&[0, 11][..], 11)),
    );
}

#[test]
fn while_its_leaf_absorbs_its_neighbour() {
    // The leaves hold 1 | 2 | 3 4; the one of 2 empties, and the one of 1 takes its range over.
    explore(
        2,
        &[1, 2, 3, 4],
        &[|map| map.pin().remove(&2).copied().expect("nobody else removes it"), see],
        |answers, _| assert_eq!(answers, [20, 10]),
    );
}
