//! Upserts of several keys together.

use super::{Outcome, Trial, Workload, audit, filled};
use crate::crew;
use crate::keys::{self, Entries, Skew};
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// Batches of upserts, of keys from all over the map, which set the values that the keys have.
#[derive(Clone, Debug)]
pub struct Batches<K> {
    /// The map's content, before and after.
    pub entries: Entries<K>,
    /// How many keys a batch has.
    pub size: usize,
    /// How many keys all threads write together.
    pub calls: usize,
    /// How many threads.
    pub threads: usize,
}

impl<K: Key, V: Value> Workload<K, V> for Batches<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let drawn = keys::draws(&self.entries, Skew::Uniform, self.calls, self.threads);
        let entry = |(key, number): &(K, u64)| (key.clone(), V::of(*number));
        let hand = |drawn: Vec<(K, u64)>| -> Vec<Vec<(K, V)>> {
            drawn.chunks(self.size).map(|batch| batch.iter().map(entry).collect()).collect()
        };
        let hands: Vec<_> = drawn.into_iter().map(hand).collect();
        let calls = hands.iter().flatten().map(Vec::len).sum::<usize>();
        let entries = self.entries.clone();
        Box::new(move || {
            let (time, _) = crew::race(&map, hands.clone(), |session, hand| {
                crew::drive(session, hand, |session, batch| session.upsert_all(batch));
            });
            Outcome { cost: nanos(time) / float(calls), wrong: audit(&map, &entries) }
        })
    }
}
