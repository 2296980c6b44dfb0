//! When garbage is dropped, and what `collect` can and cannot do.

use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;

use concurrent_ordered_map::{ConcurrentOrderedMap, ConcurrentOrderedSet, InsertionOrderedMap};

/// One test at a time: each one's sessions would hold back the others' garbage.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A map with tiny blocks.
fn tiny<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> ConcurrentOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: Send + 'static,
{
    let map = ConcurrentOrderedMap::with_block_slots(2, 4);
    map.extend(entries);
    map
}

#[test]
fn a_dropped_map_drops_what_it_holds_at_once() {
    let _alone = alone();
    let value = Arc::new(());
    let map = tiny((0..500).map(|n| (n, Arc::clone(&value))));
    assert_eq!(Arc::strong_count(&value), 501);
    drop(map);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn collect_pushes_out_what_was_removed_and_replaced() {
    let _alone = alone();
    let value = Arc::new(());
    // More than the reclaimer frees in one go.
    let entries = || (0..5_000).map(|n| (n, Arc::clone(&value)));
    let map = tiny(entries());
    map.pin().extend(entries());
    map.pin().remove_range(1_000..);
    map.pin().pop_first();
    assert!(map.collect());
    assert_eq!(Arc::strong_count(&value), 1_000);
    map.clear();
    assert!(map.collect());
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn collect_cannot_free_what_a_session_may_see() {
    let _alone = alone();
    let value = Arc::new(());
    let map = tiny([(1, Arc::clone(&value))]);
    let mut session = map.pin();
    map.delete(&1);
    assert!(!map.collect());
    assert_eq!(Arc::strong_count(&value), 2);
    session.repin();
    drop(session);
    assert!(map.collect());
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn collect_reaches_what_a_thread_left_that_has_ended() {
    let _alone = alone();
    let value = Arc::new(());
    let map = tiny((0..200).map(|n| (n, Arc::clone(&value))));
    thread::scope(|scope| {
        // Joined by its handle: a scope's end does not wait for the thread's own cleaning up.
        scope.spawn(|| map.remove_range(100..)).join().unwrap();
    });
    assert!(map.collect());
    assert_eq!(Arc::strong_count(&value), 101);
}

#[test]
fn a_repinned_session_lets_others_free() {
    let _alone = alone();
    let value = Arc::new(());
    let map = ConcurrentOrderedMap::new();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut session = map.pin();
            barrier.wait();
            barrier.wait();
            while Arc::strong_count(&value) > 1 {
                session.repin();
            }
        });
        barrier.wait();
        map.set(1, Arc::clone(&value));
        map.delete(&1);
        assert!(!map.collect());
        assert_eq!(Arc::strong_count(&value), 2);
        barrier.wait();
        while !map.collect() {}
        other.join().unwrap();
    });
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn every_kind_of_map_collects() {
    let _alone = alone();
    let value = Arc::new(1);
    let set = ConcurrentOrderedSet::from([Arc::clone(&value)]);
    assert!(set.remove(&value) && set.collect());
    let map = InsertionOrderedMap::from([(1, Arc::clone(&value))]);
    assert!(map.delete(&1) && map.collect());
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn an_owned_iterator_holds_back_nothing() {
    let _alone = alone();
    let value = Arc::new(());
    let map = ConcurrentOrderedMap::new();
    map.extend((0..100).map(|n| (n, Arc::clone(&value))));
    let mut keys = map.keys();
    assert_eq!(keys.next(), Some(0));
    map.clear();
    assert!(map.collect());
    assert_eq!(Arc::strong_count(&value), 1);
    assert_eq!(keys.last(), Some(63));
}

/// So that a lock may be held whose holder a `Drop` waits for.
#[test]
fn nothing_is_dropped_within_a_session() {
    let _alone = alone();
    let value = Arc::new(());
    let garbage = ConcurrentOrderedMap::new();
    for n in 0..100 {
        garbage.set(n % 10, Arc::clone(&value));
    }
    let map = ConcurrentOrderedMap::new();
    let session = map.pin();
    let alive = Arc::strong_count(&value);
    assert!(alive > 11, "there is garbage to be dropped");
    for n in 0..20_000 {
        session.insert(n % 100, n);
        session.remove(&(n % 70));
        session.pop_first();
        assert_eq!(Arc::strong_count(&value), alive);
    }
    drop(session);
    assert!(map.collect());
    assert_eq!(Arc::strong_count(&value), 11);
}
