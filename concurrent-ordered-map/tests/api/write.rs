use concurrent_ordered_map::{ConcurrentOrderedMap, OccupiedError};

use crate::{evens, tiny};

#[test]
fn insert_answers_the_old_value() {
    let map = tiny([]);
    let session = map.pin();
    for n in 0..100 {
        assert_eq!(session.insert(n, "old"), None);
    }
    for n in 0..100 {
        assert_eq!(session.insert(n, "new"), Some(&"old"));
    }
    assert_eq!(map.insert(7, "newest"), Some("new"));
    assert!(map.set(7, "last"));
    assert!(!map.set(100, "first"));
    assert_eq!(map.get(&7), Some("last"));
}

#[test]
fn try_insert_leaves_what_is_there_and_gives_the_value_back() {
    let map = tiny([(1, "one".to_string())]);
    let session = map.pin();
    let refused = session.try_insert(1, "uno".to_string()).unwrap_err();
    assert_eq!((refused.current.as_str(), refused.value.as_str()), ("one", "uno"));
    assert_eq!(session.try_insert(2, "two".to_string()).map(String::as_str).ok(), Some("two"));

    assert_eq!(
        map.try_insert(2, "due".to_string()),
        Err(OccupiedError { current: "two".to_string(), value: "due".to_string() })
    );
    assert_eq!(map.try_insert(3, "three".to_string()), Ok(()));
    let all: Vec<_> = session.values().map(String::as_str).collect();
    assert_eq!(all, ["one", "two", "three"]);
}

#[test]
fn errors_say_what_happened() {
    let map = ConcurrentOrderedMap::from([(1, 'a')]);
    let refused = map.try_insert(1, 'b').unwrap_err();
    assert_eq!(refused.to_string(), "'b' was not inserted, as the key has 'a'");
    assert_eq!(format!("{refused:?}"), "OccupiedError { current: 'a', value: 'b' }");
    let refused = map.compare_exchange(1, Some(&'b'), Some('c')).unwrap_err();
    assert_eq!(refused.to_string(), "the key has another value than expected: 'a'");
    let refused = map.compare_exchange(2, Some(&'b'), None).unwrap_err();
    assert_eq!(refused.to_string(), "the key is absent");
    assert_eq!(format!("{refused:?}"), "CompareExchangeError { actual: None, new: None }");
}

#[test]
fn get_or_insert_inserts_once() {
    let map = tiny([(1, 'a')]);
    let session = map.pin();
    assert_eq!(session.get_or_insert(1, 'b'), &'a');
    assert_eq!(session.get_or_insert(2, 'b'), &'b');
    assert_eq!(session.get_or_insert_with(2, || unreachable!()), &'b');
    assert_eq!(session.get_or_insert_with(3, || 'c'), &'c');
    assert_eq!(map.get_or_insert(3, 'd'), 'c');
    assert_eq!(map.get_or_insert_with(4, || 'd'), 'd');
    assert_eq!(map.len(), 4);
}

#[test]
fn get_or_insert_with_yields_to_an_insertion_under_way() {
    let map = tiny([]);
    let session = map.pin();
    let mut made = 0;
    let value = session.get_or_insert_with(1, || {
        made += 1;
        session.insert(1, "other".to_string());
        "mine".to_string()
    });
    assert_eq!(value, "other");
    // An insertion near by makes it look again, and the value that it made is still good.
    let value = session.get_or_insert_with(2, || {
        made += 1;
        session.insert(3, "neighbour".to_string());
        "mine".to_string()
    });
    assert_eq!(value, "mine");
    assert_eq!(made, 2);
}

#[test]
fn remove_answers_once() {
    let map = evens(50);
    let session = map.pin();
    assert_eq!(session.remove(&10), Some(&100));
    assert_eq!(session.remove(&10), None);
    assert_eq!(session.remove(&11), None);
    assert_eq!(session.remove_entry(&12), Some((&12, &144)));
    assert_eq!(session.remove_entry(&12), None);
    assert_eq!((map.remove(&14), map.remove(&14)), (Some(196), None));
    assert_eq!((map.remove_entry(&16), map.remove_entry(&16)), (Some((16, 256)), None));
    assert_eq!((map.delete(&18), map.delete(&18)), (true, false));
    assert_eq!(map.len(), 45);
    assert_eq!(map.range(9..20).count(), 0);
}

#[test]
fn remove_if_removes_what_it_judged() {
    let map = tiny([(1, 10)]);
    let session = map.pin();
    assert_eq!(session.remove_if(&1, |_, value| *value > 10), None);
    assert_eq!(session.remove_if(&2, |_, _| unreachable!()), None);
    // Replaced while it is judged: judged again.
    let mut seen = Vec::new();
    let removed = session.remove_if(&1, |_, value| {
        seen.push(*value);
        if *value == 10 {
            session.insert(1, 11);
        }
        true
    });
    assert_eq!(removed, Some((&1, &11)));
    assert_eq!(seen, [10, 11]);
    // Removed while it is judged: nothing is left to remove.
    session.insert(1, 12);
    assert_eq!(session.remove_if(&1, |_, _| session.remove(&1).is_some()), None);
}

#[test]
fn pops_drain_in_order() {
    let map = evens(100);
    let session = map.pin();
    for n in 0..30 {
        assert_eq!(session.pop_first().map(|(key, _)| *key), Some(2 * n));
        assert_eq!(session.pop_last().map(|(key, _)| *key), Some(198 - 2 * n));
    }
    assert_eq!(map.pop_first(), Some((60, 3_600)));
    assert_eq!(map.pop_last(), Some((138, 19_044)));
    let mut left = 0;
    while session.pop_first().is_some() {
        left += 1;
    }
    assert_eq!(left, 38);
    assert_eq!((session.pop_first(), session.pop_last()), (None, None));
    assert_eq!((map.pop_first(), map.pop_last()), (None, None));
    assert!(map.is_empty());
}

#[test]
fn overwriting_replaces_the_stored_key() {
    #[derive(Clone, Debug)]
    struct Name(&'static str);
    impl PartialEq for Name {
        fn eq(&self, other: &Self) -> bool {
            self.0.eq_ignore_ascii_case(other.0)
        }
    }
    impl Eq for Name {}
    impl PartialOrd for Name {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Name {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.to_lowercase().cmp(&other.0.to_lowercase())
        }
    }
    let map = tiny([(Name("anna"), 1)]);
    let stored = || map.first().map(|(name, number)| (name.0, number));
    map.set(Name("Anna"), 2);
    assert_eq!(stored(), Some(("Anna", 2)));
    assert!(map.try_insert(Name("ANNA"), 3).is_err());
    assert_eq!(stored(), Some(("Anna", 2)));
    map.update(Name("ANNA"), |number| number + 1);
    assert_eq!(stored(), Some(("ANNA", 3)));
}
