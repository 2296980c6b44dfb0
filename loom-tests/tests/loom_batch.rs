//! A batch takes effect at one moment, whoever completes it. Where nothing else is said the leaves hold 1 | 3.
//! Bounds: 1 and 2 preemptions.
#![cfg(com_loom)]

use std::sync::Arc;

use concurrent_ordered_map::{Batch, Snapshot};
use loom_tests::{Map, entries, explore, explore_from, filled, two_sparse_leaves};

/// What a call found, in the order of keys.
type Found = Vec<(u32, u32)>;

fn apply(map: &Map, batch: Batch<u32, u32>) -> Found {
    map.pin().apply(batch).displaced().map(|(key, value)| (*key, *value)).collect()
}

/// Overwrites one key in each leaf.
fn overwrite(map: &Map) -> Found {
    apply(map, Batch::new().insert(1, 11).insert(3, 31))
}

fn read_up(map: &Map) -> Found {
    let session = map.pin();
    [1, 3].map(|key| (key, *session.get(&key).expect("always there"))).to_vec()
}

fn read_down(map: &Map) -> Found {
    let session = map.pin();
    [3, 1].map(|key| (key, *session.get(&key).expect("always there"))).to_vec()
}

fn check_reads(answers: &[Found], map: &Map) {
    assert_eq!(answers[0], [(1, 10), (3, 30)]);
    let new: Vec<_> = answers[1].iter().map(|(key, value)| *value == key * 10 + 1).collect();
    assert!(new != [true, false], "half of a batch was seen: {answers:?}");
    assert_eq!(entries(map), [(1, 11), (3, 31)]);
}

#[test]
fn a_batch_and_reads_upwards() {
    explore_from(2, two_sparse_leaves, &[overwrite, read_up], check_reads);
}

#[test]
fn a_batch_and_reads_downwards() {
    explore_from(2, two_sparse_leaves, &[overwrite, read_down], check_reads);
}

#[test]
fn a_batch_and_a_snapshot() {
    fn look(map: &Map) -> Found {
        let snapshot = map.snapshot();
        [1, 3].map(|key| (key, *snapshot.get(&key).expect("always there"))).to_vec()
    }
    explore_from(1, two_sparse_leaves, &[overwrite, look], |answers, map| {
        assert!(
            [[(1, 10), (3, 30)], [(1, 11), (3, 31)]].iter().any(|all| answers[1] == all),
            "torn: {answers:?}"
        );
        assert_eq!(entries(map), [(1, 11), (3, 31)]);
    });
}

/// The snapshot may be taken when one leaf is frozen and the other is not. It is read when all is over.
#[test]
fn a_snapshot_amid_a_batch() {
    fn take(map: &Arc<Map>) -> Option<Snapshot<'static, u32, u32>> {
        Some(Snapshot::of(Arc::clone(map)))
    }
    fn batch(map: &Arc<Map>) -> Option<Snapshot<'static, u32, u32>> {
        overwrite(map);
        None
    }
    explore_from(
        2,
        || Arc::new(two_sparse_leaves()),
        &[take, batch],
        |answers, map| {
            let snapshot = answers[0].as_ref().expect("it was taken");
            let seen = [1, 3].map(|key| *snapshot.get(&key).expect("always there"));
            assert!([[10, 30], [11, 31]].contains(&seen), "torn: {seen:?}");
            assert_eq!(entries(map), [(1, 11), (3, 31)]);
        },
    );
}

#[test]
fn a_batch_and_an_overwrite() {
    fn write(map: &Map) -> Found {
        let before = *map.pin().insert(3, 33).expect("always there");
        // Who has seen the batch, or has completed it, sees all of it.
        vec![(3, before), (1, *map.pin().get(&1).expect("always there"))]
    }
    explore_from(1, two_sparse_leaves, &[overwrite, write], |answers, map| {
        let ((one, before), last) = match *answers[1] {
            [(3, before), (1, one)] => ((one, before), entries(map)),
            _ => unreachable!(),
        };
        match (before, one) {
            (31, 11) => {
                assert_eq!(
                    (&answers[0][..], &last[..]),
                    (&[(1, 10), (3, 30)][..], &[(1, 11), (3, 33)][..])
                );
            }
            (30, _) => {
                assert_eq!(
                    (&answers[0][..], &last[..]),
                    (&[(1, 10), (3, 33)][..], &[(1, 11), (3, 31)][..])
                );
            }
            _ => panic!("half of a batch was seen: {answers:?}"),
        }
    });
}

/// The only leaf, 1 2 3, is full: whoever comes first splits it.
fn full_leaf() -> Map {
    filled(3, &[1, 2, 3])
}

fn insert_four(map: &Map) -> Found {
    map.pin().insert(4, 44).map(|value| (4, *value)).into_iter().collect()
}

/// The insertion may be interrupted while it splits the leaf, so that the batch completes that first.
#[test]
fn a_batch_that_meets_a_split() {
    fn batch(map: &Map) -> Found {
        apply(map, Batch::new().insert(1, 11).remove(2))
    }
    explore_from(1, full_leaf, &[batch, insert_four], |answers, map| {
        assert_eq!(answers, [vec![(1, 10), (2, 20)], vec![]]);
        assert_eq!(entries(map), [(1, 11), (3, 30), (4, 44)]);
    });
}

/// The batch may be interrupted when it has enlisted the leaf, so that the insertion completes it first. It
/// makes two leaves of one.
#[test]
fn an_insertion_that_meets_a_batch() {
    fn batch(map: &Map) -> Found {
        apply(map, Batch::new().insert(1, 11).insert(4, 40))
    }
    explore_from(1, full_leaf, &[insert_four, batch], |answers, map| {
        let last = match (&answers[0][..], &answers[1][..]) {
            ([], [(1, 10), (4, 44)]) => (4, 40),
            ([(4, 40)], [(1, 10)]) => (4, 44),
            _ => panic!("no order of the two explains {answers:?}"),
        };
        assert_eq!(entries(map), [(1, 11), (2, 20), (3, 30), last]);
    });
}

/// Whichever comes second meets a leaf of the other's, and completes that first.
#[test]
fn two_batches_that_meet() {
    fn one(map: &Map) -> Found {
        apply(map, Batch::new().insert(1, 11))
    }
    fn other(map: &Map) -> Found {
        apply(map, Batch::new().insert(1, 12))
    }
    explore(1, &[1], &[one, other], |answers, map| match (&answers[0][..], &answers[1][..]) {
        ([(1, 10)], [(1, 11)]) => assert_eq!(entries(map), [(1, 12)]),
        ([(1, 12)], [(1, 10)]) => assert_eq!(entries(map), [(1, 11)]),
        _ => panic!("no order of the two explains {answers:?}"),
    });
}

#[test]
fn a_batch_and_a_removal() {
    fn remove(map: &Map) -> Found {
        map.pin().remove(&1).map(|value| (1, *value)).into_iter().collect()
    }
    fn batch(map: &Map) -> Found {
        apply(map, Batch::new().remove(1).insert(2, 20))
    }
    explore(1, &[1], &[batch, remove], |answers, map| {
        let taken = answers.iter().flatten().filter(|(key, _)| *key == 1).count();
        assert_eq!(taken, 1, "a removal has one winner: {answers:?}");
        assert_eq!(entries(map), [(2, 20)]);
    });
}
