use concurrent_ordered_map::{ConcurrentOrderedMap, ConcurrentOrderedSet, InsertionOrderedMap};

#[test]
fn a_map_is_a_map_in_key_order() {
    let map = ConcurrentOrderedMap::from([("b".to_string(), 2), ("a".to_string(), 1)]);
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(text, r#"{"a":1,"b":2}"#);
    let read: ConcurrentOrderedMap<String, u32> = serde_json::from_str(&text).unwrap();
    assert_eq!(read, map);
    let twice: ConcurrentOrderedMap<String, u32> =
        serde_json::from_str(r#"{"a":1,"a":2}"#).unwrap();
    assert_eq!(twice.iter().collect::<Vec<_>>(), [("a".to_string(), 2)]);
}

#[test]
fn a_set_is_a_sequence_in_key_order() {
    let set = ConcurrentOrderedSet::from([3, 1, 2]);
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(text, "[1,2,3]");
    assert_eq!(serde_json::from_str::<ConcurrentOrderedSet<u32>>(&text).unwrap(), set);
}

#[test]
fn the_order_of_insertions_is_kept() {
    let map = InsertionOrderedMap::from([("b".to_string(), 2), ("a".to_string(), 1)]);
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(text, r#"{"b":2,"a":1}"#);
    assert_eq!(serde_json::from_str::<InsertionOrderedMap<String, u32>>(&text).unwrap(), map);
}

#[test]
fn what_is_no_map_is_refused() {
    let map = serde_json::from_str::<ConcurrentOrderedMap<String, u32>>("[1]");
    assert!(map.unwrap_err().to_string().contains("expected a map"));
    let set = serde_json::from_str::<ConcurrentOrderedSet<u32>>("{}");
    assert!(set.unwrap_err().to_string().contains("expected a sequence"));
}
