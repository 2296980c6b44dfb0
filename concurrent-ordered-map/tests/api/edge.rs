use std::cell::Cell;
use std::cmp::Ordering;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use concurrent_ordered_map::{Compute, Computed, ConcurrentOrderedMap, ConcurrentOrderedSet};

use crate::{evens, tiny};

#[test]
fn keys_of_no_size_are_one_key() {
    let map = tiny([((), 1)]);
    let session = map.pin();
    assert_eq!(session.insert((), 2), Some(&1));
    assert_eq!(session.range::<(), _>(()..).count(), 1);
    assert_eq!(map.iter().collect::<Vec<_>>(), [((), 2)]);
    assert_eq!(session.update((), |value| value + 1), Some(&3));
    assert_eq!(session.pop_last(), Some((&(), &3)));
    assert_eq!((map.len(), map.first()), (0, None));
}

#[test]
fn values_of_no_size_are_counted() {
    let map = tiny((0..1_000).map(|n| (n, ())));
    assert_eq!((map.len(), map.values().count()), (1_000, 1_000));
    assert_eq!(map.insert(7, ()), Some(()));
    assert_eq!(map.compare_exchange(7, Some(&()), None), Ok(Some(())));
    assert_eq!(map.compute(7, |_| Compute::<_, ()>::Insert(())), Computed::Inserted(()));
    map.clear();
    assert!(map.is_empty());
}

#[test]
fn nothing_at_all_is_a_set_of_one() {
    let set = ConcurrentOrderedSet::from([(), ()]);
    assert_eq!((set.len(), set.first(), set.remove(&())), (1, Some(()), true));
}

#[test]
fn entries_of_no_size_but_an_alignment_keep_it() {
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    #[repr(align(128))]
    struct Wide(u8);
    let map = tiny((0..50).map(|n| (Wide(n), Wide(n))));
    for (key, value) in &map.pin() {
        assert_eq!(std::ptr::from_ref(key).addr() % 128, 0);
        assert_eq!(std::ptr::from_ref(value).addr() % 128, 0);
        assert_eq!(key, value);
    }
}

#[test]
fn a_value_of_a_megabyte_is_a_value() {
    let large = |byte: u8| -> Box<[u8]> { vec![byte; 1 << 20].into() };
    let map = tiny((0..20).map(|n| (n, large(n))));
    let session = map.pin();
    assert_eq!(session.update(7, |value| large(value[0] + 100)).map(|value| value[9]), Some(107));
    assert!(session.iter().all(|(_, value)| value.len() == 1 << 20));
    assert_eq!(map.remove(&7).map(|value| value[1 << 19]), Some(107));
}

/// Not behind a pointer, so that the entry itself is that large.
#[test]
fn an_entry_of_64_kilobytes_is_an_entry() {
    let map = ConcurrentOrderedMap::new();
    for n in 0..20_u8 {
        map.set(n, [n; 1 << 16]);
    }
    map.update(3, |value| [value[0] + 1; 1 << 16]);
    assert_eq!(map.pin().values().map(|value| u32::from(value[77])).sum::<u32>(), 191);
}

#[test]
fn what_keys_and_values_change_within_themselves_stays_changed() {
    struct Key {
        order: u32,
        looked_at: Cell<u32>,
    }
    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }
    impl Eq for Key {}
    impl PartialOrd for Key {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Key {
        fn cmp(&self, other: &Self) -> Ordering {
            self.looked_at.set(self.looked_at.get() + 1);
            self.order.cmp(&other.order)
        }
    }
    let key = |order| Key { order, looked_at: Cell::new(0) };
    let map = tiny((0..100).map(|n| (key(n), Cell::new(0))));
    for round in 0..10 {
        for (_, value) in &map.pin() {
            value.set(value.get() + 1);
        }
        // Splits and joins blocks, which must not go back to older bytes of an entry.
        map.extend((100..200).map(|n| (key(n), Cell::new(0))));
        assert_eq!(map.remove_range(key(100)..), 100);
        assert!(map.pin().values().all(|value| value.get() == round + 1));
    }
    let session = map.pin();
    let (first, _) = session.first().unwrap();
    first.looked_at.set(1_000_000);
    session.insert(key(1_000), Cell::new(0));
    assert!(session.first().unwrap().0.looked_at.get() >= 1_000_000);
}

#[test]
fn values_are_changed_in_place_by_their_own_means() {
    let counters: ConcurrentOrderedMap<&str, AtomicU32> = ConcurrentOrderedMap::new();
    let locked: ConcurrentOrderedMap<u32, Mutex<Vec<u32>>> = ConcurrentOrderedMap::new();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (counters, locked) = (&counters, &locked);
            scope.spawn(move || {
                for n in 0..500 {
                    let session = counters.pin();
                    session.get_or_insert("hits", AtomicU32::new(0)).fetch_add(1, Relaxed);
                    let session = locked.pin();
                    let list = session.get_or_insert_with(n % 10, Mutex::default);
                    list.lock().unwrap().push(thread);
                }
            });
        }
    });
    assert_eq!(counters.pin().get("hits").map(|hits| hits.load(Relaxed)), Some(1_000));
    let lengths = locked.pin().values().map(|list| list.lock().unwrap().len()).sum::<usize>();
    assert_eq!(lengths, 1_000);
}

#[test]
fn closures_may_call_the_map() {
    let map = evens(100);
    let session = map.pin();
    // Each closure reads, and writes elsewhere.
    let elsewhere = |key| {
        session.insert(key, 0);
        session.remove(&(key - 2));
        assert_eq!(map.get(&10), Some(100));
        u32::try_from(session.iter().count()).unwrap()
    };
    session.update(20, |_| elsewhere(1_000));
    session.upsert(30, 1, |_| elsewhere(1_002));
    session.upsert_with(31, || elsewhere(1_004), |_| unreachable!());
    session.get_or_insert_with(33, || elsewhere(1_006));
    session.compute(40, |_| Compute::<_, ()>::Insert(elsewhere(1_008)));
    session.remove_if(&50, |_, _| elsewhere(1_010) > 0);
    session.try_update(60, |_| Err::<u32, _>(elsewhere(1_012))).unwrap_err();
    assert_eq!(session.get(&50), None);
    assert_eq!(session.get(&60), Some(&3_600));
    assert_eq!(session.last(), Some((&1_012, &0)));
    session.retain(|key, _| *key > 500 || elsewhere(1_014) > 10);
    assert_eq!(map.range(..100).count(), 51);
}

#[test]
fn a_map_of_maps() {
    let map: ConcurrentOrderedMap<u32, ConcurrentOrderedMap<u32, u32>> = tiny([]);
    let session = map.pin();
    for n in 0..100 {
        session.get_or_insert_with(n % 10, ConcurrentOrderedMap::new).set(n, n * n);
    }
    assert_eq!(session.get(&7).and_then(|inner| inner.get(&47)), Some(2_209));
    assert_eq!(session.values().map(ConcurrentOrderedMap::len).sum::<usize>(), 100);
}

#[test]
fn orders_of_one_s_own_hold() {
    let map = tiny((0..100_u32).map(|n| (std::cmp::Reverse(n), n)));
    assert!(map.values().eq((0..100).rev()));
    let map = tiny((0..100_i64).map(|n| (n - 50, n)));
    assert!(map.values().eq(0..100));
    let map = tiny([("b", 1), ("", 2), ("a\0", 3), ("a", 4)]);
    assert!(map.values().eq([2, 4, 3, 1]));
    let map = tiny((0..300_u32).map(|n| ((n % 7, n.to_string()), n)));
    assert!(map.keys().is_sorted() && map.len() == 300);
}
