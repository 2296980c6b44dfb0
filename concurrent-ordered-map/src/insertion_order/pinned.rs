//! Sessions of the map that remembers the order of insertions.

use std::borrow::Borrow;
use std::fmt;

use super::{InsertionOrderedMap, Ticketed};
use crate::pinned::Pinned;
use crate::raw::Change;

/// A session on an [`InsertionOrderedMap`], by reference.
///
/// It holds back reclamation, belongs to its thread and promises what a session of the ordered map does: see
/// [`Pinned`].
///
/// ```
/// use concurrent_ordered_map::InsertionOrderedMap;
///
/// let map = InsertionOrderedMap::from([("b", 1), ("a", 2)]);
/// let session = map.pin();
/// session.update("b", |value| value * 10);
/// assert_eq!(session.entries(), [(&"b", &10), (&"a", &2)]);
/// ```
pub struct PinnedInsertionOrderedMap<'m, K, V> {
    map: &'m InsertionOrderedMap<K, V>,
    by_key: Pinned<'m, K, Ticketed<V>>,
}

impl<'m, K, V> PinnedInsertionOrderedMap<'m, K, V> {
    pub(super) fn new(map: &'m InsertionOrderedMap<K, V>) -> Self {
        Self { map, by_key: map.map.pin() }
    }

    /// The map that the session is on.
    pub fn map(&self) -> &'m InsertionOrderedMap<K, V> {
        self.map
    }

    /// Ends the session and starts a new one in its place, so that what it has held back can be freed.
    ///
    /// See [`Pinned::repin`].
    pub fn repin(&mut self) {
        self.by_key.repin();
    }

    /// How many entries there are. Exact whenever no call is under way. O(1).
    pub fn len(&self) -> usize {
        self.by_key.len()
    }
}

/// As the calls of [`Pinned`], which tell more. Those on one key are linearizable and O(log *n*).
impl<K: Ord + Send + 'static, V: Send + 'static> PinnedInsertionOrderedMap<'_, K, V> {
    /// The key's value.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.by_key.get(key).map(value)
    }

    /// True if the map holds the key.
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.by_key.contains_key(key)
    }

    /// True if there are no entries.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Sets the key's value, and answers the one it had. A key that is there keeps its place.
    pub fn insert(&self, key: K, new: V) -> Option<&V> {
        let mut new = Some(new);
        let changed = self.change(key, |_, again| again.or_else(|| new.take()));
        changed.0
    }

    /// The key's value, which is made and inserted if there is none.
    ///
    /// The closure runs at most once.
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> &V {
        let mut make = Some(make);
        let changed = self.change(key, |before, again| {
            if before.is_some() {
                return None;
            }
            again.or_else(|| make.take().map(|make| make()))
        });
        changed.1.expect("the key was found or inserted")
    }

    /// Replaces the key's value by what `f` makes of it, and answers the new value; `None` if the key is
    /// absent. The key keeps its place.
    ///
    /// `f` may run any number of times.
    pub fn update(&self, key: K, mut f: impl FnMut(&V) -> V) -> Option<&V> {
        self.change(key, |before, _| before.map(&mut f)).1
    }

    /// Inserts a value if the key is absent, or replaces the one that is there by what `update` makes of it.
    /// Answers the new value. A key that is there keeps its place.
    ///
    /// `update` may run any number of times.
    pub fn upsert(&self, key: K, value: V, mut update: impl FnMut(&V) -> V) -> &V {
        let mut value = Some(value);
        let mut inserting = false;
        let changed = self.change(key, |before, again| {
            if inserting {
                value = again;
            }
            inserting = before.is_none();
            before.map(&mut update).or_else(|| value.take())
        });
        changed.1.expect("the key was found or inserted")
    }

    /// Puts what `decide` answers, or leaves the key as it is. A new key gets a ticket, an old one keeps its
    /// own. Answers the values before and after.
    fn change(
        &self,
        key: K,
        mut decide: impl FnMut(Option<&V>, Option<V>) -> Option<V>,
    ) -> (Option<&V>, Option<&V>) {
        let mut drawn = None;
        let session = &self.by_key;
        let changed = session.raw().change(key, session.guard(), |before, again| {
            let again = again.map(|ticketed: Ticketed<V>| ticketed.value);
            let Some(value) = decide(before.map(|entry| &entry.value().value), again) else {
                return Change::Keep;
            };
            let ticket = match before {
                Some(entry) => entry.value().ticket,
                // Drawn within this call, so after all that were drawn by calls that have returned.
                None => *drawn.get_or_insert_with(|| self.map.draw()),
            };
            Change::Put(Ticketed { ticket, value })
        });
        (
            changed.before.map(|entry| value(entry.value())),
            changed.after.map(|entry| value(entry.value())),
        )
    }

    /// Removes the key, and answers its value.
    pub fn remove<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.by_key.remove(key).map(value)
    }

    /// Removes all entries that are there throughout the call. O(*n* log *n*).
    pub fn clear(&self) {
        self.by_key.clear();
    }

    /// Removes the entries that `keep` says no to, asking in the order of keys.
    ///
    /// See [`Pinned::retain`].
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.by_key.retain(|key, ticketed| keep(key, &ticketed.value));
    }

    /// All entries, in the order in which their keys were first inserted. O(*n* log *n*).
    pub fn entries(&self) -> Vec<(&K, &V)> {
        let mut listed: Vec<_> = self.by_key.iter().collect();
        listed.sort_unstable_by_key(|(_, ticketed)| ticketed.ticket);
        listed.into_iter().map(|(key, ticketed)| (key, &ticketed.value)).collect()
    }

    /// All keys, in the order in which they were first inserted. O(*n* log *n*).
    pub fn keys(&self) -> Vec<&K> {
        self.entries().into_iter().map(|(key, _)| key).collect()
    }

    /// All values, in the order in which their keys were first inserted. O(*n* log *n*).
    pub fn values(&self) -> Vec<&V> {
        self.entries().into_iter().map(|(_, value)| value).collect()
    }
}

fn value<V>(ticketed: &Ticketed<V>) -> &V {
    &ticketed.value
}

/// Shows the entries, in the order in which their keys were first inserted.
impl<K, V> fmt::Debug for PinnedInsertionOrderedMap<'_, K, V>
where
    K: Ord + Send + fmt::Debug + 'static,
    V: Send + fmt::Debug + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries()).finish()
    }
}
