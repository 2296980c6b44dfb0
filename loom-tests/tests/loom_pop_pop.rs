//! Two pops never get the same entry, and a pop gets the least key of its moment.
//! Bound: 3 preemptions; 1 where a leaf is absorbed.
#![cfg(com_loom)]

use loom_tests::{
    MapOf, Number, entries, explore, explore_from, filled, of_numbers_and_entries, put, take,
};

fn pop_first<V: Number>(map: &MapOf<u32, V>) -> Option<u32> {
    map.pin().pop_first().map(|(key, _)| *key)
}

fn pop_value<V: Number>(map: &MapOf<u32, V>) -> Option<u32> {
    map.pin().pop_first().map(|(_, &value)| value.into())
}

#[test]
fn from_both_ends_of_one_leaf() {
    explore(
        3,
        &[1, 2],
        &[pop_first, |map| map.pin().pop_last().map(|(key, _)| *key)],
        |answers, map| {
            assert_eq!(answers, [Some(1), Some(2)]);
            assert_eq!((entries(map), map.len()), (vec![], 0));
        },
    );
}

fn of_the_last_entry<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(2, &[1]),
        &[pop_first, pop_first],
        |answers, map| {
            assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}");
            assert_eq!(entries(map), []);
        },
    );
}

fn against_an_overwrite<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(4, &[1]),
        &[pop_value, |map| put(map, 1, 11)],
        |answers, map| match *answers {
            [Some(11), Some(10)] => assert_eq!(entries(map), []),
            [Some(10), None] => assert_eq!(entries(map), [(1, 11)]),
            _ => panic!("no order of the two explains {answers:?}"),
        },
    );
}

of_numbers_and_entries!(of_the_last_entry, against_an_overwrite);

#[test]
fn of_two_entries_in_two_leaves() {
    // The leaves hold 1 | 2 3.
    explore(1, &[1, 2, 3], &[pop_first, pop_first], |answers, map| {
        assert!(matches!(*answers, [Some(1), Some(2)] | [Some(2), Some(1)]), "{answers:?}");
        assert_eq!(entries(map), [(3, 30)]);
    });
}

#[test]
fn against_a_removal() {
    explore(3, &[1], &[pop_first, |map| take(map, 1).map(|value| value / 10)], |answers, _| {
        assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}")
    });
}
