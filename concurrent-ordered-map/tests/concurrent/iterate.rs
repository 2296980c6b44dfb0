//! What iterators promise while others write: strictly ascending from the front and descending from the
//! back, no key twice, and every key that is there throughout.

use concurrent_ordered_map::{ConcurrentOrderedMap, Pinned};

use crate::common::crew::{Foreground, crew};
use crate::common::keys::{Key, Opaque};
use crate::common::{SHAPES, alone, map_of, scaled};
use linearizability::rng::Rng;

/// Even numbers are always there, odd ones come and go.
const NUMBERS: u32 = 300;
const READERS: usize = 2;
/// Those that remove, insert and overwrite.
const CHURNERS: usize = 2;

/// A value names its key, and has a version.
type Value = (u32, u32);

/// Holds of what was yielded, in ascending order of keys.
fn check(yielded: &[u32], from: u32, to: u32, what: &str) {
    assert!(
        yielded.is_sorted_by(|one, next| one < next),
        "{what}: not strictly ordered: {yielded:?}"
    );
    assert!(yielded.iter().all(|n| (from..to).contains(n)), "{what}: out of range: {yielded:?}");
    let evens = yielded.iter().copied().filter(|n| n.is_multiple_of(2));
    assert!(
        evens.eq((from..to).filter(|n| n.is_multiple_of(2))),
        "{what}: misses some: {yielded:?}"
    );
}

fn number<K: Key>((key, value): (&K, &Value)) -> u32 {
    assert!(*key == K::of(value.0), "{key:?} has the value of {}", value.0);
    value.0
}

/// Draws from both ends at random until they meet.
fn both_ends<T>(mut items: impl DoubleEndedIterator<Item = T>, rng: &mut Rng) -> Vec<T> {
    let (mut front, mut back) = (Vec::new(), Vec::new());
    loop {
        let (end, item) = match rng.below(2) {
            0 => (&mut front, items.next()),
            _ => (&mut back, items.next_back()),
        };
        let Some(item) = item else { break };
        end.push(item);
    }
    assert!(items.next().is_none() && items.next_back().is_none(), "it goes on after its end");
    front.extend(back.into_iter().rev());
    front
}

fn reversed<T>(items: impl DoubleEndedIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = items.rev().collect();
    all.reverse();
    all
}

fn iterate<K: Key>(session: &Pinned<'_, K, Value>, rng: &mut Rng) {
    check(&session.iter().map(number).collect::<Vec<_>>(), 0, NUMBERS, "iter");
    check(&reversed(session.iter().map(number)), 0, NUMBERS, "iter from the back");
    check(&both_ends(session.iter().map(number), rng), 0, NUMBERS, "iter from both ends");
    check(&both_ends(session.values().map(|v| v.0), rng), 0, NUMBERS, "values from both ends");
    assert!(session.keys().is_sorted_by(|one, next| one < next), "keys");
    let from = rng.below(NUMBERS);
    let to = from + rng.below(NUMBERS - from);
    let range = || session.range::<K, _>(&K::of(from)..&K::of(to)).map(number).collect::<Vec<_>>();
    check(&range(), from, to, "range");
    let (low, high) = (K::of(from), K::of(to));
    check(
        &reversed(session.range::<K, _>(&low..&high).map(number)),
        from,
        to,
        "range from the back",
    );
    check(
        &both_ends(session.range::<K, _>(&low..&high).map(number), rng),
        from,
        to,
        "range from both",
    );
}

fn iterate_owned<K: Key>(map: &ConcurrentOrderedMap<K, Value>, rng: &mut Rng) {
    let number = |(key, value): (K, Value)| number((&key, &value));
    check(&map.iter().map(number).collect::<Vec<_>>(), 0, NUMBERS, "owned");
    check(&reversed(map.iter().map(number)), 0, NUMBERS, "owned from the back");
    check(&both_ends(map.iter().map(number), rng), 0, NUMBERS, "owned from both ends");
    let from = rng.below(NUMBERS);
    check(&both_ends(map.range(K::of(from)..).map(number), rng), from, NUMBERS, "owned range");
    assert!(both_ends(map.keys(), rng).is_sorted_by(|one, next| one < next), "owned keys");
}

fn churn<K: Key>(map: &ConcurrentOrderedMap<K, Value>, rng: &mut Rng, version: u32) {
    match rng.below(3) {
        0 => {
            let n = rng.below(NUMBERS);
            map.set(K::of(n), (n, version));
        }
        1 => {
            let from = rng.below(NUMBERS - 40) | 1;
            map.extend((from..from + 40).step_by(2).map(|n| (K::of(n), (n, version))));
        }
        _ => {
            let from = rng.below(NUMBERS - 40) | 1;
            for n in (from..from + 40).step_by(2) {
                map.delete(&K::of(n));
            }
        }
    }
}

fn ordered_and_complete<K: Key>() {
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of(shape);
        map.extend((0..NUMBERS).step_by(2).map(|n| (K::of(n), (n, 0))));
        let readers = Foreground::of(READERS);
        crew(READERS + CHURNERS, |me| {
            let mut rng = Rng::stream(6, u64::try_from(me).unwrap());
            if me < READERS {
                let _reading = readers.enter();
                for _ in 0..scaled(50) {
                    iterate(&map.pin(), &mut rng);
                    iterate_owned(&map, &mut rng);
                }
                return;
            }
            let mut version = 0;
            while readers.is_busy() {
                version += 1;
                churn(&map, &mut rng, version);
            }
        });
        assert_eq!(map.len(), map.pin().iter().count(), "len at rest");
        check(&map.pin().iter().map(number).collect::<Vec<_>>(), 0, NUMBERS, "at rest");
    }
}

#[test]
fn numbers_are_iterated_in_order_and_completely() {
    ordered_and_complete::<u64>();
}

#[test]
fn strings_are_iterated_in_order_and_completely() {
    ordered_and_complete::<String>();
}

#[test]
fn keys_without_a_hint_are_iterated_in_order_and_completely() {
    ordered_and_complete::<Opaque>();
}
