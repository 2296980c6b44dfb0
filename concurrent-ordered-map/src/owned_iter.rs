//! Iterators that are pinned only while they fetch a batch.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::{Bound, Deref, RangeBounds};

use crate::map::ConcurrentOrderedMap;

/// How many entries are fetched with one pin.
const BATCH: usize = 64;

/// Copies of a map's entries in order, with no session between two batches.
///
/// It pins the thread while it copies up to 64 entries, and goes on by key when those have been yielded. So
/// it holds back no reclamation, can be kept as long as you like, held across an `.await`, and sent to
/// another thread if `M`, `K` and `V` can. `M` is what leads to the map: a reference to it as
/// [`ConcurrentOrderedMap::iter`] takes it, or an `Arc` or `Rc` of it, which makes an iterator that borrows
/// nothing.
///
/// It promises what [`Iter`](crate::Iter) does: keys ascend strictly (from the back, descend), none is
/// yielded twice, and every key is yielded that is present throughout. An entry is what its key had when
/// its batch was copied, which may be up to 63 entries ago.
///
/// O(log *n*) for each batch, then O(1) and the copy for each entry.
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
///
/// use concurrent_ordered_map::{ConcurrentOrderedMap, OwnedIter};
///
/// let map: Arc<ConcurrentOrderedMap<u64, u64>> = Arc::new((0..1_000).map(|n| (n, n)).collect());
/// let entries = OwnedIter::new(Arc::clone(&map));
/// let sum = thread::spawn(move || entries.map(|(_, value)| value).sum::<u64>());
/// assert_eq!(sum.join().unwrap(), 999 * 1_000 / 2);
/// ```
pub struct OwnedIter<M, K, V, T = (K, V)> {
    map: M,
    /// What is made of an entry.
    copy: fn(&K, &V) -> T,
    /// What is yet to be fetched; `None` when all has been.
    rest: Option<(Bound<K>, Bound<K>)>,
    /// Fetched from below, and not yielded.
    front: VecDeque<T>,
    /// Fetched from above, and not yielded.
    back: VecDeque<T>,
    of: PhantomData<fn() -> V>,
}

/// Copies of a map's keys in ascending order. See [`OwnedIter`].
pub type OwnedKeys<M, K, V> = OwnedIter<M, K, V, K>;

/// Copies of a map's values in ascending order of their keys. See [`OwnedIter`].
pub type OwnedValues<M, K, V> = OwnedIter<M, K, V, V>;

impl<M, K, V> OwnedIter<M, K, V>
where
    M: Deref<Target = ConcurrentOrderedMap<K, V>>,
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    /// All entries of a map. Nothing is read before the first entry is asked for.
    pub fn new(map: M) -> Self {
        Self::over(map, (Bound::Unbounded, Bound::Unbounded), entry)
    }

    /// The entries of a map whose keys are within a range.
    ///
    /// The bounds are copied. A range that ends before it starts has nothing in it.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use concurrent_ordered_map::{ConcurrentOrderedMap, OwnedIter};
    ///
    /// let map = Arc::new(ConcurrentOrderedMap::from([(1, 'a'), (2, 'b'), (3, 'c')]));
    /// let mut entries = OwnedIter::within(map, 2..);
    /// assert_eq!(entries.next_back(), Some((3, 'c')));
    /// ```
    pub fn within<Q, R>(map: M, range: R) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
        R: RangeBounds<Q>,
    {
        Self::over(map, owned(&range), entry)
    }
}

impl<M, K, V> OwnedKeys<M, K, V>
where
    M: Deref<Target = ConcurrentOrderedMap<K, V>>,
    K: Ord + Clone + Send + 'static,
    V: Send + 'static,
{
    /// All keys of a map.
    pub fn keys_of(map: M) -> Self {
        Self::over(map, (Bound::Unbounded, Bound::Unbounded), |key, _| key.clone())
    }

    /// The keys of a map that are within a range. The bounds are copied.
    pub fn keys_within<Q, R>(map: M, range: R) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
        R: RangeBounds<Q>,
    {
        Self::over(map, owned(&range), |key, _| key.clone())
    }
}

impl<M, K, V> OwnedValues<M, K, V>
where
    M: Deref<Target = ConcurrentOrderedMap<K, V>>,
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    /// All values of a map.
    pub fn values_of(map: M) -> Self {
        Self::over(map, (Bound::Unbounded, Bound::Unbounded), |_, value| value.clone())
    }
}

fn owned<Q, K>(range: &impl RangeBounds<Q>) -> (Bound<K>, Bound<K>)
where
    Q: ToOwned<Owned = K> + ?Sized,
{
    (range.start_bound().map(Q::to_owned), range.end_bound().map(Q::to_owned))
}

fn entry<K: Clone, V: Clone>(key: &K, value: &V) -> (K, V) {
    (key.clone(), value.clone())
}

impl<M, K, V, T> OwnedIter<M, K, V, T> {
    fn over(map: M, range: (Bound<K>, Bound<K>), copy: fn(&K, &V) -> T) -> Self {
        let (front, back) = (VecDeque::new(), VecDeque::new());
        Self { map, copy, rest: Some(range), front, back, of: PhantomData }
    }
}

impl<M, K, V, T> OwnedIter<M, K, V, T>
where
    M: Deref<Target = ConcurrentOrderedMap<K, V>>,
    K: Ord + Clone + Send + 'static,
    V: Send + 'static,
{
    /// Fetches a batch from below.
    fn fetch(&mut self) {
        let Some((from, to)) = &self.rest else { return };
        let mut batch = VecDeque::with_capacity(BATCH);
        let session = self.map.pin();
        let entries = session.range::<K, _>((from.as_ref(), to.as_ref()));
        let mut last = None;
        for (key, value) in entries.take(BATCH) {
            batch.push_back((self.copy)(key, value));
            last = Some(key);
        }
        // Where the batch is not full, nothing is left.
        let from = last.filter(|_| batch.len() == BATCH).map(|key| Bound::Excluded(key.clone()));
        self.rest = self.rest.take().and_then(|(_, to)| from.map(|from| (from, to)));
        self.front = batch;
    }

    /// Fetches a batch from above.
    fn fetch_back(&mut self) {
        let Some((from, to)) = &self.rest else { return };
        let mut batch = VecDeque::with_capacity(BATCH);
        let session = self.map.pin();
        let entries = session.range::<K, _>((from.as_ref(), to.as_ref()));
        let mut last = None;
        for (key, value) in entries.rev().take(BATCH) {
            batch.push_front((self.copy)(key, value));
            last = Some(key);
        }
        let to = last.filter(|_| batch.len() == BATCH).map(|key| Bound::Excluded(key.clone()));
        self.rest = self.rest.take().and_then(|(from, _)| to.map(|to| (from, to)));
        self.back = batch;
    }
}

impl<M, K, V, T> Iterator for OwnedIter<M, K, V, T>
where
    M: Deref<Target = ConcurrentOrderedMap<K, V>>,
    K: Ord + Clone + Send + 'static,
    V: Send + 'static,
{
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.front.is_empty() {
            self.fetch();
        }
        self.front.pop_front().or_else(|| self.back.pop_front())
    }
}

impl<M, K, V, T> DoubleEndedIterator for OwnedIter<M, K, V, T>
where
    M: Deref<Target = ConcurrentOrderedMap<K, V>>,
    K: Ord + Clone + Send + 'static,
    V: Send + 'static,
{
    fn next_back(&mut self) -> Option<T> {
        if self.back.is_empty() {
            self.fetch_back();
        }
        self.back.pop_back().or_else(|| self.front.pop_back())
    }
}

impl<M, K, V, T> FusedIterator for OwnedIter<M, K, V, T>
where
    M: Deref<Target = ConcurrentOrderedMap<K, V>>,
    K: Ord + Clone + Send + 'static,
    V: Send + 'static,
{
}

impl<M, K: fmt::Debug, V, T> fmt::Debug for OwnedIter<M, K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedIter").field("rest", &self.rest).finish_non_exhaustive()
    }
}
