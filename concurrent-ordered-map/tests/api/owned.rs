use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use concurrent_ordered_map::{
    ConcurrentOrderedMap, ConcurrentOrderedSet, InsertionOrderedMap, OwnedIter, OwnedKeys,
    OwnedValues,
};

use crate::{evens, tiny};

#[test]
fn owned_iterators_go_on_from_batch_to_batch() {
    // Around one batch, two, and many.
    for entries in [0, 1, 63, 64, 65, 127, 128, 129, 1_000] {
        let map = evens(entries);
        let model: Vec<(u32, u32)> = (0..entries).map(|n| (2 * n, 4 * n * n)).collect();
        assert_eq!(map.iter().collect::<Vec<_>>(), model);
        let mut down: Vec<_> = map.iter().rev().collect();
        down.reverse();
        assert_eq!(down, model);
        assert!(map.keys().eq(model.iter().map(|(key, _)| *key)));
        assert!(map.values().eq(model.iter().map(|(_, value)| *value)));
        assert!(map.values().rev().eq(model.iter().rev().map(|(_, value)| *value)));
        assert!((&map).into_iter().eq(model.clone()));
        assert!(map.into_iter().eq(model));
    }
}

#[test]
fn an_owned_iterator_owns_what_leads_to_the_map() {
    let map = Arc::new(evens(200));
    let entries = OwnedIter::new(Arc::clone(&map));
    let keys = OwnedKeys::keys_of(Arc::clone(&map));
    let values = OwnedValues::values_of(Arc::clone(&map));
    let some = OwnedIter::within(Arc::clone(&map), 10..20);
    let few = OwnedKeys::keys_within(map, ..=2);
    let threads = [
        thread::spawn(move || entries.count()),
        thread::spawn(move || keys.count()),
        thread::spawn(move || values.count()),
        thread::spawn(move || some.count()),
        thread::spawn(move || few.count()),
    ];
    assert_eq!(threads.map(|thread| thread.join().unwrap()), [200, 200, 200, 5, 2]);

    let local = Rc::new(evens(3));
    assert_eq!(OwnedIter::new(Rc::clone(&local)).last(), Some((4, 16)));
}

#[test]
fn an_owned_iterator_sees_what_is_written_ahead_of_its_batch() {
    let map = tiny((0..1_000).map(|n| (n, 0)));
    let mut entries = map.iter();
    assert_eq!(entries.next(), Some((0, 0)));
    map.extend((0..1_000).map(|n| (n, 1)));
    assert_eq!(entries.by_ref().find(|(_, value)| *value == 1), Some((64, 1)));
    map.remove_range(500..);
    assert_eq!(entries.last(), Some((499, 1)));
}

#[test]
fn maps_are_made_copied_compared_and_shown_as_std_s_are() {
    let map: ConcurrentOrderedMap<u32, char> = [(2, 'b'), (1, 'a'), (2, 'c')].into_iter().collect();
    assert_eq!(map, ConcurrentOrderedMap::from([(1, 'a'), (2, 'c')]));
    let model = BTreeMap::from([(1, 'a'), (2, 'c')]);
    assert_eq!(format!("{map:?} {map:#?}"), format!("{model:?} {model:#?}"));
    assert_eq!(format!("{:?}", map.pin()), format!("{model:?}"));
    let copy = map.clone();
    assert_eq!(copy, map);
    copy.set(2, 'd');
    assert_ne!(copy, map);
    copy.set(2, 'c');
    copy.set(3, 'c');
    assert_ne!(copy, map);
    assert_eq!(ConcurrentOrderedMap::<u32, u32>::default(), ConcurrentOrderedMap::with_capacity(9));
}

#[test]
fn what_cannot_be_copied_can_be_written_and_looked_at() {
    struct Plain(u32);
    let map = tiny([]);
    assert!(!map.set(1, Plain(1)));
    assert_eq!(map.pin().get(&1).map(|plain| plain.0), Some(1));
    assert!(map.contains_key(&1));
    map.retain(|_, plain| plain.0 != 1);
    assert!(map.is_empty());
    assert!(!map.delete(&1));
}

#[test]
fn what_cannot_be_copied_can_be_taken_out() {
    #[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
    struct Plain(u32);
    let plain = |n: u32| (Plain(n), Plain(n + 1));
    for entries in [0, 1, 2, 3, 10, 500] {
        let map = tiny((0..entries).map(plain));
        // Boundaries that are no entries, and entries that are no boundaries.
        map.retain(|key, _| key.0 % 3 != 0);
        let model: Vec<_> = (0..entries).filter(|n| n % 3 != 0).map(plain).collect();
        let (up, down) = (map.into_iter(), model.iter().rev());
        assert_eq!((up.len(), up.size_hint()), (model.len(), (model.len(), Some(model.len()))));
        assert!(up.rev().collect::<Vec<_>>().iter().eq(down));
    }
    let mut ends = tiny([plain(3), plain(1), plain(2)]).into_iter();
    assert_eq!((ends.next(), ends.next_back()), (Some(plain(1)), Some(plain(3))));
    assert_eq!(format!("{ends:?}"), "[(Plain(2), Plain(3))]");

    let set: ConcurrentOrderedSet<Plain> = [Plain(2), Plain(1)].into_iter().collect();
    let mut keys = set.into_iter();
    assert_eq!((keys.len(), keys.next_back()), (2, Some(Plain(2))));

    let map: InsertionOrderedMap<Plain, Plain> =
        [plain(9), plain(4), plain(6)].into_iter().collect();
    map.pin().insert(Plain(9), Plain(0));
    assert!(map.into_iter().eq([(Plain(9), Plain(0)), plain(4), plain(6)]));
}
