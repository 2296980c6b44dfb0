//! Numbers that are stored in the leaves themselves: every type of key and value for which the map does that, at
//! the ends of its range, and what is read of them while they change.

use std::fmt::Debug;
use std::ops::Bound::{Excluded, Included, Unbounded};

use concurrent_ordered_map::{Batch, ConcurrentOrderedMap};

/// A map of leaves of three slots.
fn tiny<K: Ord + Send + 'static, V: Send + 'static>() -> ConcurrentOrderedMap<K, V> {
    ConcurrentOrderedMap::with_block_slots(3, 4)
}

/// All calls that find, show or remove entries, with these keys, which are in order, and these values.
fn shows_all<K, V>(keys: &[K], values: &[V])
where
    K: Ord + Copy + Debug + Send + Sync + 'static,
    V: Copy + PartialEq + Debug + Send + Sync + 'static,
{
    assert!(keys.is_sorted_by(|one, other| one < other) && keys.len() >= 2);
    let all: Vec<(K, V)> = keys.iter().copied().zip(values.iter().copied().cycle()).collect();
    let map = tiny();
    let pinned = map.pin();
    // From the middle outwards, so that no order of arrival is that of the keys.
    for &(key, value) in all.iter().rev().step_by(2).chain(all.iter().rev().skip(1).step_by(2)) {
        assert_eq!(pinned.insert(key, value), None);
    }
    let copied = |(key, value): (&K, &V)| (*key, *value);
    let (first, last) = (all[0], all[all.len() - 1]);

    assert_eq!(pinned.iter().map(copied).collect::<Vec<_>>(), all);
    assert!(pinned.iter().rev().map(copied).eq(all.iter().rev().copied()));
    assert_eq!((pinned.first().map(copied), pinned.last().map(copied)), (Some(first), Some(last)));
    for (place, &(key, value)) in all.iter().enumerate() {
        assert_eq!(pinned.get_key_value(&key), Some((&key, &value)));
        let above = pinned.lower_bound(Excluded(&key)).map(copied);
        assert_eq!(above, all.get(place + 1).copied());
        let below = pinned.upper_bound(Excluded(&key)).map(copied);
        assert_eq!(below, place.checked_sub(1).map(|place| all[place]));
        assert_eq!(pinned.lower_bound(Included(&key)).map(copied), Some((key, value)));
        let from = pinned.range((Included(&key), Unbounded)).map(copied);
        assert_eq!(from.collect::<Vec<_>>(), &all[place..]);
        let to = pinned.range((Unbounded, Excluded(&key))).rev().map(copied);
        assert!(to.eq(all[..place].iter().rev().copied()));
    }

    let snapshot = map.snapshot();
    let other = *values.last().expect("there are values");
    for &(key, value) in &all {
        assert_eq!(pinned.insert(key, other), Some(&value));
    }
    assert!(pinned.values().all(|value| *value == other));
    assert_eq!(snapshot.iter().map(copied).collect::<Vec<_>>(), all);
    assert!(snapshot.iter().rev().map(copied).eq(all.iter().rev().copied()));
    for &(key, value) in &all {
        assert_eq!(snapshot.get_key_value(&key), Some((&key, &value)));
    }
    drop(snapshot);

    let batch = all.iter().fold(Batch::new(), |batch, &(key, value)| batch.insert(key, value));
    let applied = pinned.apply(batch.remove(last.0));
    assert!(applied.displaced().map(copied).eq(keys.iter().map(|&key| (key, other))));
    assert_eq!(pinned.get(&last.0), None);
    assert_eq!(pinned.insert(last.0, last.1), None);
    assert_eq!(pinned.pop_first().map(copied), Some(first));
    assert_eq!(pinned.pop_last().map(copied), Some(last));
    assert_eq!(pinned.insert(first.0, first.1), None);
    assert_eq!(pinned.remove_entry(&first.0).map(copied), Some(first));
    assert_eq!(map.len(), all.len() - 2);
    assert!(map.into_iter().eq(all[1..all.len() - 1].iter().copied()));
}

/// The ends of a type's range, those of shorter types, and what lies around zero.
macro_rules! numbers {
    ($($number:ident),+) => { $(
        #[test]
        fn $number() {
            let mut keys: Vec<$number> = vec![$number::MIN, $number::MIN + 1, $number::MAX - 1, $number::MAX];
            keys.extend((0..100).map(|n| n - 50 * $number::from($number::MIN != 0)));
            keys.extend((1..$number::BITS).map(|bits| $number::MAX >> bits));
            keys.sort_unstable();
            keys.dedup();
            shows_all(&keys, &[0, 1, $number::MAX, $number::MIN, 7]);
        }
    )+ };
}

numbers!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

#[test]
fn chars_and_bools() {
    let chars = ['\0', 'a', 'z', 'ß', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', char::MAX];
    shows_all(&chars, &[true, false]);
    shows_all(&[false, true], &chars);
    shows_all(&chars, &chars);
}

#[test]
fn floats_and_units_as_values() {
    let keys: Vec<i16> = (-50..50).collect();
    shows_all(&keys, &[0.5_f32, f32::MIN, f32::INFINITY, f32::MIN_POSITIVE]);
    shows_all(&keys, &[0.5_f64, f64::MIN, f64::INFINITY, f64::MIN_POSITIVE]);
    shows_all(&keys, &[()]);
}

/// Not in the leaves: 16 bytes as a key, and as a value.
#[test]
fn wider_numbers() {
    let keys: Vec<i128> = (-50..50).map(|n| n << 60).collect();
    shows_all(&keys, &[1_u8, 2, 3]);
    shows_all(&(0..100_u64).collect::<Vec<_>>(), &[u128::MAX, 0, 1 << 64]);
}

#[test]
fn a_value_keeps_its_bits() {
    let map = tiny();
    let pinned = map.pin();
    let odd_nan = f64::from_bits(0xfff0_dead_beef_0001);
    for (key, value) in [(1, odd_nan), (2, -0.0), (3, 0.0)] {
        pinned.insert(key, value);
    }
    let bits: Vec<_> = pinned.values().map(|value| value.to_bits()).collect();
    assert_eq!(bits, [odd_nan.to_bits(), (-0.0_f64).to_bits(), 0]);
}

/// Overwrites fill a leaf's slots, and it is replaced over and over while what it held is still referred to.
#[test]
fn references_hold_while_leaves_are_replaced() {
    let map = ConcurrentOrderedMap::<u64, u64>::new();
    let pinned = map.pin();
    let mut held = Vec::new();
    for round in 0..200_u64 {
        for key in 0..40 {
            let before = pinned.insert(key, round * 100 + key);
            held.extend(before.map(|value| (value, (round - 1) * 100 + key)));
        }
        held.extend(pinned.iter().map(|(key, value)| (value, round * 100 + *key)));
        held.extend(pinned.first().map(|(key, value)| (value, round * 100 + *key)));
    }
    held.extend((0..40).filter_map(|key| Some((pinned.remove(&key)?, 19_900 + key))));
    map.collect();
    assert_eq!(held.len(), 199 * 40 + 200 * 41 + 40);
    assert!(held.iter().all(|(value, was)| **value == *was), "what was read has changed");
}

/// As above, while another thread writes and frees.
#[test]
fn references_hold_while_another_thread_writes() {
    let map = ConcurrentOrderedMap::<i32, i32>::with_block_slots(4, 8);
    map.extend((-20..20).map(|key| (key, 0)));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 1..=300 {
                for key in -20..20 {
                    map.set(key, round);
                }
                map.collect();
            }
        });
        while !writer.is_finished() {
            let pinned = map.pin();
            let seen: Vec<(i32, &i32, i32)> =
                pinned.iter().map(|(key, value)| (*key, value, *value)).collect();
            assert!(seen.iter().map(|each| each.0).eq(-20..20), "a key was absent or out of order");
            std::thread::yield_now();
            assert!(seen.iter().all(|(_, value, was)| *value == was), "what was read has changed");
        }
        writer.join().expect("the writer has ended");
    });
    assert!(map.pin().values().all(|value| *value == 300));
}

/// An entry that was overwritten with the same number cannot be told from one that was not.
#[test]
fn an_exchange_takes_equal_numbers_for_the_same() {
    let map = tiny();
    let pinned = map.pin();
    pinned.insert(1, 10);
    pinned.insert(1, 11);
    pinned.insert(1, 10);
    assert!(pinned.compare_exchange(1, Some(&10), Some(12)).is_ok());
    assert!(pinned.compare_exchange(1, Some(&10), Some(13)).is_err());
    assert_eq!(pinned.get(&1), Some(&12));
}
