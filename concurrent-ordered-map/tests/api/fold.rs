//! Iterating by the leaf answers what iterating by the entry does.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::ops::{Bound, RangeBounds};

use concurrent_ordered_map::ConcurrentOrderedMap;

/// A key of an order that the map does not know.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Own(u64);

/// Spread over all 64 bits, so that what is appended comes in any order.
fn number(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (n ^ n >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// Takes some from either end one by one, and all the rest at once from the front or the back.
fn taken<T>(
    mut all: impl DoubleEndedIterator<Item = T>,
    (front, back): (usize, usize),
    up: bool,
) -> Vec<T> {
    let first: Vec<T> = (0..front).map_while(|_| all.next()).collect();
    let mut last: Vec<T> = (0..back).map_while(|_| all.next_back()).collect();
    let mut middle = Vec::new();
    if up {
        all.for_each(|item| middle.push(item));
    } else {
        all.rev().for_each(|item| middle.push(item));
        middle.reverse();
    }
    last.reverse();
    first.into_iter().chain(middle).chain(last).collect()
}

/// Checks all iterators over a range.
fn check<K>(
    map: &ConcurrentOrderedMap<K, u64>,
    model: &BTreeMap<K, u64>,
    range: (Bound<K>, Bound<K>),
) where
    K: Ord + Clone + Send + Sync + Debug + 'static,
{
    let (session, snapshot) = (map.pin(), map.snapshot());
    let within = |key: &K| range.contains(key);
    let expected: Vec<(&K, &u64)> = model.iter().filter(|(key, _)| within(key)).collect();
    let ranged = || session.range::<K, _>(range.clone());
    let seen = || snapshot.range::<K, _>(range.clone());
    for ends in [(0, 0), (1, 0), (0, 1), (3, 2), (40, 35), (usize::MAX, 0), (0, usize::MAX)] {
        for up in [true, false] {
            let front = ends.0.min(expected.len());
            let back = ends.1.min(expected.len() - front);
            assert_eq!(taken(ranged(), (front, back), up), expected, "{ends:?} {up}");
            assert_eq!(taken(seen(), (front, back), up), expected, "a snapshot, {ends:?} {up}");
        }
    }
    assert_eq!(ranged().count(), expected.len());
    let [first, last] = [expected.first(), expected.last()].map(Option::<&_>::copied);
    assert_eq!((ranged().min(), ranged().max(), ranged().last()), (first, last, last));
    assert_eq!((seen().min(), seen().max(), seen().last()), (first, last, last));
    let mut after_end = ranged();
    assert_eq!(after_end.by_ref().count(), expected.len());
    assert_eq!(after_end.fold(0, |count, _| count + 1), 0, "it goes on after its end");
}

/// Checks a map of keys, of which every fifth has been removed again, every seventh overwritten.
fn check_all<K>(slots: (u8, u8), keys: &[K])
where
    K: Ord + Clone + Send + Sync + Debug + 'static,
{
    let map = ConcurrentOrderedMap::with_block_slots(slots.0, slots.1);
    let mut model = BTreeMap::new();
    for (key, n) in keys.iter().zip(0..) {
        assert_eq!(map.insert(key.clone(), n), model.insert(key.clone(), n));
        if n % 5 == 4 {
            let old = &keys[usize::try_from(number(n) % n).expect("it is small")];
            assert_eq!(map.remove(old).is_some(), model.remove(old).is_some());
        }
        if n % 7 == 6 {
            map.insert(keys[0].clone(), n);
            model.insert(keys[0].clone(), n);
        }
    }
    let mut sorted = keys.to_vec();
    sorted.sort();
    let at = |part: usize| sorted[part * (sorted.len() - 1) / 8].clone();
    check(&map, &model, (Unbounded, Unbounded));
    check(&map, &model, (Included(at(1)), Excluded(at(7))));
    check(&map, &model, (Included(at(3)), Included(at(4))));
    check(&map, &model, (Unbounded, Excluded(at(6))));
    check(&map, &model, (Excluded(at(2)), Unbounded));
    check(&map, &model, (Included(at(5)), Excluded(at(5))));
    let session = map.pin();
    assert_eq!(taken(session.iter(), (5, 7), true), model.iter().collect::<Vec<_>>());
    assert_eq!(taken(session.keys(), (5, 7), false), model.keys().collect::<Vec<_>>());
    assert_eq!(taken(session.values(), (5, 7), true), model.values().collect::<Vec<_>>());
    assert_eq!(
        (session.keys().min(), session.keys().max()),
        (model.keys().next(), model.keys().next_back())
    );
    assert_eq!(
        (session.iter().min(), session.iter().last()),
        (model.iter().next(), model.iter().next_back())
    );
    assert_eq!(session.values().last(), model.values().next_back());
}

fn keys<K>(count: u64, key: impl FnMut(u64) -> K) -> Vec<K> {
    (0..count).map(key).collect()
}

#[test]
fn the_rest_at_once_is_the_rest_one_by_one() {
    for slots in [(2, 4), (28, 28)] {
        check_all(slots, &keys(400, number));
        check_all(slots, &keys(400, |n| number(n).cast_signed()));
        check_all(slots, &keys(400, |n| format!("{:016x}", number(n))));
        check_all(slots, &keys(400, |n| Own(number(n))));
    }
}

#[test]
fn keys_are_in_order_where_what_is_compared_first_ties() {
    // Two heaps, far from each other: within one, the leading bits are the same.
    check_all((28, 28), &keys(60, |n| number(n) % 1000 + ((n % 2) << 63)));
    // Numbers of 128 bits, of which the leading 64 are the same.
    check_all((28, 28), &keys(100, |n| u128::from(number(n))));
    // Strings that differ late.
    check_all((28, 28), &keys(100, |n| format!("{:>24}", number(n) % 997)));
    // Bytes with the greatest and the least hint.
    check_all((28, 28), &keys(40, |n| if n % 3 == 0 { u64::MAX - n } else { number(n) % 50 }));
}
