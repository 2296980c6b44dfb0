//! A lane that is full is replaced while others descend through it, or swing its slots. Leaves have two slots, the
//! lane has three, and a fourth leaf is entered. Bound: 2 preemptions; 1 where a leaf is
//! absorbed.
#![cfg(com_loom)]

use concurrent_ordered_map::ConcurrentOrderedMap;
use loom_tests::{Map, entries, explore_from, get, put, take};

/// The leaves hold 1 | 2 | 3 4, and the lane above them is full.
fn full_lane() -> Map {
    let map = ConcurrentOrderedMap::with_block_slots(2, 4);
    for key in 1..=4 {
        put(&map, key, key * 10);
    }
    map
}

fn enter_a_leaf(map: &Map) -> Option<u32> {
    put(map, 5, 50)
}

#[test]
fn reads_on_the_way_down() {
    explore_from(
        2,
        full_lane,
        &[|map| [1, 2, 4].into_iter().map(|key| get(map, key)).sum(), enter_a_leaf],
        |answers, map| {
            assert_eq!(answers, [Some(70), None]);
            assert_eq!(entries(map), [(1, 10), (2, 20), (3, 30), (4, 40), (5, 50)]);
        },
    );
}

/// The slot of an absorbed leaf dies.
#[test]
fn a_slot_is_swung() {
    explore_from(1, full_lane, &[|map| take(map, 2), enter_a_leaf], |answers, map| {
        assert_eq!(answers, [Some(20), None]);
        assert_eq!(entries(map), [(1, 10), (3, 30), (4, 40), (5, 50)]);
        assert_eq!([1, 2, 3, 5].map(|key| get(map, key)), [Some(10), None, Some(30), Some(50)]);
    });
}
