//! A pop from the end of the map against the absorption of its last leaf. Between the two steps that put the
//! replacement in the absorbed leaf's place and then in the absorber's, the last entry is in both, and a pop
//! must not take it from one of them only. Bound: 1 preemption; with 2 it takes an hour.
#![cfg(com_loom)]

use loom_tests::{entries, explore_from, get, half_dead};

#[test]
fn what_was_popped_is_gone() {
    explore_from(
        1,
        half_dead,
        &[
            |map| {
                // A session of its own for each: the second would begin at the leaf where the first was.
                let key = *map.pin().pop_last().expect("1 is there until it is popped").0;
                assert_eq!(get(map, key), None, "{key} was popped, and is there");
                key
            },
            |map| map.pin().remove(&2).map_or(0, |value| *value),
        ],
        |answers, map| match *answers {
            [1, 20] => assert_eq!(entries(map), []),
            [2, 0] => assert_eq!(entries(map), [(1, 10)]),
            _ => panic!("no order of the two explains {answers:?}"),
        },
    );
}
