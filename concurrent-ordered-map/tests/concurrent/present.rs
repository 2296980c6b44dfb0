//! A key that is always present is never seen absent: while its value is overwritten, and while keys around
//! it come and go, so that its leaf is split, compacted and absorbed.

use std::ops::Bound::{Excluded, Included};

use concurrent_ordered_map::{ConcurrentOrderedMap, Pinned};

use crate::common::crew::{Foreground, crew};
use crate::common::keys::{Key, Opaque};
use crate::common::{SHAPES, alone, map_of, scaled};
use linearizability::rng::Rng;

/// Keys are the numbers below this. Every tenth is always present.
const KEYS: u32 = 400;
const READERS: usize = 2;

fn is_fixed(number: u32) -> bool {
    number.is_multiple_of(10)
}

/// A value names its key.
fn value(number: u32, version: u32) -> (u32, u32) {
    (number, version)
}

fn overwrite<K: Key>(map: &ConcurrentOrderedMap<K, (u32, u32)>, rng: &mut Rng, version: u32) {
    let number = rng.below(KEYS / 10) * 10;
    let (key, new) = (K::of(number), value(number, version));
    match rng.below(5) {
        0 => _ = map.update(key, |_| new),
        1 => _ = map.upsert(key, new, |_| new),
        2 => _ = map.compute(key, |_| concurrent_ordered_map::Compute::<_, ()>::Insert(new)),
        3 => {
            let session = map.pin();
            let now = session.get(&key);
            _ = session.compare_exchange(key, now, Some(new));
        }
        _ => assert!(map.insert(key, new).is_some(), "{number} was absent when overwritten"),
    }
}

/// Fills and empties a short stretch of the keys between the fixed ones.
fn churn<K: Key>(map: &ConcurrentOrderedMap<K, (u32, u32)>, rng: &mut Rng, version: u32) {
    let from = rng.below(KEYS - 40);
    let loose = (from..from + 40).filter(|number| !is_fixed(*number));
    for number in loose.clone() {
        map.set(K::of(number), value(number, version));
    }
    for number in loose {
        map.delete(&K::of(number));
    }
}

/// Looks for a fixed key in every way there is.
fn look<K: Key>(session: &Pinned<'_, K, (u32, u32)>, number: u32) {
    let key = K::of(number);
    let good =
        |found: Option<(&K, &(u32, u32))>| found.is_some_and(|(k, v)| *k == key && v.0 == number);
    assert!(session.get(&key).is_some_and(|v| v.0 == number), "get {number}");
    assert!(session.contains_key(&key), "contains_key {number}");
    assert!(good(session.get_key_value(&key)), "get_key_value {number}");
    assert!(good(session.lower_bound(Included(&key))), "lower_bound {number}");
    assert!(good(session.upper_bound(Included(&key))), "upper_bound {number}");
    assert!(good(session.range::<K, _>(&key..).next()), "range from {number}");
    assert!(good(session.range::<K, _>(..=&key).next_back()), "range to {number}");
    // From the fixed key before: it must not be passed by.
    if number > 0 {
        let before = K::of(number - 10);
        let next = session.lower_bound(Excluded(&before)).expect("there is at least the key");
        assert!(*next.0 > before && *next.0 <= key, "lower_bound passed {number} by");
        let last = session.upper_bound(Excluded(&key)).expect("there is at least the one before");
        assert!(*last.0 >= before && *last.0 < key, "upper_bound passed {} by", number - 10);
    } else {
        assert!(good(session.first()), "first");
    }
    assert!(session.try_insert(key, (number, 0)).is_err(), "try_insert {number}");
    assert!(!session.is_empty());
}

/// Goes over all keys, or a part of them, from either end.
fn scan<K: Key>(session: &Pinned<'_, K, (u32, u32)>, rng: &mut Rng) {
    let from = rng.below(KEYS / 10) * 10;
    let fixed =
        |found: Vec<u32>| -> Vec<u32> { found.into_iter().filter(|n| is_fixed(*n)).collect() };
    let numbers = |values: &mut dyn Iterator<Item = (&K, &(u32, u32))>| -> Vec<u32> {
        fixed(values.map(|(_, value)| value.0).collect())
    };
    let expected = || (from / 10..KEYS / 10).map(|tenth| tenth * 10);
    let key = K::of(from);
    assert!(numbers(&mut session.range::<K, _>(&key..)).into_iter().eq(expected()));
    assert!(numbers(&mut session.range::<K, _>(&key..).rev()).into_iter().eq(expected().rev()));
    let all = fixed(session.values().map(|value| value.0).collect());
    assert!(all.into_iter().eq((0..KEYS / 10).map(|tenth| tenth * 10)));
}

fn never_absent<K: Key>() {
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of(shape);
        map.extend((0..KEYS).filter(|n| is_fixed(*n)).map(|n| (K::of(n), value(n, 0))));
        let readers = Foreground::of(READERS);
        crew(READERS + 2, |me| {
            let mut rng = Rng::stream(1, u64::try_from(me).unwrap());
            if me < READERS {
                let _reading = readers.enter();
                for round in 0..scaled(1_500) {
                    look(&map.pin(), rng.below(KEYS / 10) * 10);
                    if round % 30 == 0 {
                        scan(&map.pin(), &mut rng);
                    }
                }
                return;
            }
            let mut version = 0;
            while readers.is_busy() {
                version += 1;
                if me == READERS {
                    overwrite(&map, &mut rng, version);
                } else {
                    churn(&map, &mut rng, version);
                }
            }
        });
        let left = u32::try_from(map.len()).unwrap();
        assert_eq!(left, KEYS / 10, "len at rest");
    }
}

#[test]
fn a_number_that_is_always_there_is_never_absent() {
    never_absent::<u64>();
}

#[test]
fn a_string_that_is_always_there_is_never_absent() {
    never_absent::<String>();
}

#[test]
fn a_key_without_a_hint_that_is_always_there_is_never_absent() {
    never_absent::<Opaque>();
}
