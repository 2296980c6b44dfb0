//! Gets and upserts, of keys that are always there.

use std::hint::black_box;

use rand::RngExt;

use super::get::total;
use super::{Outcome, Tally, Trial, Workload, filled};
use crate::crew;
use crate::keys::{self, Entries, Skew};
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// `calls` gets and upserts. An upsert sets the value that the key has, so that each get has one right answer.
#[derive(Clone, Debug)]
pub struct Mixed<K> {
    /// The map's content.
    pub entries: Entries<K>,
    /// Which keys are chosen.
    pub skew: Skew,
    /// How many calls of a hundred are upserts.
    pub upserts: u32,
    /// How many calls all threads make together.
    pub calls: usize,
    /// How many threads.
    pub threads: usize,
}

/// One call.
#[derive(Clone)]
enum Step<K, V> {
    Get(K),
    Upsert(K, V),
}

/// A thread's calls, and what its gets must answer.
#[derive(Clone)]
struct Plan<K, V> {
    steps: Vec<Step<K, V>>,
    expected: Tally,
}

impl<K: Key> Mixed<K> {
    fn plans<V: Value>(&self) -> Vec<Plan<K, V>> {
        let mut rng = keys::rng(2);
        let mut plan = |drawn: Vec<(K, u64)>| {
            let mut expected = Tally::default();
            let step = |(key, number)| {
                if rng.random_ratio(self.upserts, 100) {
                    return Step::Upsert(key, V::of(number));
                }
                expected.add(number);
                Step::Get(key)
            };
            let steps = drawn.into_iter().map(step).collect();
            Plan { steps, expected }
        };
        let drawn = keys::draws(&self.entries, self.skew, self.calls, self.threads);
        drawn.into_iter().map(&mut plan).collect()
    }
}

impl<K: Key, V: Value> Workload<K, V> for Mixed<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let map: S = filled(&self.entries);
        let plans = self.plans::<V>();
        let calls = plans.iter().map(|plan| plan.steps.len()).sum();
        let expected = total(&plans.iter().map(|plan| plan.expected).collect::<Vec<_>>());
        Box::new(move || {
            let (time, tallies) = crew::race(&map, plans.clone(), |session, plan| {
                let mut tally = Tally::default();
                crew::drive(session, plan.steps, |session, step| match step {
                    Step::Upsert(key, value) => session.upsert(key, value),
                    Step::Get(key) => {
                        if let Some(number) = session.get(black_box(&key)) {
                            tally.add(number);
                        }
                    }
                });
                tally
            });
            let wrong = total(&tallies).wrong(expected.count, expected.sum);
            Outcome { cost: nanos(time) / float(calls), wrong }
        })
    }
}
