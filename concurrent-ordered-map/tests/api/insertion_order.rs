use std::sync::Barrier;
use std::thread;

use concurrent_ordered_map::InsertionOrderedMap;

#[test]
fn entries_are_listed_in_the_order_of_their_first_insertion() {
    let map = InsertionOrderedMap::with_capacity(100);
    let keys: Vec<u32> = (0..100).map(|n| n * 37 % 100).collect();
    for key in &keys {
        assert_eq!(map.insert(*key, "old"), None);
    }
    for key in 0..50 {
        assert_eq!(map.insert(key, "new"), Some("old"));
    }
    assert_eq!(map.keys(), keys);
    let session = map.pin();
    assert!(session.keys().into_iter().eq(&keys));
    let values: Vec<_> = keys.iter().map(|key| if *key < 50 { "new" } else { "old" }).collect();
    assert_eq!(map.values(), values);
    assert!(session.values().into_iter().eq(&values));
    assert!(map.entries().into_iter().eq(keys.iter().copied().zip(values)));
    assert!(session.entries().into_iter().map(|(key, _)| key).eq(&keys));
    assert!(std::ptr::eq(session.map(), &map));
}

#[test]
fn whatever_writes_a_key_leaves_it_at_its_place() {
    let map = InsertionOrderedMap::from([("c", 1), ("a", 2), ("b", 3)]);
    let session = map.pin();
    session.insert("a", 20);
    map.set("c", 10);
    assert_eq!(session.update("c", |value| value + 1), Some(&11));
    assert_eq!(map.update("c", |value| value + 1), Some(12));
    assert_eq!((session.update("x", |_| 0), map.update("x", |_| 0)), (None, None));
    assert_eq!(session.upsert("a", 0, |value| value + 1), &21);
    assert_eq!(map.upsert("d", 4, |_| unreachable!()), 4);
    assert_eq!(session.get_or_insert_with("b", || unreachable!()), &3);
    assert_eq!(map.get_or_insert_with("0", || 5), 5);
    let expected = [("c", 12), ("a", 21), ("b", 3), ("d", 4), ("0", 5)];
    assert_eq!(map.entries(), expected);
}

#[test]
fn removing_and_inserting_moves_to_the_end() {
    let map = InsertionOrderedMap::from([("c", 1), ("a", 2), ("b", 3)]);
    let session = map.pin();
    assert_eq!((session.remove("c"), session.remove("c")), (Some(&1), None));
    assert_eq!(session.insert("c", 4), None);
    assert_eq!(map.keys(), ["a", "b", "c"]);
    assert_eq!((map.remove("a"), map.remove("a")), (Some(2), None));
    assert_eq!((map.delete("b"), map.delete("b")), (true, false));
    map.extend([("b", 5), ("a", 6)]);
    assert_eq!(map.entries(), [("c", 4), ("b", 5), ("a", 6)]);
    map.retain(|_, value| *value != 5);
    session.retain(|key, _| *key != "c");
    assert_eq!((map.keys(), map.len(), session.len()), (vec!["a"], 1, 1));
    map.clear();
    assert!(map.is_empty() && session.is_empty() && map.entries().is_empty());
    session.insert("z", 1);
    session.clear();
    assert_eq!(session.get("z"), None);
    assert!(!map.contains_key("z") && !session.contains_key("z"));
}

#[test]
fn an_update_overtaken_by_a_new_insertion_takes_its_place() {
    let map = InsertionOrderedMap::from([(1, 'a'), (2, 'b')]);
    let session = map.pin();
    let mut runs = 0;
    let updated = session.update(1, |_| {
        runs += 1;
        if runs == 1 {
            session.remove(&1);
            session.insert(1, 'c');
        }
        'd'
    });
    assert_eq!((updated, runs), (Some(&'d'), 2));
    assert_eq!(map.entries(), [(2, 'b'), (1, 'd')]);
    // Removed under way, and inserted by the same call: at the end.
    let mut runs = 0;
    let upserted = session.upsert(2, 'x', |_| {
        runs += 1;
        session.remove(&2);
        session.insert(3, 'e');
        'y'
    });
    assert_eq!((upserted, runs), (&'x', 1));
    assert_eq!(map.entries(), [(1, 'd'), (3, 'e'), (2, 'x')]);
    // Inserted by another while this one makes its value: theirs.
    let found = session.get_or_insert_with(4, || {
        session.insert(4, 'f');
        'g'
    });
    assert_eq!(found, &'f');
}

#[test]
fn what_returned_before_is_listed_before() {
    let map = InsertionOrderedMap::new();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for thread in 0..2_u32 {
            let (map, barrier) = (&map, &barrier);
            scope.spawn(move || {
                for round in 0..200_u32 {
                    map.set(1_000 * (thread + 1) - round, round);
                    // Nobody starts a round before all have ended the last.
                    barrier.wait();
                }
            });
        }
    });
    let values = map.values();
    assert_eq!(values.len(), 400);
    assert!(values.is_sorted(), "{values:?}");
}

#[test]
fn maps_are_made_copied_compared_and_shown_in_their_order() {
    let mut map = InsertionOrderedMap::from([(2, 'b'), (1, 'a'), (2, 'c')]);
    assert_eq!(format!("{map:?}"), "{2: 'c', 1: 'a'}");
    assert_eq!(format!("{:?}", map.pin()), "{2: 'c', 1: 'a'}");
    assert_eq!(map.clone(), map);
    assert_ne!(InsertionOrderedMap::from([(1, 'a'), (2, 'c')]), map);
    Extend::extend(&mut map, [(0, 'd')]);
    Extend::extend(&mut &map, [(1, 'e')]);
    let expected = [(2, 'c'), (1, 'e'), (0, 'd')];
    assert!((&map).into_iter().eq(expected));
    assert!(map.clone().into_iter().eq(expected));
    assert_eq!(map.get(&1), Some('e'));
    assert_eq!(InsertionOrderedMap::<u32, u32>::default(), InsertionOrderedMap::new());
}
