use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;

use concurrent_ordered_map::{ConcurrentOrderedSet, OwnedSetIter};

#[test]
fn a_set_holds_each_key_once() {
    let set = ConcurrentOrderedSet::new();
    let session = set.pin();
    for n in 0..100 {
        assert!(session.insert(n % 50) == (n < 50));
    }
    assert_eq!((set.len(), session.len()), (50, 50));
    assert!(set.contains(&7) && session.contains(&7) && !set.contains(&50));
    assert_eq!((set.get(&7), session.get(&7), session.get(&50)), (Some(7), Some(&7), None));
    assert!(set.insert(50) && !set.insert(50));
    assert!(set.remove(&50) && !set.remove(&50));
    assert!(session.remove(&49) && !session.remove(&49));
    assert_eq!((set.take(&48), set.take(&48)), (Some(48), None));
    assert_eq!((session.take(&47), session.take(&47)), (Some(&47), None));
    assert!(session.replace(0) && !session.replace(60));
    assert!(std::ptr::eq(session.set(), &set));
}

#[test]
fn a_set_is_in_order() {
    let set: ConcurrentOrderedSet<u32> = (0..100).rev().map(|n| 2 * n).collect();
    let session = set.pin();
    assert_eq!((set.first(), session.first()), (Some(0), Some(&0)));
    assert_eq!((set.last(), session.last()), (Some(198), Some(&198)));
    assert_eq!(set.lower_bound(Excluded(&4)), Some(6));
    assert_eq!(session.lower_bound(Included(&3)), Some(&4));
    assert_eq!(set.upper_bound(Excluded(&4)), Some(2));
    assert_eq!(session.upper_bound(Included(&5)), Some(&4));
    assert!(session.iter().copied().eq((0..100).map(|n| 2 * n)));
    assert!(session.iter().rev().copied().eq((0..100).rev().map(|n| 2 * n)));
    assert!((&session).into_iter().eq(session.iter()));
    assert_eq!(session.range(10..=14).rev().collect::<Vec<_>>(), [&14, &12, &10]);
    let (low, high) = (14, 10);
    assert_eq!(session.range(low..high).next(), None);
    assert_eq!(set.range(10..=14).collect::<Vec<_>>(), [10, 12, 14]);
    assert_eq!(set.range(10..=14).next_back(), Some(14));
    assert_eq!((set.pop_first(), session.pop_first()), (Some(0), Some(&2)));
    assert_eq!((set.pop_last(), session.pop_last()), (Some(198), Some(&196)));
    assert!((&set).into_iter().eq(session.iter().copied()));
    assert!(set.clone().into_iter().rev().eq(session.iter().rev().copied()));
}

#[test]
fn a_set_is_emptied_in_parts() {
    let set: ConcurrentOrderedSet<u32> = (0..100).collect();
    let session = set.pin();
    set.retain(|key| key % 2 == 0);
    session.retain(|key| key % 3 == 0);
    assert_eq!(set.len(), 17);
    assert_eq!(set.remove_range(..12), 2);
    assert_eq!(session.remove_range(90..), 2);
    session.clear();
    assert!(set.is_empty() && session.is_empty());
    session.extend([1, 2]);
    set.extend([2, 3]);
    set.clear();
    assert_eq!((set.first(), set.pop_first(), set.pop_last()), (None, None, None));
}

#[test]
fn sets_are_made_copied_compared_and_shown_as_std_s_are() {
    let mut set = ConcurrentOrderedSet::from([3, 1, 2, 3]);
    assert_eq!(format!("{set:?} {set:#?}"), format!("{0:?} {0:#?}", BTreeSet::from([1, 2, 3])));
    assert_eq!(format!("{:?}", set.pin()), "{1, 2, 3}");
    let copy = set.clone();
    assert_eq!(copy, set);
    copy.insert(4);
    assert_ne!(copy, set);
    Extend::extend(&mut set, [4]);
    assert_eq!(copy, set);
    Extend::extend(&mut set, [&5]);
    Extend::extend(&mut &set, [6]);
    assert_eq!(set.iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(ConcurrentOrderedSet::<u32>::default(), ConcurrentOrderedSet::new());
    assert_eq!(format!("{:?}", copy.pin().iter()), "SetIter { .. }");
    let range = format!("{:?}", copy.pin().range(1..));
    assert_eq!(range, "SetRange(Range { range: 1.., .. })");
}

#[test]
fn set_iterators_cross_threads() {
    let set: Arc<ConcurrentOrderedSet<String>> =
        Arc::new((0..100).map(|n| n.to_string()).collect());
    let keys = OwnedSetIter::new(Arc::clone(&set));
    let some = OwnedSetIter::within(set, String::from("5")..String::from("6"));
    let counts = std::thread::spawn(move || (keys.count(), some.count()));
    assert_eq!(counts.join().unwrap(), (100, 11));
}

#[test]
fn inserting_keeps_the_key_and_replacing_does_not() {
    // Equal as keys, told apart by their addresses.
    let (one, other) = (Arc::new(1), Arc::new(1));
    let set = ConcurrentOrderedSet::from([Arc::clone(&one)]);
    set.insert(Arc::clone(&other));
    assert!(Arc::ptr_eq(&set.first().unwrap(), &one));
    set.pin().replace(Arc::clone(&other));
    assert!(Arc::ptr_eq(&set.first().unwrap(), &other));
}
