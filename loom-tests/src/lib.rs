//! What the models share. Empty unless built with `--cfg com_loom`, as `ci/loom.sh` does.
//!
//! A model runs the map's own code on loom's atomics, over a checking reclaimer (`loom_epoch.rs`: over
//! crossbeam-epoch), and fails on a use after free, a second free or a leak. Leaves have two slots, so that the third key splits one; lanes
//! have room for five more children than they were born with, since a model in which lanes are replaced
//! as well takes hours.
#![cfg(com_loom)]

use concurrent_ordered_map::{ConcurrentOrderedMap, end_of_model};

use loom::sync::Arc;

/// The map under test.
pub type Map = ConcurrentOrderedMap<u32, u32>;

/// A map that holds these keys, each with ten times itself as its value.
#[must_use]
pub fn map_of(keys: &[u32]) -> Map {
    let map = ConcurrentOrderedMap::with_block_slots(2, 40);
    for &key in keys {
        map.pin().insert(key, key * 10);
    }
    map
}

/// A key of which the map knows nothing but its order, so that its slots have labels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Opaque(pub u32);

/// A map of such keys.
pub type OpaqueMap = ConcurrentOrderedMap<Opaque, u32>;

/// As `map_of`, with such keys.
#[must_use]
pub fn opaque_map_of(keys: &[u32]) -> OpaqueMap {
    let map = ConcurrentOrderedMap::with_block_slots(2, 40);
    for &key in keys {
        map.pin().insert(Opaque(key), key * 10);
    }
    map
}

/// As `map_of(&[1, 2])`, with a full second leaf: they hold 1 | 2 and a dead slot. Dead slots count until
/// their leaf is replaced.
#[must_use]
pub fn half_dead() -> Map {
    let map = map_of(&[1, 2, 3]);
    map.pin().remove(&3);
    map
}

/// Every key and value, in order.
#[must_use]
pub fn entries(map: &Map) -> Vec<(u32, u32)> {
    map.pin().iter().map(|(key, value)| (*key, *value)).collect()
}

/// Explores all schedules of `threads` over a map of `keys`, up to `preemptions` (the environment's
/// `LOOM_MAX_PREEMPTIONS` overrides it). The last thread runs first. Each thread answers something; `check` judges the answers and
/// the map that is left.
pub fn explore<T: 'static>(
    preemptions: usize,
    keys: &'static [u32],
    threads: &'static [fn(&Map) -> T],
    check: fn(&[T], &Map),
) {
    explore_from(preemptions, move || map_of(keys), threads, check);
}

/// As [`explore`], over a map that `start` makes.
pub fn explore_from<M: Send + Sync + 'static, T: 'static>(
    preemptions: usize,
    start: impl Fn() -> M + Send + Sync + 'static,
    threads: &'static [fn(&M) -> T],
    check: fn(&[T], &M),
) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(preemptions));
    // Steps of one schedule. A model that needs more is in a livelock.
    model.max_branches = 20_000;
    model.check(move || {
        let map = Arc::new(start());
        let (last, others) = threads.split_last().expect("a model has threads");
        let spawned: Vec<_> = others
            .iter()
            .map(|thread| {
                let map = Arc::clone(&map);
                loom::thread::spawn(move || thread(&map))
            })
            .collect();
        let own = last(&map);
        let mut answers: Vec<T> = spawned
            .into_iter()
            .map(|thread| thread.join().expect("a model's thread panicked"))
            .collect();
        answers.push(own);
        check(&answers, &map);
        let map = Arc::try_unwrap(map).ok().expect("the threads have ended");
        drop(map);
        end_of_model();
    });
}
