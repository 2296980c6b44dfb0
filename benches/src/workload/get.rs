//! Gets of keys that are there.

use std::hint::black_box;
use std::sync::Arc;

use super::{Outcome, Tally, Trial, Workload, filled, sum};
use crate::crew;
use crate::keys::{self, Entries, Skew};
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// `calls` gets by all threads together.
#[derive(Clone, Debug)]
pub struct Get<K> {
    entries: Entries<K>,
    /// What each thread asks for. One for all subjects: where it lies in memory costs as much as a get does,
    /// and the first to be made fills the gaps that earlier rows have left.
    probes: Arc<[Vec<(K, u64)>]>,
}

impl<K: Clone> Get<K> {
    /// `calls` gets by all `threads` together of keys that are drawn from the map's content.
    #[must_use]
    pub fn new(entries: Entries<K>, skew: Skew, calls: usize, threads: usize) -> Self {
        let probes = keys::draws(&entries, skew, calls, threads).into();
        Self { entries, probes }
    }
}

impl<K: Key, V: Value> Workload<K, V> for Get<K> {
    fn threads(&self) -> usize {
        self.probes.len()
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let probes = Arc::clone(&self.probes);
        let calls = probes.iter().map(Vec::len).sum();
        let expected = probes.iter().map(|probes| sum(probes)).fold(0, u64::wrapping_add);
        Box::new(move || {
            let inputs: Vec<_> = probes.iter().map(Vec::as_slice).collect();
            let (time, tallies) = crew::race(&map, inputs, |session, probes| {
                let mut tally = Tally::default();
                crew::drive(session, probes, |session, (key, _)| {
                    if let Some(number) = session.get(black_box(key)) {
                        tally.add(number);
                    }
                });
                tally
            });
            let found = total(&tallies);
            Outcome { cost: nanos(time) / float(calls), wrong: found.wrong(calls, expected) }
        })
    }
}

/// What several threads have answered together.
pub(super) fn total(tallies: &[Tally]) -> Tally {
    tallies.iter().fold(Tally::default(), |all, one| Tally {
        count: all.count + one.count,
        sum: all.sum.wrapping_add(one.sum),
    })
}
