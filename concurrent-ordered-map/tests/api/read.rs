use std::ops::Bound::{self, Excluded, Included, Unbounded};

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::{evens, tiny};

#[test]
fn get_finds_what_is_there_and_nothing_else() {
    let map = evens(50);
    let session = map.pin();
    for n in 0..100 {
        let expected = (n % 2 == 0).then_some(n * n);
        assert_eq!(session.get(&n), expected.as_ref());
        assert_eq!(session.contains_key(&n), expected.is_some());
        assert_eq!(session.get_key_value(&n), expected.as_ref().map(|square| (&n, square)));
        assert_eq!(map.get(&n), expected);
        assert_eq!(map.contains_key(&n), expected.is_some());
        assert_eq!(map.get_key_value(&n), expected.map(|square| (n, square)));
    }
    assert_eq!(session.get(&100), None);
}

#[test]
fn keys_are_looked_up_by_what_they_borrow_as() {
    let map = tiny(
        ["a", "bb", "longer than a hint", "longer than a hint, too"]
            .map(|word| (word.to_string(), word.len())),
    );
    let session = map.pin();
    assert_eq!(session.get("longer than a hint"), Some(&18));
    assert_eq!(session.get("longer than"), None);
    assert_eq!(session.lower_bound(Excluded("bb")).unwrap().0, "longer than a hint");
    assert_eq!(session.range::<str, _>((Unbounded, Included("bb"))).count(), 2);
    assert_eq!(session.remove("a"), Some(&1));

    let map = tiny([(vec![1_u8, 2], 'a'), (vec![1], 'b')]);
    assert_eq!(map.get([1_u8, 2].as_slice()), Some('a'));
}

#[test]
fn first_and_last_are_the_ends() {
    let empty = tiny::<u32, u32>([]);
    assert_eq!((empty.first(), empty.last()), (None, None));
    assert_eq!((empty.pin().first(), empty.pin().last()), (None, None));

    let map = evens(50);
    assert_eq!(map.pin().first(), Some((&0, &0)));
    assert_eq!(map.pin().last(), Some((&98, &9_604)));
    assert_eq!(map.first(), Some((0, 0)));
    assert_eq!(map.last(), Some((98, 9_604)));
}

#[test]
fn bounds_are_inclusive_or_exclusive_as_they_say() {
    let map = evens(50);
    let session = map.pin();
    let above = |bound: Bound<&u32>| session.lower_bound(bound).map(|(key, _)| *key);
    let below = |bound: Bound<&u32>| session.upper_bound(bound).map(|(key, _)| *key);
    for n in 0..98 {
        let (even, odd) = (n - n % 2, n + 1 - n % 2);
        assert_eq!(above(Included(&even)), Some(even));
        assert_eq!(above(Excluded(&even)), Some(even + 2).filter(|next| *next < 100));
        assert_eq!(above(Included(&odd)), Some(odd + 1).filter(|next| *next < 100));
        assert_eq!(above(Excluded(&odd)), above(Included(&odd)));
        assert_eq!(below(Included(&even)), Some(even));
        assert_eq!(below(Excluded(&even)), even.checked_sub(2));
        assert_eq!(below(Included(&odd)), Some(odd - 1));
        assert_eq!(below(Excluded(&odd)), Some(odd - 1));
    }
    assert_eq!((above(Unbounded), below(Unbounded)), (Some(0), Some(98)));
    assert_eq!((above(Excluded(&98)), below(Excluded(&0))), (None, None));
    assert_eq!(map.lower_bound(Included(&7)), Some((8, 64)));
    assert_eq!(map.upper_bound(Included(&7)), Some((6, 36)));
}

#[test]
fn len_counts_keys() {
    let map = tiny::<u32, u32>([]);
    assert!(map.is_empty() && map.pin().is_empty());
    for n in 0..100 {
        map.insert(n % 10, n);
    }
    assert_eq!((map.len(), map.pin().len()), (10, 10));
    assert!(!map.is_empty());
    for n in 0..100 {
        map.delete(&n);
    }
    assert_eq!(map.len(), 0);
    assert!(map.is_empty());
}

#[test]
fn a_session_sees_writes_as_they_happen_and_keeps_what_it_saw() {
    let map = ConcurrentOrderedMap::new();
    let session = map.pin();
    map.set(1, "one".to_string());
    let one = session.get(&1);
    map.set(1, "uno".to_string());
    assert_eq!(session.get(&1).map(String::as_str), Some("uno"));
    map.delete(&1);
    assert_eq!(session.get(&1), None);
    assert_eq!(one.map(String::as_str), Some("one"));
    assert!(std::ptr::eq(session.map(), &map));
}
