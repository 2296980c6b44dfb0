//! What the map has in common with std's collections.

use std::fmt;
use std::vec;

use super::InsertionOrderedMap;

impl<K, V> Default for InsertionOrderedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the entries, in the order in which their keys were first inserted.
impl<K, V> fmt::Debug for InsertionOrderedMap<K, V>
where
    K: Ord + Send + fmt::Debug + 'static,
    V: Send + fmt::Debug + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pin().fmt(f)
    }
}

/// Copies the entries of one listing, in its order.
impl<K, V> Clone for InsertionOrderedMap<K, V>
where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    fn clone(&self) -> Self {
        self.entries().into_iter().collect()
    }
}

/// True if one listing of each map has the same entries in the same order.
impl<K, V> PartialEq for InsertionOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: PartialEq + Send + 'static,
{
    fn eq(&self, other: &Self) -> bool {
        self.pin().entries() == other.pin().entries()
    }
}

impl<K, V> Eq for InsertionOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: Eq + Send + 'static,
{
}

impl<K: Ord + Send + 'static, V: Send + 'static> FromIterator<(K, V)>
    for InsertionOrderedMap<K, V>
{
    /// Of several entries with one key, the first gives the place and the last the value.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K, V, const N: usize> From<[(K, V); N]> for InsertionOrderedMap<K, V>
where
    K: Ord + Send + 'static,
    V: Send + 'static,
{
    fn from(entries: [(K, V); N]) -> Self {
        Self::from_iter(entries)
    }
}

impl<K: Ord + Send + 'static, V: Send + 'static> Extend<(K, V)> for InsertionOrderedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        Self::extend(self, entries);
    }
}

/// A shared map can be extended, too.
impl<K: Ord + Send + 'static, V: Send + 'static> Extend<(K, V)> for &InsertionOrderedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        InsertionOrderedMap::extend(self, entries);
    }
}

impl<K, V> IntoIterator for &InsertionOrderedMap<K, V>
where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    type Item = (K, V);
    type IntoIter = vec::IntoIter<(K, V)>;

    /// Copies of the entries, in the order in which their keys were first inserted.
    fn into_iter(self) -> Self::IntoIter {
        self.entries().into_iter()
    }
}

impl<K: Ord, V> IntoIterator for InsertionOrderedMap<K, V> {
    type Item = (K, V);
    type IntoIter = vec::IntoIter<(K, V)>;

    /// The entries themselves, in the order in which their keys were first inserted.
    fn into_iter(self) -> Self::IntoIter {
        let mut listed: Vec<_> = self.map.into_iter().collect();
        listed.sort_unstable_by_key(|(_, ticketed)| ticketed.ticket);
        let entries: Vec<_> =
            listed.into_iter().map(|(key, ticketed)| (key, ticketed.value)).collect();
        entries.into_iter()
    }
}
