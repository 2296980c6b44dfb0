//! What the models share. Empty unless built with `--cfg com_loom`, as `ci/loom.sh` does.
//!
//! A model runs the map's own code on loom's atomics, over a checking reclaimer (`loom_epoch.rs`: over
//! crossbeam-epoch), and fails on a use after free, a second free or a leak. Leaves have two slots, unless a model
//! says otherwise, so that the third key splits one. Every write takes a slot, and slots that have died or are not
//! published count until their leaf is replaced. Lanes have room for five more children than they were born with,
//! since a model in which lanes are replaced as well takes hours.
//!
//! Numbers are stored in the leaves. What is about entries, or is to hold of both, has `Opaque` keys or values.
#![cfg(com_loom)]

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use concurrent_ordered_map::{ConcurrentOrderedMap, end_of_model};

use loom::sync::Arc;

/// A key or a value, as a number.
pub trait Number: Ord + Copy + From<u32> + Into<u32> + fmt::Debug + Send + Sync + 'static {}

impl<T: Ord + Copy + From<u32> + Into<u32> + fmt::Debug + Send + Sync + 'static> Number for T {}

/// A number of which the map does not know that it is one. Such a key has a label in its slot, and such a value
/// is in an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Opaque(pub u32);

impl From<u32> for Opaque {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl From<Opaque> for u32 {
    fn from(number: Opaque) -> Self {
        number.0
    }
}

/// A map of numbers.
pub type MapOf<K, V> = ConcurrentOrderedMap<K, V>;

/// The map under test.
pub type Map = MapOf<u32, u32>;

/// A map of keys with labels.
pub type OpaqueMap = MapOf<Opaque, u32>;

/// A map that holds these keys, each with ten times itself as its value, in leaves of so many slots.
#[must_use]
pub fn filled<K: Number, V: Number>(slots: u8, keys: &[u32]) -> MapOf<K, V> {
    let map = ConcurrentOrderedMap::with_block_slots(slots, 40);
    for &key in keys {
        put(&map, key, key * 10);
    }
    map
}

/// `filled`, with leaves of two slots.
#[must_use]
pub fn map_of(keys: &[u32]) -> Map {
    filled(2, keys)
}

/// As `map_of(&[1, 2])`, with a full second leaf: they hold 1 | 2 and a dead slot.
#[must_use]
pub fn half_dead() -> Map {
    let map = map_of(&[1, 2, 3]);
    map.pin().remove(&3);
    map
}

/// The leaves hold 1 | 3, each with a slot to spare: a model in which overwrites replace no leaves has fewer
/// schedules.
#[must_use]
pub fn two_sparse_leaves() -> Map {
    let map = filled(3, &[1, 2, 3, 4]);
    map.pin().remove(&2);
    map.pin().remove(&4);
    map
}

/// Inserts or overwrites; answers the value before.
pub fn put<K: Number, V: Number>(map: &MapOf<K, V>, key: u32, value: u32) -> Option<u32> {
    map.pin().insert(key.into(), value.into()).map(|&value| value.into())
}

/// Removes a key; answers its value.
pub fn take<K: Number, V: Number>(map: &MapOf<K, V>, key: u32) -> Option<u32> {
    map.pin().remove(&key.into()).map(|&value| value.into())
}

/// The key's value.
pub fn get<K: Number, V: Number>(map: &MapOf<K, V>, key: u32) -> Option<u32> {
    map.pin().get(&key.into()).map(|&value| value.into())
}

/// Every key and value, in order.
#[must_use]
pub fn entries<K: Number, V: Number>(map: &MapOf<K, V>) -> Vec<(u32, u32)> {
    map.pin().iter().map(|(&key, &value)| (key.into(), value.into())).collect()
}

/// Makes two models of a function that is generic over the map's values: they are in the leaves, or in entries.
#[macro_export]
macro_rules! of_numbers_and_entries {
    ($($model:ident),+ $(,)?) => { $(
        mod $model {
            #[test]
            fn of_numbers() {
                super::$model::<u32>();
            }

            #[test]
            fn of_entries() {
                super::$model::<$crate::Opaque>();
            }
        }
    )+ };
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
    let schedules = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&schedules);
    model.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
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
        drop(answers);
        let map = Arc::try_unwrap(map).ok().expect("the threads have ended");
        drop(map);
        end_of_model();
    });
    println!("{} schedules", schedules.load(Ordering::Relaxed));
}
