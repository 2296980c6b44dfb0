//! This project's map, whose scans and iterations are of a snapshot each, and writes of several keys batches. For rows that ask what a scan sees.
//! Its other calls are those on the map itself, since a session would keep the snapshots from settling.

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "ours-snapshot";

/// The map through `snapshot()`.
pub(super) struct OursSnapshot<K, V>(ConcurrentOrderedMap<K, V>);

/// A thread's way to it.
pub(super) struct Through<'m, K, V>(&'m ConcurrentOrderedMap<K, V>);

impl<K: Key, V: Value> Subject<K, V> for OursSnapshot<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = Through<'m, K, V>;

    fn new() -> Self {
        Self(ConcurrentOrderedMap::new())
    }

    fn session(&self) -> Self::Session<'_> {
        Through(&self.0)
    }

    fn settle(&self) {
        self.0.collect();
    }
}

impl<K: Key, V: Value> Session<K, V> for Through<'_, K, V> {
    fn get(&mut self, key: &K) -> Option<u64> {
        self.0.get(key).as_ref().map(V::number)
    }

    fn upsert(&mut self, key: K, value: V) {
        self.0.set(key, value);
    }

    fn upsert_all(&mut self, entries: impl IntoIterator<Item = (K, V)>) {
        self.0.apply(entries.into_iter().map(|(key, value)| (key, Some(value))).collect());
    }

    fn remove(&mut self, key: &K) -> bool {
        self.0.delete(key)
    }

    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64)) {
        let snapshot = self.0.snapshot();
        snapshot.range(from..).take(count).map(|(_, value)| value.number()).for_each(visit);
    }

    fn iterate(&mut self, visit: impl FnMut(u64)) {
        self.0.snapshot().values().map(V::number).for_each(visit);
    }

    fn pop_first(&mut self) -> Option<u64> {
        self.0.pop_first().map(|(_, value)| value.number())
    }
}
