//! Threads that start together.
//!
//! All waiting is done with atomics, and all threads are joined by their handles: ThreadSanitizer sees
//! no other order (`ci/sanitize.sh` says why).

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Where a number of threads wait for each other, again and again.
#[derive(Debug)]
pub(crate) struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
}

impl Meeting {
    pub(crate) fn of(threads: usize) -> Self {
        Self { threads, arrived: AtomicUsize::new(0) }
    }

    pub(crate) fn wait(&self) {
        // Ordering: AcqRel and Acquire; whoever leaves sees all that was done before arrivals.
        let number = self.arrived.fetch_add(1, Ordering::AcqRel);
        let full = (number / self.threads + 1) * self.threads;
        super::eventually("all threads come to the meeting", || {
            self.arrived.load(Ordering::Acquire) >= full
        });
    }
}

/// Tells the threads that work in the background when those in the foreground are done.
#[derive(Debug)]
pub(crate) struct Foreground {
    busy: AtomicUsize,
}

impl Foreground {
    pub(crate) fn of(threads: usize) -> Self {
        Self { busy: AtomicUsize::new(threads) }
    }

    /// The calling thread is one of the foreground until this is dropped, be it by a panic.
    pub(crate) fn enter(&self) -> impl Drop + use<'_> {
        struct Leave<'f>(&'f Foreground);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                // Ordering: AcqRel; the background sees all that the foreground did.
                self.0.busy.fetch_sub(1, Ordering::AcqRel);
            }
        }
        Leave(self)
    }

    pub(crate) fn is_busy(&self) -> bool {
        // Ordering: Acquire, as above.
        self.busy.load(Ordering::Acquire) > 0
    }
}

/// Runs `work` in so many threads at the same time, each with its number, and answers their results.
pub(crate) fn crew<R: Send>(threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let start = Meeting::of(threads);
    let (start, work) = (&start, &work);
    thread::scope(|scope| {
        let spawn = |number| {
            scope.spawn(move || {
                start.wait();
                work(number)
            })
        };
        let handles: Vec<_> = (0..threads).map(spawn).collect();
        let join = |handle: thread::ScopedJoinHandle<'_, R>| {
            handle.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        handles.into_iter().map(join).collect()
    })
}
