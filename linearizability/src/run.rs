//! Thousands of small histories on a map, each checked.

use std::fmt::{self, Debug, Display};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::crew::{Crew, Stop};
use crate::gate::{Budget, Gate};
use crate::history::{History, Recorder};
use crate::linearize::{Violation, check};
use crate::map_spec::{MapSpec, Op, Subject};
use crate::minimise::minimise;
use crate::plan::{ALL_KINDS, MAIN, Plan, Shape, Weights};
use crate::rng::Rng;
use crate::worker::{Batch, Job, Log, Panicked, Position};

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Threads that call at the same time.
    pub threads: usize,
    /// Calls of each thread in a history, below 1,000.
    pub ops_per_thread: usize,
    /// Keys are `0..keys`. Few keys make threads meet.
    pub keys: u8,
    /// The probability with which a key is in the map from the start.
    pub prefill: f64,
    /// The mix of calls.
    pub weights: Weights,
    /// Histories to make and check.
    pub histories: u64,
    /// Decides every thread's calls and delays, though not how the threads interleave.
    pub seed: u64,
    /// The probability of a delay (half of them yield, half spin) before each call.
    pub yield_probability: f64,
    /// How long the whole run may wait for moments at which two workers have a core each, so that
    /// their calls overlap.
    pub overlap_budget: Duration,
    /// Makes the calls of this history over and over, to look for an interleaving that failed once.
    pub only: Option<u64>,
    /// How long no thread may get on with its calls before the run counts as hanging.
    pub patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threads: 3,
            ops_per_thread: 6,
            keys: 4,
            prefill: 0.5,
            weights: ALL_KINDS,
            histories: 5_000,
            seed: 1,
            yield_probability: 0.1,
            overlap_budget: Duration::from_secs(2),
            only: None,
            patience: Duration::from_secs(60),
        }
    }
}

impl Config {
    fn history_seed(&self, history: u64) -> u64 {
        Rng::stream(self.seed, self.only.unwrap_or(history)).next_u64()
    }

    fn shape(&self) -> Shape {
        Shape {
            threads: self.threads,
            ops_per_thread: self.ops_per_thread,
            keys: self.keys,
            prefill: self.prefill,
            weights: self.weights,
        }
    }
}

/// What a run that found nothing has looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Histories checked.
    pub histories: u64,
    /// Calls made by the workers.
    pub calls: usize,
    /// Pairs of calls that ran at the same time. If this is small, the run has shown little.
    pub overlapping_pairs: usize,
    /// Histories with at least one such pair.
    pub overlapping_histories: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories ({} with overlap), {} calls, {} overlapping pairs, {:.2?}",
            self.histories,
            self.overlapping_histories,
            self.calls,
            self.overlapping_pairs,
            self.elapsed
        )
    }
}

/// Why a run failed, and what it takes to make the same calls again.
pub struct Failure {
    /// The history that failed, from 0. Of a run that hangs, the first that did not end.
    pub history: u64,
    /// The run's seed.
    pub seed: u64,
    /// What went wrong.
    pub what: What,
}

/// What went wrong in a run.
#[derive(Debug)]
pub enum What {
    /// The map gave answers that no sequential map gives.
    NotLinearizable {
        /// The smallest part of the history that shows it.
        smallest: Violation,
        /// The history as it was made.
        whole: Violation,
    },
    /// A call panicked.
    Panicked {
        /// The thread, as histories number it.
        thread: usize,
        /// The call.
        op: Op,
        /// What the panic said.
        message: String,
    },
    /// The threads no longer get on with their calls. They are left behind.
    Stuck {
        /// Where each of them is.
        threads: Vec<String>,
    },
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, seed, .. } = self;
        writeln!(
            f,
            "history {history} of seed {seed} (to make its calls again: `only: Some({history})`)"
        )?;
        match &self.what {
            What::NotLinearizable { smallest, whole } => {
                write!(f, "{smallest}\nthe whole history: {whole}")
            }
            What::Panicked { thread, op, message } => {
                write!(f, "thread {thread} panicked in {op:?}: {message}")
            }
            What::Stuck { threads } => {
                writeln!(f, "no thread gets on:")?;
                threads.iter().try_for_each(|line| writeln!(f, "  {line}"))
            }
        }
    }
}

/// Printed as its text, because this is what `unwrap` shows.
impl Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Held by the run under way: the workers of two would take turns on the cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Makes and checks histories until one fails.
///
/// Runs of one process wait for each other.
pub fn run_histories<S: Subject>(config: Config) -> Result<Report, Failure> {
    const BATCH: u64 = 256;
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let began = Instant::now();
    let crew = Crew::<S>::hire(config.threads);
    let budget = Arc::new(Budget::new(config.overlap_budget));
    let mut report = Report::default();
    while report.histories < config.histories {
        let first = report.histories;
        let size = BATCH.min(config.histories - first);
        let (batch, mut logs) = prepare::<S>(&config, &budget, first..first + size);
        crew.run(&batch, &mut logs, config.patience)
            .map_err(|stop| explain(stop, &batch, &config, first))?;
        for (job, logs) in batch.jobs.iter().zip(logs) {
            judge(job, logs, &config, &mut report)?;
        }
    }
    crew.dismiss();
    report.elapsed = began.elapsed();
    Ok(report)
}

/// Maps with their first entries, and the main thread's log of each.
fn prepare<S: Subject>(
    config: &Config,
    budget: &Arc<Budget>,
    histories: Range<u64>,
) -> (Arc<Batch<S>>, Vec<Vec<Log>>) {
    let prepare_job = |history| {
        let seed = config.history_seed(history);
        let plan = Plan::generate::<S>(&config.shape(), seed);
        let (subject, recorder) = (S::new(), Recorder::new());
        let mut log = recorder.log(MAIN, plan.setup.len());
        for op in &plan.setup {
            log.record(*op, |op| subject.apply(op));
        }
        let gate = Gate::default();
        let job = Job { seed, plan, subject, recorder, gate };
        (job, vec![log])
    };
    let (jobs, logs) = histories.map(prepare_job).unzip();
    let batch = Batch {
        jobs,
        positions: (0..config.threads).map(|_| AtomicUsize::new(0)).collect(),
        aborted: AtomicBool::new(false),
        overlap_budget: Arc::clone(budget),
        yield_probability: config.yield_probability,
    };
    (Arc::new(batch), logs)
}

/// Checks one history that the workers have made, and counts it.
fn judge<S: Subject>(
    job: &Job<S>,
    mut logs: Vec<Log>,
    config: &Config,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut log = job.recorder.log(MAIN, job.plan.audit.len());
    for op in &job.plan.audit {
        log.record(*op, |op| job.subject.apply(op));
    }
    logs.push(log);
    let history = History::merge(logs);
    if let Err(whole) = check::<MapSpec>(&history) {
        let minimal = minimise::<MapSpec>(&history);
        let smallest = minimal.map_or_else(|| whole.clone(), |(_, violation)| violation);
        return Err(Failure {
            history: report.histories,
            seed: config.seed,
            what: What::NotLinearizable { smallest, whole },
        });
    }
    let overlapping = history.overlapping_pairs();
    report.histories += 1;
    report.calls += job.plan.workers.iter().map(Vec::len).sum::<usize>();
    report.overlapping_pairs += overlapping;
    report.overlapping_histories += u64::from(overlapping > 0);
    Ok(())
}

/// Why a batch that begins with history `first` came to no end.
fn explain<S: Subject>(stop: Stop, batch: &Batch<S>, config: &Config, first: u64) -> Failure {
    let history = |job: usize| first + u64::try_from(job).expect("batches are small");
    let (job, what) = match stop {
        Stop::Panicked(worker, panicked) => {
            let Panicked { job, call, message } = panicked;
            let (thread, op) = (worker + 1, batch.jobs[job].plan.workers[worker][call]);
            let what = What::Panicked { thread, op, message };
            (job, what)
        }
        Stop::Stuck(positions) => {
            let slowest = positions.iter().map(|position| position.job).min();
            let lines = positions.iter().enumerate().map(|(worker, position)| {
                let place = locate(batch, worker, *position);
                format!("thread {} {place}", worker + 1)
            });
            let threads = lines.collect();
            (slowest.unwrap_or(0), What::Stuck { threads })
        }
    };
    Failure { history: history(job), seed: config.seed, what }
}

/// What a worker does at this place.
fn locate<S: Subject>(batch: &Batch<S>, worker: usize, position: Position) -> String {
    let Position { job, step } = position;
    match (batch.jobs.get(job), step) {
        (None, _) => "has finished".to_owned(),
        (Some(_), 0) => format!("waits to start history {job} of its batch"),
        (Some(work), call) => {
            let op = work.plan.workers[worker][call - 1];
            format!("is in call {call} of history {job} of its batch: {op:?}")
        }
    }
}
