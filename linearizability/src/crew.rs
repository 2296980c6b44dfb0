//! The main thread's side of the worker threads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::map_spec::Subject;
use crate::worker::{Batch, Done, Log, Panicked, Position, work};

/// The worker threads of a run. They end when the crew is dropped; only [`Crew::dismiss`] waits
/// for that, because a worker may hang in the map under test.
#[derive(Debug)]
pub struct Crew<S> {
    batches: Vec<Sender<Arc<Batch<S>>>>,
    done: Receiver<Done>,
    threads: Vec<JoinHandle<()>>,
}

/// Why a batch was not finished.
#[derive(Debug)]
pub enum Stop {
    /// This worker's call panicked.
    Panicked(usize, Panicked),
    /// No worker got any further from here.
    Stuck(Vec<Position>),
}

impl<S: Subject> Crew<S> {
    /// Starts this many workers.
    pub fn hire(workers: usize) -> Self {
        let (report, done) = mpsc::channel();
        let mut batches = Vec::with_capacity(workers);
        let hire_one = |worker| {
            let (send, receive) = mpsc::channel();
            batches.push(send);
            let report = report.clone();
            thread::Builder::new()
                .name(format!("history-thread-{}", worker + 1))
                .spawn(move || work(worker, &receive, &report))
                .expect("the system has room for a few threads")
        };
        let threads = (0..workers).map(hire_one).collect();
        Self { batches, done, threads }
    }

    /// Has the workers make a batch, and puts their logs beside the ones already there (one list
    /// a history).
    pub fn run(
        &self,
        batch: &Arc<Batch<S>>,
        logs: &mut [Vec<Log>],
        patience: Duration,
    ) -> Result<(), Stop> {
        for worker in &self.batches {
            let batch = Arc::clone(batch);
            worker.send(batch).expect("workers live as long as the crew");
        }
        for _ in &self.batches {
            let done = self.next_report(batch, patience)?;
            if let Some(panicked) = done.panicked {
                // The others may hang in a map that a panic left half changed.
                return Err(Stop::Panicked(done.worker, panicked));
            }
            for (logs, log) in logs.iter_mut().zip(done.logs) {
                logs.push(log);
            }
        }
        Ok(())
    }

    fn next_report(&self, batch: &Batch<S>, patience: Duration) -> Result<Done, Stop> {
        let mut before = positions(batch);
        loop {
            match self.done.recv_timeout(patience) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Disconnected) => unreachable!("workers outlive their batch"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = positions(batch);
            if now == before {
                // Ordering: as where a worker sets it. Those that wait for a stuck one can go.
                batch.aborted.store(true, Ordering::Relaxed);
                return Err(Stop::Stuck(now));
            }
            before = now;
        }
    }

    /// Ends the workers and waits until they have.
    pub fn dismiss(self) {
        drop(self.batches);
        for thread in self.threads {
            thread.join().expect("workers catch their calls' panics");
        }
    }
}

fn positions<S>(batch: &Batch<S>) -> Vec<Position> {
    let places = batch.positions.iter();
    places
        // Ordering: each is a hint on its own.
        .map(|place| Position::unpack(place.load(Ordering::Relaxed)))
        .collect()
}
