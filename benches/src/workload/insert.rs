//! Filling an empty map.

use std::time::Duration;

use super::{Outcome, Trial, Workload, audit};
use crate::crew;
use crate::keys::{self, Entries};
use crate::number::{float, nanos};
use crate::subject::{Key, Session, Subject, Value};

/// In which order keys arrive.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Shuffled.
    Shuffled,
    /// Ascending. Several threads take turns, so all work at the map's end, as writers of a log do.
    Ascending,
}

/// One insertion of each entry, by all threads together, into a new map each time.
#[derive(Clone, Debug)]
pub struct Insert<K> {
    /// What is inserted.
    pub entries: Entries<K>,
    /// In which order.
    pub order: Order,
    /// How many calls to make at least: small maps are filled several times.
    pub calls: usize,
    /// By how many threads.
    pub threads: usize,
}

impl<K: Key> Insert<K> {
    fn hands<V: Value>(&self) -> Vec<Vec<(K, V)>> {
        let entries = match self.order {
            Order::Shuffled => self.entries.to_vec(),
            Order::Ascending => keys::ascending(&self.entries),
        };
        keys::deal(entries.into_iter().map(|(key, number)| (key, V::of(number))), self.threads)
    }
}

impl<K: Key, V: Value> Workload<K, V> for Insert<K> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let (hands, entries) = (self.hands::<V>(), self.entries.clone());
        let fills = (self.calls / entries.len()).max(1);
        Box::new(move || {
            let (mut time, mut wrong) = (Duration::ZERO, 0);
            for _ in 0..fills {
                let map = S::new();
                let (once, _) = crew::race(&map, hands.clone(), |session, hand| {
                    crew::drive(session, hand, |session, (key, value)| session.upsert(key, value));
                });
                time += once;
                wrong += audit(&map, &entries);
            }
            Outcome { cost: nanos(time) / float(fills * entries.len()), wrong }
        })
    }
}
