//! The rows of the ratio table: each a workload under a name.

use std::path::PathBuf;
use std::sync::Arc;

use crate::keys::{self, Entries, Skew};
use crate::subject::{Key, Value};
use crate::subjects;
use crate::weight::{Moment, Weight};
use crate::workload::{
    Churn, Gather, Get, Insert, Iterate, Latency, Mixed, Named, Order, Per, Pop, Scan, Snapshots,
    Torn, Whole, Workload,
};

/// How large and how long.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Entries in the map.
    pub entries: usize,
    /// Calls that all threads make together in one trial.
    pub calls: usize,
    /// Threads, where a row does not say that it has one.
    pub threads: usize,
    /// The program that weighs maps.
    pub tool: PathBuf,
}

/// What a row's figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds of wall time: divided by the calls of all threads, if the row does not say otherwise.
    Nanos,
    /// Bytes an entry. The same in every run, so one round is enough.
    Bytes,
    /// Per cent of scans.
    Percent,
}

impl Unit {
    /// As tables and plots write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Bytes => "bytes",
            Self::Percent => "%",
        }
    }
}

/// Which subjects are wanted, by name.
pub type Wanted<'w> = &'w dyn Fn(&str) -> bool;

/// A row.
#[derive(Debug)]
pub struct Row {
    /// Its name in flags and floors.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What its figures are.
    pub unit: Unit,
    /// Makes the trials of all wanted subjects, with their maps filled.
    pub trials: fn(&Scale, Wanted) -> Vec<Named>,
}

/// A row with times.
const fn timed(
    id: &'static str,
    title: &'static str,
    trials: fn(&Scale, Wanted) -> Vec<Named>,
) -> Row {
    Row { id, title, unit: Unit::Nanos, trials }
}

/// A row with bytes.
const fn weighed(
    id: &'static str,
    title: &'static str,
    trials: fn(&Scale, Wanted) -> Vec<Named>,
) -> Row {
    Row { id, title, unit: Unit::Bytes, trials }
}

/// All rows, in the order of the table.
pub static ROWS: [Row; 27] = [
    timed("get-1", "get hit, 1 thread", |scale, wanted| {
        numbers(&get(&Scale { threads: 1, ..scale.clone() }, Skew::Uniform), wanted)
    }),
    timed("get", "get hit", |scale, wanted| numbers(&get(scale, Skew::Uniform), wanted)),
    timed("get-zipf", "get hit, zipfian", |scale, wanted| numbers(&get(scale, Skew::Zipf), wanted)),
    timed("mixed-5", "95 % get, 5 % upsert", |scale, wanted| {
        numbers(&mixed(scale, Skew::Uniform, 5), wanted)
    }),
    timed("mixed-50", "50 % get, 50 % upsert", |scale, wanted| {
        numbers(&mixed(scale, Skew::Uniform, 50), wanted)
    }),
    timed("mixed-50-zipf", "50 % get, 50 % upsert, zipfian", |scale, wanted| {
        numbers(&mixed(scale, Skew::Zipf, 50), wanted)
    }),
    timed("churn", "insert + remove churn", |scale, wanted| {
        let (entries, calls, threads) = (integers(scale), scale.calls, scale.threads);
        numbers(&Churn { entries, calls, threads }, wanted)
    }),
    timed("insert", "insert shuffled", |scale, wanted| {
        numbers(&insert(scale, integers(scale), Order::Shuffled), wanted)
    }),
    timed("insert-ascending", "insert ascending", |scale, wanted| {
        numbers(&insert(scale, integers(scale), Order::Ascending), wanted)
    }),
    timed("scan-100", "scan 100, an entry", |scale, wanted| {
        let (entries, visits, threads) = (integers(scale), 4 * scale.calls, scale.threads);
        numbers(&Scan { entries, length: 100, visits, threads }, wanted)
    }),
    timed("iterate", "full iteration, an entry, 1 thread", |scale, wanted| {
        let (entries, visits) = (integers(scale), 4 * scale.calls);
        numbers(&Iterate { entries, visits, per: Per::Entry, threads: 1 }, wanted)
    }),
    timed("pop-first", "pop first", |scale, wanted| {
        let (entries, calls, threads) = (integers(scale), scale.calls / 4, scale.threads);
        numbers(&Pop { entries, calls, threads }, wanted)
    }),
    timed("upsert-p999", "upsert, p99.9 of latency", |scale, wanted| {
        let (entries, calls, threads) = (integers(scale), scale.calls, scale.threads);
        numbers(&Latency { entries, calls, threads }, wanted)
    }),
    weighed("bytes-shuffled", "bytes an entry, shuffled", |scale, wanted| {
        numbers(&weight(scale, Moment::Shuffled), wanted)
    }),
    weighed("bytes-ascending", "bytes an entry, ascending", |scale, wanted| {
        numbers(&weight(scale, Moment::Ascending), wanted)
    }),
    weighed("bytes-removed", "bytes an entry left when all are removed", |scale, wanted| {
        numbers(&weight(scale, Moment::Removed), wanted)
    }),
    weighed("bytes-dropped", "bytes an entry left when the map is dropped", |scale, wanted| {
        numbers(&weight(scale, Moment::Dropped), wanted)
    }),
    timed("string-get", "16-24 byte strings: get hit", |scale, wanted| {
        strings(&get_of(scale, keys::entries(scale.entries, keys::string)), wanted)
    }),
    timed("string-insert", "16-24 byte strings: insert shuffled", |scale, wanted| {
        let entries = keys::entries(scale.entries, keys::string);
        strings(&insert(scale, entries, Order::Shuffled), wanted)
    }),
    timed("prefix-get", "the same with 10 bytes in common: get hit", |scale, wanted| {
        strings(&get_of(scale, keys::entries(scale.entries, keys::prefixed)), wanted)
    }),
    timed("prefix-insert", "the same with 10 bytes in common: insert shuffled", |scale, wanted| {
        let entries = keys::entries(scale.entries, keys::prefixed);
        strings(&insert(scale, entries, Order::Shuffled), wanted)
    }),
    timed("small-get", "20 entries, String to Arc: get", |scale, wanted| {
        small(&get_of(scale, twenty()), wanted)
    }),
    timed("small-scan", "20 entries, String to Arc: scan all, a scan", |scale, wanted| {
        let (entries, visits, threads) = (twenty(), 4 * scale.calls, scale.threads);
        small(&Iterate { entries, visits, per: Per::Iteration, threads }, wanted)
    }),
    timed("small-churn", "20 entries, String to Arc: insert + remove", |scale, wanted| {
        let (entries, calls, threads) = (twenty(), scale.calls, scale.threads);
        small(&Churn { entries, calls, threads }, wanted)
    }),
    Row {
        id: "torn",
        title: "scans of 1,000 entries torn by paired writes",
        unit: Unit::Percent,
        trials: |scale, wanted| {
            let entries = keys::entries(1_000, keys::number);
            let (scans, threads) = ((scale.calls / 200).clamp(20, 2_000), scale.threads);
            scanned(&Torn { entries, scans, threads, whole: Whole::Pair }, wanted)
        },
    },
    Row {
        id: "adrift",
        title: "scans of 1,000 entries that are of no one moment",
        unit: Unit::Percent,
        trials: |scale, wanted| {
            let entries = keys::entries(1_000, keys::number);
            let (scans, threads) = ((scale.calls / 200).clamp(20, 2_000), scale.threads);
            scanned(&Torn { entries, scans, threads, whole: Whole::Moment }, wanted)
        },
    },
    timed("beside-snapshots", "upsert beside snapshots", |scale, wanted| {
        let (entries, calls, threads) = (integers(scale), scale.calls, scale.threads);
        Snapshots { entries, calls, threads }.trials(wanted)
    }),
];

fn integers(scale: &Scale) -> Entries<u64> {
    keys::entries(scale.entries, keys::number)
}

/// What a pool keeps of its connections.
fn twenty() -> Entries<String> {
    keys::entries(20, keys::string)
}

fn get(scale: &Scale, skew: Skew) -> Get<u64> {
    Get::new(integers(scale), skew, scale.calls, scale.threads)
}

fn get_of<K: Clone>(scale: &Scale, entries: Entries<K>) -> Get<K> {
    Get::new(entries, Skew::Uniform, scale.calls, scale.threads)
}

fn mixed(scale: &Scale, skew: Skew, upserts: u32) -> Mixed<u64> {
    let (entries, calls, threads) = (integers(scale), scale.calls, scale.threads);
    Mixed { entries, skew, upserts, calls, threads }
}

fn insert<K>(scale: &Scale, entries: Entries<K>, order: Order) -> Insert<K> {
    Insert { entries, order, calls: scale.calls / 4, threads: scale.threads }
}

fn weight(scale: &Scale, moment: Moment) -> Weight {
    Weight { moment, entries: scale.entries, tool: scale.tool.clone() }
}

/// The workload's trials on maps from numbers to numbers.
pub fn numbers(workload: &impl Workload<u64, u64>, wanted: Wanted) -> Vec<Named> {
    general(workload, wanted)
}

/// The same, with ours by snapshots.
pub fn scanned(workload: &impl Workload<u64, u64>, wanted: Wanted) -> Vec<Named> {
    let mut gather = Gather { workload, wanted, trials: Vec::new() };
    subjects::scanning(&mut gather);
    gather.trials
}

/// The workload's trials on maps from strings to numbers, with masstree.
pub fn strings(workload: &impl Workload<String, u64>, wanted: Wanted) -> Vec<Named> {
    let mut gather = Gather { workload, wanted, trials: Vec::new() };
    subjects::strings(&mut gather);
    gather.trials
}

/// The workload's trials on maps from strings to shared values.
pub fn small(workload: &impl Workload<String, Arc<u64>>, wanted: Wanted) -> Vec<Named> {
    general(workload, wanted)
}

fn general<K: Key, V: Value>(workload: &impl Workload<K, V>, wanted: Wanted) -> Vec<Named> {
    let mut gather = Gather { workload, wanted, trials: Vec::new() };
    subjects::general(&mut gather);
    gather.trials
}

/// The row of that name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.id == id)
}
