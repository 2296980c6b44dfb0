//! A removal is won by exactly one caller, and what was inserted is found once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use concurrent_ordered_map::{
    Compute, Computed, ConcurrentOrderedMap, ConcurrentOrderedSet, Pinned,
};

use crate::common::crew::crew;
use crate::common::keys::{Key, Opaque};
use crate::common::{SHAPES, alone, map_of, scaled};
use linearizability::rng::Rng;

const THREADS: usize = 4;

/// Removes a key in one of the ways there are. True if this call did it.
fn remove<K: Key>(session: &Pinned<'_, K, u32>, number: u32, way: u32) -> bool {
    let key = K::of(number);
    match way {
        0 => session.remove(&key) == Some(&number),
        1 => session.remove_entry(&key) == Some((&key, &number)),
        2 => session.remove_if(&key, |_, value| *value == number).is_some(),
        3 => {
            let remove =
                |value: Option<&u32>| value.map_or(Compute::Abort(()), |_| Compute::Remove);
            session.compute(key, remove) == Computed::Removed(Some(&number))
        }
        4 => session.compare_exchange(key, Some(&number), None).is_ok(),
        5 => session.remove_range::<K, _>(&key..=&key) == 1,
        _ => session.map().delete(&key),
    }
}

fn removed_once<K: Key>() {
    let _alone = alone();
    const KEYS: u32 = 200;
    for shape in SHAPES {
        for round in 0..scaled(10) {
            let map: ConcurrentOrderedMap<K, u32> = map_of(shape);
            map.extend((0..KEYS).map(|n| (K::of(n), n)));
            let wins = crew(THREADS, |me| {
                let mut rng = Rng::stream(u64::from(round), u64::try_from(me).unwrap());
                // Half the threads go up and half down, so that they meet.
                let order = |n| if me % 2 == 0 { n } else { KEYS - 1 - n };
                let numbers = (0..KEYS).map(order);
                numbers.filter(|n| remove(&map.pin(), *n, rng.below(7))).collect::<Vec<_>>()
            });
            let mut all = wins.concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..KEYS), "each key was removed by one thread");
            assert_eq!(map.len(), 0);
            assert!(map.is_empty() && map.pin().iter().next().is_none());
        }
    }
}

#[test]
fn a_number_is_removed_once() {
    removed_once::<u64>();
}

#[test]
fn a_string_is_removed_once() {
    removed_once::<String>();
}

#[test]
fn a_key_without_a_hint_is_removed_once() {
    removed_once::<Opaque>();
}

#[test]
fn an_entry_is_popped_once_from_either_end() {
    let _alone = alone();
    const KEYS: u32 = 400;
    for shape in SHAPES {
        for _ in 0..scaled(10) {
            let map: ConcurrentOrderedMap<u32, u32> = map_of(shape);
            map.extend((0..KEYS).map(|n| (n, n)));
            let popped = crew(THREADS, |me| {
                let pop = || if me % 2 == 0 { map.pop_first() } else { map.pop_last() };
                let keys: Vec<_> = std::iter::from_fn(pop).map(|(key, _)| key).collect();
                // Nothing is inserted, so the ends only move towards each other.
                assert!(keys.is_sorted_by(|one, next| (one < next) == (me % 2 == 0)));
                keys
            });
            let mut all = popped.concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..KEYS), "each entry was popped by one thread");
            assert_eq!(map.len(), 0);
        }
    }
}

#[test]
fn a_set_hands_out_each_key_once() {
    let _alone = alone();
    const KEYS: u32 = 300;
    for _ in 0..scaled(10) {
        let set = ConcurrentOrderedSet::new();
        let inserted = crew(THREADS, |_| (0..KEYS).filter(|n| set.insert(*n)).count());
        assert_eq!(inserted.into_iter().sum::<usize>(), set.len());
        let taken = crew(THREADS, |me| match me {
            0 => std::iter::from_fn(|| set.pop_first()).collect::<Vec<_>>(),
            1 => std::iter::from_fn(|| set.pop_last()).collect(),
            2 => (0..KEYS).rev().filter_map(|n| set.take(&n)).collect(),
            _ => (0..KEYS).filter(|n| set.remove(n)).collect(),
        });
        let mut all = taken.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..KEYS));
        assert!(set.is_empty());
        assert_eq!(set.len(), 0);
    }
}

/// What one thread has won: keys inserted, keys removed.
#[derive(Default)]
struct Wins {
    inserted: Vec<u32>,
    removed: Vec<u32>,
}

/// One of many calls that insert or remove, with every insertion's value used once only.
fn insert_or_remove<K: Key>(
    map: &ConcurrentOrderedMap<K, u32>,
    rng: &mut Rng,
    next: &AtomicU32,
    wins: &mut Wins,
) {
    let session = map.pin();
    let key = K::of(rng.below(40));
    // Ordering: Relaxed; the number only has to be unique.
    let fresh = || next.fetch_add(1, Ordering::Relaxed);
    match rng.below(10) {
        0..=1 => {
            let value = fresh();
            if session.try_insert(key, value).is_ok() {
                wins.inserted.push(value);
            }
        }
        2 => {
            // An overwrite takes the old value out.
            let value = fresh();
            wins.removed.extend(session.insert(key, value));
            wins.inserted.push(value);
        }
        3 => {
            let value = fresh();
            if session.compare_exchange(key, None, Some(value)).is_ok() {
                wins.inserted.push(value);
            }
        }
        4 => {
            let value = fresh();
            if *session.get_or_insert_with(key, || value) == value {
                wins.inserted.push(value);
            }
        }
        5 => {
            let value = fresh();
            match session.compute(key, |_| Compute::<_, ()>::Insert(value)) {
                Computed::Updated { old, .. } => wins.removed.push(*old),
                Computed::Inserted(_) => {}
                other => panic!("an insertion came to {other:?}"),
            }
            wins.inserted.push(value);
        }
        6 => wins.removed.extend(session.remove(&key)),
        7 => wins.removed.extend(session.remove_entry(&key).map(|(_, value)| value)),
        8 => wins.removed.extend(session.pop_first().map(|(_, value)| value)),
        _ => wins.removed.extend(session.pop_last().map(|(_, value)| value)),
    }
}

fn nothing_is_lost_or_doubled<K: Key>() {
    let _alone = alone();
    for shape in SHAPES {
        for round in 0..scaled(10) {
            let map: ConcurrentOrderedMap<K, u32> = map_of(shape);
            let next = AtomicU32::new(0);
            let wins = crew(THREADS, |me| {
                let mut rng = Rng::stream(u64::from(round), u64::try_from(me).unwrap());
                let mut wins = Wins::default();
                for _ in 0..1_000 {
                    insert_or_remove(&map, &mut rng, &next, &mut wins);
                }
                wins
            });
            let total =
                |of: fn(&Wins) -> &Vec<u32>| wins.iter().map(|each| of(each).len()).sum::<usize>();
            let (inserted, removed) = (total(|w| &w.inserted), total(|w| &w.removed));
            assert_eq!(inserted - removed, map.len(), "len at rest");
            let mut there: BTreeSet<u32> =
                wins.iter().flat_map(|w| w.inserted.iter().copied()).collect();
            assert_eq!(there.len(), inserted);
            for value in wins.iter().flat_map(|w| &w.removed) {
                assert!(there.remove(value), "{value} was removed twice, or never inserted");
            }
            let left: BTreeSet<u32> = map.values().collect();
            assert_eq!(left, there, "what is left");
        }
    }
}

#[test]
fn numbers_are_neither_lost_nor_doubled() {
    nothing_is_lost_or_doubled::<u64>();
}

#[test]
fn strings_are_neither_lost_nor_doubled() {
    nothing_is_lost_or_doubled::<String>();
}

#[test]
fn keys_without_a_hint_are_neither_lost_nor_doubled() {
    nothing_is_lost_or_doubled::<Opaque>();
}
