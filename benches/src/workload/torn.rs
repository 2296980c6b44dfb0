//! Whether a scan of the whole map sees what belongs together: both halves of a pair of writes, or what was
//! there at one moment.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::seq::SliceRandom;

use super::{Outcome, Trial, Workload, filled};
use crate::crew;
use crate::keys::{self, Entries};
use crate::number::float;
use crate::subject::{Key, Session, Subject, Value};

/// One thread scans; the others write pairs of neighbouring keys, always with equal values. The cost is the
/// share of scans, in per cent, whose sight was not whole.
#[derive(Clone, Debug)]
pub struct Torn<K> {
    /// The map's content: as many entries as make pairs.
    pub entries: Entries<K>,
    /// How many scans.
    pub scans: usize,
    /// How many threads: at least 2.
    pub threads: usize,
    /// What a scan is judged by.
    pub whole: Whole,
}

/// What a scan must see to be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// No pair unequal. Needs scans of one moment, and pairs that are written at one moment, too.
    Pair,
    /// The map as it was at one moment, be it between the two writes of a pair.
    Moment,
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
        let whole = self.whole;
        let mut order: Vec<usize> = (0..sorted.len() / 2).collect();
        if whole == Whole::Moment {
            // Who writes in the order of the keys is overtaken by scans, and so seldom seen out of order.
            order.shuffle(&mut keys::rng(3));
        }
        let pair = |&n: &usize| (sorted[2 * n].0.clone(), sorted[2 * n + 1].0.clone());
        let hands = keys::deal(order.iter().map(pair), writers);
        // Where each writer's pairs are in a scan, in the order in which it writes them.
        let places = keys::deal(order, writers);
        Box::new(move || {
            let map: S = filled(&equal);
            let done = AtomicBool::new(false);
            let mut roles: Vec<_> = hands.iter().cloned().map(Role::Write).collect();
            roles.push(Role::Scan);
            let (_, found) = crew::race(&map, roles, |session, role| match role {
                Role::Write(pairs) => write::<K, V, _>(session, &pairs, &done),
                Role::Scan => {
                    let is_whole = |seen: &[u64]| match whole {
                        Whole::Pair => seen.chunks_exact(2).all(|two| two[0] == two[1]),
                        Whole::Moment => places.iter().all(|pairs| is_of_one_moment(pairs, seen)),
                    };
                    let found = scan(session, scans, length, is_whole);
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
        session.upsert_all([one, two].map(|key| (key.clone(), V::of(stamp))));
    });
    Found::default()
}

/// Whether one writer's pairs can have been so at one moment: it goes round after round, so what it has
/// written in this round comes first, and the rest is of the round before.
fn is_of_one_moment(pairs: &[usize], seen: &[u64]) -> bool {
    let round = |stamp: u64| stamp.div_ceil(pairs.len() as u64);
    let rounds = pairs.iter().flat_map(|pair| [round(seen[2 * pair]), round(seen[2 * pair + 1])]);
    let rounds: Vec<u64> = rounds.collect();
    rounds.is_sorted_by(|one, next| one >= next)
        && rounds.first().zip(rounds.last()).is_none_or(|(first, last)| first - last <= 1)
}

/// Scans. One that misses an entry which is always present is wrong.
fn scan<K, V, S: Session<K, V>>(
    session: &mut S,
    scans: usize,
    length: usize,
    is_whole: impl Fn(&[u64]) -> bool,
) -> Found {
    let mut found = Found::default();
    let mut seen = Vec::with_capacity(length);
    crew::drive(session, 0..scans, |session, _| {
        seen.clear();
        session.iterate(|number| seen.push(number));
        if seen.len() != length {
            found.wrong += 1;
        } else if !is_whole(&seen) {
            found.torn += 1;
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::is_of_one_moment;

    #[test]
    fn a_sight_of_two_moments_is_told_from_one() {
        // Written in the order 1, 0, 2, with the stamps 4, 5, 6 in the second round. In the order of the keys:
        for (seen, whole) in [
            ([0, 0, 0, 0, 0, 0], true),
            ([2, 2, 1, 1, 3, 3], true),
            ([2, 2, 4, 1, 3, 3], true),
            ([5, 2, 4, 4, 3, 3], true),
            ([5, 5, 1, 1, 3, 3], false),
            ([2, 5, 4, 4, 3, 3], false),
            ([2, 2, 4, 4, 6, 6], false),
            ([8, 2, 7, 7, 3, 3], false),
        ] {
            assert_eq!(is_of_one_moment(&[1, 0, 2], &seen), whole, "{seen:?}");
        }
    }
}
