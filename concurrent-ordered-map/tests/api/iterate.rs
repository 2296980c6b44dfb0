use std::collections::BTreeMap;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use concurrent_ordered_map::{ConcurrentOrderedMap, Pinned};

use crate::{evens, tiny};

#[test]
fn all_iterators_go_in_order_from_both_ends() {
    let map = evens(100);
    let session = map.pin();
    let keys: Vec<u32> = (0..100).map(|n| 2 * n).collect();
    let down: Vec<u32> = keys.iter().rev().copied().collect();
    assert!(session.iter().map(|(key, _)| *key).eq(keys.clone()));
    assert!(session.iter().rev().map(|(key, _)| *key).eq(down.clone()));
    assert!(session.keys().copied().eq(keys.clone()));
    assert!(session.keys().rev().copied().eq(down.clone()));
    assert!(session.values().copied().eq(keys.iter().map(|key| key * key)));
    assert!(session.values().rev().copied().eq(down.iter().map(|key| key * key)));
    assert!((&session).into_iter().map(|(key, _)| *key).eq(keys));
    assert!(tiny::<u32, u32>([]).pin().iter().next_back().is_none());
}

/// Takes from the front where a bit is set and from the back where it is not.
fn alternate<T>(mut iterator: impl DoubleEndedIterator<Item = T>, mut bits: u64) -> [Vec<T>; 2] {
    let (mut front, mut back) = (Vec::new(), Vec::new());
    loop {
        bits = bits.rotate_left(1);
        let (next, taken) = match bits & 1 {
            1 => (iterator.next(), &mut front),
            _ => (iterator.next_back(), &mut back),
        };
        match next {
            Some(item) => taken.push(item),
            None => break,
        }
    }
    // Fused, at both ends.
    assert!(iterator.next().is_none() && iterator.next_back().is_none());
    back.reverse();
    [front, back]
}

#[test]
fn the_ends_meet_and_no_key_is_yielded_twice() {
    for entries in 0..20 {
        let map = evens(entries);
        let session = map.pin();
        let expected: Vec<u32> = session.keys().copied().collect();
        for bits in
            [u64::MAX, 0, 0x5555_5555_5555_5555, 0xF0F0_1234_5678_9ABC, 0x1111_0000_FFFF_1010]
        {
            assert_eq!(alternate(session.keys().copied(), bits).concat(), expected);
            assert_eq!(alternate(map.keys(), bits).concat(), expected);
            let ranged = alternate(session.range(..).map(|(key, _): (&u32, _)| *key), bits);
            assert_eq!(ranged.concat(), expected);
        }
    }
}

fn bounds() -> Vec<Bound<u32>> {
    let ends = [0, 1, 2, 7, 8, 9, 10, 29, 30, 31, 40];
    let mut bounds = vec![Unbounded];
    bounds.extend(ends.iter().flat_map(|end| [Included(*end), Excluded(*end)]));
    bounds
}

/// `BTreeMap` panics for these.
fn inverted(from: &Bound<u32>, to: &Bound<u32>) -> bool {
    match (from, to) {
        (Excluded(from), Excluded(to)) => from >= to,
        (Included(from) | Excluded(from), Included(to) | Excluded(to)) => from > to,
        _ => false,
    }
}

fn ranged(session: &Pinned<'_, u32, u32>, range: (Bound<u32>, Bound<u32>)) -> Vec<u32> {
    let up: Vec<u32> = session.range::<u32, _>(range).map(|(key, _)| *key).collect();
    let mut down: Vec<u32> = session.range::<u32, _>(range).rev().map(|(key, _)| *key).collect();
    down.reverse();
    assert_eq!(up, down, "{range:?}");
    let both =
        alternate(session.range::<u32, _>(range).map(|(key, _)| *key), 0x9999_9999_9999_9999);
    assert_eq!(both.concat(), up, "{range:?}");
    up
}

#[test]
fn ranges_hold_what_std_says_they_hold() {
    let map = evens(16);
    let model: BTreeMap<u32, u32> = map.iter().collect();
    let session = map.pin();
    for from in bounds() {
        for to in bounds() {
            let range = (from, to);
            let expected: Vec<u32> = if inverted(&from, &to) {
                Vec::new()
            } else {
                model.range(range).map(|(key, _)| *key).collect()
            };
            assert_eq!(ranged(&session, range), expected, "{range:?}");
            let owned =
                alternate(map.range::<u32, _>(range).map(|(key, _)| key), 0x3333_3333_3333_3333);
            assert_eq!(owned.concat(), expected, "{range:?}");
        }
    }
}

#[test]
fn an_inverted_range_is_empty_on_an_empty_map_too() {
    let map = tiny::<u32, u32>([]);
    for from in bounds() {
        for to in bounds() {
            assert!(ranged(&map.pin(), (from, to)).is_empty());
        }
    }
}

#[test]
fn what_is_there_throughout_is_met_whatever_the_rest_does() {
    let map = tiny((0..200).map(|n| (n, n)));
    let session = map.pin();
    // Multiples of ten stay; all else is removed, then inserted again, while the iteration goes on.
    for round in 0..4 {
        let mut met = Vec::new();
        for (step, (key, _)) in session.iter().enumerate() {
            met.push(*key);
            if step % 7 == round {
                session.retain(|key, _| key % 10 == 0);
            } else if step % 7 == round + 3 {
                session.extend((0..200).map(|n| (n, n)));
            }
        }
        assert!(met.is_sorted_by(|one, other| one < other), "{met:?}");
        assert!((0..20).all(|n| met.contains(&(10 * n))), "{met:?}");
        session.extend((0..200).map(|n| (n, n)));
    }
}

#[test]
fn the_same_from_the_back_and_without_a_session() {
    let map = tiny((0..200).map(|n| (n, n)));
    let mut met = Vec::new();
    for (step, (key, _)) in map.pin().iter().rev().enumerate() {
        met.push(*key);
        if step % 5 == 0 {
            map.retain(|key, _| key % 10 == 0);
        } else if step % 5 == 3 {
            map.extend((0..200).map(|n| (n, n)));
        }
    }
    assert!(met.is_sorted_by(|one, other| one > other), "{met:?}");
    assert!((0..20).all(|n| met.contains(&(10 * n))), "{met:?}");

    let mut iterator = map.keys();
    let mut met = [Vec::new(), Vec::new()];
    while let Some(key) = iterator.next() {
        met[0].push(key);
        map.retain(|key, _| key % 10 == 0);
        met[1].extend(iterator.next_back());
        map.extend((0..200).map(|n| (n, n)));
    }
    met[1].reverse();
    let met = met.concat();
    assert!(met.is_sorted_by(|one, other| one < other), "{met:?}");
    assert!((0..20).all(|n| met.contains(&(10 * n))), "{met:?}");
}

#[test]
fn what_is_at_its_end_stays_there() {
    let map = evens(10);
    let session = map.pin();
    let mut ends = [session.iter(), session.iter()];
    assert_eq!((ends[0].by_ref().count(), ends[1].by_ref().rev().count()), (10, 10));
    let mut range = session.range(..5);
    assert_eq!(range.by_ref().count(), 3);
    let mut owned = [map.iter(), map.iter()];
    assert_eq!((owned[0].by_ref().count(), owned[1].by_ref().rev().count()), (10, 10));

    session.extend((0..100).map(|n| (n, n)));
    for iterator in &mut ends {
        assert_eq!((iterator.next(), iterator.next_back()), (None, None));
    }
    assert_eq!((range.next(), range.next_back()), (None, None));
    for iterator in &mut owned {
        assert_eq!((iterator.next(), iterator.next_back()), (None, None));
    }
}

#[test]
fn iterators_can_be_shown() {
    let map = ConcurrentOrderedMap::from([(1, 'a'), (2, 'b')]);
    let session = map.pin();
    assert_eq!(format!("{:?}", session.iter()), "Iter { .. }");
    assert_eq!(format!("{:?}", session.keys()), "Keys { .. }");
    assert_eq!(format!("{:?}", session.values()), "Values { .. }");
    assert_eq!(format!("{:?}", session.range(1..2)), "Range { range: 1..2, .. }");
    let rest = "OwnedIter { rest: Some((Unbounded, Unbounded)), .. }";
    assert_eq!(format!("{:?}", map.iter()), rest);
    assert_eq!(format!("{:?}", map.into_iter()), "[(1, 'a'), (2, 'b')]");
}
