//! The map itself, and its calls that pin for one call and answer owned copies.

mod read;
mod traits;
mod update;
mod write;

use crate::pinned::Pinned;
use crate::raw::{RawMap, Shape};
use crate::reclaim;

/// An ordered map that any number of threads may read and write at the same time, without locks.
///
/// Its own calls pin the thread while they last and answer owned copies. A session, which
/// [`pin`](Self::pin) starts, answers references, is faster, and has some calls more. What the calls do and
/// promise is the same, and the [crate's documentation](crate) tells it.
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
///
/// use concurrent_ordered_map::ConcurrentOrderedMap;
///
/// let squares = Arc::new(ConcurrentOrderedMap::new());
/// let threads = [0, 1].map(|remainder| {
///     let squares = Arc::clone(&squares);
///     thread::spawn(move || {
///         for n in (0..100_u64).filter(|n| n % 2 == remainder) {
///             squares.insert(n, n * n);
///         }
///     })
/// });
/// for thread in threads {
///     thread.join().unwrap();
/// }
/// assert_eq!(squares.len(), 100);
/// assert_eq!(squares.get(&12), Some(144));
/// assert_eq!(squares.last(), Some((99, 9_801)));
/// ```
pub struct ConcurrentOrderedMap<K, V> {
    pub(crate) raw: RawMap<K, V>,
}

impl<K, V> ConcurrentOrderedMap<K, V> {
    /// An empty map.
    ///
    /// Allocates one block of half a kilobyte and a kilobyte of counters.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::new();
    /// map.set("key", "value");
    /// ```
    pub fn new() -> Self {
        Self::of_shape(Shape::DEFAULT)
    }

    /// An empty map, as [`new`](Self::new) makes it.
    ///
    /// The capacity is accepted and not used: the map grows a block at a time, and moves nothing but the
    /// content of one or two blocks when it does, so there is nothing to be gained.
    pub fn with_capacity(_capacity: usize) -> Self {
        Self::new()
    }

    /// An empty map with few slots a block, at least two a leaf and four a lane, so that tests meet
    /// splits often.
    #[doc(hidden)]
    pub fn with_block_slots(leaf: u8, lane: u8) -> Self {
        Self::of_shape(Shape { leaf, lane })
    }

    fn of_shape(shape: Shape) -> Self {
        Self { raw: RawMap::new(shape) }
    }

    /// Starts a session, with the thread pinned until it ends.
    ///
    /// Costs a few nanoseconds: an atomic read-modify-write on a cache line of the thread's own.
    ///
    /// ```
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let map = ConcurrentOrderedMap::from([(1, String::from("one"))]);
    /// let session = map.pin();
    /// let one: &str = session.get(&1).unwrap();
    /// assert_eq!(one, "one");
    /// ```
    #[inline]
    pub fn pin(&self) -> Pinned<'_, K, V> {
        Pinned::new(self)
    }

    #[inline]
    pub(crate) fn raw(&self) -> &RawMap<K, V> {
        &self.raw
    }

    /// How many entries there are.
    ///
    /// Exact whenever no call is under way. While others write, it may be off by as many entries as there
    /// are writes under way, and is true of no single moment. O(1): adds up a few counters.
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Frees what was removed or replaced, as far as that is possible now.
    ///
    /// Hands the calling thread's garbage to the reclaimer, which all maps and all other users of
    /// `crossbeam-epoch`'s default collector share, and asks it to free everything that it has been handed
    /// so far. Answers true when it has got there: all values that the calling thread had removed or
    /// replaced, in any map, have been dropped, or are at this moment being dropped by another thread; and
    /// so has all that threads that have ended left behind.
    ///
    /// It cannot free what a session that is under way may still see. So it frees nothing more while the
    /// calling thread has a session itself, and gives up, answering false, if another thread has one all
    /// the while. Nor can it free the up to 64 pieces of garbage that another thread keeps until it has
    /// more. Keys that serve as boundaries inside a map stay as they are.
    ///
    /// A `Drop` of a key or value may run here, and should not call this itself.
    ///
    /// You need not call this to keep garbage bounded. It is for moments at which memory, or a `Drop`, is
    /// to come now rather than later, and for tests. O(garbage), and about a millisecond in vain.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use concurrent_ordered_map::ConcurrentOrderedMap;
    ///
    /// let value = Arc::new("large");
    /// let map = ConcurrentOrderedMap::from([(1, Arc::clone(&value))]);
    /// map.delete(&1);
    /// assert!(map.collect());
    /// assert_eq!(Arc::strong_count(&value), 1);
    /// ```
    pub fn collect(&self) -> bool {
        reclaim::collect()
    }
}
