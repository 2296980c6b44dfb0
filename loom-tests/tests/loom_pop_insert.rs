//! A pop against insertions of smaller keys. If the inserter sees key 2 after it has inserted key 1,
//! the pop, which comes later, must not have taken 2 before 1. Bound: 3 preemptions.
#![cfg(com_loom)]

use loom_tests::{Map, entries, explore};

fn insert_one_then_look(map: &Map) -> Option<u32> {
    let pinned = map.pin();
    pinned.insert(1, 10);
    pinned.contains_key(&2).then_some(2)
}

#[test]
fn takes_the_least_key_of_its_moment() {
    explore(
        3,
        &[2],
        &[|map| map.pin().pop_first().map(|(key, _)| *key), insert_one_then_look],
        |answers, map| match *answers {
            [Some(1), Some(2)] => assert_eq!(entries(map), [(2, 20)]),
            [Some(2), None] => assert_eq!(entries(map), [(1, 10)]),
            _ => panic!("no order of the three explains {answers:?}"),
        },
    );
}

#[test]
fn first_answers_the_least_key_of_its_moment() {
    // Once the inserter has seen key 2 beside its key 1, 2 was never alone after that.
    explore(
        3,
        &[2],
        &[
            |map| map.pin().first().map(|(key, _)| *key),
            |map| {
                let pinned = map.pin();
                pinned.insert(1, 10);
                pinned.remove(&2).map(|value| value / 10)
            },
        ],
        |answers, _| assert!(matches!(*answers, [Some(1 | 2), Some(2)]), "{answers:?}"),
    );
}

#[test]
fn a_map_that_is_never_empty_is_never_found_empty() {
    explore(
        3,
        &[2],
        &[
            |map| map.pin().pop_first().map(|(key, _)| *key),
            |map| {
                let pinned = map.pin();
                pinned.insert(1, 10);
                pinned.remove(&2).map(|value| value / 10)
            },
        ],
        |answers, map| match *answers {
            [Some(1), Some(2)] => assert_eq!(entries(map), []),
            [Some(2), None] => assert_eq!(entries(map), [(1, 10)]),
            _ => panic!("no order of the three explains {answers:?}"),
        },
    );
}
