//! A `BTreeMap` under parking_lot's `RwLock`: what most programs use. A scan holds the lock for reading
//! throughout, and a pair is written under one lock, so neither can be torn.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "rwlock-btreemap";

/// The standard map under a lock.
pub(super) struct Locked<K, V>(RwLock<BTreeMap<K, V>>);

impl<K: Key, V: Value> Subject<K, V> for Locked<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = &'m RwLock<BTreeMap<K, V>>;

    fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    fn session(&self) -> Self::Session<'_> {
        &self.0
    }
}

impl<K: Key, V: Value> Session<K, V> for &RwLock<BTreeMap<K, V>> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        self.read().get(key).map(V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.write().insert(key, value);
    }

    #[inline]
    fn upsert_all(&mut self, entries: impl IntoIterator<Item = (K, V)>) {
        self.write().extend(entries);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        self.write().remove(key).is_some()
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64)) {
        self.read().range(from..).take(count).map(|(_, value)| value.number()).for_each(visit);
    }

    #[inline]
    fn iterate(&mut self, visit: impl FnMut(u64)) {
        self.read().values().map(V::number).for_each(visit);
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        self.write().pop_first().map(|(_, value)| value.number())
    }
}
