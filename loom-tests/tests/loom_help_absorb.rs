//! Writers meet a leaf that is being absorbed, or the one that absorbs it, and must help: what they
//! write lands where readers look. The leaves hold 1 | 2 | 3 4; the one of 2 empties.
//! Bound: 2 preemptions.
#![cfg(com_loom)]

use loom_tests::{Map, entries, explore};

fn empty_the_middle(map: &Map) -> Option<u32> {
    map.pin().remove(&2).copied()
}

#[test]
fn an_insertion_into_the_absorbed_leaf() {
    explore(
        2,
        &[1, 2, 3, 4],
        &[empty_the_middle, |map| map.pin().insert(2, 22).copied()],
        |answers, map| {
            let rest = match *answers {
                [Some(20), None] => [(1, 10), (2, 22), (3, 30), (4, 40)].to_vec(),
                [Some(22), Some(20)] => [(1, 10), (3, 30), (4, 40)].to_vec(),
                _ => panic!("no order of the two explains {answers:?}"),
            };
            assert_eq!(entries(map), rest);
        },
    );
}

#[test]
fn an_overwrite_of_the_absorber() {
    explore(
        2,
        &[1, 2, 3, 4],
        &[empty_the_middle, |map| {
            let before = map.pin().insert(1, 11).copied();
            assert_eq!(map.pin().get(&1), Some(&11));
            before
        }],
        |answers, map| {
            assert_eq!(answers, [Some(20), Some(10)]);
            assert_eq!(entries(map), [(1, 11), (3, 30), (4, 40)]);
        },
    );
}

#[test]
fn a_split_of_the_neighbour() {
    explore(
        2,
        &[1, 2, 3, 4],
        &[empty_the_middle, |map| map.pin().insert(5, 50).copied()],
        |answers, map| {
            assert_eq!(answers, [Some(20), None]);
            assert_eq!(entries(map), [(1, 10), (3, 30), (4, 40), (5, 50)]);
        },
    );
}
