//! Two read-modify-writes of one key: neither is lost. Bound: 3 preemptions; 2 where leaves are replaced.
#![cfg(com_loom)]

use loom_tests::{MapOf, Number, entries, explore_from, filled, of_numbers_and_entries, put};

fn add_one<V: Number>(map: &MapOf<u32, V>) -> u32 {
    let add = |value: &V| V::from((*value).into() + 1);
    (*map.pin().upsert(1, V::from(1), add)).into()
}

fn of_a_key_that_is_there<V: Number>() {
    explore_from(
        3,
        || filled(4, &[1]),
        &[add_one::<V>, add_one::<V>],
        |answers, map| {
            assert!(matches!(*answers, [11, 12] | [12, 11]), "{answers:?}");
            assert_eq!(entries(map), [(1, 12)]);
        },
    );
}

fn of_a_key_that_both_insert<V: Number>() {
    explore_from(
        3,
        || filled(4, &[]),
        &[add_one::<V>, add_one::<V>],
        |answers, map| {
            assert!(matches!(*answers, [1, 2] | [2, 1]), "{answers:?}");
            assert_eq!(entries(map), [(1, 2)]);
        },
    );
}

of_numbers_and_entries!(of_a_key_that_is_there, of_a_key_that_both_insert);

/// The leaf has room for one of the two, which leaves its slot behind if the other has the leaf replaced.
#[test]
fn in_a_leaf_with_room_for_one() {
    explore_from(
        2,
        || filled(2, &[1]),
        &[add_one::<u32>, add_one::<u32>],
        |answers, map| {
            assert!(matches!(*answers, [11, 12] | [12, 11]), "{answers:?}");
            assert_eq!(entries(map), [(1, 12)]);
        },
    );
}

#[test]
fn in_a_leaf_that_splits() {
    explore_from(
        2,
        || filled(2, &[1, 3]),
        &[add_one::<u32>, |map| u32::from(put(map, 2, 20).is_some())],
        |answers, map| {
            assert_eq!(answers, [11, 0]);
            assert_eq!(entries(map), [(1, 11), (2, 20), (3, 30)]);
        },
    );
}
