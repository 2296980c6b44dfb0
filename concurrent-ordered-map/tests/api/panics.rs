use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use concurrent_ordered_map::{Compute, ConcurrentOrderedMap};

use crate::tiny;

type Counted = ConcurrentOrderedMap<u32, Arc<u32>>;

/// Runs what panics, and then holds that the map has the keys it had and loses nothing.
fn unharmed(what: impl FnOnce(&Counted, &Arc<u32>)) {
    let value = Arc::new(7);
    let map = tiny((0..50).map(|n| (n, Arc::clone(&value))));
    let panicked = catch_unwind(AssertUnwindSafe(|| what(&map, &value)));
    assert!(panicked.is_err());

    assert!(map.keys().eq(0..50));
    assert_eq!(map.len(), 50);
    map.set(25, Arc::clone(&value));
    map.set(50, Arc::clone(&value));
    assert!(map.delete(&0));
    assert_eq!(map.pop_last().map(|(key, _)| key), Some(50));
    // The sessions of other tests may hold back what was removed for a while.
    let start = Instant::now();
    while Arc::strong_count(&value) > 50 && start.elapsed() < Duration::from_secs(60) {
        map.collect();
    }
    assert_eq!(Arc::strong_count(&value), 50);
    drop(map);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn closures_that_panic_change_nothing_and_leak_nothing() {
    unharmed(|map, _| _ = map.update(7, |_| panic!("update")));
    unharmed(|map, _| _ = map.try_update(7, |_| -> Result<_, ()> { panic!("try_update") }));
    unharmed(|map, value| _ = map.upsert(7, Arc::clone(value), |_| panic!("upsert")));
    unharmed(|map, _| _ = map.upsert_with(77, || panic!("upsert"), |_| unreachable!()));
    unharmed(|map, _| _ = map.get_or_insert_with(77, || panic!("get_or_insert_with")));
    unharmed(|map, _| _ = map.compute(7, |_| -> Compute<_, ()> { panic!("compute") }));
    unharmed(|map, _| _ = map.compute(77, |_| -> Compute<_, ()> { panic!("compute") }));
    unharmed(|map, _| _ = map.pin().remove_if(&7, |_, _| panic!("remove_if")));
    unharmed(|map, _| map.retain(|key, _| if *key == 30 { panic!("retain") } else { true }));
}

#[test]
fn a_closure_that_panics_on_its_second_run_changes_nothing() {
    unharmed(|map, value| {
        let mut runs = 0;
        map.update(7, |_| {
            runs += 1;
            assert_eq!(runs, 1, "the second run");
            map.set(7, Arc::clone(value));
            Arc::clone(value)
        });
    });
}

#[test]
fn an_iterator_that_panics_leaves_what_it_has_brought() {
    unharmed(|map, value| {
        map.extend((40..60).map(|n| {
            assert!(n < 50, "the iterator");
            (n, Arc::clone(value))
        }));
    });
}
