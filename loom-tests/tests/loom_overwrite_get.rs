//! A key that is always present is never seen absent: while it is overwritten, while its leaf splits
//! under it, while it is absorbed. Bound: 3 preemptions; 2 where a leaf is replaced.
#![cfg(com_loom)]

use loom_tests::{MapOf, Number, explore, explore_from, filled, get, of_numbers_and_entries, put};

fn see<V: Number>(map: &MapOf<u32, V>) -> u32 {
    get(map, 1).expect("the key is always present")
}

fn while_it_is_overwritten<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(2, &[1]),
        &[|map| put(map, 1, 11), |map| Some(see(map))],
        |answers, _| assert!(matches!(answers, [Some(10), Some(10 | 11)]), "{answers:?}"),
    );
}

fn while_it_is_overwritten_twice<V: Number>() {
    // The second time its leaf is full.
    explore_from(
        2,
        || filled::<u32, V>(2, &[1]),
        &[
            |map| {
                put(map, 1, 11);
                put(map, 1, 12)
            },
            |map| Some(see(map)),
        ],
        |answers, _| assert!(matches!(answers, [Some(11), Some(10..=12)]), "{answers:?}"),
    );
}

fn while_its_leaf_splits<V: Number>() {
    explore_from(
        2,
        || filled::<u32, V>(2, &[1, 3]),
        &[|map| u32::from(put(map, 2, 20).is_some()), see],
        |answers, _| assert_eq!(answers, [0, 10]),
    );
}

of_numbers_and_entries!(
    while_it_is_overwritten,
    while_it_is_overwritten_twice,
    while_its_leaf_splits
);

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
