//! Work that is prepared before the clock starts, and done by any subject. One kind a file.

mod batches;
mod churn;
mod get;
mod insert;
mod iterate;
mod latency;
mod mixed;
mod pop;
mod scan;
mod snapshots;
mod torn;

pub use self::batches::Batches;
pub use self::churn::Churn;
pub use self::get::Get;
pub use self::insert::{Insert, Order};
pub use self::iterate::{Iterate, Per};
pub use self::latency::Latency;
pub use self::mixed::Mixed;
pub use self::pop::Pop;
pub use self::scan::Scan;
pub use self::snapshots::Snapshots;
pub use self::torn::{Torn, Whole};

use crate::crew;
use crate::keys::Entries;
use crate::subject::{Key, Session, Subject, Value};
use crate::subjects::Visitor;

/// What a trial found.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// What the row is about: nanoseconds a call, most often. Less is better.
    pub cost: f64,
    /// How many answers were wrong: a present key not found, an entry missed, a sum that does not hold.
    pub wrong: u64,
}

/// A workload on one subject, ready to be run as often as is wanted.
pub type Trial = Box<dyn FnMut() -> Outcome>;

/// Work for any subject.
pub trait Workload<K, V> {
    /// How many threads do it.
    fn threads(&self) -> usize;

    /// Makes it ready for one subject: fills its map.
    fn trial<S: Subject<K, V>>(&self) -> Trial;
}

/// A subject's name with its trial.
pub type Named = (&'static str, Trial);

/// Collects the trials of a workload.
pub(crate) struct Gather<'w, W> {
    pub(crate) workload: &'w W,
    pub(crate) wanted: &'w dyn Fn(&str) -> bool,
    pub(crate) trials: Vec<Named>,
}

impl<K, V, W: Workload<K, V>> Visitor<K, V> for Gather<'_, W> {
    fn visit<S: Subject<K, V>>(&mut self) {
        if S::THREADS >= self.workload.threads() && (self.wanted)(S::NAME) {
            self.trials.push((S::NAME, self.workload.trial::<S>()));
        }
    }
}

/// A map with these entries, inserted in their order by one thread.
fn filled<K: Key, V: Value, S: Subject<K, V>>(entries: &Entries<K>) -> S {
    let map = S::new();
    crew::alone(&map, |session| {
        crew::drive(session, entries.iter(), |session, (key, number)| {
            session.upsert(key.clone(), V::of(*number));
        });
    });
    map
}

/// The sum of the numbers: wraps, as the sum of what is answered does.
fn sum<'e, K: 'e>(entries: impl IntoIterator<Item = &'e (K, u64)>) -> u64 {
    entries.into_iter().fold(0, |sum: u64, (_, number)| sum.wrapping_add(*number))
}

/// Counts and sums what is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    count: usize,
    sum: u64,
}

impl Tally {
    #[inline]
    fn add(&mut self, number: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(number);
    }

    /// How far this is from what was to be answered: 1 when the count is right and the sum is not.
    fn wrong(self, count: usize, sum: u64) -> u64 {
        let missing = u64::try_from(self.count.abs_diff(count)).unwrap_or(u64::MAX);
        missing.max(u64::from(self.sum != sum))
    }
}

/// Whether a map holds these entries and no others.
fn audit<K: Key, V: Value, S: Subject<K, V>>(map: &S, entries: &Entries<K>) -> u64 {
    let mut tally = Tally::default();
    crew::alone(map, |session| session.iterate(|number| tally.add(number)));
    tally.wrong(entries.len(), sum(entries.iter()))
}
