//! concurrent-map's `ConcurrentMap`: each thread works on a clone of its own, as its documentation asks
//! (the collector's state is in the clone).

use concurrent_map::ConcurrentMap;
use parking_lot::Mutex;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "concurrent-map";

/// The lock-free B+ tree. The lock is taken once a session, to clone.
pub(super) struct Concurrent<K: Key, V: Value>(Mutex<ConcurrentMap<K, V>>);

impl<K: Key, V: Value> Subject<K, V> for Concurrent<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = ConcurrentMap<K, V>;

    fn new() -> Self {
        Self(Mutex::new(ConcurrentMap::new()))
    }

    fn session(&self) -> Self::Session<'_> {
        self.0.lock().clone()
    }
}

impl<K: Key, V: Value> Session<K, V> for ConcurrentMap<K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        ConcurrentMap::get(self, key).as_ref().map(V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        ConcurrentMap::remove(self, key).is_some()
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
        ConcurrentMap::pop_first(self).map(|(_, value)| value.number())
    }
}
