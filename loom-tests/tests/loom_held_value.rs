//! A value that was read stays what it was as long as its session lasts: while its key is overwritten, and while
//! the leaf that it is in is replaced. Bound: 2 preemptions; 1 where a leaf splits.
#![cfg(com_loom)]

use loom_tests::{
    MapOf, Number, entries, explore_from, filled, get, of_numbers_and_entries, put, take,
};

/// Reads a value, gives the other thread its chance, and looks at the value again.
fn hold<V: Number>(map: &MapOf<u32, V>) -> Option<u32> {
    let pinned = map.pin();
    let found = pinned.get(&1)?;
    let (key, same) = pinned.first().expect("1 is not removed before it was found");
    let before = ((*found).into(), *key, (*same).into());
    loom::thread::yield_now();
    assert_eq!(before, ((*found).into(), *key, (*same).into()), "what was read has changed");
    Some(before.0)
}

/// The second of the overwrites finds the leaf full.
fn while_its_leaf_is_replaced<V: Number>() {
    explore_from(
        2,
        || filled::<u32, V>(2, &[1]),
        &[
            |map| {
                assert_eq!(put(map, 1, 11), Some(10));
                put(map, 1, 12)
            },
            hold,
        ],
        |answers, map| {
            assert!(matches!(answers, [Some(11), Some(10..=12)]), "{answers:?}");
            assert_eq!(entries(map), [(1, 12)]);
        },
    );
}

of_numbers_and_entries!(while_its_leaf_is_replaced);

/// What a removal answers is read after the leaf that it was in has been replaced.
#[test]
fn while_the_leaf_it_was_removed_from_is_replaced() {
    explore_from(
        1,
        || filled::<u32, u32>(2, &[1, 2]),
        &[
            |map| put(map, 3, 30),
            |map| {
                let pinned = map.pin();
                let removed = pinned.remove(&1);
                loom::thread::yield_now();
                removed.copied()
            },
        ],
        |answers, map| {
            assert_eq!(answers, [None, Some(10)]);
            assert_eq!((get(map, 2), take(map, 3)), (Some(20), Some(30)));
        },
    );
}
