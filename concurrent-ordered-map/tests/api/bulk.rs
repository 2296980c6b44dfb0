use std::ops::Bound::{Excluded, Included};

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::{evens, tiny};

#[test]
fn clear_removes_everything() {
    let map = evens(100);
    map.clear();
    assert!(map.is_empty());
    assert_eq!((map.len(), map.iter().count()), (0, 0));
    map.pin().extend([(1, 1), (2, 2)]);
    map.pin().clear();
    assert_eq!((map.len(), map.first()), (0, None));
}

#[test]
fn retain_keeps_what_it_says() {
    let map = evens(100);
    let mut judged = Vec::new();
    map.retain(|key, value| {
        assert_eq!(key * key, *value);
        judged.push(*key);
        key % 3 == 0
    });
    assert_eq!(judged, (0..100).map(|n| 2 * n).collect::<Vec<_>>());
    assert_eq!(map.keys().collect::<Vec<_>>(), (0..34).map(|n| 6 * n).collect::<Vec<_>>());
    assert_eq!(map.len(), 34);
}

#[test]
fn retain_judges_anew_what_is_replaced_meanwhile() {
    let map = tiny([(1, 10), (2, 20), (3, 30)]);
    let session = map.pin();
    let mut judged = Vec::new();
    session.retain(|key, value| {
        judged.push((*key, *value));
        match (*key, *value) {
            (1, 10) => {
                session.insert(1, 11);
                false
            }
            (2, 20) => {
                session.insert(2, 21);
                false
            }
            (2, 21) => false,
            _ => true,
        }
    });
    assert_eq!(judged, [(1, 10), (1, 11), (2, 20), (2, 21), (3, 30)]);
    assert_eq!(map.iter().collect::<Vec<_>>(), [(1, 11), (3, 30)]);
}

#[test]
fn remove_range_removes_what_is_within() {
    let map: ConcurrentOrderedMap<u32, u32> = tiny((0..100).map(|n| (n, n)));
    let session = map.pin();
    assert_eq!(session.remove_range(10..20), 10);
    assert_eq!(session.remove_range(15..=20), 1);
    assert_eq!(session.remove_range(..5), 5);
    assert_eq!(session.remove_range((Excluded(90), Included(95))), 5);
    assert_eq!(map.remove_range(97..), 3);
    assert_eq!(map.remove_range::<u32, _>(..), 76);
    assert_eq!(map.remove_range::<u32, _>(..), 0);
    assert!(map.is_empty());
}

#[test]
fn an_inverted_range_removes_nothing() {
    let map = evens(100);
    let (low, high) = (20, 10);
    assert_eq!(map.remove_range(low..high), 0);
    assert_eq!(map.remove_range(low..=high), 0);
    assert_eq!(map.remove_range((Excluded(10), Excluded(10))), 0);
    assert_eq!(map.remove_range(10..10), 0);
    assert_eq!(map.len(), 100);
}

#[test]
fn extend_inserts_all_and_the_last_of_a_key_stays() {
    let map = tiny([(1, 'a'), (2, 'b'), (1, 'c')]);
    map.pin().extend([(3, 'd'), (3, 'e')]);
    let mut exclusive = map;
    Extend::extend(&mut exclusive, [(4, 'f')]);
    Extend::extend(&mut exclusive, [(&5, &'g')]);
    Extend::extend(&mut &exclusive, [(6, 'h')]);
    let expected = [(1, 'c'), (2, 'b'), (3, 'e'), (4, 'f'), (5, 'g'), (6, 'h')];
    assert_eq!(exclusive.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_map_is_extended_by_itself() {
    let map: ConcurrentOrderedMap<u32, u32> = tiny((0..50).map(|n| (n, n)));
    map.extend(map.range(..50).map(|(key, value)| (key + 100, value)));
    assert_eq!(map.len(), 100);
    assert_eq!(map.last(), Some((149, 49)));
}
