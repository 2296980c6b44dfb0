//! A queue by priority: all threads take the first entry.

use std::time::Duration;

use super::get::total;
use super::{Outcome, Tally, Trial, Workload, filled, sum};
use crate::crew;
use crate::keys::{self, Entries};
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// Pops a quarter of the entries. They are put back, off the clock.
#[derive(Clone, Debug)]
pub struct Pop<K> {
    /// The map's content, before and after.
    pub entries: Entries<K>,
    /// How many calls to make at least: small maps are drawn from several times.
    pub calls: usize,
    /// How many threads.
    pub threads: usize,
}

impl<K: Key, V: Value> Workload<K, V> for Pop<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let threads = self.threads;
        let each = (self.entries.len() / 4).max(threads) / threads;
        let mut first = keys::ascending(&self.entries);
        first.truncate(each * threads);
        let turns = (self.calls / first.len()).max(1);
        Box::new(move || {
            let (mut time, mut wrong) = (Duration::ZERO, 0);
            for _ in 0..turns {
                let (once, tallies) = crew::race(&map, vec![each; threads], take::<K, V, S>);
                time += once;
                wrong += total(&tallies).wrong(first.len(), sum(&first));
                put_back::<K, V, S>(&map, &first);
            }
            Outcome { cost: nanos(time) / float(turns * first.len()), wrong }
        })
    }
}

fn take<K, V, S: Subject<K, V>>(session: &mut S::Session<'_>, times: usize) -> Tally {
    let mut tally = Tally::default();
    crew::drive(session, 0..times, |session, _| {
        if let Some(number) = session.pop_first() {
            tally.add(number);
        }
    });
    tally
}

fn put_back<K: Key, V: Value, S: Subject<K, V>>(map: &S, entries: &[(K, u64)]) {
    crew::alone(map, |session| {
        crew::drive(session, entries, |session, (key, number)| {
            session.upsert(key.clone(), V::of(*number));
        });
    });
}
