//! Short scans from keys that are there.

use std::hint::black_box;

use super::get::total;
use super::{Outcome, Tally, Trial, Workload, filled};
use crate::crew;
use crate::keys::{self, Entries, Skew};
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// Scans of `length` entries until `visits` have been visited. The cost is that of one entry.
#[derive(Clone, Debug)]
pub struct Scan<K> {
    /// The map's content.
    pub entries: Entries<K>,
    /// How many entries a scan visits.
    pub length: usize,
    /// How many entries all threads visit together.
    pub visits: usize,
    /// How many threads.
    pub threads: usize,
}

impl<K: Key> Scan<K> {
    /// For each thread, the keys that its scans start from: each has `length` entries from there on.
    fn starts(&self) -> (Vec<Vec<(K, u64)>>, u64) {
        let length = self.length.min(self.entries.len());
        let mut sorted = keys::ascending(&self.entries);
        let mut sums: Vec<u64> = vec![0];
        for (_, number) in &sorted {
            sums.push(sums[sums.len() - 1].wrapping_add(*number));
        }
        sorted.truncate(self.entries.len() - length + 1);
        for (start, entry) in sorted.iter_mut().enumerate() {
            entry.1 = sums[start + length].wrapping_sub(sums[start]);
        }
        let count = self.visits.div_ceil(length);
        let starts = keys::draws(&sorted, Skew::Uniform, count, self.threads);
        let expected = starts.iter().map(|starts| super::sum(starts)).fold(0, u64::wrapping_add);
        (starts, expected)
    }
}

impl<K: Key, V: Value> Workload<K, V> for Scan<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let length = self.length.min(self.entries.len());
        let (starts, expected) = self.starts();
        let visits = length * starts.iter().map(Vec::len).sum::<usize>();
        Box::new(move || {
            let inputs: Vec<_> = starts.iter().map(Vec::as_slice).collect();
            let (time, tallies) = crew::race(&map, inputs, |session, starts| {
                let mut tally = Tally::default();
                crew::drive(session, starts, |session, (key, _)| {
                    session.scan(black_box(key), length, |number| tally.add(number));
                });
                tally
            });
            let wrong = total(&tallies).wrong(visits, expected);
            Outcome { cost: nanos(time) / float(visits), wrong }
        })
    }
}
