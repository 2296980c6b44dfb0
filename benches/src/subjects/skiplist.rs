//! crossbeam-skiplist's `SkipMap`, by its plain calls, each of which pins crossbeam-epoch.

use crossbeam_skiplist::SkipMap;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "crossbeam-skiplist";

/// The skiplist of one key a node.
pub(super) struct Skiplist<K, V>(SkipMap<K, V>);

impl<K: Key, V: Value> Subject<K, V> for Skiplist<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = &'m SkipMap<K, V>;

    fn new() -> Self {
        Self(SkipMap::new())
    }

    fn session(&self) -> Self::Session<'_> {
        &self.0
    }

    fn settle(&self) {
        super::flush_epoch();
    }
}

impl<K: Key, V: Value> Session<K, V> for &SkipMap<K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        SkipMap::get(self, key).map(|entry| entry.value().number())
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        SkipMap::remove(self, key).is_some()
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64)) {
        self.range(from..).take(count).map(|entry| entry.value().number()).for_each(visit);
    }

    #[inline]
    fn iterate(&mut self, visit: impl FnMut(u64)) {
        SkipMap::iter(self).map(|entry| entry.value().number()).for_each(visit);
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        self.pop_front().map(|entry| entry.value().number())
    }
}
