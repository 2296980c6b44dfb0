//! This project's map, through sessions: one pin for many calls, renewed every 64 of them.

use concurrent_ordered_map::{ConcurrentOrderedMap, Pinned};

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "ours";

/// The map through `pin()`.
pub(super) struct Ours<K, V>(ConcurrentOrderedMap<K, V>);

impl<K: Key, V: Value> Subject<K, V> for Ours<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = Pinned<'m, K, V>;

    fn new() -> Self {
        Self(ConcurrentOrderedMap::new())
    }

    fn session(&self) -> Self::Session<'_> {
        self.0.pin()
    }

    fn settle(&self) {
        self.0.collect();
    }
}

impl<K: Key, V: Value> Session<K, V> for Pinned<'_, K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        Pinned::get(self, key).map(V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    #[inline]
    fn upsert_all(&mut self, entries: impl IntoIterator<Item = (K, V)>) {
        self.apply(entries.into_iter().map(|(key, value)| (key, Some(value))).collect());
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        Pinned::remove(self, key).is_some()
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
        Pinned::pop_first(self).map(|(_, value)| value.number())
    }

    #[inline]
    fn breathe(&mut self) {
        self.repin();
    }
}
