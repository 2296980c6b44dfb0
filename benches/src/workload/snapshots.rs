//! What snapshots cost those who write.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use concurrent_ordered_map::{ConcurrentOrderedMap, Snapshot};

use super::{Named, Outcome, Trial};
use crate::keys::{self, Entries, Skew};
use crate::number::{float, nanos};
use crate::subjects;

/// How often a snapshot takes the place of the last one.
const EVERY: Duration = Duration::from_millis(1);

/// Upserts of keys that are there, beside snapshots. For our map alone.
#[derive(Clone, Debug)]
pub struct Snapshots {
    /// The map's content.
    pub entries: Entries<u64>,
    /// How many calls all threads make together.
    pub calls: usize,
    /// How many threads write.
    pub threads: usize,
}

/// Which snapshots are alive.
#[derive(Clone, Copy)]
enum Alive {
    None,
    /// One that was taken of the full map.
    Old,
    /// One that is replaced by the next every millisecond, by another thread.
    Young,
}

impl Snapshots {
    /// The three ways, as far as they are wanted.
    #[must_use]
    pub fn trials(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Named> {
        let [old, young] = subjects::BESIDE_SNAPSHOTS;
        let ways = [(subjects::OURS, Alive::None), (old, Alive::Old), (young, Alive::Young)];
        let wanted = ways.into_iter().filter(|(name, _)| wanted(name));
        wanted.map(|(name, alive)| (name, self.trial(alive))).collect()
    }

    fn trial(&self, alive: Alive) -> Trial {
        let map: ConcurrentOrderedMap<u64, u64> = self.entries.iter().copied().collect();
        let map = std::sync::Arc::new(map);
        let old = matches!(alive, Alive::Old).then(|| Snapshot::of(map.clone()));
        let sum: u64 = self.entries.iter().fold(0, |sum, entry| sum.wrapping_add(entry.1));
        let (calls, entries) = (self.calls, self.entries.len());
        let hands = keys::draws(&self.entries, Skew::Uniform, calls, self.threads);
        Box::new(move || {
            let busy = &AtomicUsize::new(hands.len());
            let map = &map;
            let time = std::thread::scope(|scope| {
                // Before the first write, so that there is one however short the trial is.
                let mut young = matches!(alive, Alive::Young).then(|| map.snapshot());
                let begin = Instant::now();
                let spawn = |hand| scope.spawn(move || write(map, hand, busy));
                let writers = hands.iter().map(Vec::as_slice).map(spawn).collect::<Vec<_>>();
                while young.is_some() && busy.load(Ordering::Acquire) > 0 {
                    std::thread::sleep(EVERY);
                    young = Some(map.snapshot());
                }
                let ends = writers.into_iter().map(|writer| writer.join().expect("a writer"));
                ends.max().expect("there are writers") - begin
            });
            // A write gives a key the value that it has, so that each way of looking has one right answer.
            let now = map.snapshot();
            let looks = [Some(&now), old.as_ref()].into_iter().flatten();
            let right = |seen: &Snapshot<'_, u64, u64>| {
                let total = seen.values().fold(0_u64, |sum, value| sum.wrapping_add(*value));
                total == sum && seen.len() == entries
            };
            let wrong = looks.filter(|seen| !right(seen)).count();
            Outcome { cost: nanos(time) / float(calls), wrong: u64::from(wrong > 0) }
        })
    }
}

/// Writes all, and answers when that was done.
fn write(map: &ConcurrentOrderedMap<u64, u64>, hand: &[(u64, u64)], busy: &AtomicUsize) -> Instant {
    let mut session = map.pin();
    for (n, (key, value)) in hand.iter().enumerate() {
        if n % 64 == 63 {
            session.repin();
        }
        session.insert(*key, *value);
    }
    drop(session);
    busy.fetch_sub(1, Ordering::Release);
    Instant::now()
}
