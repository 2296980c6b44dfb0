//! Iterations over the whole map.

use super::get::total;
use super::{Outcome, Tally, Trial, Workload, filled, sum};
use crate::crew;
use crate::keys::Entries;
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// What the cost is that of.
#[derive(Clone, Copy, Debug)]
pub enum Per {
    /// One entry visited.
    Entry,
    /// One iteration.
    Iteration,
}

/// Iterations until `visits` entries have been visited.
#[derive(Clone, Debug)]
pub struct Iterate<K> {
    /// The map's content.
    pub entries: Entries<K>,
    /// How many entries all threads visit together.
    pub visits: usize,
    /// What the cost is that of.
    pub per: Per,
    /// How many threads.
    pub threads: usize,
}

impl<K: Key, V: Value> Workload<K, V> for Iterate<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let (length, threads, per) = (self.entries.len(), self.threads, self.per);
        let each = self.visits.div_ceil(length).div_ceil(threads);
        let once = sum(self.entries.iter());
        Box::new(move || {
            let (time, tallies) = crew::race(&map, vec![each; threads], |session, times| {
                let mut tally = Tally::default();
                crew::drive(session, 0..times, |session, _| {
                    session.iterate(|number| tally.add(number));
                });
                tally
            });
            let iterations = each * threads;
            let expected = (0..iterations).fold(0, |all: u64, _| all.wrapping_add(once));
            let calls = match per {
                Per::Entry => iterations * length,
                Per::Iteration => iterations,
            };
            let wrong = total(&tallies).wrong(iterations * length, expected);
            Outcome { cost: nanos(time) / float(calls), wrong }
        })
    }
}
