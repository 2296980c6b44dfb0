//! The start of a history: all workers there, and two of them really running.
//!
//! A history takes a microsecond or two. On a machine with few or busy cores the workers often
//! take turns on one core for milliseconds, and would then make thousands of histories in which
//! no two calls meet. So the last worker to arrive opens the gate only when another one answers
//! it at once, which takes two cores. What cannot be had is not waited for forever: see [`Budget`].

use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The longest time in which an answer counts as given at once.
const AT_ONCE: Duration = Duration::from_micros(20);

/// Looks at a shared variable between two looks at the clock, or between two yields.
const SPINS: u32 = 200;

/// The number of a probe that tells the workers to start.
const OPEN: usize = usize::MAX;

/// Time that the gates of a run may spend on waiting for a second core.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Budget {
    /// This much time.
    pub fn new(time: Duration) -> Self {
        Self(AtomicU64::new(micros(time)))
    }

    /// Takes time away. False if there is none left.
    fn spend(&self, time: Duration) -> bool {
        // Ordering: one worker at a time leads, and being a little wrong costs nothing.
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(micros(time)), Ordering::Relaxed);
        left > 0
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The gate of one history. The workers pass it once each.
#[derive(Debug, Default)]
pub struct Gate {
    arrived: AtomicUsize,
    /// The question that the leader asks, by number.
    probe: AtomicUsize,
    /// The latest question that a follower has seen.
    echo: AtomicUsize,
}

impl Gate {
    /// Waits until all workers are there. False if `aborted` says that one of them will not come.
    pub fn pass(&self, workers: usize, aborted: &AtomicBool, budget: &Budget) -> bool {
        // Ordering: nothing but the numbers matters here and below; the map was handed to the
        // workers over a channel, and the histories' clock orders their calls.
        if self.arrived.fetch_add(1, Ordering::Relaxed) + 1 < workers {
            return self.follow(aborted);
        }
        if workers > 1 {
            self.find_another_core(budget);
        }
        self.probe.store(OPEN, Ordering::Relaxed);
        true
    }

    fn follow(&self, aborted: &AtomicBool) -> bool {
        loop {
            for _ in 0..SPINS {
                let probe = self.probe.load(Ordering::Relaxed);
                if probe == OPEN {
                    return true;
                }
                self.echo.store(probe, Ordering::Relaxed);
                hint::spin_loop();
            }
            if aborted.load(Ordering::Relaxed) {
                return false;
            }
            thread::yield_now();
        }
    }

    /// Returns when a follower has just shown that it runs beside this thread, or when the time
    /// for that is used up.
    fn find_another_core(&self, budget: &Budget) {
        for probe in 1.. {
            let asked = Instant::now();
            self.probe.store(probe, Ordering::Relaxed);
            let mut spins = (0..SPINS).inspect(|_| hint::spin_loop());
            let answered = spins.any(|_| self.echo.load(Ordering::Relaxed) == probe);
            // An answer that took long was given while this thread was not running.
            if answered && asked.elapsed() < AT_ONCE {
                return;
            }
            thread::yield_now();
            if !budget.spend(asked.elapsed()) {
                return;
            }
        }
    }
}
