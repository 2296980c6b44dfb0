//! Atomic updates lose nothing.

use std::cell::UnsafeCell;

use concurrent_ordered_map::{Compute, ConcurrentOrderedMap, Pinned};

use crate::common::crew::{Foreground, crew};
use crate::common::{SHAPES, alone, eventually, map_of, scaled};
use linearizability::rng::Rng;

const THREADS: usize = 4;
const KEYS: u32 = 6;

/// Adds one to a counter in one of the ways there are.
fn count(session: &Pinned<'_, u32, u64>, key: u32, way: u32) {
    match way {
        0 => assert!(session.update(key, |n| n + 1).is_some()),
        1 => _ = session.upsert(key, 1, |n| n + 1),
        2 => _ = session.upsert_with(key, || 1, |n| n + 1),
        3 => _ = session.compute(key, |n| Compute::<_, ()>::Insert(n.map_or(1, |n| n + 1))),
        4 => assert!(session.try_update(key, |n| Ok::<_, ()>(n + 1)).unwrap().is_some()),
        _ => {
            let mut current = session.get(&key).copied();
            while let Err(now) =
                session.compare_exchange(key, current.as_ref(), Some(current.map_or(1, |n| n + 1)))
            {
                current = now.actual.copied();
            }
        }
    }
}

#[test]
fn counters_lose_nothing_while_blocks_come_and_go_around_them() {
    let _alone = alone();
    let each = scaled(10_000);
    for shape in SHAPES {
        let map: ConcurrentOrderedMap<u32, u64> = map_of(shape);
        // Counters at 0, 100, 200 ...; what is between them comes and goes.
        map.extend((0..KEYS).map(|n| (n * 100, 0)));
        let counting = Foreground::of(THREADS);
        crew(THREADS + 1, |me| {
            let mut rng = Rng::stream(2, u64::try_from(me).unwrap());
            if me < THREADS {
                let _counting = counting.enter();
                for n in 0..each {
                    count(&map.pin(), (n % KEYS) * 100, rng.below(6));
                }
                return;
            }
            while counting.is_busy() {
                let from = rng.below(KEYS) * 100;
                map.extend((from + 1..from + 20).map(|n| (n, 0)));
                map.remove_range(from + 1..from + 20);
            }
        });
        let sum: u64 = map.values().sum();
        assert_eq!(sum, u64::from(each) * u64::try_from(THREADS).unwrap());
        assert_eq!(map.len(), usize::try_from(KEYS).unwrap());
    }
}

#[test]
fn an_upsert_that_inserts_is_counted_when_others_remove() {
    let _alone = alone();
    for shape in SHAPES {
        let map: ConcurrentOrderedMap<u32, u64> = map_of(shape);
        let each = scaled(10_000);
        let taken = crew(THREADS, |me| {
            let mut rng = Rng::stream(3, u64::try_from(me).unwrap());
            let mut taken = 0;
            for _ in 0..each {
                if me % 2 == 0 {
                    map.upsert(rng.below(KEYS), 1, |n| n + 1);
                } else {
                    taken += map.remove(&rng.below(KEYS)).unwrap_or(0);
                }
            }
            taken
        });
        let left: u64 = map.values().sum();
        assert_eq!(taken.iter().sum::<u64>() + left, u64::from(each) * 2);
    }
}

/// A number that is changed under the map's lock only. ThreadSanitizer would see if that orders nothing.
struct Guarded(UnsafeCell<u64>);

// SAFETY: the tests read and write it by whoever holds the lock.
unsafe impl Sync for Guarded {}

impl Guarded {
    fn add_one(&self) {
        let place = self.0.get();
        // SAFETY: the caller holds the lock.
        let before = unsafe { place.read_volatile() };
        // SAFETY: as above.
        unsafe { place.write_volatile(before + 1) };
    }
}

/// `compare_exchange` as a spin lock: the key has `free` when nobody holds it.
fn spin_lock(free: Option<bool>) {
    let _alone = alone();
    let each = scaled(3_000);
    for shape in SHAPES {
        let map: ConcurrentOrderedMap<u32, bool> = map_of(shape);
        // Neighbours, so that the lock is not alone in its leaf.
        map.extend((0..10).map(|n| (n, false)));
        map.delete(&5);
        if let Some(free) = free {
            map.set(5, free);
        }
        let guarded = Guarded(UnsafeCell::new(0));
        let guarded_ref = &guarded;
        crew(THREADS, |_| {
            for _ in 0..each {
                eventually("the lock is free", || {
                    map.compare_exchange(5, free.as_ref(), Some(true)).is_ok()
                });
                guarded_ref.add_one();
                let unlocked = map.compare_exchange(5, Some(&true), free);
                assert_eq!(unlocked, Ok(Some(true)), "somebody else has unlocked");
            }
        });
        let total = guarded.0.into_inner();
        assert_eq!(total, u64::from(each) * u64::try_from(THREADS).unwrap());
    }
}

#[test]
fn compare_exchange_of_values_makes_a_lock() {
    spin_lock(Some(false));
}

#[test]
fn compare_exchange_of_presence_makes_a_lock() {
    spin_lock(None);
}
