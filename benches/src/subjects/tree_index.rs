//! scc's `TreeIndex`: `peek` under a guard that the session holds, `upsert_sync` and `remove_sync`. It has
//! no pop, so that is the first entry of an iterator, removed; who loses the race tries the next.

use scc::{Guard, TreeIndex};

use crate::subject::{Key, Session, Subject, Value};

pub(super) const NAME: &str = "scc";

/// The B+ tree with immutable entries.
pub(super) struct Tree<K, V>(TreeIndex<K, V>);

/// A thread's access under a guard.
pub(super) struct Guarded<'m, K, V> {
    map: &'m TreeIndex<K, V>,
    guard: Guard,
}

impl<K: Key, V: Value> Subject<K, V> for Tree<K, V> {
    const NAME: &'static str = NAME;
    type Session<'m> = Guarded<'m, K, V>;

    fn new() -> Self {
        Self(TreeIndex::new())
    }

    fn session(&self) -> Self::Session<'_> {
        Guarded { map: &self.0, guard: Guard::new() }
    }

    fn settle(&self) {
        for _ in 0..1_000 {
            Guard::new().accelerate();
        }
    }
}

impl<K: Key, V: Value> Session<K, V> for Guarded<'_, K, V> {
    #[inline]
    fn get(&mut self, key: &K) -> Option<u64> {
        self.map.peek(key, &self.guard).map(V::number)
    }

    #[inline]
    fn upsert(&mut self, key: K, value: V) {
        self.map.upsert_sync(key, value);
    }

    #[inline]
    fn remove(&mut self, key: &K) -> bool {
        self.map.remove_sync(key)
    }

    #[inline]
    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64)) {
        let entries = self.map.range::<K, _>(from.., &self.guard).take(count);
        entries.map(|(_, value)| value.number()).for_each(visit);
    }

    #[inline]
    fn iterate(&mut self, visit: impl FnMut(u64)) {
        self.map.iter(&self.guard).map(|(_, value)| value.number()).for_each(visit);
    }

    #[inline]
    fn pop_first(&mut self) -> Option<u64> {
        loop {
            let (key, value) = self.map.iter(&self.guard).next()?;
            if self.map.remove_sync(key) {
                return Some(value.number());
            }
        }
    }

    #[inline]
    fn breathe(&mut self) {
        self.guard = Guard::new();
    }
}
