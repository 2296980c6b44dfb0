//! A snapshot is of one moment, whatever others write, and holds what it sees and no more.

use std::sync::atomic::{AtomicU32, Ordering};

use concurrent_ordered_map::{ConcurrentOrderedMap, Snapshot};

use crate::common::crew::{Foreground, crew};
use crate::common::ledger::{Counted, Ledger};
use crate::common::{SHAPES, alone, map_of, scaled};
use linearizability::rng::Rng;

/// Keys of a writer's chain, spread over the map.
const CHAIN: u32 = 12;
const WRITERS: u32 = 2;

/// The key of a link of a writer's chain: the chains are interleaved, and other keys lie between.
fn key(writer: u32, link: u32) -> u32 {
    link * 10 + writer
}

/// Writes 1, 2, 3 and so on, each to all keys of the chain from the first to the last.
fn write_chain(map: &ConcurrentOrderedMap<u32, u32>, writer: u32, rounds: u32) {
    let noise = |link: u32| link * 10 + 5 + writer;
    for round in 1..=rounds {
        for link in 0..CHAIN {
            map.insert(key(writer, link), round);
            // Leaves split and are absorbed.
            if round % 3 == 0 {
                map.insert(noise(link), round);
            } else {
                map.remove(&noise(link));
            }
        }
    }
}

/// The values of a chain at one moment never increase along it, and differ by one at most.
fn check_chain(values: &[u32]) {
    let (first, last) = (values[0], values[values.len() - 1]);
    assert!(values.is_sorted_by(|one, next| one >= next), "torn: {values:?}");
    assert!(first - last <= 1, "torn: {values:?}");
}

fn check_snapshot(snapshot: &Snapshot<'_, u32, u32>) {
    let ascending: Vec<_> = snapshot.iter().map(|(key, value)| (*key, *value)).collect();
    let mut descending: Vec<_> = snapshot.iter().rev().map(|(key, value)| (*key, *value)).collect();
    descending.reverse();
    assert_eq!(ascending, descending, "two readings of one snapshot differ");
    assert_eq!(snapshot.len(), ascending.len());
    assert!(ascending.is_sorted_by(|one, next| one.0 < next.0), "keys are out of order");
    for writer in 0..WRITERS {
        let chain = (0..CHAIN).map(|link| *snapshot.get(&key(writer, link)).expect("always there"));
        let chain: Vec<u32> = chain.collect();
        check_chain(&chain);
        for (link, value) in (0..).zip(&chain) {
            assert!(ascending.contains(&(key(writer, link), *value)), "a get and a scan differ");
        }
    }
}

#[test]
fn a_snapshot_is_of_one_moment() {
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of::<u32, u32>(shape);
        (0..WRITERS).for_each(|writer| write_chain(&map, writer, 1));
        let writing = Foreground::of(WRITERS as usize);
        crew(WRITERS as usize + 1, |number| {
            let number = u32::try_from(number).unwrap();
            if number < WRITERS {
                let _writing = writing.enter();
                write_chain(&map, number, scaled(300));
                return;
            }
            while writing.is_busy() {
                check_snapshot(&map.snapshot());
            }
        });
        check_snapshot(&map.snapshot());
    }
}

/// What was read before a snapshot is not newer than the snapshot, and what is read after it is not older.
/// The session is never ended, so that the snapshots stay unsettled while it lives.
#[test]
fn a_snapshot_is_in_order_with_reads() {
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of::<u32, u32>(shape);
        (0..WRITERS).for_each(|writer| write_chain(&map, writer, 1));
        let writing = Foreground::of(WRITERS as usize);
        crew(WRITERS as usize + 1, |number| {
            let number = u32::try_from(number).unwrap();
            if number < WRITERS {
                let _writing = writing.enter();
                write_chain(&map, number, scaled(300));
                return;
            }
            let mut rng = Rng::new(5);
            while writing.is_busy() {
                let session = map.pin();
                for _ in 0..50 {
                    let key = key(rng.below(WRITERS), rng.below(CHAIN));
                    let before = *session.get(&key).expect("always there");
                    let snapshot = map.snapshot();
                    // By a lookup, a walk or a search, before the snapshot itself looks.
                    let after = match rng.below(3) {
                        0 => session.get(&key),
                        1 => session.range(key..).next().map(|(_, value)| value),
                        _ => session
                            .lower_bound(std::ops::Bound::Included(&key))
                            .map(|found| found.1),
                    };
                    let seen = *snapshot.get(&key).expect("always there");
                    let after = *after.expect("always there");
                    assert!(
                        before <= seen,
                        "{key}: {before} was read before the snapshot of {seen}"
                    );
                    assert!(seen <= after, "{key}: {after} was read after the snapshot of {seen}");
                }
            }
        });
    }
}

/// Values are alive as long as a snapshot sees them, and are dropped once.
#[test]
fn a_snapshot_holds_what_it_sees() {
    static KEYS: Ledger = Ledger::new();
    static VALUES: Ledger = Ledger::new();
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of::<Counted, Counted>(shape);
        let taken = AtomicU32::new(0);
        crew(3, |number| {
            let mut rng = Rng::stream(7, number as u64);
            let mut held = Vec::new();
            for _ in 0..scaled(1_500) {
                let key = rng.below(40);
                match rng.below(12) {
                    0..=4 => drop(map.insert(Counted::new(key, &KEYS), Counted::new(key, &VALUES))),
                    5..=7 => drop(map.remove(&key)),
                    8 => drop(map.pin().pop_first()),
                    9 => held.push(map.snapshot()),
                    10 if !held.is_empty() => {
                        drop(held.swap_remove(rng.below(u32::try_from(held.len()).unwrap()) as usize));
                    }
                    _ => {
                        for (key, value) in held.iter().take(3).flatten() {
                            assert!(
                                key.token.is_alive() && value.token.is_alive(),
                                "dropped early"
                            );
                            assert_eq!(key.n, value.n);
                        }
                    }
                }
                if held.len() > 6 {
                    held.clear();
                }
                taken.fetch_max(u32::try_from(held.len()).unwrap(), Ordering::Relaxed);
            }
        });
        assert!(taken.load(Ordering::Relaxed) > 1, "several snapshots were alive at a time");
        assert!(map.collect());
        // Some keys may stay as boundaries, values may not.
        assert_eq!(VALUES.alive(), map.len(), "values are kept for no snapshot");
        drop(map);
        concurrent_ordered_map::ConcurrentOrderedMap::<u32, u32>::new().collect();
        KEYS.close();
        VALUES.close();
    }
}
