//! What the set has in common with std's collections.

use std::fmt;

use super::{ConcurrentOrderedSet, OwnedSetIter, SetIntoIter};

impl<K> Default for ConcurrentOrderedSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the keys, as one iteration meets them.
impl<K: Ord + Send + fmt::Debug + 'static> fmt::Debug for ConcurrentOrderedSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pin().fmt(f)
    }
}

/// Copies the keys that one iteration meets.
impl<K: Ord + Clone + Send + 'static> Clone for ConcurrentOrderedSet<K> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone() }
    }
}

/// Compares the keys that one iteration of each set meets. While others write, the answer may be true of no
/// single moment.
impl<K: Ord + Send + 'static> PartialEq for ConcurrentOrderedSet<K> {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl<K: Ord + Send + 'static> Eq for ConcurrentOrderedSet<K> {}

impl<K: Ord + Send + 'static> FromIterator<K> for ConcurrentOrderedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let set = Self::new();
        set.extend(keys);
        set
    }
}

impl<K: Ord + Send + 'static, const N: usize> From<[K; N]> for ConcurrentOrderedSet<K> {
    fn from(keys: [K; N]) -> Self {
        Self::from_iter(keys)
    }
}

impl<K: Ord + Send + 'static> Extend<K> for ConcurrentOrderedSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        Self::extend(self, keys);
    }
}

/// A shared set can be extended, too.
impl<K: Ord + Send + 'static> Extend<K> for &ConcurrentOrderedSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        ConcurrentOrderedSet::extend(self, keys);
    }
}

impl<'k, K: Ord + Copy + Send + 'static> Extend<&'k K> for ConcurrentOrderedSet<K> {
    fn extend<I: IntoIterator<Item = &'k K>>(&mut self, keys: I) {
        Self::extend(self, keys.into_iter().copied());
    }
}

impl<'s, K: Ord + Clone + Send + 'static> IntoIterator for &'s ConcurrentOrderedSet<K> {
    type Item = K;
    type IntoIter = OwnedSetIter<&'s ConcurrentOrderedSet<K>, K>;

    /// Copies of the keys. To see them without copying, iterate over a session.
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Ord> IntoIterator for ConcurrentOrderedSet<K> {
    type Item = K;
    type IntoIter = SetIntoIter<K>;

    fn into_iter(self) -> SetIntoIter<K> {
        SetIntoIter::new(self)
    }
}
