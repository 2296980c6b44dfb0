//! Taking a map's entries out of it.

use std::fmt;
use std::iter::FusedIterator;
use std::vec;

use crate::map::ConcurrentOrderedMap;

/// The entries of a map that is no longer shared, in order: what its `into_iter` answers.
///
/// Keys and values are moved out, not copied. Made in O(*n*) with memory for all entries; the map is gone
/// by then.
///
/// ```
/// use concurrent_ordered_map::ConcurrentOrderedMap;
///
/// struct Unclonable(char);
///
/// let map = ConcurrentOrderedMap::from([(2, Unclonable('b')), (1, Unclonable('a'))]);
/// let letters: String = map.into_iter().map(|(_, letter)| letter.0).collect();
/// assert_eq!(letters, "ab");
/// ```
pub struct IntoIter<K, V>(vec::IntoIter<(K, V)>);

impl<K: Ord, V> IntoIter<K, V> {
    pub(crate) fn new(map: ConcurrentOrderedMap<K, V>) -> Self {
        Self(map.raw.into_entries().into_iter())
    }
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        self.0.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for IntoIter<K, V> {
    #[inline]
    fn next_back(&mut self) -> Option<(K, V)> {
        self.0.next_back()
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}

impl<K, V> FusedIterator for IntoIter<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for IntoIter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.as_slice()).finish()
    }
}
