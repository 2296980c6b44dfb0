//! Two insertions: of one key, which must meet; into one leaf; into a leaf that has room for one; into a leaf that
//! splits. Bound: 3 preemptions; 2 where leaves are replaced.
#![cfg(com_loom)]

use loom_tests::{
    Number, Opaque, OpaqueMap, entries, explore, explore_from, filled, get, of_numbers_and_entries,
    put,
};

fn one_key_is_inserted_once<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(4, &[]),
        &[|map| put(map, 1, 11), |map| put(map, 1, 12)],
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

/// A slot that is given out and not published is lost when the other one has the leaf replaced.
fn two_keys_and_room_for_one<V: Number>() {
    explore_from(
        2,
        || filled::<u32, V>(2, &[1]),
        &[|map| put(map, 2, 20), |map| put(map, 3, 30)],
        |answers, map| {
            assert_eq!(answers, [None, None]);
            assert_eq!(entries(map), [(1, 10), (2, 20), (3, 30)]);
        },
    );
}

of_numbers_and_entries!(one_key_is_inserted_once, two_keys_and_room_for_one);

#[test]
fn two_keys_of_one_leaf_are_both_there() {
    explore(3, &[], &[|map| put(map, 1, 10), |map| put(map, 2, 20)], |answers, map| {
        assert_eq!(answers, [None, None]);
        assert_eq!(entries(map), [(1, 10), (2, 20)]);
    });
}

#[test]
fn a_split_loses_neither() {
    explore(2, &[1, 3], &[|map| put(map, 2, 20), |map| put(map, 4, 40)], |answers, map| {
        assert_eq!(answers, [None, None]);
        assert_eq!(entries(map), [(1, 10), (2, 20), (3, 30), (4, 40)]);
    });
}

/// A slot that is given out and not written yet looks as if it had the key 0, until it is written.
#[test]
fn zero_is_found_behind_a_slot_that_is_being_written() {
    explore_from(
        2,
        || filled::<u32, u32>(8, &[1, 2, 3]),
        &[
            |map| {
                put(map, 0, 5);
                get(map, 0)
            },
            |map| put(map, 4, 40),
        ],
        |answers, _| assert_eq!(answers, [Some(5), None]),
    );
}

/// The label of 4 is half-way up before 1 has it, and 3 a greater one. So it must be made anew.
#[test]
fn a_label_is_made_anew_when_other_keys_came_first() {
    explore_from(
        3,
        || filled(4, &[]),
        &[
            |map: &OpaqueMap| [put(map, 1, 10), put(map, 3, 30)],
            |map: &OpaqueMap| [put(map, 4, 40), None],
        ],
        |answers, map| {
            assert_eq!(answers, [[None, None], [None, None]]);
            assert_eq!(entries(map), [(1, 10), (3, 30), (4, 40)]);
            assert_eq!([1, 3, 4].map(|key| get(map, key)), [Some(10), Some(30), Some(40)]);
        },
    );
}

#[test]
fn a_split_loses_no_key_without_hints() {
    explore_from(
        2,
        || filled(2, &[1, 3]),
        &[|map: &OpaqueMap| put(map, 2, 20), |map: &OpaqueMap| put(map, 4, 40)],
        |answers, map| {
            assert_eq!(answers, [None, None]);
            assert_eq!(entries(map), [(1, 10), (2, 20), (3, 30), (4, 40)]);
            assert_eq!(map.pin().get(&Opaque(4)), Some(&40));
        },
    );
}
