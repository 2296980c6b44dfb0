//! How long single upserts take: the slow ones.

use std::time::Instant;

use super::{Outcome, Trial, Workload, audit, filled};
use crate::crew;
use crate::keys::{self, Entries, Skew};
use crate::number::{nanos, quantile};
use crate::subject::{Key, Session, Subject, Value};

/// Upserts of keys that are there, each timed. The cost is what 999 of 1,000 stay within.
#[derive(Clone, Debug)]
pub struct Latency<K> {
    /// The map's content.
    pub entries: Entries<K>,
    /// How many calls all threads make together.
    pub calls: usize,
    /// How many threads.
    pub threads: usize,
}

impl<K: Key, V: Value> Workload<K, V> for Latency<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let drawn = keys::draws(&self.entries, Skew::Uniform, self.calls, self.threads);
        let entries = self.entries.clone();
        Box::new(move || {
            let inputs: Vec<Vec<_>> = drawn
                .iter()
                .map(|drawn| drawn.iter().map(|(key, n)| (key.clone(), V::of(*n))).collect())
                .collect();
            let (_, times) = crew::race(&map, inputs, |session, calls| {
                let mut times = vec![0.0; calls.len()];
                crew::drive(session, calls.into_iter().zip(&mut times), |session, (call, time)| {
                    let (key, value) = call;
                    let begin = Instant::now();
                    session.upsert(key, value);
                    *time = nanos(begin.elapsed());
                });
                times
            });
            let mut times = times.concat();
            Outcome { cost: quantile(&mut times, 999), wrong: audit(&map, &entries) }
        })
    }
}
