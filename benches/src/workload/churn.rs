//! Removals, each followed by an insertion of the same key.

use super::{Outcome, Trial, Workload, audit, filled};
use crate::crew;
use crate::keys::{self, Entries, Skew};
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// `calls` removals and insertions together. No two threads touch the same key, so every removal must
/// find its own.
#[derive(Clone, Debug)]
pub struct Churn<K> {
    /// The map's content, before and after.
    pub entries: Entries<K>,
    /// How many calls all threads make together.
    pub calls: usize,
    /// How many threads.
    pub threads: usize,
}

impl<K: Key> Churn<K> {
    /// For each thread, entries of its own, each as often as comes.
    fn hands<V: Value>(&self) -> Vec<Vec<(K, V)>> {
        let own = keys::deal(self.entries.iter().cloned(), self.threads);
        let pairs = (self.calls / 2).div_ceil(self.threads);
        let hand = |own: Vec<(K, u64)>| {
            let drawn = keys::draws(&own, Skew::Uniform, pairs, 1);
            drawn.into_iter().flatten().map(|(key, number)| (key, V::of(number))).collect()
        };
        own.into_iter().map(hand).collect()
    }
}

impl<K: Key, V: Value> Workload<K, V> for Churn<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let hands = self.hands::<V>();
        let calls = 2 * hands.iter().map(Vec::len).sum::<usize>();
        let entries = self.entries.clone();
        Box::new(move || {
            let (time, missed) = crew::race(&map, hands.clone(), |session, hand| {
                let mut missed = 0;
                crew::drive(session, hand, |session, (key, value)| {
                    missed += u64::from(!session.remove(&key));
                    session.upsert(key, value);
                });
                missed
            });
            let wrong = missed.iter().sum::<u64>() + audit(&map, &entries);
            Outcome { cost: nanos(time) / float(calls), wrong }
        })
    }
}
