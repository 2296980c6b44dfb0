//! A `BTreeMap` that one thread has to itself: what a map costs that pays nothing for concurrency. A
//! session locks it once, for all its calls.

use std::collections::BTreeMap;

use parking_lot::{Mutex, MutexGuard};

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "btreemap-alone";

/// The standard map, for one thread.
pub(super) struct Alone<K, V>(Mutex<BTreeMap<K, V>>);

impl<K: Key, V: Value> Subject<K, V> for Alone<K, V> {
    const NAME: &'static str = NAME;
    const THREADS: usize = 1;
    type Session<'m> = MutexGuard<'m, BTreeMap<K, V>>;

    fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn session(&self) -> Self::Session<'_> {
        self.0.lock()
    }
}

impl<K: Key, V: Value> Session<K, V> for MutexGuard<'_, BTreeMap<K, V>> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        BTreeMap::get(self, key).map(V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        BTreeMap::remove(self, key).is_some()
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64)) {
        self.range(from..).take(count).map(|(_, value)| value.number()).for_each(visit);
    }

    #[inline]
    fn iterate(&mut self, visit: impl FnMut(u64)) {
        self.values().map(V::number).for_each(visit);
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        BTreeMap::pop_first(self).map(|(_, value)| value.number())
    }
}
