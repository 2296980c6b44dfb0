//! Whether a scan of the whole map sees one half of a pair of writes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Outcome, Trial, Workload, filled};
use crate::crew;
use crate::keys::{self, Entries};
use crate::number::float;
use crate::subject::{Key, Session, Subject, Value};

/// One thread scans; the others write pairs of neighbouring keys, always with equal values. The cost is the
/// share of scans, in per cent, that saw a pair unequal.
#[derive(Clone, Debug)]
pub struct Torn<K> {
    /// The map's content: as many entries as make pairs.
    pub entries: Entries<K>,
    /// How many scans.
    pub scans: usize,
    /// How many threads: at least 2.
    pub threads: usize,
}

/// What a thread does.
enum Role<K> {
    Scan,
    Write(Vec<(K, K)>),
}

/// What a thread found. Writers find nothing.
#[derive(Default)]
struct Found {
    torn: usize,
    wrong: u64,
}

impl<K: Key, V: Value> Workload<K, V> for Torn<K> {
    fn threads(&self) -> usize {
        self.threads.max(2)
    }

    fn trial<S: Subject<K, V>>(&self) -> Trial {
        let equal: Entries<K> = self.entries.iter().map(|(key, _)| (key.clone(), 0)).collect();
        let (scans, length) = (self.scans, equal.len());
        let writers = <Self as Workload<K, V>>::threads(self) - 1;
        let sorted = keys::ascending(&equal);
        let pairs = sorted.chunks_exact(2).map(|two| (two[0].0.clone(), two[1].0.clone()));
        let hands = keys::deal(pairs, writers);
        Box::new(move || {
            let map: S = filled(&equal);
            let done = AtomicBool::new(false);
            let mut roles: Vec<_> = hands.iter().cloned().map(Role::Write).collect();
            roles.push(Role::Scan);
            let (_, found) = crew::race(&map, roles, |session, role| match role {
                Role::Write(pairs) => write::<K, V, _>(session, &pairs, &done),
                Role::Scan => {
                    let found = scan(session, scans, length);
                    done.store(true, Ordering::Relaxed);
                    found
                }
            });
            let torn = found.iter().map(|found| found.torn).sum();
            let wrong = found.iter().map(|found| found.wrong).sum();
            Outcome { cost: 100.0 * float(torn) / float(scans), wrong }
        })
    }
}

/// Gives both of a pair the same new value, pair after pair, until the scans are done.
fn write<K: Key, V: Value, S: Session<K, V>>(
    session: &mut S,
    pairs: &[(K, K)],
    done: &AtomicBool,
) -> Found {
    let rounds = pairs.iter().cycle().zip(1..).take_while(|_| !done.load(Ordering::Relaxed));
    crew::drive(session, rounds, |session, ((one, two), stamp)| {
        session.upsert_pair((one.clone(), V::of(stamp)), (two.clone(), V::of(stamp)));
    });
    Found::default()
}

/// Scans. One that misses an entry which is always present is wrong.
fn scan<K, V, S: Session<K, V>>(session: &mut S, scans: usize, length: usize) -> Found {
    let mut found = Found::default();
    let mut seen = Vec::with_capacity(length);
    crew::drive(session, 0..scans, |session, _| {
        seen.clear();
        session.iterate(|number| seen.push(number));
        if seen.len() != length {
            found.wrong += 1;
        } else if seen.chunks_exact(2).any(|two| two[0] != two[1]) {
            found.torn += 1;
        }
    });
    found
}
