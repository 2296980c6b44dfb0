//! Every single-key call, pop, first, last and nearest is linearizable: thousands of small recorded
//! histories, each checked. Blocks are tiny, so that leaves split, freeze and are absorbed all the
//! time. That the checker rejects wrong maps is shown in `linearizability/tests/checker.rs`.
//!
//! `COM_STRESS_SCALE` (percent) scales the number of histories, `COM_STRESS_SEED` sets the seed.

use std::ops::Bound;

use crossbeam_skiplist::SkipMap;
use linearizability::map_spec::{Op, Ret, Subject};
use linearizability::ours::{Ours, Strings};
use linearizability::plan::{ALL_KINDS, BATCHES, CHURN, ENDS, Kind, SNAPSHOTS, Weights};
use linearizability::run::{Config, run_histories};

/// The peer: it has no update, no compare-exchange, and its insertion does not answer the old value,
/// so that only the calls below can be compared.
struct Peer(SkipMap<u8, u32>);

const PEER_KINDS: Weights = &[(Kind::Get, 4), (Kind::Remove, 4), (Kind::First, 1), (Kind::Last, 1)];

impl Subject for Peer {
    fn new() -> Self {
        Self(SkipMap::new())
    }

    fn apply(&self, op: &Op) -> Ret {
        let entry =
            |found: crossbeam_skiplist::map::Entry<'_, u8, u32>| (*found.key(), *found.value());
        match *op {
            Op::Get(k) => Ret::Value(self.0.get(&k).map(|found| *found.value())),
            Op::Remove(k) => Ret::Value(self.0.remove(&k).map(|found| *found.value())),
            Op::First => Ret::Entry(self.0.front().map(entry)),
            Op::Last => Ret::Entry(self.0.back().map(entry)),
            Op::LowerBound(k) => Ret::Entry(self.0.lower_bound(Bound::Included(&k)).map(entry)),
            // Only in the set-up of a history, where no key is there before.
            Op::Insert(k, v) => {
                self.0.insert(k, v);
                Ret::Value(None)
            }
            _ => unreachable!("{op:?} is not generated for the peer"),
        }
    }
}

fn scaled(histories: u64) -> Config {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>());
    let percent =
        number("COM_STRESS_SCALE").map_or(100, |n| n.expect("COM_STRESS_SCALE: a number"));
    let seed = number("COM_STRESS_SEED").map_or(1, |n| n.expect("COM_STRESS_SEED: a number"));
    Config { histories: (histories * percent / 100).max(100), seed, ..Config::default() }
}

fn assert_linearizable<S: Subject>(what: &str, config: Config) {
    let report = run_histories::<S>(config).unwrap();
    println!("{what}: {report}");
    assert!(report.overlapping_pairs > 0, "nothing ran at the same time");
}

#[test]
fn all_calls_on_the_smallest_blocks() {
    assert_linearizable::<Ours<2, 4>>("2 slots, 8 keys", Config { keys: 8, ..scaled(4_000) });
    assert_linearizable::<Ours<2, 4>>("2 slots, 4 keys", Config { keys: 4, ..scaled(4_000) });
}

#[test]
fn all_calls_on_small_blocks() {
    let config = Config { threads: 4, ops_per_thread: 5, keys: 6, ..scaled(4_000) };
    assert_linearizable::<Ours<3, 4>>("3 slots, 4 threads", config);
}

#[test]
fn all_calls_on_blocks_of_the_usual_size() {
    let config = Config { threads: 2, ops_per_thread: 8, keys: 3, ..scaled(3_000) };
    assert_linearizable::<Ours<28, 60>>("28 slots", config);
}

#[test]
fn insertions_and_removals_that_split_and_absorb() {
    let config = Config { ops_per_thread: 8, keys: 8, weights: CHURN, ..scaled(4_000) };
    assert_linearizable::<Ours<2, 4>>("churn", config);
}

#[test]
fn pops_against_insertions_at_the_ends() {
    let config = Config { keys: 6, weights: ENDS, ..scaled(4_000) };
    assert_linearizable::<Ours<2, 4>>("pops, 2 slots", config);
    assert_linearizable::<Ours<28, 60>>("pops, 28 slots", config);
}

#[test]
fn snapshots_against_writes() {
    let config = Config { ops_per_thread: 6, keys: 6, weights: SNAPSHOTS, ..scaled(6_000) };
    assert_linearizable::<Ours<2, 4>>("snapshots, 2 slots", config);
    assert_linearizable::<Ours<28, 60>>("snapshots, 28 slots", config);
}

#[test]
fn batches_against_everything() {
    let config = Config { ops_per_thread: 6, keys: 8, weights: BATCHES, ..scaled(6_000) };
    assert_linearizable::<Ours<2, 4>>("batches, 2 slots", config);
    assert_linearizable::<Ours<28, 60>>("batches, 28 slots", config);
    let config = Config { ops_per_thread: 8, keys: 12, weights: BATCHES, ..scaled(3_000) };
    assert_linearizable::<Ours<4, 4, Strings>>("batches, strings, 4 slots", config);
}

/// Leaves of four slots are the smallest whose strings get a prefix of their own.
#[test]
fn strings_that_begin_alike() {
    let config = Config { ops_per_thread: 10, keys: 12, ..scaled(4_000) };
    assert_linearizable::<Ours<4, 4, Strings>>("strings, 4 slots", config);
    let config = Config { ops_per_thread: 10, keys: 12, weights: CHURN, ..scaled(4_000) };
    assert_linearizable::<Ours<5, 4, Strings>>("strings, 5 slots", config);
}

#[test]
fn what_the_peer_fails_is_told() {
    let config = Config { keys: 3, weights: PEER_KINDS, ..scaled(2_000) };
    match run_histories::<Peer>(config) {
        Ok(report) => println!("crossbeam-skiplist passed this time: {report}"),
        Err(failure) => println!("crossbeam-skiplist 0.1.3 fails: {failure:?}"),
    }
    assert_linearizable::<Ours<28, 60>>("ours, the same calls", config);
    assert_eq!(ALL_KINDS.len(), 17, "a new kind of call needs a place in the tests above");
}
