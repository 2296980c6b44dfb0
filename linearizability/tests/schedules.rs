//! The workloads under shuttle: its scheduler, and not the system's, decides at every atomic step of the map
//! which thread goes on. So a thread can rest inside a call while others make many, which real threads on few
//! cores seldom do; and the map runs over the checking reclaimer, which fails a schedule on any use after
//! free, double free or leak. Shuttle knows sequential consistency only: weak orderings are loom's.
//!
//! Runs under `--cfg com_shuttle`, as `ci/stress.sh` does. `COM_STRESS_SECONDS` is the time of each test,
//! `COM_STRESS_SEED` decides all schedules and calls.
#![cfg(com_shuttle)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use concurrent_ordered_map::end_of_model;
use linearizability::history::{History, Recorder};
use linearizability::linearize::check;
use linearizability::map_spec::{MapSpec, Subject};
use linearizability::minimise::minimise;
use linearizability::plan::{MAIN, Plan};
use linearizability::rng::Rng;
use linearizability::worker::Log;
use linearizability::workload::{ALL, Runner, Workload};
use shuttle::MaxSteps;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};

/// Runs of one process wait for each other: the reclaimer's books are the process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

/// The calls of one plan on one map. Unlike real threads', all logs share a clock without a data race.
fn make_history<S: Subject>(
    plan: Plan,
) -> History<linearizability::map_spec::Op, linearizability::map_spec::Ret> {
    let map = shuttle::sync::Arc::new(S::new());
    let recorder = Recorder::new();
    let run = |mut log: Log, map: &S, ops: &[_]| {
        ops.iter().for_each(|op| _ = log.record(*op, |op| map.apply(op)));
        log
    };
    let mut logs = vec![run(recorder.log(MAIN, plan.setup.len()), &map, &plan.setup)];
    let threads: Vec<_> = plan
        .workers
        .into_iter()
        .zip(1..)
        .map(|(ops, number)| {
            let (map, log) = (map.clone(), recorder.log(number, ops.len()));
            shuttle::thread::spawn(move || run(log, &map, &ops))
        })
        .collect();
    logs.extend(threads.into_iter().map(|thread| thread.join().expect("no call panics")));
    logs.push(run(recorder.log(MAIN, plan.audit.len()), &map, &plan.audit));
    drop(map);
    History::merge(logs)
}

/// Draws schedules with one kind of scheduler.
struct Draw<F> {
    kind: &'static str,
    scheduler: F,
    seed: u64,
    limit: Duration,
}

impl<F: Fn(u64) -> Box<dyn Scheduler + Send>> Runner for Draw<F> {
    type Outcome = u64;

    fn run<S: Subject>(&self, workload: &Workload) -> u64 {
        let mut config = shuttle::Config::new();
        config.max_time = Some(self.limit);
        config.silence_warnings = true;
        // Of all threads together, some thousands in a usual schedule. More means that a call goes round in
        // circles and waits for another.
        config.max_steps = MaxSteps::FailAfter(200_000);
        let done = std::sync::Arc::new(AtomicU64::new(0));
        let (seed, shape, counter) = (self.seed, workload.shape, done.clone());
        let what = format!("{}, {}, seed {seed}", workload.name, self.kind);
        let runner = shuttle::Runner::new((self.scheduler)(seed), config);
        runner.run(move || {
            // Ordering: Relaxed; one OS thread runs all of it.
            let number = counter.fetch_add(1, Ordering::Relaxed);
            let plan = Plan::generate::<S>(&shape, Rng::stream(seed, number).next_u64());
            let history = make_history::<S>(plan);
            end_of_model();
            if check::<MapSpec>(&history).is_err() {
                let (_, violation) = minimise::<MapSpec>(&history).expect("it has just failed");
                panic!("{what}, schedule {number}: {violation}");
            }
        });
        done.load(Ordering::Relaxed)
    }
}

fn draw(kind: &'static str, scheduler: impl Fn(u64) -> Box<dyn Scheduler + Send> + Copy) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seed = number("COM_STRESS_SEED", 1);
    let seconds = number("COM_STRESS_SECONDS", 9);
    let limit = Duration::from_secs(seconds) / u32::try_from(ALL.len()).expect("there are few");
    let mut sum = 0;
    for workload in ALL {
        let schedules = workload.run(&Draw { kind, scheduler, seed, limit });
        println!("{:<40} {schedules} schedules", workload.name);
        sum += schedules;
    }
    println!("schedules: {kind}, seed {seed}, nothing found in {sum} schedules");
}

#[test]
fn at_random() {
    draw("at random", |seed| Box::new(RandomScheduler::new_from_seed(seed, usize::MAX)));
}

/// Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs" (2010): threads
/// have priorities, which change at few moments.
#[test]
fn by_priorities() {
    draw("by priorities", |seed| Box::new(PctScheduler::new_from_seed(seed, 3, usize::MAX)));
}
