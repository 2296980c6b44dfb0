//! The map over the real reclaimer, crossbeam-epoch, on loom's atomics: what a thread reads while it is
//! pinned is not freed under it by one that takes it out and then has the epochs advanced, and nothing is
//! lost. Only with `--cfg com_epoch --cfg crossbeam_loom`, as `ci/loom.sh` builds it a second time.
//! Bound: 3 preemptions; 2 where a leaf
//! is replaced, and 1 where both write: with 3 it takes minutes.
#![cfg(all(com_loom, com_epoch))]

use loom_tests::{MapOf, Number, explore_from, filled, of_numbers_and_entries, put, take};

/// Has garbage freed, as far as the other thread's pin allows; the answer tells whether it was.
fn then_collect<V: Number>(map: &MapOf<u32, V>, taken: Option<u32>) -> Option<u32> {
    map.collect();
    taken
}

fn get<V: Number>(map: &MapOf<u32, V>) -> Option<u32> {
    let pinned = map.pin();
    let found = pinned.get(&1);
    // Looked at after the other thread had its chance.
    loom::thread::yield_now();
    found.map(|&value| value.into())
}

fn what_is_removed_is_read<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(2, &[1]),
        &[|map| then_collect(map, take(map, 1)), get],
        |answers, _| assert!(matches!(answers, [Some(10), None | Some(10)]), "{answers:?}"),
    );
}

fn what_is_overwritten_is_read<V: Number>() {
    explore_from(
        3,
        || filled::<u32, V>(2, &[1]),
        &[|map| then_collect(map, put(map, 1, 11)), get],
        |answers, _| assert!(matches!(answers, [Some(10), Some(10 | 11)]), "{answers:?}"),
    );
}

/// The leaf is full.
fn what_is_in_a_leaf_that_is_replaced_is_read<V: Number>() {
    explore_from(
        2,
        || filled::<u32, V>(2, &[1, 2]),
        &[|map| then_collect(map, put(map, 1, 11)), get],
        |answers, _| assert!(matches!(answers, [Some(10), Some(10 | 11)]), "{answers:?}"),
    );
}

of_numbers_and_entries!(
    what_is_removed_is_read,
    what_is_overwritten_is_read,
    what_is_in_a_leaf_that_is_replaced_is_read,
);

#[test]
fn an_insertion_beside_a_removal() {
    explore_from(
        1,
        || filled::<u32, loom_tests::Opaque>(2, &[]),
        &[|map| then_collect(map, put(map, 1, 11)), |map| take(map, 1)],
        |answers, map| {
            assert!(matches!(answers, [None, None | Some(11)]), "{answers:?}");
            assert_eq!(map.len(), usize::from(answers[1].is_none()));
        },
    );
}
