//! What a map must do to take part.

use std::sync::Arc;

use concurrent_map::Minimum;
use ferntree::OptimisticRead;

/// What every subject asks of a key, taken together. Ours asks for `Ord` alone.
pub trait Key: Ord + Clone + Minimum + OptimisticRead + Send + Sync + 'static {}

impl<K: Ord + Clone + Minimum + OptimisticRead + Send + Sync + 'static> Key for K {}

/// What every subject asks of a value, and a number by which answers are checked.
pub trait Value: Clone + PartialEq + OptimisticRead + Send + Sync + 'static {
    /// A value that stands for this number.
    fn of(number: u64) -> Self;

    /// The number. It reads what the value points to, so that a get that only finds a pointer does not
    /// look faster than one that answers the value.
    fn number(&self) -> u64;
}

impl Value for u64 {
    #[inline]
    fn of(number: u64) -> Self {
        number
    }

    #[inline]
    fn number(&self) -> u64 {
        *self
    }
}

impl Value for Arc<u64> {
    fn of(number: u64) -> Self {
        Arc::new(number)
    }

    #[inline]
    fn number(&self) -> u64 {
        **self
    }
}

/// A map under test.
pub trait Subject<K, V>: Send + Sync + Sized + 'static {
    /// The name in tables, plots and floors: without spaces.
    const NAME: &'static str;

    /// How many threads may use it at once.
    const THREADS: usize = usize::MAX;

    /// What a thread holds while it works on the map.
    type Session<'m>: Session<K, V>;

    /// An empty map.
    fn new() -> Self;

    /// Starts a thread's work.
    fn session(&self) -> Self::Session<'_>;

    /// Frees what is garbage and can be freed, as far as the subject lets its user ask for that.
    fn settle(&self) {}
}

/// The calls, by the way that the subject's own documentation calls fast.
pub trait Session<K, V> {
    /// The number of the key's value.
    fn get(&mut self, key: &K) -> Option<u64>;

    /// Sets the key's value, whether it had one or not.
    fn upsert(&mut self, key: K, value: V);

    /// Sets several keys' values: at one moment, where the subject can.
    fn upsert_all(&mut self, entries: impl IntoIterator<Item = (K, V)>) {
        entries.into_iter().for_each(|(key, value)| self.upsert(key, value));
    }

    /// Removes a key that nobody else removes, and says whether it was there.
    fn remove(&mut self, key: &K) -> bool;

    /// Shows the numbers of up to `count` entries from `from` on, in order.
    fn scan(&mut self, from: &K, count: usize, visit: impl FnMut(u64));

    /// Shows the numbers of all entries, in order.
    fn iterate(&mut self, visit: impl FnMut(u64));

    /// Takes the first entry out.
    fn pop_first(&mut self) -> Option<u64>;

    /// Lets go of what the session holds back from reclamation. Called every 64 calls, in between.
    fn breathe(&mut self) {}
}
