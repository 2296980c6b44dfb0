//! This project's map through the calls on the map itself, each of which pins and answers an owned copy.
//! Beside `ours` it shows what sessions save.

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "ours-unpinned";

/// The map without sessions.
pub(super) struct OursUnpinned<K, V>(ConcurrentOrderedMap<K, V>);

impl<K: Key, V: Value> Subject<K, V> for OursUnpinned<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = &'m ConcurrentOrderedMap<K, V>;

    fn new() -> Self {
        Self(ConcurrentOrderedMap::new())
    }

    fn session(&self) -> Self::Session<'_> {
        &self.0
    }

    fn settle(&self) {
        self.0.collect();
    }
}

impl<K: Key, V: Value> Session<K, V> for &ConcurrentOrderedMap<K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        ConcurrentOrderedMap::get(self, key).as_ref().map(V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.set(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        self.delete(key)
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64)) {
        self.range(from..).take(count).map(|(_, value)| value.number()).for_each(visit);
    }

    #[inline]
    fn iterate(&mut self, visit: impl FnMut(u64)) {
        self.iter().map(|(_, value)| value.number()).for_each(visit);
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        ConcurrentOrderedMap::pop_first(self).map(|(_, value)| value.number())
    }
}
