use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;
use std::thread;

use concurrent_ordered_map::{ConcurrentOrderedMap, ConcurrentOrderedSet, Snapshot};

use crate::common::ledger::{Counted, Ledger};
use crate::common::{alone, push_out_until};
use crate::{evens, tiny};

/// Overwrites, removes and inserts, so that no block stays as it was.
fn change_all(map: &ConcurrentOrderedMap<u32, u32>) {
    map.extend((0..400).map(|n| (n, 0)));
    map.retain(|key, _| key % 3 == 0);
}

#[test]
fn a_snapshot_is_sent_to_a_thread_and_shared() {
    let map = evens(100);
    let squares: Vec<u32> = map.values().collect();
    let snapshot = map.snapshot();
    change_all(&map);
    let (snapshot, squares) = (&snapshot, &squares);
    let equal = || snapshot.values().eq(squares);
    let sent = map.snapshot();
    thread::scope(|scope| {
        let sharing = [scope.spawn(equal), scope.spawn(equal)];
        let len = scope.spawn(move || sent.len());
        assert!(sharing.map(|thread| thread.join().unwrap()).iter().all(|equal| *equal));
        assert_eq!(len.join().unwrap(), map.len());
    });
}

#[test]
fn a_snapshot_with_the_map_in_it_outlives_all_other_owners() {
    let map = Arc::new(evens(100));
    let squares: Vec<u32> = map.values().collect();
    let weak = Arc::downgrade(&map);
    let snapshot: Arc<Snapshot<'static, u32, u32>> = Arc::new(Snapshot::of(Arc::clone(&map)));
    change_all(&map);
    drop(map);
    let threads = [0, 1].map(|_| {
        let (snapshot, squares) = (Arc::clone(&snapshot), squares.clone());
        thread::spawn(move || assert!(snapshot.values().copied().eq(squares)))
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(snapshot.get(&10), Some(&100));
    drop(snapshot);
    assert_eq!(weak.strong_count(), 0);
}

#[test]
fn an_iterator_over_a_snapshot_goes_on_in_another_thread() {
    let map = evens(100);
    let snapshot = map.snapshot();
    let mut entries = snapshot.iter();
    assert_eq!(entries.next(), Some((&0, &0)));
    change_all(&map);
    let rest = thread::scope(|scope| scope.spawn(move || entries.rev().count()).join().unwrap());
    assert_eq!(rest, 99);
}

#[test]
fn a_snapshot_is_no_session() {
    // What the thread retires is freed, while it holds a snapshot of something else.
    static VALUES: Ledger = Ledger::new();
    let _alone = alone();
    let map = tiny((0..100).map(|n| (n, Counted::new(n, &VALUES))));
    let other = evens(100);
    let snapshot = other.snapshot();
    map.clear();
    push_out_until("what was removed is freed beside a snapshot", || VALUES.alive() == 0);
    assert_eq!(snapshot.len(), 100);
}

#[test]
fn snapshots_are_shown_and_iterated_as_std_s_maps_are() {
    let map = ConcurrentOrderedMap::from([(2, 'b'), (1, 'a')]);
    let snapshot = map.snapshot();
    map.clear();
    let model = BTreeMap::from([(1, 'a'), (2, 'b')]);
    assert_eq!(format!("{snapshot:?} {snapshot:#?}"), format!("{model:?} {model:#?}"));
    assert_eq!(format!("{:?}", snapshot.range(1..)), "SnapshotIter { range: 1.., .. }");
    let mut entries = Vec::new();
    for (key, value) in &snapshot {
        entries.push((key, value));
    }
    assert_eq!(entries, [(&1, &'a'), (&2, &'b')]);
    let empty = map.snapshot();
    assert_eq!((format!("{empty:?}"), empty.len(), empty.first()), ("{}".into(), 0, None));
    // Fused, at both ends.
    let mut none = empty.iter();
    assert_eq!((none.next(), none.next_back(), none.next()), (None, None, None));
}

#[test]
fn a_range_that_ends_before_it_starts_has_nothing_in_it() {
    let map = evens(100);
    let snapshot = map.snapshot();
    // Once in the map's blocks, and once in the archive.
    for _ in 0..2 {
        let (low, high) = (50, 20);
        assert_eq!(snapshot.range(low..high).next(), None);
        assert_eq!(snapshot.range(low..=high).next_back(), None);
        assert_eq!(snapshot.range((Excluded(4), Excluded(4))).next(), None);
        assert_eq!(snapshot.range((Excluded(4), Excluded(6))).next_back(), None);
        assert_eq!(snapshot.range(low..=low).next_back(), Some((&50, &2_500)));
        map.clear();
    }
}

#[test]
fn borrowed_keys_without_a_size_are_looked_up() {
    let map = tiny(["apple", "pear", "quince"].map(|fruit| (fruit.to_string(), fruit.len())));
    let snapshot = map.snapshot();
    for _ in 0..2 {
        assert_eq!(snapshot.get("pear"), Some(&4));
        let (key, value) = snapshot.get_key_value("apple").unwrap();
        assert_eq!((key.as_str(), *value), ("apple", 5));
        assert!(snapshot.contains_key("quince") && !snapshot.contains_key("fig"));
        let from = snapshot.range::<str, _>((Excluded("apple"), Unbounded));
        assert!(from.map(|(key, _)| key.as_str()).eq(["pear", "quince"]));
        assert_eq!(snapshot.lower_bound(Included("b")).unwrap().0, "pear");
        assert_eq!(snapshot.upper_bound(Included("b")).unwrap().0, "apple");
        map.clear();
    }
}

#[test]
fn snapshots_end_in_any_order() {
    let map = evens(100);
    let mut snapshots: Vec<_> = (0..7)
        .map(|n| {
            map.set(0, n);
            map.snapshot()
        })
        .collect();
    change_all(&map);
    for (ended, left) in [(3, 6), (0, 5), (4, 4), (1, 3)] {
        drop(snapshots.remove(ended));
        assert_eq!(snapshots.len(), left);
        assert!(snapshots.iter().all(|snapshot| snapshot.len() == 100));
    }
    assert!(snapshots.iter().map(|snapshot| snapshot.get(&0).unwrap()).eq(&[1, 4, 5]));
}

/// The values that a snapshot saw, the map replaces and both let go.
fn ledgered(ledger: &'static Ledger) -> ConcurrentOrderedMap<u32, Counted> {
    tiny((0..100).map(|n| (n, Counted::new(n, ledger))))
}

#[test]
fn a_map_dropped_right_after_a_snapshot_drops_everything_once() {
    static VALUES: Ledger = Ledger::new();
    let _alone = alone();
    // Of a hundred entries, none, some or all have been written since the snapshot, and so are archived.
    for written in [0, 1, 50, 100] {
        let map = ledgered(&VALUES);
        let snapshot = map.snapshot();
        (0..written).for_each(|n| drop(map.insert(n, Counted::new(n + 1_000, &VALUES))));
        assert!(snapshot.iter().all(|(key, value)| value.token.is_alive() && value.n == *key));
        drop(snapshot);
        drop(map);
        push_out_until("the snapshot's values are dropped", || VALUES.alive() == 0);
        VALUES.close();
    }
}

#[test]
fn a_snapshot_with_the_map_in_it_drops_everything_once() {
    static VALUES: Ledger = Ledger::new();
    let _alone = alone();
    let map = Arc::new(ledgered(&VALUES));
    let snapshot = Snapshot::of(Arc::clone(&map));
    map.pin().remove_range(..50);
    drop(map);
    assert!(snapshot.values().all(|value| value.token.is_alive()));
    drop(snapshot);
    push_out_until("the snapshot's values are dropped", || VALUES.alive() == 0);
    VALUES.close();
}

#[test]
fn a_forgotten_snapshot_keeps_what_it_saw_and_nothing_else() {
    static VALUES: Ledger = Ledger::new();
    let _alone = alone();
    let map = ledgered(&VALUES);
    std::mem::forget(map.snapshot());
    for round in 0..3 {
        (0..100).for_each(|n| drop(map.insert(n, Counted::new(round, &VALUES))));
    }
    let later = map.snapshot();
    assert!(later.values().all(|value| value.n == 2));
    drop(later);
    // The hundred that it saw, and the hundred that are there now.
    push_out_until("others are dropped", || VALUES.alive() == 200);
    drop(map);
    push_out_until("the map's own are dropped", || VALUES.alive() == 100);
    VALUES.check();
}

#[test]
fn a_snapshot_of_a_set_is_the_set_as_it_was() {
    let set: ConcurrentOrderedSet<u32> = (0..100).map(|n| 2 * n).collect();
    let model: BTreeSet<u32> = set.iter().collect();
    let snapshot = set.snapshot();
    // Once in the set's blocks, and once in the archive.
    for _ in 0..2 {
        assert!(snapshot.iter().eq(&model) && snapshot.iter().rev().eq(model.iter().rev()));
        assert!((&snapshot).into_iter().eq(&model));
        assert!(snapshot.contains(&4) && !snapshot.contains(&5));
        assert_eq!((snapshot.get(&4), snapshot.get(&5)), (Some(&4), None));
        assert_eq!((snapshot.first(), snapshot.last()), (Some(&0), Some(&198)));
        assert_eq!(snapshot.lower_bound(Excluded(&4)), Some(&6));
        assert_eq!(snapshot.upper_bound(Excluded(&4)), Some(&2));
        assert_eq!(snapshot.range(10..=14).rev().collect::<Vec<_>>(), [&14, &12, &10]);
        let (low, high) = (14, 10);
        assert_eq!(snapshot.range(low..high).next(), None);
        assert_eq!((snapshot.len(), snapshot.is_empty()), (100, false));
        assert_eq!(format!("{snapshot:?}"), format!("{model:?}"));
        set.clear();
        set.extend([5]);
    }
    assert_eq!(set.snapshot().iter().collect::<Vec<_>>(), [&5]);
    let range = format!("{:?}", snapshot.range(1..));
    assert_eq!(range, "SetSnapshotIter(SnapshotIter { range: 1.., .. })");
    set.clear();
    assert!(set.snapshot().is_empty());
}

#[test]
fn a_snapshot_of_a_set_takes_borrowed_keys_and_crosses_threads() {
    let set: ConcurrentOrderedSet<String> = (0..100).map(|n| n.to_string()).collect();
    let snapshot = set.snapshot();
    set.clear();
    let count = |snapshot: &concurrent_ordered_map::SetSnapshot<'_, String>| {
        snapshot.range::<str, _>((Included("5"), Excluded("6"))).count()
    };
    assert!(snapshot.contains("42") && snapshot.get("42").is_some());
    let counted = thread::scope(|scope| scope.spawn(move || count(&snapshot)).join().unwrap());
    assert_eq!(counted, 11);
}
