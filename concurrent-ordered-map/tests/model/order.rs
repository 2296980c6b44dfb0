//! The map by order of insertion against a list.

use concurrent_ordered_map::InsertionOrderedMap;
use proptest::prelude::*;

use super::call::Call;
use super::plan::{calls, config};
use crate::common::keys::Key;

/// Entries in the order in which their keys were inserted.
#[derive(Default)]
struct Model<K>(Vec<(K, u32)>);

impl<K: Key> Model<K> {
    fn get(&self, key: &K) -> Option<u32> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| *value)
    }

    /// A key that is there keeps its place.
    fn insert(&mut self, key: K, value: u32) -> Option<u32> {
        match self.0.iter_mut().find(|(own, _)| *own == key) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.0.push((key, value));
                None
            }
        }
    }

    fn remove(&mut self, key: &K) -> Option<u32> {
        let place = self.0.iter().position(|(own, _)| own == key)?;
        Some(self.0.remove(place).1)
    }
}

fn apply<K: Key>(map: &InsertionOrderedMap<K, u32>, model: &mut Model<K>, call: &Call) {
    let session = map.pin();
    match call {
        Call::Insert(n, v) | Call::TryInsert(n, v) => {
            assert_eq!(session.insert(K::of(*n), *v).copied(), model.insert(K::of(*n), *v));
        }
        Call::GetOrInsert(n, v) | Call::GetOrInsertWith(n, v) => {
            let now = *session.get_or_insert_with(K::of(*n), || *v);
            let expected = model.get(&K::of(*n)).unwrap_or(*v);
            assert_eq!(now, expected);
            model.insert(K::of(*n), expected);
        }
        Call::Update(n, v) | Call::TryUpdate(n, v) => {
            let now = session.update(K::of(*n), |old| old + v).copied();
            let expected = model.get(&K::of(*n)).map(|old| old + v);
            assert_eq!(now, expected);
            expected.map(|new| model.insert(K::of(*n), new));
        }
        Call::Upsert(n, v) | Call::UpsertWith(n, v) => {
            let now = *session.upsert(K::of(*n), *v, |old| old + 1);
            let expected = model.get(&K::of(*n)).map_or(*v, |old| old + 1);
            assert_eq!(now, expected);
            model.insert(K::of(*n), expected);
        }
        Call::Remove(n) | Call::RemoveIf(n, _) => {
            assert_eq!(session.remove(&K::of(*n)).copied(), model.remove(&K::of(*n)));
        }
        Call::RemoveEntry(n) => {
            assert_eq!(map.delete(&K::of(*n)), model.remove(&K::of(*n)).is_some());
        }
        Call::Clear => {
            session.clear();
            model.0.clear();
        }
        Call::Retain(modulus) => {
            session.retain(|_, value| !value.is_multiple_of(*modulus));
            model.0.retain(|(_, value)| !value.is_multiple_of(*modulus));
        }
        Call::Extend(entries) => {
            map.extend(entries.iter().map(|(n, v)| (K::of(*n), *v)));
            for (n, v) in entries {
                model.insert(K::of(*n), *v);
            }
        }
        Call::Read(n) => {
            assert_eq!(session.get(&K::of(*n)).copied(), model.get(&K::of(*n)));
            assert_eq!(session.contains_key(&K::of(*n)), model.get(&K::of(*n)).is_some());
            assert_eq!(session.is_empty(), model.0.is_empty());
        }
        Call::Iter(_) | Call::Copy => {
            assert!(session.keys().into_iter().eq(model.0.iter().map(|(key, _)| key)));
            assert!(map.values().into_iter().eq(model.0.iter().map(|(_, value)| *value)));
        }
        // Calls that this map has not.
        _ => {}
    }
}

fn agrees<K: Key + Default>(calls: &[Call]) {
    let map = InsertionOrderedMap::new();
    let mut model = Model::default();
    for call in calls {
        apply::<K>(&map, &mut model, call);
        assert_eq!(map.len(), model.0.len(), "after {call:?}");
        assert_eq!(map.entries(), model.0, "after {call:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn numbers_are_listed_as_inserted(calls in calls()) {
        agrees::<u64>(&calls);
    }

    #[test]
    fn strings_are_listed_as_inserted(calls in calls()) {
        agrees::<String>(&calls);
    }
}
