//! The map over the real reclaimer, crossbeam-epoch, on loom's atomics: what a thread reads while it is
//! pinned is not freed under it by one that takes it out and then has the epochs advanced, and nothing is
//! lost. Only with `--cfg com_epoch --cfg crossbeam_loom`, as `ci/loom.sh` builds it a second time.
//! Bound: 3 preemptions; 1 where both write: with 3 it takes minutes.
#![cfg(all(com_loom, com_epoch))]

use loom_tests::{Map, explore};

/// Has garbage freed, as far as the other thread's pin allows; the answer tells whether it was.
fn then_collect(map: &Map, taken: Option<u32>) -> Option<u32> {
    map.collect();
    taken
}

fn get(map: &Map) -> Option<u32> {
    let pinned = map.pin();
    let found = pinned.get(&1);
    // Looked at after the other thread had its chance.
    loom::thread::yield_now();
    found.copied()
}

#[test]
fn a_removed_entry_is_read() {
    explore(
        3,
        &[1],
        &[|map| then_collect(map, map.pin().remove(&1).copied()), get],
        |answers, _| assert!(matches!(answers, [Some(10), None | Some(10)]), "{answers:?}"),
    );
}

#[test]
fn an_overwritten_entry_is_read() {
    explore(
        3,
        &[1],
        &[|map| then_collect(map, map.pin().insert(1, 11).copied()), get],
        |answers, _| assert!(matches!(answers, [Some(10), Some(10 | 11)]), "{answers:?}"),
    );
}

#[test]
fn an_insertion_beside_a_removal() {
    explore(
        1,
        &[],
        &[
            |map| then_collect(map, map.pin().insert(1, 11).copied()),
            |map| map.pin().remove(&1).copied(),
        ],
        |answers, map| {
            assert!(matches!(answers, [None, None | Some(11)]), "{answers:?}");
            assert_eq!(map.len(), usize::from(answers[1].is_none()));
        },
    );
}
