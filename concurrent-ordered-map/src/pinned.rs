//! Sessions: the whole API by reference.

mod bulk;
mod read;
mod update;
mod write;

use std::fmt;

use crate::iter::Iter;
use crate::map::ConcurrentOrderedMap;
use crate::raw::{Item, RawMap};
use crate::reclaim::{self, Guard};

/// A session on a [`ConcurrentOrderedMap`]: the whole API, by reference.
///
/// While a session lives, its thread is *pinned*: nothing that it may have seen is freed, whoever removes
/// it. So its calls answer references, which live as long as the session is borrowed, and neither keys
/// nor values need `Clone`. A session sees all writes, its own and others', as they happen; it is not a
/// snapshot.
///
/// Starting one costs a few nanoseconds, and its calls cost nothing on top. But as long as one lives,
/// garbage piles up, of all maps and all threads. Keep sessions short, or [`repin`](Self::repin).
///
/// A session belongs to its thread (it is neither `Send` nor `Sync`), so it cannot be held across an
/// `.await` in a task that moves between threads. A thread may have any number of sessions, on one map or
/// several; it is pinned until the last one ends.
///
/// Closures given to a session's calls run while nothing is locked. They may call the map again, by this
/// session or another. Where one may run several times, its call says so.
///
/// ```
/// use concurrent_ordered_map::ConcurrentOrderedMap;
///
/// let map = ConcurrentOrderedMap::from([(1, "one".to_string()), (2, "two".to_string())]);
/// let session = map.pin();
/// let two = session.get(&2);
///
/// // What is removed can be read on, by everyone who has it.
/// let removed = session.remove(&2);
/// assert_eq!(two.map(String::as_str), Some("two"));
/// assert_eq!(removed, two);
/// assert_eq!(session.get(&2), None);
/// ```
pub struct Pinned<'m, K, V> {
    map: &'m ConcurrentOrderedMap<K, V>,
    guard: Guard,
}

impl<'m, K, V> Pinned<'m, K, V> {
    #[inline]
    pub(crate) fn new(map: &'m ConcurrentOrderedMap<K, V>) -> Self {
        Self { map, guard: reclaim::pin() }
    }

    /// The map that the session is on.
    #[inline]
    pub fn map(&self) -> &'m ConcurrentOrderedMap<K, V> {
        self.map
    }

    /// Ends the session and starts a new one in its place, so that what it has held back can be freed.
    ///
    /// All references that it has answered must be gone, which the compiler checks. Cheaper than a new
    /// session where nothing has changed. If the thread has another session, nothing happens.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// let mut session = map.pin();
    /// for n in 0..10_000 {
    ///     session.insert(n % 10, n);
    ///     if n % 1_000 == 0 {
    ///         session.repin();
    ///     }
    /// }
    /// assert_eq!(session.len(), 10);
    /// ```
    #[inline]
    pub fn repin(&mut self) {
        self.guard.repin();
    }

    #[inline]
    pub(crate) fn raw(&self) -> &RawMap<K, V> {
        self.map.raw()
    }

    #[inline]
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }
}

/// An entry as the API shows it.
#[inline]
pub(crate) fn pair<K, V>(entry: Item<'_, K, V>) -> (&K, &V) {
    (entry.key(), entry.value())
}

/// Shows the entries.
impl<K, V> fmt::Debug for Pinned<'_, K, V>
where
    K: Ord + Send + fmt::Debug + 'static,
    V: Send + fmt::Debug + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// ```
/// use concurrent_ordered_map::ConcurrentOrderedMap;
///
/// let map = ConcurrentOrderedMap::from([(2, 'b'), (1, 'a')]);
/// let session = map.pin();
/// for (key, value) in &session {
///     println!("{key}: {value}");
/// }
/// ```
impl<'p, K: Ord + Send + 'static, V: Send + 'static> IntoIterator for &'p Pinned<'_, K, V> {
    type Item = (&'p K, &'p V);
    type IntoIter = Iter<'p, K, V>;

    fn into_iter(self) -> Iter<'p, K, V> {
        self.iter()
    }
}
