//! No call waits for another thread. The insertion may be stopped at any step of publishing its slot, or finds its
//! leaf full and may be stopped at any step of replacing it; the other call meets that leaf and must get on all the
//! same. A call that does not is seen by
//! the number of its steps. Bound: 1 preemption.
#![cfg(com_loom)]

use loom_tests::{
    Map, MapOf, Number, entries, explore_from, filled, get, half_dead, map_of,
    of_numbers_and_entries, put, take,
};

fn insert_four(map: &Map) -> Option<u32> {
    map.pin().insert(4, 40).copied()
}

#[test]
fn an_emptied_leaf_whose_fate_is_decided() {
    // Its left neighbour is to absorb it, and cannot before it is replaced.
    explore_from(
        1,
        half_dead,
        &[|map| map.pin().remove(&2).copied(), insert_four],
        |answers, map| {
            assert_eq!(answers, [Some(20), None]);
            assert_eq!(entries(map), [(1, 10), (4, 40)]);
        },
    );
}

#[test]
fn an_empty_map_whose_leaf_is_replaced() {
    fn all_dead() -> Map {
        let map = map_of(&[1, 2]);
        map.pin().remove(&1);
        map.pin().remove(&2);
        map
    }
    explore_from(
        1,
        all_dead,
        &[|map| map.pin().pop_first().map(|(_, value)| *value), insert_four],
        |answers, map| match *answers {
            [None, None] => assert_eq!(entries(map), [(4, 40)]),
            [Some(40), None] => assert_eq!(entries(map), []),
            _ => panic!("no order of the two explains {answers:?}"),
        },
    );
}

/// The insertion has the slot that is left, or has it no more: the others go on with what is there, and when no
/// slot is left they have the leaf replaced.
fn a_slot_that_is_given_out<V: Number>() {
    fn go_on<V: Number>(map: &MapOf<u32, V>) -> Option<u32> {
        assert_eq!(get(map, 1), Some(10));
        assert_eq!(map.pin().first().map(|(key, _)| *key), Some(1));
        assert_eq!(put(map, 2, 22), Some(20));
        assert_eq!(get(map, 2), Some(22));
        take(map, 1)
    }
    explore_from(
        1,
        || filled::<u32, V>(3, &[1, 2]),
        &[go_on, |map| put(map, 4, 40)],
        |answers, map| {
            assert_eq!(answers, [Some(10), None]);
            assert_eq!(entries(map), [(2, 22), (4, 40)]);
        },
    );
}

of_numbers_and_entries!(a_slot_that_is_given_out);
