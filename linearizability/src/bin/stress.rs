//! Makes and checks histories on the map, with real threads, until the time is over:
//! `stress SECONDS SEED FILE`. Round after round, each with a seed of its own, goes through all workloads.
//!
//! Prints what was looked at. The first failure is minimised, printed, saved in the file and ends the run.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use linearizability::map_spec::Subject;
use linearizability::run::{Config, Failure, Report, run_histories};
use linearizability::workload::{ALL, Runner, Workload};

/// Histories of one workload in one round. Enough to make up for the threads' start.
const HISTORIES: u64 = 512;

/// One round's way to run a workload.
struct Round {
    seed: u64,
}

impl Runner for Round {
    type Outcome = Result<Report, Failure>;

    fn run<S: Subject>(&self, workload: &Workload) -> Self::Outcome {
        let shape = workload.shape;
        run_histories::<S>(Config {
            threads: shape.threads,
            ops_per_thread: shape.ops_per_thread,
            keys: shape.keys,
            prefill: shape.prefill,
            weights: shape.weights,
            histories: HISTORIES,
            seed: self.seed,
            // More threads than cores meet only where one is interrupted inside a call or between two.
            yield_probability: 0.3,
            overlap_budget: Duration::from_millis(50),
            ..Config::default()
        })
    }
}

fn add(total: &mut Report, report: Report) {
    total.histories += report.histories;
    total.calls += report.calls;
    total.overlapping_pairs += report.overlapping_pairs;
    total.overlapping_histories += report.overlapping_histories;
    total.elapsed += report.elapsed;
}

/// Goes through the workloads until the time is over. Answers what each has looked at, and how many rounds
/// there were.
fn run(limit: Duration, seed: u64) -> Result<(Vec<Report>, u64), String> {
    let began = Instant::now();
    let mut totals = vec![Report::default(); ALL.len()];
    for round in 0.. {
        for (workload, total) in ALL.iter().zip(&mut totals) {
            if round > 0 && began.elapsed() > limit {
                return Ok((totals, round));
            }
            let report = workload.run(&Round { seed: seed + round });
            add(total, report.map_err(|failure| format!("{}: {failure}", workload.name))?);
        }
    }
    unreachable!("rounds are not counted to their end")
}

fn arguments() -> Option<(Duration, u64, String)> {
    let [seconds, seed, file] =
        <[String; 3]>::try_from(std::env::args().skip(1).collect::<Vec<_>>()).ok()?;
    Some((Duration::from_secs(seconds.parse().ok()?), seed.parse().ok()?, file))
}

fn main() -> ExitCode {
    let Some((limit, seed, file)) = arguments() else {
        eprintln!("usage: stress SECONDS SEED FILE");
        return ExitCode::from(2);
    };
    match run(limit, seed) {
        Ok((totals, rounds)) => {
            let mut sum = Report::default();
            for (workload, total) in ALL.iter().zip(totals) {
                println!("{:<40} {total}", workload.name);
                add(&mut sum, total);
            }
            println!("stress: seeds {seed}..{}, nothing found in {sum}", seed + rounds);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            match std::fs::write(&file, &failure) {
                Ok(()) => println!("saved in {file}"),
                Err(error) => println!("cannot be saved in {file}: {error}"),
            }
            ExitCode::FAILURE
        }
    }
}
