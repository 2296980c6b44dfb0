//! The threads that make the calls.
//!
//! They live for a whole run and take a batch of histories at a time: starting threads, or
//! handing every history over on its own, would take longer than the calls and leave hardly
//! two of them at the same time.

use std::any::Any;
use std::hint;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

use crate::gate::{Budget, Gate};
use crate::history::{Recorder, ThreadLog};
use crate::map_spec::{Op, Ret, Subject};
use crate::pin;
use crate::plan::Plan;
use crate::rng::Rng;

/// A log of calls on the map.
pub type Log = ThreadLog<Op, Ret>;

/// One history to be made.
#[derive(Debug)]
pub struct Job<S> {
    /// The seed of its plan and of its delays.
    pub seed: u64,
    /// Its calls.
    pub plan: Plan,
    /// The map that they are made on.
    pub subject: S,
    /// Its clock.
    pub recorder: Recorder,
    /// Where the workers start it.
    pub gate: Gate,
}

/// The histories that the workers make without a word from the main thread.
#[derive(Debug)]
pub struct Batch<S> {
    /// One job a history.
    pub jobs: Vec<Job<S>>,
    /// Where each worker is, for the report on one that hangs: see [`Position`].
    pub positions: Vec<AtomicUsize>,
    /// Set when a call panicked or hangs: the others are not to wait for that worker.
    pub aborted: AtomicBool,
    /// What the gates may spend.
    pub overlap_budget: Arc<Budget>,
    /// The probability of a delay before each call.
    pub yield_probability: f64,
}

/// A worker's report on a batch.
#[derive(Debug)]
pub struct Done {
    /// The worker, from 0.
    pub worker: usize,
    /// Its log of each job.
    pub logs: Vec<Log>,
    /// Set if a call panicked, which ends the batch.
    pub panicked: Option<Panicked>,
}

/// A call that panicked.
#[derive(Debug)]
pub struct Panicked {
    /// Its job's index in the batch.
    pub job: usize,
    /// Its index in the worker's calls.
    pub call: usize,
    /// What the panic said.
    pub message: String,
}

/// A place in a batch. Step 0 is the wait for the other workers, step n is the nth call.
/// Past the last job, the worker has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The job's index in the batch.
    pub job: usize,
    /// The step in it.
    pub step: usize,
}

impl Position {
    const STEPS: usize = 1_000;

    fn pack(self) -> usize {
        self.job * Self::STEPS + self.step
    }

    /// The place that [`Batch::positions`] has for a worker.
    pub fn unpack(packed: usize) -> Self {
        Self { job: packed / Self::STEPS, step: packed % Self::STEPS }
    }
}

/// Works through batches until the main thread hangs up.
pub fn work<S: Subject>(worker: usize, batches: &Receiver<Arc<Batch<S>>>, done: &Sender<Done>) {
    pin::to_core(worker);
    while let Ok(batch) = batches.recv() {
        let report = batch.run(worker);
        // The maps are dropped by the main thread, which holds the batch until it has all reports.
        drop(batch);
        if done.send(report).is_err() {
            return;
        }
    }
}

impl<S: Subject> Batch<S> {
    fn run(&self, worker: usize) -> Done {
        let mut logs = Vec::with_capacity(self.jobs.len());
        let mut panicked = None;
        for (index, job) in self.jobs.iter().enumerate() {
            let mut log = job.recorder.log(worker + 1, job.plan.workers[worker].len());
            let at = |step| Position { job: index, step };
            self.note(worker, at(0));
            let workers = self.positions.len();
            if !job.gate.pass(workers, &self.aborted, &self.overlap_budget) {
                break;
            }
            match self.run_job(worker, job, &mut log, at) {
                Ok(()) => logs.push(log),
                Err((call, message)) => {
                    let job = index;
                    panicked = Some(Panicked { job, call, message });
                    // Ordering: read in `Gate::pass`, where nothing but the flag itself matters.
                    self.aborted.store(true, Ordering::Relaxed);
                    break;
                }
            }
        }
        let end = self.jobs.len();
        self.note(worker, Position { job: end, step: 0 });
        Done { worker, logs, panicked }
    }

    fn note(&self, worker: usize, position: Position) {
        // Ordering: a hint for the report on a hang; nothing is read because of it.
        self.positions[worker].store(position.pack(), Ordering::Relaxed);
    }

    /// Makes the worker's calls. If one panics, answers which, and what it said.
    fn run_job(
        &self,
        worker: usize,
        job: &Job<S>,
        log: &mut Log,
        at: impl Fn(usize) -> Position,
    ) -> Result<(), (usize, String)> {
        let number = u64::try_from(worker + 1).expect("few workers");
        let mut rng = Rng::stream(job.seed, number);
        for (call, op) in job.plan.workers[worker].iter().enumerate() {
            if rng.chance(self.yield_probability) {
                delay(&mut rng);
            }
            self.note(worker, at(call + 1));
            let apply = AssertUnwindSafe(|| {
                log.record(*op, |op| job.subject.apply(op));
            });
            // Unwinding out of the map is safe to look at: the map is not called again.
            panic::catch_unwind(apply).map_err(|payload| (call, message(payload.as_ref())))?;
        }
        Ok(())
    }
}

/// Gives the core away, or spins about as long as a call takes.
fn delay(rng: &mut Rng) {
    const LONGEST_SPIN: u32 = 64;
    if rng.chance(0.5) {
        thread::yield_now();
    } else {
        (0..rng.below(LONGEST_SPIN)).for_each(|_| hint::spin_loop());
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a payload that is no text").to_owned()
}
