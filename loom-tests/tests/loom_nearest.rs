//! The nearest entry to a bound, past a leaf that has none within it: what is answered was the nearest at one
//! moment. Bound: 2 preemptions; 1 where leaves are absorbed.
#![cfg(com_loom)]

use std::ops::Bound::{Excluded, Included};

use loom_tests::{Map, explore, explore_from, map_of, put, take};

fn next_after_one(map: &Map) -> u32 {
    map.pin().lower_bound(Excluded(&1)).map_or(0, |(key, _)| *key)
}

fn last_up_to_two(map: &Map) -> u32 {
    map.pin().upper_bound(Included(&2)).map_or(0, |(key, _)| *key)
}

#[test]
fn upwards() {
    // The leaves hold 1 | 3 4. At every moment 2 or 3 is there.
    explore(
        2,
        &[1, 3, 4],
        &[next_after_one, |map| {
            put(map, 2, 20);
            take(map, 3).unwrap_or(0)
        }],
        |answers, _| assert!(matches!(answers, [2 | 3, 30]), "{answers:?}"),
    );
}

#[test]
fn downwards() {
    // The leaves hold 1 | 3 and a dead slot. At every moment 1 or 2 is there.
    let start = || {
        let map = map_of(&[1, 2, 3]);
        take(&map, 2);
        map
    };
    explore_from(
        1,
        start,
        &[last_up_to_two, |map| {
            put(map, 2, 20);
            take(map, 1).unwrap_or(0)
        }],
        |answers, _| assert!(matches!(answers, [1 | 2, 10]), "{answers:?}"),
    );
}
