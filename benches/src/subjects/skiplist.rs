//! crossbeam-skiplist's `SkipMap`. Its calls pin crossbeam-epoch each time; the session holds a pin of
//! its own, which makes the inner ones cheap, as a session of ours does.

use crossbeam_epoch::Guard;
use crossbeam_skiplist::SkipMap;

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "crossbeam-skiplist";

/// The skiplist of one key a node.
pub(super) struct Skiplist<K, V>(SkipMap<K, V>);

/// A pinned thread's access.
pub(super) struct Pinned<'m, K, V> {
    map: &'m SkipMap<K, V>,
    guard: Guard,
}

impl<K: Key, V: Value> Subject<K, V> for Skiplist<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = Pinned<'m, K, V>;

    fn new() -> Self {
        Self(SkipMap::new())
    }

    fn session(&self) -> Self::Session<'_> {
        Pinned { map: &self.0, guard: crossbeam_epoch::pin() }
    }

    fn settle(&self) {
        super::flush_epoch();
    }
}

impl<K: Key, V: Value> Session<K, V> for Pinned<'_, K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        self.map.get(key).map(|entry| entry.value().number())
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.map.insert(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        self.map.remove(key).is_some()
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64)) {
        self.map.range(from..).take(count).map(|entry| entry.value().number()).for_each(visit);
    }

    #[inline]
    fn iterate(&mut self, visit: impl FnMut(u64)) {
        self.map.iter().map(|entry| entry.value().number()).for_each(visit);
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        self.map.pop_front().map(|entry| entry.value().number())
    }

    #[inline]
    fn breathe(&mut self) {
        self.guard.repin();
    }
}
