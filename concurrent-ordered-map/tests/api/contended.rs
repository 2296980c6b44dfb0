//! Calls that are handed a value and find that another thread was faster try again with that value.

use std::sync::Barrier;
use std::thread;

use concurrent_ordered_map::{ConcurrentOrderedMap, InsertionOrderedMap};

use crate::tiny;

const KEYS: u32 = 10_000;

/// Two threads write neighbouring keys at the same time, all of which are new.
fn write_alternately(write: impl Fn(u32) + Sync) {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for thread in 0..2 {
            let (write, barrier) = (&write, &barrier);
            scope.spawn(move || {
                barrier.wait();
                (0..KEYS).filter(|key| key % 2 == thread).for_each(write);
            });
        }
    });
}

fn lands(write: impl Fn(&ConcurrentOrderedMap<u32, String>, u32, String) + Sync) {
    for map in [tiny([]), ConcurrentOrderedMap::new()] {
        write_alternately(|key| write(&map, key, key.to_string()));
        assert_eq!(map.len(), usize::try_from(KEYS).unwrap());
        assert!(map.iter().eq((0..KEYS).map(|key| (key, key.to_string()))));
    }
}

#[test]
fn every_value_lands_whatever_the_neighbours_do() {
    lands(|map, key, value| assert_eq!(map.insert(key, value), None));
    lands(|map, key, value| assert_eq!(map.try_insert(key, value), Ok(())));
    lands(|map, key, value| assert_eq!(map.get_or_insert(key, value.clone()), value));
    lands(|map, key, value| assert_eq!(map.get_or_insert_with(key, || value.clone()), value));
    lands(|map, key, value| assert_eq!(map.upsert(key, value.clone(), |_| panic!()), value));
    lands(|map, key, value| assert_eq!(map.compare_exchange(key, None, Some(value)), Ok(None)));
}

#[test]
fn every_value_lands_in_the_order_of_insertions() {
    // Several times, as it takes some luck for two threads to meet.
    for round in 0..15 {
        let map = InsertionOrderedMap::new();
        write_alternately(|key| match round % 3 {
            0 => assert_eq!(map.insert(key, key), None),
            1 => assert_eq!(map.upsert(key, key, |_| unreachable!()), key),
            _ => assert_eq!(map.get_or_insert_with(key, || key), key),
        });
        let listed = map.keys();
        // As each thread inserted them.
        for thread in 0..2 {
            let own = listed.iter().copied().filter(|key| key % 2 == thread);
            assert!(own.eq((0..KEYS).filter(|key| key % 2 == thread)));
        }
    }
}

#[test]
fn no_addition_is_lost() {
    let map = tiny([]);
    let ordered = InsertionOrderedMap::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..KEYS {
                    map.upsert(n % 3, 1, |count| count + 1);
                    map.update(n % 3, |count| count + 1);
                    ordered.upsert(n % 3, 1, |count| count + 1);
                    ordered.update(n % 3, |count| count + 1);
                }
            });
        }
    });
    assert_eq!(map.values().sum::<u32>(), 4 * KEYS);
    assert_eq!(ordered.values().iter().sum::<u32>(), 4 * KEYS);
}
