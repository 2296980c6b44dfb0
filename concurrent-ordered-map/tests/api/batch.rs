use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use concurrent_ordered_map::{Batch, ConcurrentOrderedMap, ConcurrentOrderedSet, Tally};

use crate::{evens, tiny};

#[test]
fn a_batch_makes_all_of_its_writes() {
    let map = tiny([(1, 10), (2, 20), (3, 30), (4, 40)]);
    let session = map.pin();
    let batch = Batch::new().insert(9, 90).remove(2).insert(3, 33).remove(7);
    let applied = session.apply(batch);
    assert_eq!(applied.displaced().collect::<Vec<_>>(), [(&2, &20), (&3, &30)]);
    assert_eq!(applied.displaced().next_back(), Some((&3, &30)));
    assert_eq!(applied.tally(), Tally { inserted: 1, replaced: 1, removed: 1 });
    let now: Vec<_> = session.iter().map(|(key, value)| (*key, *value)).collect();
    assert_eq!(now, [(1, 10), (3, 33), (4, 40), (9, 90)]);
    assert_eq!(map.len(), 4);
}

#[test]
fn of_the_writes_to_one_key_the_last_counts() {
    let map = tiny([(1, 10)]);
    let tally =
        map.apply(Batch::new().insert(1, 11).remove(2).insert(2, 21).insert(2, 22).remove(1));
    assert_eq!(tally, Tally { inserted: 1, replaced: 0, removed: 1 });
    assert_eq!(map.iter().collect::<Vec<_>>(), [(2, 22)]);
}

#[test]
fn an_empty_batch_does_nothing() {
    let map = tiny([(1, 10)]);
    assert_eq!(map.apply(Batch::new()), Tally::default());
    assert_eq!(ConcurrentOrderedMap::<u8, u8>::new().apply(Batch::default()), Tally::default());
    assert_eq!(map.iter().collect::<Vec<_>>(), [(1, 10)]);
}

#[test]
fn batches_of_any_size_fill_and_empty_a_map() {
    for count in [1, 2, 3, 27, 28, 29, 1_000] {
        for map in [tiny([]), ConcurrentOrderedMap::new()] {
            let entries = || (0..count).rev().map(|n| (n, n * n));
            let tally = map.apply(entries().map(|(n, square)| (n, Some(square))).collect());
            assert_eq!(tally, Tally { inserted: count, replaced: 0, removed: 0 });
            assert!(map.iter().eq(entries().rev()));
            let tally = map.apply(entries().map(|(n, _)| (n, None)).collect());
            assert_eq!(tally, Tally { inserted: 0, replaced: 0, removed: count });
            assert_eq!((map.first(), map.len()), (None, 0));
        }
    }
}

#[test]
fn a_snapshot_keeps_what_a_batch_displaces() {
    let map = evens(50);
    let snapshot = map.snapshot();
    map.apply((0..100).map(|n| (n, (n % 3 == 0).then_some(n))).collect());
    let later = map.snapshot();
    assert!(
        snapshot.iter().map(|(key, value)| (*key, *value)).eq((0..50).map(|n| (2 * n, 4 * n * n)))
    );
    assert!(later.iter().map(|(key, value)| (*key, *value)).eq((0..34).map(|n| (3 * n, 3 * n))));
}

#[test]
fn a_batch_of_strings_is_filed_after_their_prefix() {
    let key = |n: u32| format!("customer:{:04}:name", n * 7 % 600);
    let map = ConcurrentOrderedMap::new();
    let mut model = BTreeMap::new();
    for round in 0..20 {
        let writes = || (round * 30..round * 30 + 40).map(|n| (key(n), (n % 4 > 0).then_some(n)));
        map.apply(writes().collect());
        for (key, value) in writes() {
            match value {
                Some(value) => _ = model.insert(key, value),
                None => _ = model.remove(&key),
            }
        }
        assert!(map.pin().iter().eq(model.iter()));
        for n in 0..600 {
            assert_eq!(map.get(&key(n)), model.get(&key(n)).copied());
        }
    }
}

#[test]
fn a_set_takes_batches_too() {
    let set = ConcurrentOrderedSet::from([1, 2, 3]);
    let tally = set.apply(Batch::new().insert(4, ()).insert(3, ()).remove(1));
    assert_eq!(tally, Tally { inserted: 1, replaced: 1, removed: 1 });
    let session = set.pin();
    let applied = session.apply(Batch::new().remove(2).remove(9));
    assert_eq!(applied.displaced().collect::<Vec<_>>(), [(&2, &())]);
    assert_eq!(set.iter().collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn a_batch_is_a_list_until_it_is_applied() {
    let mut batch: Batch<_, _> = [(2, Some('b')), (1, None)].into_iter().collect();
    batch.extend([(2, Some('c'))]);
    assert_eq!((batch.len(), batch.is_empty()), (3, false));
    assert!(Batch::<u8, u8>::new().is_empty());
    assert_eq!(format!("{batch:?}"), "{2: Some('b'), 1: None, 2: Some('c')}");
    let map = ConcurrentOrderedMap::from([(1, 'a')]);
    let session = map.pin();
    assert_eq!(
        format!("{:?}", session.apply(batch)),
        "Applied { tally: Tally { inserted: 1, replaced: 0, removed: 1 }, displaced: [(1, 'a')] }"
    );
}

/// A key that cannot be compared with one that has another sign.
#[derive(PartialEq, Eq, Debug)]
struct Touchy(i32);

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        assert_eq!(self.0 < 0, other.0 < 0, "not comparable");
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[test]
fn a_panic_of_ord_lets_nothing_of_the_batch_in() {
    let map = tiny((1..=9).map(|n| (Touchy(n), n)));
    // While the batch is sorted, and when a key is looked up.
    for batch in [
        Batch::new().insert(Touchy(10), 10).remove(Touchy(1)).insert(Touchy(-1), -1),
        Batch::new().insert(Touchy(-1), -1),
    ] {
        catch_unwind(AssertUnwindSafe(|| map.apply(batch))).expect_err("it panics");
    }
    assert!(map.pin().values().eq(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
    map.apply(Batch::new().insert(Touchy(10), 10).remove(Touchy(1)));
    assert!(map.pin().values().eq(&[2, 3, 4, 5, 6, 7, 8, 9, 10]));
}
