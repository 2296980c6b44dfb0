//! What the map has in common with std's collections.

use std::fmt;

use super::ConcurrentOrderedMap;
use crate::into_iter::IntoIter;
use crate::owned_iter::OwnedIter;

impl<K, V> Default for ConcurrentOrderedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the entries, as one iteration meets them.
impl<K, V> fmt::Debug for ConcurrentOrderedMap<K, V>
where
    K: Ord + Send + fmt::Debug + 'static,
    V: Send + fmt::Debug + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pin().fmt(f)
    }
}

/// Copies the entries that one iteration meets. Keys that come or go meanwhile may or may not be in the
/// copy.
impl<K, V> Clone for ConcurrentOrderedMap<K, V>
where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    fn clone(&self) -> Self {
        let copy = Self::new();
        copy.pin().extend(self.pin().iter().map(super::read::cloned));
        copy
    }
}

/// Compares the entries that one iteration of each map meets. While others write, the answer may be true
/// of no single moment.
impl<K, V> PartialEq for ConcurrentOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: PartialEq + Send + 'static,
{
    fn eq(&self, other: &Self) -> bool {
        self.pin().iter().eq(other.pin().iter())
    }
}

impl<K, V> Eq for ConcurrentOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: Eq + Send + 'static,
{
}

impl<K: Ord + Send + 'static, V: Send + 'static> FromIterator<(K, V)>
    for ConcurrentOrderedMap<K, V>
{
    /// Of several entries with one key, the last stays.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K, V, const N: usize> From<[(K, V); N]> for ConcurrentOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: Send + 'static,
{
    fn from(entries: [(K, V); N]) -> Self {
        Self::from_iter(entries)
    }
}

impl<K: Ord + Send + 'static, V: Send + 'static> Extend<(K, V)> for ConcurrentOrderedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        Self::extend(self, entries);
    }
}

/// A shared map can be extended, too.
impl<K: Ord + Send + 'static, V: Send + 'static> Extend<(K, V)> for &ConcurrentOrderedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        ConcurrentOrderedMap::extend(self, entries);
    }
}

impl<'e, K, V> Extend<(&'e K, &'e V)> for ConcurrentOrderedMap<K, V>
where
    K: Ord + Copy + Send + 'static,
    V: Copy + Send + 'static,
{
    fn extend<I: IntoIterator<Item = (&'e K, &'e V)>>(&mut self, entries: I) {
        Self::extend(self, entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}

impl<'m, K, V> IntoIterator for &'m ConcurrentOrderedMap<K, V>
where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    type Item = (K, V);
    type IntoIter = OwnedIter<&'m ConcurrentOrderedMap<K, V>, K, V>;

    /// Copies of the entries; see [`OwnedIter`]. To see them without copying, iterate over a session.
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Ord, V> IntoIterator for ConcurrentOrderedMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    /// The entries themselves; see [`IntoIter`].
    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter::new(self)
    }
}
